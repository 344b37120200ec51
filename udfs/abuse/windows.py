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

    def base(
        self, state: State, numbers: Array, at: Array, buckets: int = 0, back: int = 0
    ) -> Array:
        """The sums at which the window of each event began, after `starts`.

        Args:
            state: Has the table.
            numbers: Group of each event.
            at: Its business time.
            buckets: Length of the window; 0: `self.buckets`, the longest.
            back: So many rows of the group further back; its oldest row if there are not so many.

        Returns:
            Shape (n, len(names)).
        """
        length = buckets or self.buckets
        kept = state[self.table].having("group", pl.Series(np.unique(numbers)))
        bucket, group = kept["bucket"].to_numpy(), kept["group"].to_numpy()
        least = int(at.min(initial=2**62)) // self.grain - self.buckets
        inside = np.flatnonzero(bucket > least)
        wide = int(at.max(initial=0)) // self.grain - least + 2
        keys = group[inside] * wide + np.minimum(bucket[inside] - least, wide - 1)
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        first = np.searchsorted(keys, numbers * wide + (at // self.grain - length + 1 - least))
        if back:
            first = np.maximum(first - back, np.searchsorted(keys, numbers * wide))
        found = inside[order[first]]
        out = np.empty((len(at), len(self.names)), dtype=np.int64)
        for place, name in enumerate(self.names):
            out[:, place] = kept[name].to_numpy()[found]
        return out

    def forget(self, state: State, now: int) -> None:
        """Drop what no window can ask for once the shard has seen `now`."""
        state[self.table].expire("bucket", (now - SLACK) // self.grain - self.buckets + 1)
