"""Everybody on one floor: its venues, their market makers, and what is left to be entered."""

from dataclasses import dataclass, field

import numpy as np

from deploy.exchange.honest.maker import Maker
from deploy.exchange.venue import Venue
from deploy.exchange.world import World


@dataclass
class Pit:
    """A floor as its agents know it.

    Attributes:
        world: Clock, people, tape.
        venues: Where trading takes place; the first is the main one.
        makers: Market makers of each venue.
        reserve: Orders that may still be entered in reaction to others today.
        opened, closing, closed: Moments of this day.
    """

    world: World
    venues: list[Venue]
    makers: list[list[Maker]]
    reserve: int = 0
    opened: int = 0
    closing: int = 0
    closed: int = 0
    slow: list[float] = field(default_factory=list)

    @property
    def rng(self) -> np.random.Generator:
        """Where agents draw from."""
        return self.world.rng

    def any_venue(self) -> int:
        """One of the venues, the main one twice as often."""
        if len(self.venues) == 1:
            return 0
        return int(self.rng.random() * 3.0) // 2


def pieces(rng: np.random.Generator, median: float, rough: float = 0.7) -> int:
    """A quantity: log-normal, most often a round one."""
    drawn = median * float(np.exp(rough * rng.standard_normal()))
    if rng.random() < 0.7 and drawn >= 20.0:
        return int(drawn / 10.0) * 10
    return max(1, int(drawn))
