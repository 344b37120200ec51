"""Spoofs with the bait at one place and the trade at another: a second venue, a linked product."""

from deploy.exchange.abuse.case import Case
from deploy.exchange.abuse.spoofing import rounds
from deploy.exchange.pit import Pit
from deploy.exchange.world import Script


def crossing(pit: Pit, case: Case) -> Script:
    """Bait at one of the two places of a floor, the trade at the other."""
    baited = int(case.rng.random() < 0.5)
    direction = pit.venues[baited].linked[0][1]
    yield from rounds(pit, case, pit.venues[baited], pit.venues[1 - baited], direction)
