"""Sums over windows of business time, exact at each event, from the sums at which buckets began.

A window of L buckets ends at an event and begins where the bucket L - 1 before the event's began.
A row a group and bucket says what the group's running sums were just before its first event there:
the sum over a window is the running sum less that of the first row in the window. Rows are written
once and never changed, so what is remembered does not depend on how the log was cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.step import State, TableSpec
from udfs.abuse.features import Array
from udfs.abuse.groups import Groups

SECOND = 1_000_000
SLACK = 120 * SECOND
"""An event counts at most so long before the newest event of its shard, microseconds."""


@dataclass(frozen=True)
class Window:
    """A kind of window over running sums of groups that are numbered from 0.

    Attributes:
        table: Where rows are kept.
        grain: Length of a bucket, microseconds.
        buckets: How many a window has, the event's own included.
        names: What is summed; the columns of the running sums.
    """

    table: str
    grain: int
    buckets: int
    names: Sequence[str]

    @property
    def spec(self) -> TableSpec:
        """Layout of the table: a row a group and bucket."""
        columns = {"group": "int", "bucket": "int"} | dict.fromkeys(self.names, "int")
        return TableSpec(columns)  # type: ignore[arg-type]

    def starts(
        self, state: State, numbers: Array, groups: Groups, at: Array, since: Array, before: Array
    ) -> None:
        """Remember the sums before the first event of each group in each bucket.

        Args:
            state: Has the table.
            numbers: Of the groups, by code.
            groups: Of the rows.
            at: Business time of the rows, never falling within a group.
            since: Time of each group's last event before the batch; -1: none.
            before: Running sums before each row, shape (n, len(names)).
        """
        bucket = at // self.grain
        new = bucket != groups.previous(bucket, np.where(since < 0, -1, since // self.grain))
        rows = np.flatnonzero(new)
        frame = {"group": numbers[groups.codes[rows]], "bucket": bucket[rows]}
        for place, name in enumerate(self.names):
            frame[name] = before[rows, place]
        state[self.table].append(pl.DataFrame(frame))

    def kept(self, state: State, numbers: Array, at: Array) -> "Kept":
        """What is remembered of the groups of some events, after `starts`.

        Args:
            state: Has the table.
            numbers: Group of each event.
            at: Its business time.
        """
        rows = state[self.table].having("group", pl.Series(np.unique(numbers)))
        bucket = rows["bucket"].to_numpy()
        least = int(at.min(initial=2**62)) // self.grain - self.buckets
        inside = np.flatnonzero(bucket > least)
        wide = int(at.max(initial=0)) // self.grain - least + 2
        keys = rows["group"].to_numpy()[inside] * wide
        keys += np.minimum(bucket[inside] - least, wide - 1)
        order = np.argsort(keys, kind="stable")
        wanted, now = numbers * wide, at // self.grain - least
        return Kept(self, rows, inside[order], keys[order], wanted, now)

    def forget(self, state: State, now: int) -> None:
        """Drop what no window can ask for once the shard has seen `now`."""
        state[self.table].expire("bucket", (now - SLACK) // self.grain - self.buckets + 1)


@dataclass(frozen=True)
class Kept:
    """Rows of a window's groups in order of group and bucket, and the events that ask for them."""

    window: Window
    rows: pl.DataFrame
    places: Array
    keys: Array
    wanted: Array
    now: Array

    def base(self, buckets: int = 0, back: int = 0) -> Array:
        """The sums at which the window of each event began, shape (n, len(names)).

        Args:
            buckets: Length of the window; 0: the longest.
            back: So many rows of the group further back, but none before the longest window.
        """
        length = buckets or self.window.buckets
        first = np.searchsorted(self.keys, self.wanted + self.now - length + 1)
        if back:
            oldest = self.wanted + self.now - self.window.buckets + 1
            first = np.maximum(first - back, np.searchsorted(self.keys, oldest))
        found = self.places[first]
        names = self.window.names
        out = np.empty((len(found), len(names)), dtype=np.int64)
        for place, name in enumerate(names):
            out[:, place] = self.rows[name].to_numpy()[found]
        return out
