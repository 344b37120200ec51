"""What is usual for an owner: totals in blocks of thirty days, counted from 1970-01-01 UTC.

A rule that looks back over months judges by the blocks that were finished when the running one
began. So what is usual changes once in thirty days, is bounded in size, and reaches back exactly
`kept` blocks, not to the microsecond.

State of a ledger: one row an owner with the totals of the running block and what the rule made of
the finished ones, and one row an owner with the totals of the finished ones, which is only touched
when a block ends.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from schemas.step import State, TableSpec
from udfs.aml.flow_groups import Array, Group
from udfs.aml.flow_windows import by_owner
from udfs.aml.rule import DAY, Moment

BLOCK = 30 * DAY


def by_block(events: pl.DataFrame, moment: Moment) -> Iterator[tuple[int, pl.DataFrame, Moment]]:
    """The call in parts, each within one block: its number, its events, the time it covers."""
    if events.is_empty():
        yield moment.until // BLOCK, events, moment
        return
    blocks = events["at"].to_numpy() // BLOCK
    starts = [*np.flatnonzero(np.diff(blocks, prepend=blocks[0] - 1)).tolist(), events.height]
    since = moment.since
    for start, end in pairwise(starts):
        block = int(blocks[start])
        until = moment.until if end == events.height else (block + 1) * BLOCK - 1
        yield block, events[start:end], Moment(moment.shard, since, until)
        since = until


@dataclass
class Page:
    """The rows of a call's owners, turned to the running block.

    Attributes:
        owners: Numbers of the owners.
        columns: By column the values by owner: change them, then `save`.
        known: By owner, whether it has been seen before.
        turned: Places of the owners whose summary has to be made anew.
        first: For those, when the owner was first seen, microseconds UTC.
        finished: For those, totals of the finished blocks, the latest first: shape (turned, kept,
            totals).
        before: For those, the block of their latest event and the `kept` blocks before it.
        latest: For those, the number of the block of their latest event.
    """

    table: str
    owners: Array
    columns: dict[str, Array]
    known: Array
    turned: Array
    first: Array
    finished: Array
    before: Array
    latest: Array

    def save(self, state: State) -> None:
        """Put the rows back."""
        state[self.table].upsert(pl.DataFrame({"owner_number": self.owners, **self.columns}))


@dataclass(frozen=True)
class Ledger:
    """A ledger of one rule.

    Attributes:
        table: Name of the table of running blocks.
        totals: What is totalled.
        kept: Number of finished blocks that are kept.
        summary: What the rule makes of the finished blocks.
        by_basis: Whether the summary follows from parameters, too.
    """

    table: str
    totals: tuple[str, ...]
    kept: int
    summary: tuple[str, ...]
    by_basis: bool = False

    @property
    def finished(self) -> str:
        """Name of the table of finished blocks."""
        return f"{self.table}_finished"

    @property
    def tables(self) -> Mapping[str, TableSpec]:
        """The tables of this ledger."""
        running = ("block", *(("basis",) if self.by_basis else ()), *self.totals, *self.summary)
        return {self.table: by_owner(running), self.finished: by_owner(("first", *self._names()))}

    def turn(self, state: State, events: Group, block: int, basis: int = 0) -> Page:
        """The rows of the owners of `events`, which lie in `block`.

        `basis` stands for the parameters that the summary is made by: with another one it has to
        be made anew.
        """
        owners = pl.Series("owner_number", events.owners)
        rows = state[self.table].lookup(owners)
        columns = {name: rows[name].to_numpy(writable=True) for name in rows.columns[1:-1]}
        known = rows["known"].to_numpy()
        ended = known & (columns["block"] < block)
        redo = known & (columns["basis"] != basis) if self.by_basis else ended
        turned = np.flatnonzero(ended | redo)
        latest = columns["block"][turned]
        first, before = self._before(state, owners[turned], columns, turned)
        finished = _shifted(before, latest, block)
        gone = ended[turned]
        self._keep(state, events.owners[turned][gone], first[gone], finished[gone])
        new = ~known
        if new.any():
            none = np.zeros((int(new.sum()), self.kept, len(self.totals)), dtype=np.int64)
            self._keep(state, events.owners[new], events.first()[new], none)
        for name in self.totals:
            columns[name][ended] = 0
        columns["block"][:] = block
        if self.by_basis:
            columns["basis"][:] = basis
        page = (self.table, events.owners, columns, known, turned)
        return Page(*page, first, finished, before, latest)

    def _keep(self, state: State, owners: Array, first: Array, finished: Array) -> None:
        if len(owners):
            flat = finished.reshape(len(owners), -1)
            totals = {name: flat[:, i] for i, name in enumerate(self._names())}
            rows = pl.DataFrame({"owner_number": owners, "first": first, **totals})
            state[self.finished].upsert(rows)

    def _names(self) -> list[str]:
        return [f"{name}_{back}" for back in range(1, self.kept + 1) for name in self.totals]

    def _before(
        self, state: State, owners: pl.Series, columns: Mapping[str, Array], turned: Array
    ) -> tuple[Array, Array]:
        shape = (len(turned), self.kept, len(self.totals))
        if not len(turned):
            none = np.zeros((0, self.kept + 1, len(self.totals)), dtype=np.int64)
            return np.empty(0, dtype=np.int64), none
        rows = state[self.finished].lookup(owners)
        past = rows.select(self._names()).to_numpy().reshape(shape)
        running = np.stack([columns[name][turned] for name in self.totals], axis=1)
        before = np.concatenate([running[:, None, :], past], axis=1)
        return rows["first"].to_numpy(), before


def _shifted(before: Array, latest: Array, block: int) -> Array:
    """Totals of the blocks before `block`, from those of `latest` and before; none: zero."""
    kept = before.shape[1] - 1
    back = latest[:, None] - (block - 1 - np.arange(kept))
    inside = (back >= 0) & (back <= kept)
    taken = np.take_along_axis(before, np.where(inside, back, 0)[:, :, None], axis=1)
    return np.where(inside[:, :, None], taken, 0)
