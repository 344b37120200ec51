"""Which schemes there will be: practice, place, time and people, until each share is used up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from connectors.generators.draw import codes, stream
from deploy.exchange.abuse.case import Case
from deploy.exchange.abuse.catalogue import LINKED, PLAIN, TWO_VENUES, Practice, people, variants
from deploy.exchange.listing import Floor
from deploy.exchange.mix import Mix
from deploy.exchange.parties import Parties

_SPREAD = 0.6
"""Schemes go to a floor in proportion to its orders to this power: small ones have their share."""


@dataclass(frozen=True)
class Planned:
    """A scheme that begins at a share of a day on a floor."""

    practice: Practice
    case: Case
    floor: int
    day: int
    share: float


def kind_of(floor: Floor) -> str:
    """What a floor has: a second venue, a linked instrument, or neither."""
    if len(floor.places) == 1:
        return PLAIN
    (one, _), (two, _) = floor.places
    return TWO_VENUES if one.isin == two.isin else LINKED


def planned(
    seed: int, mix: Mix, floors: Sequence[Floor], days: int, parties: Parties
) -> list[Planned]:
    """All schemes of a mix; the orders they may enter add up to its shares."""
    found: list[Planned] = []
    kinds = [kind_of(floor) for floor in floors]
    weights = np.array([floor.weight for floor in floors]) ** _SPREAD
    most = round(sum(mix.shares.values()) * mix.orders / 3) + 50
    names = iter(codes(stream(seed, f"exchange schemes {mix.name}"), most, 8))
    for name, share in mix.shares.items():
        rng = stream(seed, f"exchange {name} {mix.name}")
        left = round(share * mix.orders)
        while left > 0:
            options = variants(name)
            odds = np.array([one.weight for one in options])
            one = options[int(rng.choice(len(options), p=odds / odds.sum()))]
            able = [n for n, kind in enumerate(kinds) if one.floor in (PLAIN, kind)]
            low, high = one.orders
            budget = int(low * (high / low) ** rng.random() + 0.5)
            budget = left if left - budget < low else min(budget, left)
            left -= budget
            odds = weights[able] / weights[able].sum()
            case = Case(
                name,
                f"S-{next(names)}",
                budget,
                one.unseen if mix.unseen else one.seen,
                people(rng, parties, one),
                np.random.Generator(np.random.PCG64(int(rng.integers(2**62)))),
            )
            place = able[int(rng.choice(len(able), p=odds))]
            able_days = max(1, days - one.overnight)
            begin = one.earliest + (one.latest - one.earliest) * float(rng.random())
            found.append(Planned(one, case, place, int(rng.integers(able_days)), begin))
    return found
