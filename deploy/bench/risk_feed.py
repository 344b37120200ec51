"""A market's feed cut to measure: as dense in business time as in log time, made beforehand.

The world is one of so many ticks a day that its first minutes are as dense as wanted; the run ends
in the middle of business, without the ticks that close a day.
"""

from collections.abc import Iterator
from datetime import date

from connectors.generators import Amount, Chunk, Plan, chunks
from connectors.generators.calendar import CLOSING, OPENING
from connectors.generators.feed import SECOND
from connectors.generators.market.world import MarketWorld

DAY = date(2026, 3, 2)
TOPICS = ("instruments", "quotes", "fills")
BAD = 0.001
_AT_OPENING = 2.2
"""Intensity at the opening, where 1 is the day's average (connectors.generators.calendar)."""
_A_SECOND = 20
"""Chunks a second."""


def market(seed: int, density: float) -> MarketWorld:
    """A market with so many ticks in a second of business at its opening; one in 1,000 is bad."""
    seconds = (CLOSING - OPENING) / SECOND
    return MarketWorld(seed, DAY, 1, Amount(round(density * seconds / _AT_OPENING), BAD))


def run(world: MarketWorld, ticks: int, rate: float, partitions: int) -> Iterator[Chunk]:
    """The opening and so many ticks, in chunks of a 20th of a second at that rate."""
    opened = world.count - world.amount.count
    size = max(1, int(rate / _A_SECOND))
    plan = Plan(opened + ticks, world.seed, partitions, chunk=size)
    before: Chunk | None = None
    for chunk in chunks(world, plan):
        if before is not None:
            yield before
        before = chunk


def ticks_of(made: list[Chunk]) -> int:
    """Quotes and fills of a run."""
    told = ("quotes", "fills")
    batches = (batch for chunk in made for batch in chunk if not batch.ticks)
    return sum(len(batch.values) for batch in batches if batch.topic in told)
