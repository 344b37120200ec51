"""What a generator is: a world that yields units of business, and a plan how to send them.

A unit is one trade or one payment. A feed draws units in blocks of a fixed size, each block from
its own random stream, so that content depends on the seed alone and never on how it is cut for
sending.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import polars as pl

from connectors.generators.arrays import Floats, Ints
from connectors.generators.faults import Faults
from connectors.topics import TICK_KEY

SECOND = 1_000_000
DAY = 86_400 * SECOND
BLOCK = 2_048
"""Units drawn at once. It belongs to the content: another size, other bytes for the same seed."""


@dataclass(frozen=True)
class Batch:
    """Messages for one topic partition, in order; `keys` is a single key where all have the same.

    A value is None where a tombstone is to be sent.
    """

    topic: str
    partition: int
    keys: list[bytes] | bytes
    values: list[bytes | None]

    @property
    def ticks(self) -> bool:
        """Whether these are ticks and no records."""
        return self.keys == TICK_KEY


Chunk = list[Batch]
"""What is sent at one go: records of some topic partitions, then the ticks that close it."""


class Feed(Protocol):
    """A seeded world and the business done in it."""

    kind: str
    """Name of the feed, part of its producer's name."""

    topics: tuple[str, ...]
    """Topics it writes."""

    clocks: tuple[str, ...]
    """Topics it only ticks, because its readers need a business clock there."""

    start: int
    """First moment of business, microseconds UTC."""

    end: int
    """Moment by which business is over, microseconds UTC."""

    step: int
    """Longest business time between two ticks of a partition, microseconds."""

    def units(self) -> Iterator[pl.DataFrame]:
        """Blocks of `BLOCK` units for ever, from the first one; times are given later.

        Or blocks of any height that bear their own times in `at`, in order: then as many as there
        are, and the plan's count is only the most that are sent.
        """

    def times(self, fractions: Floats) -> Ints:
        """Business time by which a share of all business is done; fractions in [0, 1)."""

    def records(self, units: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
        """The records of `units` (which have their time in `at`) by topic, in order of `unit`.

        The frames have the record's columns but producer and sequence, and `unit`: the row in
        `units`.
        """


@dataclass(frozen=True)
class Plan:
    """How much of a feed is wanted, and how it is cut and spoilt.

    Attributes:
        count: Units of business.
        seed: What the content depends on.
        partitions: Partitions of each topic.
        faults: Shares of records that are tampered with.
        lateness: How late an event may be and still count as in time, microseconds.
        jitter: Greatest natural delay of an event, microseconds; less than the lateness.
        chunk: Records a chunk holds at most, about.
        step: Longest business time between two ticks of a partition, microseconds; None: the feed's
            own.
        margin: How long after the end of business the closing tick is dated, microseconds.
    """

    count: int
    seed: int = 0
    partitions: int = 4
    faults: Faults = field(default_factory=Faults)
    lateness: int = 5 * SECOND
    jitter: int = 0
    chunk: int = 5_000
    step: int | None = None
    margin: int = DAY

    def __post_init__(self) -> None:
        """Refuse what makes no sense, in words for whoever typed it."""
        asked = {
            "count": 1,
            "partitions": 1,
            "chunk": 1,
            "step": 1,
            "seed": 0,
            "lateness": 0,
            "jitter": 0,
            "margin": 0,
        }
        for name, least in asked.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} is {value}: at least {least} is asked")
        if self.jitter and self.jitter >= self.lateness:
            raise ValueError(
                f"jitter of {self.jitter} us must stay below the lateness of {self.lateness} us"
            )
        if self.faults.out_of_order and self.lateness - self.jitter < 2:
            raise ValueError(
                "no event can be out of order and in time: ask for a lateness or no such fault"
            )
        idle = self.faults.idle
        if idle is not None and not (0 <= idle < self.partitions and self.partitions > 1):
            raise ValueError(
                f"idle partition {idle}: one of at least 2 partitions, from 0, is asked"
            )


def midnight(day: date) -> int:
    """The first microsecond of a day, UTC, since the epoch."""
    return (day - date(1970, 1, 1)).days * DAY
