"""What passes between the engine and a decision: clock, batch, state tables, outputs.

A domain is one function `step(state, batch, clock) -> outputs` and a mapping of table layouts. It
knows neither Flink nor Kafka: the engine folds it over the batches of a log, the oracle and the
unit tests do the same over frames.

Time is never read, it is handed in: `Clock.slice_end` is log time (broker append time),
`Clock.watermark` is business time. Windows and expiry use business time only, so that cutting the
log into other slices changes nothing that is final.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import polars as pl

MIN_TIME = -(2**63)
"""The business watermark of a feed that has not yet shown any business time."""

ColumnKind = Literal["int", "float", "bool", "str", "bytes"]


@dataclass(frozen=True)
class Clock:
    """The times a batch is judged by.

    Attributes:
        slice_end: End of the slice in log time, milliseconds UTC, exclusive.
        watermark: Business time up to which every feed is complete, microseconds UTC.
        watermarks: The same for each input topic.
        shard: The partition this batch, its state and its chain belong to.
    """

    slice_end: int
    watermark: int
    watermarks: Mapping[str, int] = field(default_factory=dict)
    shard: int = 0


@dataclass(frozen=True)
class TableSpec:
    """Layout of one state table: the key, if rows are found by one, and the columns.

    `version` is written into every delta; a table is read only under the version it was written
    with. A key that is an "int" is a whole number from 0 without large gaps.
    """

    columns: Mapping[str, ColumnKind]
    key: str | None = None
    version: int = 1


class Table(Protocol):
    """Rows of a partition's state: found by key, or without one in the order of arrival."""

    def __len__(self) -> int:
        """Number of rows."""

    def lookup(self, keys: pl.Series) -> pl.DataFrame:
        """Rows of `keys`, aligned; zero, empty or false where absent, and column `known`."""

    def upsert(self, frame: pl.DataFrame) -> None:
        """Set the columns of each key of `frame` (unique); a new key starts from zero values."""

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the numbers of `frame` to the rows of its keys (unique); the new values, aligned."""

    def append(self, frame: pl.DataFrame) -> None:
        """Add rows to a table without a key."""

    def between(
        self, column: str, low: int, high: int, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Rows with low < `column` <= high of a table without a key, in the order of arrival.

        They stay. `columns` names those wanted, all if None. Fast, whatever the table holds, for a
        column that rises with arrival.
        """

    def having(
        self, column: str, values: pl.Series, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Rows whose `column`, a whole number from 0, is one of `values`; else as `between`."""

    def due(self, frame: pl.DataFrame | None, column: str, below: int) -> pl.DataFrame:
        """Take out all rows, stored or in `frame`, whose `column` is <= `below`; keep the rest.

        Rows come in the order of arrival: stored ones first, then those of `frame`.
        """

    def expire(self, column: str, below: int) -> int:
        """Drop the rows whose `column` is < `below`; how many they were."""

    def clear(self) -> None:
        """Drop all rows."""

    def frame(self) -> pl.DataFrame:
        """All rows: in the order of arrival without a key, else in order of the key."""


State = Mapping[str, Table]
Batch = Mapping[str, pl.DataFrame]
Outputs = dict[str, pl.DataFrame]
Step = Callable[[State, Batch, Clock], Outputs]


def effective_time(time: str) -> pl.Expr:
    """Where an event counts: at its business time, or at its place in the log when it came late.

    Formula: max(time, watermark just before the record). Both are functions of the log, so the
    window a late event falls into does not depend on how the log is sliced.
    """
    return pl.max_horizontal(pl.col(time), pl.col("watermark"))
