"""Each book at its last valuation point, and at the end of days until nothing can correct them.

A day ends at midnight UTC, with the last point up to it. Its total is that point's as it was told,
plus every correction of it; it is told HORIZON_US after midnight, when there can be no more.
"""

import numpy as np
import polars as pl

from schemas.step import State
from udfs.risk.book_state import SUMS, up
from udfs.risk.integers import Ints
from udfs.risk.kept import FRAMES
from udfs.risk.parameters import DAY_US, HORIZON_US


def ended(state: State, rows: pl.DataFrame, point: int, too_late: int) -> pl.DataFrame:
    """Note the books at a point; the rows of BookPnl that tell it.

    Args:
        state: The tables of the shard.
        rows: Sums by book with their offsets, as `worth.by_book` gives them, and book.
        point: The point, microseconds UTC.
        too_late: How many fills and marks have come too late to correct a point.
    """
    turn(state, point)
    old = state["ends"].lookup(rows["book"])
    rows = rows.with_columns(
        point=pl.lit(point, pl.Int64),
        corrections=pl.lit(0, pl.Int64),
        base=old["base"],
        base_point=old["base_point"],
    )
    _put(state, rows.select("book", *SUMS))
    return rows.with_columns(
        day=pl.col("total") - pl.col("base"), too_late=pl.lit(too_late, pl.Int64)
    )


def turn(state: State, now: int) -> None:
    """Begin a new day for books whose last point lies in an earlier one than `now`."""
    if not len(state["ends"]):
        return
    ends = FRAMES.of(state["ends"])
    point = ends["point"].to_numpy()
    day = up(point, DAY_US)
    over = (day < up(np.array(now), DAY_US)) & (ends["base_point"].to_numpy() != point)
    if not over.any():
        return
    done = ends.with_columns(day=pl.Series(day)).filter(pl.Series(over))
    state["days"].append(done)
    base = pl.col("total") + pl.col("corrections")
    _put(state, done.select("book", base=base, base_point="point"))


def over(state: State, now: int, too_late: int) -> pl.DataFrame:
    """The rows of BookPnl for days that nothing can correct any more; they leave the state."""
    turn(state, now)
    if not len(state["days"]):
        return pl.DataFrame()
    rows = state["days"].due(None, "day", now - HORIZON_US - 1)
    corrected = pl.col("total") + pl.col("corrections")
    return rows.with_columns(
        total=corrected,
        unrealised=pl.col("unrealised") + pl.col("corrections"),
        point=pl.col("day"),
        day=corrected - pl.col("base"),
        too_late=pl.lit(too_late, pl.Int64),
    )


def carry(state: State, corrected: pl.DataFrame) -> None:
    """Add corrections to what they change: last points, ends of days, and what days begin with."""
    sums = corrected.group_by("book", "point").agg(
        (pl.col("after") - pl.col("before")).sum().alias("more")
    )
    ends = _corrected(FRAMES.of(state["ends"]), sums)
    _put(state, ends.select("book", "corrections", "base"))
    if len(state["days"]):
        rows = _corrected(state["days"].frame(), sums)
        state["days"].clear()
        state["days"].append(rows)


def bases(state: State, books: int) -> Ints:
    """The total of each book, by number, that its day began with; 0 before its first point."""
    ends = FRAMES.of(state["ends"])
    base = np.zeros(books, np.int64)
    base[ends["book"].to_numpy()] = ends["base"].to_numpy()
    return base


def _put(state: State, rows: pl.DataFrame) -> None:
    state["ends"].upsert(rows)
    FRAMES.forget(state["ends"])


def _corrected(rows: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """Rows with corrections of their point, and of the point their base is taken from."""
    rows = rows.join(sums, on=["book", "point"], how="left", maintain_order="left")
    rows = rows.with_columns(corrections=pl.col("corrections") + pl.col("more").fill_null(0))
    base = sums.rename({"point": "base_point"})
    rows = rows.drop("more").join(
        base, on=["book", "base_point"], how="left", maintain_order="left"
    )
    return rows.with_columns(base=pl.col("base") + pl.col("more").fill_null(0)).drop("more")
