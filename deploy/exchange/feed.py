"""The simulated exchange as a feed for Kafka: instruments, links, controls, orders, labels.

Units bear their own times. A control is in no chunk with orders, and the sender waits before and
after it, so that a phase begins between the same two orders in every log. The whole simulation is
held in memory.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np
import polars as pl

from connectors.generators.arrays import Floats, Ints
from connectors.generators.feed import SECOND
from deploy.exchange.bad import with_bad
from deploy.exchange.calendar import FIRST_DAY, Session
from deploy.exchange.mix import Mix
from deploy.exchange.simulate import simulate

_BLOCK = 8_192
"""Units handed over at once."""
_TOPICS = (
    "instruments", "owner.links", "instrument.links", "venue.controls", "orders", "abuse.labels",
)  # fmt: skip


class ExchangeWorld:
    """A feed of what members, venues and those who know of links say, and of the truth."""

    kind = "exchange"
    step = 60 * SECOND
    topics: tuple[str, ...] = _TOPICS
    clocks: tuple[str, ...] = ()

    def __init__(
        self,
        seed: int,
        mix: str | Mix,
        day: date = FIRST_DAY,
        days: int = 3,
        orders: int = 100_000,
        bad: float = 0.0,
    ) -> None:
        """Simulate `orders` orders on `days` business days from `day` on.

        `bad` is the share of messages besides that no book can follow (deploy.exchange.bad).

        Raises:
            ValueError: There is no such mix or share, or so many days are not simulated.
        """
        self.seed = seed
        made = simulate(seed, mix, days, orders, day, events=False)
        self._frames = {
            "instruments": made.instruments,
            "owner.links": made.owner_links,
            "instrument.links": made.instrument_links,
            "venue.controls": made.controls,
            "orders": with_bad(made.orders, made.instruments, bad, seed),
            "abuse.labels": made.labels,
        }
        self._units = pl.concat(
            [
                pl.DataFrame(
                    {
                        "what": np.full(frame.height, what),
                        "number": np.arange(frame.height),
                        "at": frame["time"],
                    }
                )
                for what, frame in enumerate(self._frames.values())
            ]
        ).sort("at", maintain_order=True)
        control = pl.col("what") == _TOPICS.index("venue.controls")
        self._units = self._units.with_columns(apart=control)
        self.count = self._units.height
        """Units there are: messages to the venues, and what is told about them."""
        self.start = int(self._units["at"][0])
        self.end = int(self._units["at"][-1]) + Session().call

    def times(self, fractions: Floats) -> Ints:
        """Not asked for, as units bear their times: evenly over the days."""
        spread: Ints = self.start + (fractions * (self.end - self.start)).astype(np.int64)
        return spread

    def units(self) -> Iterator[pl.DataFrame]:
        """All there is, in order of time."""
        for first in range(0, self.count, _BLOCK):
            yield self._units[first : first + _BLOCK]

    def records(self, units: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
        """The records of units by topic, in order of `unit`."""
        units = units.with_columns(unit=pl.int_range(units.height, dtype=pl.Int64))
        found = {}
        for what, (topic, frame) in enumerate(self._frames.items()):
            part = units.filter(pl.col("what") == what)
            if part.height:
                rows = frame[part["number"].to_numpy()]
                found[topic] = rows.with_columns(time=part["at"], unit=part["unit"])
        return found
