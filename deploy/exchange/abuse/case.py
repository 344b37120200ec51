"""One scheme: who runs it, with what parameters, and how many orders it may enter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from connectors.generators.feed import SECOND
from deploy.exchange.parties import Party
from deploy.exchange.pit import Pit
from deploy.exchange.venue import Venue
from deploy.exchange.world import Held, Script, Truth

Ranges = Mapping[str, tuple[float, float]]
"""Lowest and highest value of each parameter."""


@dataclass
class Case:
    """A scheme under way, or honest trading that looks like one.

    Attributes:
        practice: As in spoofing; the name that labels have.
        scheme: Its id.
        budget: Orders it may enter.
        ranges: What its parameters are drawn from.
        people: Those who run it; the first leads.
        used: Orders it has entered.
    """

    practice: str
    scheme: str
    budget: int
    ranges: Ranges
    people: Sequence[Party]
    rng: np.random.Generator
    abusive: bool = True
    used: int = 0

    @property
    def left(self) -> int:
        """Orders it may still enter."""
        return self.budget - self.used

    def draw(self, name: str) -> float:
        """A parameter: even on a logarithmic scale within its range."""
        low, high = self.ranges[name]
        return float(low * (high / low) ** self.rng.random())

    def count(self, name: str) -> int:
        """A parameter that is a number of things: even over the whole numbers of its range."""
        low, high = self.ranges[name]
        return int(self.rng.integers(int(low), int(high) + 1))

    def wait(self, name: str) -> int:
        """A parameter in seconds, as microseconds."""
        return int(self.draw(name) * SECOND)

    def enter(
        self,
        venue: Venue,
        side: str,
        quantity: int,
        price: int,
        role: str,
        party: Party | None = None,
        **rest: Any,
    ) -> Held:
        """An order of the scheme; see `Venue.enter`."""
        self.used += 1
        truth = Truth(self.practice, role, self.scheme, self.abusive)
        return venue.enter(party or self.people[0], side, max(1, quantity), price, truth, **rest)


def clear(pit: Pit, venue: Venue, orders: Sequence[Held]) -> None:
    """Cancel all of them, some tens of microseconds apart."""
    for held in orders:
        venue.cancel(held)


def two_sided(pit: Pit, venue: Venue) -> Script:
    """Wait until there are prices on both sides, at most a minute."""
    for _ in range(20):
        if venue.top.bid and venue.top.ask:
            return
        yield 3 * SECOND


def a_side(rng: np.random.Generator) -> str:
    """Buy or sell."""
    return "BUY" if rng.random() < 0.5 else "SELL"
