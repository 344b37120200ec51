"""Events by owner as arrays: which owners, which events are whose, sums by owner."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

Array = np.ndarray[Any, np.dtype[Any]]
"""A value an event or an owner, shape (n,)."""
_WIDE = 64


@dataclass(frozen=True)
class Group:
    """Events, in order of time, and their owners.

    Attributes:
        owners: Numbers of the owners, ascending, each once.
        codes: For each event the place of its owner in `owners`.
        at: When each event counts, microseconds UTC, ascending.
    """

    owners: Array
    codes: Array
    at: Array

    def __len__(self) -> int:
        """Number of owners."""
        return len(self.owners)

    def total(self, values: Array) -> Array:
        """Sum of `values` (whole numbers, one an event) by owner; exact."""
        return total(self.codes, values, len(self.owners))

    def first(self) -> Array:
        """When each owner's first event counts."""
        out = np.empty(len(self.owners), dtype=np.int64)
        out[self.codes[::-1]] = self.at[::-1]
        return out

    def least(self, values: Array) -> Array:
        """Least of `values` by owner."""
        out = np.full(len(self.owners), np.iinfo(np.int64).max)
        np.minimum.at(out, self.codes, values)
        return out


@dataclass(frozen=True)
class Added:
    """What the events of a call add: whole numbers by name, for each event and for each owner."""

    events: Group
    values: "Sums"
    totals: "Sums"

    @classmethod
    def of(cls, events: Group, values: "Sums") -> "Added":
        """The totals of these values."""
        return cls(events, values, {name: events.total(v) for name, v in values.items()})


def group(events: pl.DataFrame) -> Group:
    """The events of a call by owner."""
    owners, codes = dense(events["owner_number"].to_numpy())
    return Group(owners, codes, events["at"].to_numpy())


def dense(numbers: Array) -> tuple[Array, Array]:
    """The distinct numbers, ascending, and for each entry the place of its number among them."""
    if not len(numbers):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    largest = int(numbers.max())
    if largest > _WIDE * len(numbers) + 1_024:
        owners, codes = np.unique(numbers, return_inverse=True)
        return owners, codes
    seen = np.zeros(largest + 1, dtype=bool)
    seen[numbers] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[numbers]


def total(codes: Array, values: Array, groups: int) -> Array:
    """Sum of whole numbers by code; exact."""
    out = np.zeros(groups, dtype=np.int64)
    np.add.at(out, codes, values)
    return out


def by_code(codes: Array) -> Array:
    """The stable order of codes below 2^32: one or two passes over sixteen bits."""
    low = np.argsort((codes & 0xFFFF).astype(np.uint16), kind="stable")
    if not len(codes) or codes.max() <= 0xFFFF:
        return low
    return np.asarray(low[np.argsort((codes >> 16).astype(np.uint16)[low], kind="stable")])


def running(codes: Array, values: Mapping[str, Array], before: Mapping[str, Array]) -> "Sums":
    """For each entry the sum of its owner's values up to and with itself, on top of `before`.

    `codes` are grouped: equal ones stand together. `before` is by code.
    """
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    lengths = np.diff(starts, append=len(codes))
    out = {}
    for name, column in values.items():
        sums = np.cumsum(column)
        base = before[name][codes[starts]] - (sums[starts] - column[starts])
        out[name] = sums + np.repeat(base, lengths)
    return out


Sums = dict[str, Array]
"""Arrays by the name of what is summed."""
