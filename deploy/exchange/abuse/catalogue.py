"""All practices that can be planted: scripts, ranges of their parameters, how many orders, who."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from deploy.exchange.abuse import (
    colluding,
    crossing,
    hasty,
    layering,
    pushing,
    running,
    spoofing,
    wash,
)
from deploy.exchange.abuse.case import Case, Ranges
from deploy.exchange.parties import Parties, Party
from deploy.exchange.pit import Pit
from deploy.exchange.world import Script

PLAIN, TWO_VENUES, LINKED = "plain", "two-venues", "linked"
"""What a floor must have: nothing, a second venue, a linked instrument."""


@dataclass(frozen=True)
class Practice:
    """How one variant of a practice is planted.

    Attributes:
        name: As labels say it.
        script: What is done.
        seen, unseen: Ranges of its parameters in training and beyond it.
        orders: Least and most orders of a scheme.
        people: Least and most owners.
        group: They are told to belong together.
        floor: What the floor must have.
        weight: How often it is taken against other variants.
        earliest, latest: Shares of the day between which it begins.
        overnight: It ends on the day after: it begins on no last day if there is another.
    """

    name: str
    script: Callable[[Pit, Case], Script]
    seen: Ranges
    unseen: Ranges
    orders: tuple[int, int]
    people: tuple[int, int] = (1, 1)
    group: bool = False
    floor: str = PLAIN
    weight: float = 1.0
    earliest: float = 0.01
    latest: float = 0.85
    overnight: bool = False


PRACTICES: Sequence[Practice] = (
    Practice("spoofing", spoofing.spoofing, spoofing.SEEN, spoofing.UNSEEN, (4, 36)),
    Practice("layering", layering.layering, layering.SEEN, layering.UNSEEN, (8, 60)),
    Practice("wash-trade", wash.self_trades, wash.SEEN, wash.UNSEEN, (4, 24), (2, 2)),
    Practice("wash-trade", wash.linked_trades, wash.SEEN, wash.UNSEEN, (4, 24), (2, 2), group=True),
    Practice("wash-trade", wash.ring_trades, wash.SEEN, wash.UNSEEN, (10, 40), (3, 5)),
    Practice(
        "matched-orders", colluding.matched, colluding.MATCHED_SEEN, colluding.MATCHED_UNSEEN,
        (12, 32), (2, 2),
    ),
    Practice(
        "painting-the-tape", colluding.painting, colluding.PAINTING_SEEN,
        colluding.PAINTING_UNSEEN, (12, 28), (3, 5),
    ),
    Practice(
        "ramping", pushing.ramping, pushing.RAMPING_SEEN, pushing.RAMPING_UNSEEN, (14, 44)
    ),
    Practice(
        "marking-the-close", pushing.closing, pushing.CLOSE_SEEN, pushing.CLOSE_UNSEEN, (8, 20),
        earliest=0.9, latest=0.96, overnight=True,
    ),
    Practice(
        "momentum-ignition", pushing.ignition, pushing.IGNITION_SEEN, pushing.IGNITION_UNSEEN,
        (12, 28),
    ),
    Practice(
        "quote-stuffing", hasty.stuffing, hasty.STUFFING_SEEN, hasty.STUFFING_UNSEEN, (150, 500)
    ),
    Practice("smoking", hasty.smoking, hasty.SMOKING_SEEN, hasty.SMOKING_UNSEEN, (4, 20)),
    Practice(
        "front-running", running.front_running, running.SEEN, running.UNSEEN, (4, 14), latest=0.7
    ),
    Practice(
        "cross-venue", crossing.crossing, spoofing.SEEN, spoofing.UNSEEN, (8, 36),
        floor=TWO_VENUES,
    ),
    Practice(
        "cross-product", crossing.crossing, spoofing.SEEN, spoofing.UNSEEN, (8, 36), floor=LINKED
    ),
)  # fmt: skip


def variants(name: str) -> list[Practice]:
    """The ways in which a practice is planted."""
    return [one for one in PRACTICES if one.name == name]


def people(rng: np.random.Generator, parties: Parties, practice: Practice) -> list[Party]:
    """Who runs a scheme: different owners, of one group where the practice is so."""
    size = int(rng.integers(practice.people[0], practice.people[1] + 1))
    if practice.group:
        able = [group for group in parties.groups if len(group) >= size]
        return list(able[int(rng.integers(len(able)))][:size])
    chosen = rng.choice(len(parties.public), size, replace=False)
    return [parties.public[int(place)] for place in chosen]
