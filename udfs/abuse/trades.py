"""Both sides of trades: who was on the other side, with what kind of order."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.step import State
from udfs.abuse.features import Array
from udfs.abuse.intake import ORDERS, PARF
from udfs.abuse.memory import DAY
from udfs.abuse.windows import SLACK

NOT_KNOWN = -1
CLOSE_IN_TIME = 1_000_000
"""Orders entered less than so far apart are alike in time, microseconds."""
LIKE_SIZE = 100
"""Orders are alike in size if they differ by at most one part of so many of the greater."""


_USED = (
    *("key", "book", "owner", "execution_id", "counter_order", "counter_owner", "entry_time"),
    *("quantity", "last_quantity"),
)


@dataclass(frozen=True)
class Sides:
    """The trades of a batch, seen from each side.

    Attributes:
        rows: Rows that are trades, in log order; all other arrays are aligned with it.
        age: Microseconds between the entries of the two orders; NOT_KNOWN where one is not known.
        other_size: Pieces of the other order; 0 where it is not known.
        inside: Both owners are the same, or belong to one group.
        same: Both owners are the same.
        like: The orders are alike in size.
        top: Greatest that the owner traded with one other side on this day, after the trade.
        matched: The orders are alike in size and time, and the owners are not the same.
        repeats: Such trades of these two owners on this day so far.
    """

    rows: Array
    age: Array
    other_size: Array
    inside: Array
    same: Array
    like: Array
    top: Array
    matched: Array
    repeats: Array


def sides(state: State, frame: pl.DataFrame, pairs: Array, at: Array, known: pl.DataFrame) -> Sides:
    """Look at the trades of a batch.

    Args:
        state: Has the tables.
        frame: Events in log order, as from udfs.abuse.intake.take.
        pairs: Number of the owner in the book of each event.
        at: Business time of each event.
        known: What was known of the owners in books before, with columns pair, top and top_day.
    """
    rows = np.flatnonzero(frame["code"].to_numpy() >= PARF)
    part = frame.select(*_USED)[rows]
    entry, size = part["entry_time"].to_numpy(), part["quantity"].to_numpy()
    other_entry, other_size = _others(state, frame, part, at[rows])
    age = np.where(other_size > 0, np.abs(entry - other_entry), NOT_KNOWN)
    lesser, greater = np.minimum(size, other_size), np.maximum(size, other_size)
    like = (other_size > 0) & ((greater - lesser) <= greater // LIKE_SIZE)
    same = (part["owner"] == part["counter_owner"]).to_numpy()
    matched = like & (age < CLOSE_IN_TIME) & ~same
    top, repeats = _greatest(state, part, pairs[rows], at[rows], matched, known)
    inside = same | _linked(state, part)
    return Sides(rows, age, other_size, inside, same, like, top, matched, repeats)


def _others(
    state: State, frame: pl.DataFrame, part: pl.DataFrame, at: Array
) -> tuple[Array, Array]:
    """Entry time and size of the order on the other side of each trade; size 0: not known.

    It is found at the other side's event if that is in the batch. If not, and this is the first of
    the two events in the log, the order is open still; else its event was remembered.
    """
    entry, size = (part[name].to_list() for name in ("entry_time", "quantity"))
    orders, others = part["key"].to_list(), part["counter_order"].to_list()
    ids, book = part["execution_id"].to_list(), part["book"].to_list()
    halves = state["abuse.halves"].due(None, "at", 2**62)
    open_halves = {row[0]: row for row in halves.iter_rows()}
    first: dict[str, int] = {}
    partner = [NOT_KNOWN] * len(ids)
    for row, name in enumerate(ids):
        if name in first and orders[first[name]] != orders[row]:
            before = first.pop(name)
            partner[row], partner[before] = before, row
        else:
            first[name] = row
    found_entry, found_size = np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64)
    alone: list[int] = []
    for row, there in enumerate(partner):
        if there != NOT_KNOWN:
            found_entry[row], found_size[row] = entry[there], size[there]
        elif ids[row] in open_halves:
            _, _, found_entry[row], found_size[row] = open_halves.pop(ids[row])
        else:
            alone.append(row)
    kept = [row for row in open_halves.values() if row[1] >= int(at.max(initial=0)) - SLACK]
    if alone:
        wanted = pl.Series([f"{book[row]}|{others[row]}" for row in alone])
        state_rows = state[ORDERS].lookup(wanted)
        here = frame.filter(pl.col("key").is_in(wanted.implode())).unique("key", keep="last")
        names = ("entry_time", "quantity")
        newest = {key: (t, q) for key, t, q in here.select("key", *names).rows()}
        stored = state_rows.select(*names).rows()
        for row, key, old in zip(alone, wanted.to_list(), stored, strict=True):
            found_entry[row], found_size[row] = newest.get(key, old)
            kept.append((ids[row], int(at[row]), entry[row], size[row]))
    if kept:
        state["abuse.halves"].append(pl.DataFrame(kept, schema=halves.schema, orient="row"))
    return found_entry, found_size


def _linked(state: State, part: pl.DataFrame) -> Array:
    """Whether both owners of each trade belong to one group."""
    if not len(state["abuse.groups"]) or part.is_empty():
        return np.zeros(part.height, dtype=np.bool_)
    one, other = (
        state["abuse.groups"].lookup(part[name])["group"] for name in ("owner", "counter_owner")
    )
    return ((one == other) & (one != "")).to_numpy()


def _greatest(
    state: State,
    part: pl.DataFrame,
    pairs: Array,
    at: Array,
    matched: Array,
    known: pl.DataFrame,
) -> tuple[Array, Array]:
    """Running greatest of what each owner traded with one other on the day; matched so far."""
    days = (at // DAY).tolist()
    met = zip(pairs.tolist(), days, part["counter_owner"].to_list(), strict=True)
    names = [f"{pair}|{day}|{other}" for pair, day, other in met]
    table, wanted = state["abuse.counterparties"], pl.Series(names, dtype=pl.String).unique()
    before = table.lookup(wanted)
    sums: dict[str, list[int]] = {
        name: [size, count]
        for name, size, count in before.select("name", "size", "matched").iter_rows()
    }
    tops: dict[int, tuple[int, int]] = {
        pair: (day, top) for pair, day, top in known.select("pair", "top_day", "top").iter_rows()
    }
    sizes = part["last_quantity"].to_list()
    top, repeats = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    rows = zip(names, pairs.tolist(), days, sizes, matched.tolist(), strict=True)
    touched: Mapping[str, int] = dict(zip(names, days, strict=True))
    for row, (name, pair, day, size, alike) in enumerate(rows):
        one = sums[name]
        one[0] += size
        one[1] += alike
        was_day, was = tops[pair]
        tops[pair] = (day, max(one[0], was if was_day == day else 0))
        top[row], repeats[row] = tops[pair][1], one[1]
    if names:
        table.upsert(
            pl.DataFrame(
                [(name, day, *sums[name]) for name, day in touched.items()],
                schema=["name", "day", "size", "matched"],
                orient="row",
            )
        )
    return top, repeats
