"""Edges of the payment and obligation graphs over the feeds' logs.

State: the flows of the windows that are still open, one table a feed. Each feed closes its windows
by its own business watermark, so that a feed that stands still does not hold up the other. Edges
are ordered within a feed; how the feeds interleave depends on the slices.
"""

from dataclasses import dataclass

import polars as pl

from schemas.step import MIN_TIME, Batch, Clock, ColumnKind, Outputs, State, TableSpec
from udfs.graph.edges import FEEDS, aggregated, edges, in_windows
from udfs.shape import as_record

VERSION = "graph/1"
"""Changes when the edges made of the same events do."""

_COLUMNS: dict[str, ColumnKind] = {
    "window_end": "int",
    "source": "str",
    "target": "str",
    "asset": "str",
    "scale": "int",
    "count": "int",
    "amount": "int",
    "late": "int",
    "first_offset": "int",
    "last_offset": "int",
}
TABLES = {feed: TableSpec(columns=_COLUMNS) for feed in FEEDS}


@dataclass(frozen=True)
class Config:
    """How the graph is built.

    Attributes:
        window_us: Length of a window in business time, microseconds.
        topic: Where the edges go.
    """

    window_us: int = 10_000_000
    topic: str = "graph.edges"

    def __post_init__(self) -> None:
        """Refuse windows without length."""
        if self.window_us < 1:
            raise ValueError(f"window_us must be at least 1: {self}")


@dataclass(frozen=True)
class GraphStep:
    """The step contract: payments and obligations in, edges of complete windows out."""

    config: Config

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """The edges of each window that this batch completes, feed by feed."""
        closed = [self._closed(name, state, batch, clock) for name in sorted(FEEDS)]
        found = pl.concat(closed)
        return {} if found.is_empty() else {self.config.topic: found}

    def _closed(self, name: str, state: State, batch: Batch, clock: Clock) -> pl.DataFrame:
        feed, window_us = FEEDS[name], self.config.window_us
        events, flows = batch.get(name), None
        if events is not None:
            flows = aggregated(in_windows(events, feed, window_us)).select(*_COLUMNS)
        due = state[name].due(flows, "window_end", clock.watermarks.get(name, MIN_TIME))
        made = edges(aggregated(due), feed, window_us, clock.shard)
        return as_record(
            made.with_columns(source_topic=pl.lit(name), version=pl.lit(VERSION)), "GraphEdge"
        )
