"""Transfers as edges in arrays, and what is known around a node at a moment.

Edges are numbered in the order of business time, so "before edge n" is a moment that does not
depend on how the log is cut. A look around a node shows its newest edges before that moment, and
tells if the bound hid others.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from udfs.motifs.params import LONGEST_S

Array = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

KEPT = LONGEST_S * 1_000_000
"""Edges of so long are remembered, microseconds."""
ENDS = 5
"""Numbers that are remembered of an edge at a node: number, other node, at, amount, since."""
_NODE, _NUMBER, _OTHER, _AT, _AMOUNT, _SINCE = range(ENDS + 1)
LONG_AGO = -(2**62)
_MOMENTS = 40
_CODES = 32


@dataclass(frozen=True)
class Edges:
    """Transfers, one an element of each array.

    Attributes:
        number: Place in the order of (time, transfer id) over the whole log.
        source: Code of the node that pays.
        target: Code of the node that is paid.
        at: Business time, microseconds UTC.
        amount: Minor units of the base currency.
        since: When the two began to have dealings, as far as remembered, microseconds UTC.
    """

    number: Array
    source: Array
    target: Array
    at: Array
    amount: Array
    since: Array

    def __len__(self) -> int:
        """How many there are."""
        return len(self.number)

    def __getitem__(self, which: Array | Mask | slice) -> "Edges":
        """Those of the given places."""
        return Edges(*(getattr(self, field.name)[which] for field in fields(self)))


class Look:
    """What looks around several nodes showed; of an edge only those columns are read that are used.

    Attributes:
        of: The look each edge belongs to, ascending; within a look edges are in order.
        hidden: For each look the time of the newest edge beyond the bound, long ago if none.
    """

    def __init__(self, side: "Side", of: Array, row: Array, hidden: Array) -> None:
        """The edges in the given rows of a side."""
        self.side, self.of, self.hidden = side, of, hidden
        self._row = row

    def __len__(self) -> int:
        """How many edges were seen."""
        return len(self.of)

    def only(self, which: Array | Mask) -> "Look":
        """The same looks with only some of the edges."""
        return Look(self.side, self.of[which], self._row[which], self.hidden)

    def regrouped(self, of: Array, hidden: Array) -> "Look":
        """The same edges as parts of other looks."""
        return Look(self.side, of, self._row, hidden)

    @cached_property
    def number(self) -> Array:
        """Numbers of the edges."""
        return self.side.columns[_NUMBER][self._row]

    @cached_property
    def other(self) -> Array:
        """The nodes at the far end."""
        return self.side.columns[_OTHER][self._row]

    @cached_property
    def at(self) -> Array:
        """Times of the edges."""
        return self.side.columns[_AT][self._row]

    @cached_property
    def amount(self) -> Array:
        """Amounts of the edges."""
        return self.side.columns[_AMOUNT][self._row]

    @cached_property
    def since(self) -> Array:
        """Since when the two ends have had dealings."""
        return self.side.columns[_SINCE][self._row]

    @cached_property
    def node(self) -> Array:
        """The nodes looked around."""
        return self.side.columns[_NODE][self._row]

    @cached_property
    def edges(self) -> Edges:
        """The edges themselves."""
        source, target = (self.other, self.node) if self.side.into else (self.node, self.other)
        return Edges(self.number, source, target, self.at, self.amount, self.since)


Fetch = Callable[[Array], tuple[Array, Array]]
"""What is remembered of nodes: how many edges each has, and these as rows of ENDS numbers."""


class Side:
    """The edges into nodes, or those out of nodes, loaded when they are first looked at."""

    def __init__(self, new: Edges, into: bool, most: int, fetch: Fetch | None = None) -> None:
        """The edges of `new` and what `fetch` remembers of earlier ones; `most` are looked at."""
        node, other = (new.target, new.source) if into else (new.source, new.target)
        order = np.argsort(node, kind="stable")
        self.into, self.most = into, most
        self.columns: list[Array] = [_none() for _ in range(ENDS + 1)]
        self._fetch = fetch
        self._new_node = node[order]
        self._new = np.column_stack([new.number, other, new.at, new.amount, new.since])[order]
        self._node, self._place = _none(), _none()
        self._start, self._stop, self._moment = _none(), _none(), _none()

    def look(self, node: Array, before: Array, after: Array) -> Look:
        """The newest edges of each node that have a lower number than `before`, after a time."""
        place, at = self._placed(node), self.columns[_AT]
        start = self._start[place]
        stop = np.searchsorted(self._moment, place << _MOMENTS | before)
        first = np.maximum(start, stop - self.most)
        of, row = spread(first, stop)
        recent = at[row] > after[of]
        hidden = np.full(len(node), LONG_AGO)
        beyond = first > start
        hidden[beyond] = at[first[beyond] - 1]
        return Look(self, of[recent], row[recent], hidden)

    def newest(self, node: Array, after: int) -> tuple[Array, Array]:
        """What to remember of nodes: as many edges as a look needs, none as old as `after`."""
        place = self._placed(node)
        stop = self._stop[place]
        of, row = spread(np.maximum(self._start[place], stop - self.most - 1), stop)
        kept = self.columns[_AT][row] > after
        ends = np.column_stack([column[row[kept]] for column in self.columns[_NUMBER:]])
        return np.bincount(of[kept], minlength=len(node)), ends

    def _placed(self, node: Array) -> Array:
        """Where each node stands among those loaded; loads what is missing."""
        wanted = np.unique(node)
        missing = wanted[~among(wanted, self._node)]
        if len(missing):
            self._load(missing)
        return self._place[np.searchsorted(self._node, node)]

    def _load(self, missing: Array) -> None:
        low, high = (np.searchsorted(self._new_node, missing, side=s) for s in ("left", "right"))
        of, row = spread(low, high)
        ends = self._new[row]
        if self._fetch is not None:
            counts, stored = self._fetch(missing)
            of = np.concatenate([np.repeat(np.arange(len(missing)), counts), of])
            order = np.argsort(of, kind="stable")
            of, ends = of[order], np.concatenate([stored, ends])[order]
        counts = np.bincount(of, minlength=len(missing))
        stop = len(self._moment) + np.cumsum(counts)
        place = len(self._place) + np.arange(len(missing))
        self._start = np.concatenate([self._start, stop - counts])
        self._stop = np.concatenate([self._stop, stop])
        self._moment = np.concatenate([self._moment, place[of] << _MOMENTS | ends[:, 0]])
        self.columns = [
            np.concatenate([column, more])
            for column, more in zip(self.columns, (missing[of], *ends.T), strict=True)
        ]
        node = np.concatenate([self._node, missing])
        order = np.argsort(node)
        self._node, self._place = node[order], np.concatenate([self._place, place])[order]


@dataclass(frozen=True)
class Graph:
    """Both sides of the nodes around new edges."""

    ins: Side
    outs: Side

    @classmethod
    def of(cls, edges: Edges, most: int = 64) -> "Graph":
        """A graph of these edges alone."""
        return cls(Side(edges, into=True, most=most), Side(edges, into=False, most=most))


def joined(*many: Edges) -> Edges:
    """Edges one after another."""
    names = [field.name for field in fields(Edges)]
    return Edges(*(np.concatenate([getattr(one, name) for one in many]) for name in names))


def spread(first: Array, stop: Array) -> tuple[Array, Array]:
    """All places of the ranges [first, stop), and the range each belongs to."""
    counts = stop - first
    of = np.repeat(np.arange(len(counts)), counts)
    return of, np.arange(len(of)) + np.repeat(first - np.cumsum(counts) + counts, counts)


def paired(left: Array, right: Array) -> Array:
    """Two small codes as one number."""
    return left << _CODES | right


def firsts(left: Array, right: Array) -> Array:
    """The first place of each different pair, ascending."""
    return np.sort(np.unique(paired(left, right), return_index=True)[1])


def counted(of: Array, size: int) -> Array:
    """How often each of `size` numbers occurs."""
    return np.bincount(of, minlength=size)


def summed(of: Array, amount: Array, size: int) -> Array:
    """Sums of amounts by number, exact."""
    out = np.zeros(size, dtype=np.int64)
    np.add.at(out, of, amount)
    return out


def within(of: Array, value: Array, in_of: Array, in_value: Array) -> Mask:
    """Whether each pair is among the others."""
    return among(paired(of, value), np.unique(paired(in_of, in_value)))


def part(amount: Array, ppm: int) -> Array:
    """So many millionths of amounts, rounded down, without overflow."""
    return amount // 1_000_000 * ppm + amount % 1_000_000 * ppm // 1_000_000


def among(values: Array, ascending: Array) -> Mask:
    """Whether each value is among ascending ones."""
    if not len(ascending):
        return np.zeros(len(values), dtype=np.bool_)
    place = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    found: Mask = ascending[place] == values
    return found


def _none() -> Array:
    return np.empty(0, dtype=np.int64)
