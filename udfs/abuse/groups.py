"""Rows of a batch by group: running sums, running extremes and the row before, on top of state."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from udfs.abuse.features import Array
from udfs.aml.flow_groups import by_code


def coded(keys: pl.Series) -> tuple[pl.Series, Array]:
    """The distinct keys in order of appearance, and for each row the place of its key in them."""
    places: dict[str, int] = {}
    codes = [places.setdefault(key, len(places)) for key in keys.to_list()]
    return pl.Series("key", list(places), dtype=pl.String), np.array(codes, dtype=np.int64)


@dataclass(frozen=True)
class Groups:
    """Rows in log order by group.

    Attributes:
        codes: Group of each row, from 0; shape (n,).
        count: Number of groups.
        order: Rows, those of a group together and in log order.
        starts: Places in `order` where groups with rows begin.
    """

    codes: Array
    count: int
    order: Array
    starts: Array

    @classmethod
    def of(cls, codes: Array, count: int) -> "Groups":
        """Groups of rows with these codes."""
        order = by_code(codes)
        starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
        return cls(codes, count, order, starts)

    def running(self, values: Array, before: Array) -> Array:
        """Sums up to and with each row, on top of `before`, which is by group.

        Shapes (n, k) and (count, k), or (n,) and (count,); sums wrap, so differences are exact.
        """
        if not len(self.order):
            return values.copy()
        ranked = values[self.order]
        sums = np.cumsum(ranked, axis=0)
        base = before[self.codes[self.order[self.starts]]] - (
            sums[self.starts] - ranked[self.starts]
        )
        lengths = np.diff(self.starts, append=len(self.order))
        out: Array = np.empty_like(sums)
        out[self.order] = sums + np.repeat(base, lengths, axis=0)
        return out

    def previous(self, values: Array, before: Array) -> Array:
        """The value of the row before in the group; of a group's first row that in `before`."""
        ranked = values[self.order]
        shifted = np.empty_like(ranked)
        shifted[1:] = ranked[:-1]
        shifted[self.starts] = before[self.codes[self.order[self.starts]]]
        out: Array = np.empty_like(shifted)
        out[self.order] = shifted
        return out

    def latest(self, values: Array, there: Array, before: Array) -> Array:
        """The value of the last row so far where `there`, the row included; else `before`."""
        n = len(self.order)
        at = np.where(there[self.order], np.arange(n), -1)
        first = np.repeat(self.starts, np.diff(self.starts, append=n))
        at = np.maximum.accumulate(at)
        codes = self.codes[self.order]
        found = np.where(at >= first, values[self.order][at], before[codes])
        out = np.empty_like(found)
        out[self.order] = found
        return out

    @property
    def firsts(self) -> Array:
        """Rows that are the first of their group, in order of the group."""
        return np.asarray(self.order[self.starts])

    @property
    def lasts(self) -> Array:
        """Rows that are the last of their group, in order of the group."""
        ends = np.append(self.starts[1:], len(self.order)) - 1
        return np.asarray(self.order[ends]) if len(self.order) else self.order
