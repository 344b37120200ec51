"""Numbers of events, books and owners in books, and the business time of each event."""

import numpy as np
import polars as pl

from schemas.step import State
from udfs.abuse.facts import NEVER, Columns
from udfs.abuse.groups import Groups, coded
from udfs.abuse.memory import CLOCK, FORGOTTEN, PAIRS
from udfs.abuse.windows import SLACK


def booked(state: State, frame: pl.DataFrame, now: Columns) -> tuple[Groups, pl.DataFrame]:
    """Adds `booked`, `at`, `book_at` and `n`; the events by book, and what was known of each."""
    names, codes = coded(frame["book"])
    table = state["abuse.books"]
    known = table.lookup(names.alias("name"))
    there = known["known"].to_numpy()
    number = known["book"].to_numpy().copy()
    number[~there] = len(table) + np.arange((~there).sum())
    since = np.where(there, known["at"].to_numpy(), NEVER)
    at = pl.DataFrame({"code": codes, "time": now["time"]})
    risen = at.select(pl.col("time").cum_max().over("code"))["time"].to_numpy()
    own = np.maximum(risen, since[codes])
    clock = state[CLOCK].lookup(pl.Series("name", ["shard"]))
    newest = np.maximum.accumulate(np.maximum(now["time"], int(clock["at"][0])))
    count = int(clock["n"][0])
    now["at"] = np.maximum(own, newest - SLACK)
    now["booked"] = number[codes]
    now["n"] = count + 1 + np.arange(len(codes))
    groups = Groups.of(codes, len(names))
    now["book_at"] = groups.previous(now["at"], since)
    row = {"name": ["shard"], "at": [int(newest[-1])], "n": [count + len(codes)]}
    state[CLOCK].upsert(pl.DataFrame(row))
    return groups, known.with_columns(book=pl.Series(number), at=pl.Series(since))


def paired(state: State, frame: pl.DataFrame, now: Columns) -> tuple[Groups, pl.DataFrame]:
    """Adds `pair`; the events by owner in the book, and what was known of each.

    One that is forgotten by then is a new one with another number, whether its row is still there
    or not.
    """
    named = frame.select(pl.concat_str("book", "owner", separator="|")).to_series()
    names, codes = coded(named)
    groups = Groups.of(codes, len(names))
    known = state[PAIRS].lookup(names.alias("name"))
    there = known["known"].to_numpy()
    gone = there & (now["at"][groups.firsts] - known["idle"].to_numpy() > FORGOTTEN)
    if gone.any():
        there = there & ~gone
        kept = pl.when(pl.Series(there)).then(pl.col(pl.Int64)).otherwise(0)
        known = known.with_columns(kept, known=pl.Series(there))
    number = known["pair"].to_numpy().copy()
    clock = state[CLOCK].lookup(pl.Series("name", ["shard"]))
    count = int(clock["pairs"][0])
    new = int((~there).sum())
    number[~there] = count + np.arange(new)
    now["pair"] = number[codes]
    if new:
        state[CLOCK].upsert(pl.DataFrame({"name": ["shard"], "pairs": [count + new]}))
    return groups, known.with_columns(pair=pl.Series(number))
