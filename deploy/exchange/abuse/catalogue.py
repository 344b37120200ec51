"""All practices that can be planted: scripts, ranges of their parameters, how many orders, who."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from deploy.exchange.abuse import layering, spoofing, wash
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
        latest: Share of the day after which it does not begin.
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


PRACTICES: Sequence[Practice] = (
    Practice("spoofing", spoofing.spoofing, spoofing.SEEN, spoofing.UNSEEN, (4, 36)),
    Practice("layering", layering.layering, layering.SEEN, layering.UNSEEN, (8, 60)),
    Practice("wash-trade", wash.self_trades, wash.SEEN, wash.UNSEEN, (4, 24), (2, 2)),
    Practice("wash-trade", wash.linked_trades, wash.SEEN, wash.UNSEEN, (4, 24), (2, 2), group=True),
    Practice("wash-trade", wash.ring_trades, wash.SEEN, wash.UNSEEN, (10, 40), (3, 5)),
)


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
