"""How far the features and scores of a business day are from what a model was trained on.

A day of UTC is closed by the first scored order of a later day, so the same log gives the same
figures however it is cut; an order that comes after its day was closed counts in the open one. Each
shard measures its own orders.

    PSI  sum over bins of (p - q) ln(p / q): p the day's shares, q those of training; none is taken
         for less than FLOOR
    KS   greatest difference of the two distributions at the bins' ends

Bins are the deciles of training, with one more for missing values, behind all others.

State: rows a bin, name and open day; what the open day is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from schemas.step import State, TableSpec
from udfs.abuse.curve import WHOLE
from udfs.abuse.trees import Array

DAY = 86_400_000_000
BINS = 11
"""Ten by value and one for missing ones."""
FLOOR = 1e-4
MOVED, DRIFTED = 100_000, 250_000
"""Limits of the index in millionths: the usual 0.1 and 0.25 (Siddiqi 2006)."""
FEWEST = 1_000
"""Fewer orders say too little; so many of training are below 0.03 on 999 of 1,000 days."""
SCORE = "score"
COUNTS, OPEN = "abuse.drift.counts", "abuse.drift.day"
TABLES = {
    COUNTS: TableSpec({"place": "int", "rows": "int"}, "place"),
    OPEN: TableSpec({"key": "str", "day": "int", "rows": "int", "first": "int", "last": "int"},
                    "key"),
}  # fmt: skip
_GREATEST = 2**62


@dataclass(frozen=True)
class Bins:
    """What a card says of training, for each feature and for SCORE.

    Attributes:
        names: What is watched.
        cuts: Where bins begin, millionths, ascending; shape (names, BINS - 2); those that are too
            many are _GREATEST.
        shares: Of training in each bin, parts per million; shape (names, BINS).
    """

    names: tuple[str, ...]
    cuts: Array
    shares: Array

    @classmethod
    def of(cls, card: Mapping[str, Any]) -> "Bins":
        """As a card holds them."""
        rows = [one["cuts"] + [_GREATEST] * (BINS - 2 - len(one["cuts"])) for one in card["bins"]]
        shares = [one["shares"] for one in card["bins"]]
        names = tuple(one["name"] for one in card["bins"])
        return cls(names, np.array(rows, dtype=np.int64), np.array(shares, dtype=np.int64))

    def counts(self, values: Array, missing: Array) -> Array:
        """Rows in each bin; values in millionths, (n, names), -> (names, BINS), int64."""
        found = np.empty(self.shares.shape, dtype=np.int64)
        for place, cuts in enumerate(self.cuts):
            inside = np.searchsorted(cuts, values[:, place], side="right")
            inside[missing[:, place]] = BINS - 1
            found[place] = np.bincount(inside, minlength=BINS)
        return found


def psi(rows: Array, shares: Array) -> int:
    """Population stability index of counted rows against shares (ppm) of training, millionths."""
    day = np.maximum(rows / rows.sum(), FLOOR)
    before = np.maximum(shares / WHOLE, FLOOR)
    pairs = zip(day.tolist(), before.tolist(), strict=True)
    parts = ((p - q) * math.log(p / q) for p, q in pairs)
    return round(math.fsum(parts) * WHOLE)


def ks(rows: Array, shares: Array) -> int:
    """Kolmogorov-Smirnov distance over the bins, millionths."""
    apart = np.cumsum(rows / rows.sum()) - np.cumsum(shares / WHOLE)
    return round(float(np.abs(apart).max()) * WHOLE)


def status(index: int, rows: int) -> str:
    """What an index in millionths of so many rows means."""
    if rows < FEWEST:
        return "TOO_FEW"
    return "STABLE" if index < MOVED else "MOVED" if index < DRIFTED else "DRIFTED"


@dataclass(frozen=True)
class Closed:
    """A day that is over.

    Attributes:
        end: First instant after it, microseconds UTC.
        rows: Orders scored.
        first: Offset of the first of their events.
        last: Of the last.
        found: Name, index, distance (millionths) and status of each feature and of SCORE.
    """

    end: int
    rows: int
    first: int
    last: int
    found: Sequence[tuple[str, int, int, str]]

    def drifted(self) -> list[str]:
        """Names of what has drifted."""
        return [name for name, _, _, status in self.found if status == "DRIFTED"]


def watched(
    state: State, bins: Bins, at: Array, offset: Array, features: Array, scores: Array
) -> list[Closed]:
    """Take in scored orders in log order; the days that they close.

    Args:
        state: Has TABLES.
        bins: Of the model; the last name is SCORE.
        at: Business time of each order's end, microseconds UTC; shape (n,).
        offset: Of that event; shape (n,).
        features: Shape (n, features); missing values are NaN.
        scores: Parts per million; shape (n,).
    """
    if not len(at):
        return []
    known = state[OPEN].lookup(pl.Series("key", ["day"]))
    begun, day = bool(known["known"][0]), int(known["day"][0])
    days = np.maximum.accumulate(at // DAY)
    if begun:
        days = np.maximum(days, day)
    whole = np.concatenate([features.astype(np.float64) * WHOLE, scores[:, None]], axis=1)
    values = np.rint(np.clip(np.nan_to_num(whole), -(2.0**61), 2.0**61)).astype(np.int64)
    missing = np.isnan(whole)
    closed = []
    for one in np.unique(days).tolist():
        if begun and one > day:
            closed.append(_closed(state, bins))
        begun, day, rows = True, one, days == one
        _count(state, bins.counts(values[rows], missing[rows]), day, offset[rows])
    return closed


def _count(state: State, counts: Array, day: int, offset: Array) -> None:
    flat = pl.DataFrame({"place": np.arange(counts.size), "rows": counts.ravel()})
    state[COUNTS].add(flat.filter(pl.col("rows") > 0))
    known = state[OPEN].lookup(pl.Series("key", ["day"]))
    first = int(known["first"][0]) if known["rows"][0] else int(offset.min())
    last = max(int(known["last"][0]), int(offset.max()))
    rows = int(known["rows"][0]) + len(offset)
    state[OPEN].upsert(pl.DataFrame(
        {"key": ["day"], "day": [day], "rows": [rows], "first": [first], "last": [last]}
    ))  # fmt: skip


def _closed(state: State, bins: Bins) -> Closed:
    """The open day as it is over; nothing of it stays."""
    places = pl.Series("place", np.arange(bins.shares.size))
    rows = state[COUNTS].lookup(places)["rows"].to_numpy().reshape(bins.shares.shape)
    open_ = state[OPEN].lookup(pl.Series("key", ["day"]))
    count = int(open_["rows"][0])
    found = []
    for name, mine, before in zip(bins.names, rows, bins.shares, strict=True):
        index = psi(mine, before)
        found.append((name, index, ks(mine, before), status(index, count)))
    end = (int(open_["day"][0]) + 1) * DAY
    told = Closed(end, count, int(open_["first"][0]), int(open_["last"][0]), found)
    state[COUNTS].upsert(pl.DataFrame({"place": places, "rows": np.zeros(len(places), np.int64)}))
    state[OPEN].upsert(pl.DataFrame(
        {"key": ["day"], "day": open_["day"], "rows": [0], "first": [0], "last": [0]}
    ))  # fmt: skip
    return told
