"""Fills to positions in state, by FIFO and at average cost; only what fills touch is folded.

Fills count in log order. A fill that no position can take, because it would leave the bounds of
`positions`, is refused alone; a fill of an instrument without terms waits for them.
"""

from collections.abc import Iterable

import numpy as np
import polars as pl

from schemas.step import State
from udfs.risk import actions, waiting
from udfs.risk.book_state import TABLES, set_value, up, value_of
from udfs.risk.fills import accepted
from udfs.risk.folding import LIVE, fold_across
from udfs.risk.integers import Bools
from udfs.risk.kept import Kept
from udfs.risk.listed import Terms
from udfs.risk.parameters import POINT_US

APPLIED = "actions applied"
_UNSETTLED = tuple(TABLES["unsettled"].columns)
_NOTHING = pl.DataFrame(schema=dict.fromkeys(_UNSETTLED, pl.Int64))
_NONE_LOST = pl.DataFrame(schema=dict.fromkeys((*waiting.COLUMNS, "reason"), pl.String))
_NUMBERS = Kept(lambda table: dict(table.frame().rows()))


def take(
    state: State, fills: pl.DataFrame | None, known: Terms, watermark: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Fold new fills, and those that waited for terms, into the positions after every fill.

    Args:
        state: The tables of the shard.
        fills: Records Fill in log order with their place in the log; None without any.
        known: The instruments, marks of this batch included.
        watermark: That of fills after this batch: actions before it are applied.

    Returns:
        The fills that were folded, in the columns of the table `unsettled`; and those that can
        never be used, in the columns of the table `waiting`, with `reason`.
    """
    due = actions.between(known.actions, value_of(state, APPLIED), watermark)
    if due.height:
        set_value(state, APPLIED, watermark)
    arrived = waiting.arrived(state, fills, known.listed.reference.height, due.height > 0)
    if arrived.is_empty():
        fold_across(state, LIVE, _NOTHING, due, known)
        return _NOTHING, _NONE_LOST
    waited, arrived = _parted(arrived, actions.waits(arrived, known.actions, watermark))
    judged = accepted(arrived, known.listed.reference)
    unknown, refused = _parted(
        judged.refused, (judged.refused["reason"] == "unknown instrument").to_numpy()
    )
    for rows in (waited, unknown.sort("offset")):
        waiting.put(state, rows)
    names = {name for frame in (judged.fills, judged.refused, waited) for name in frame["book"]}
    books = _coded(state, "books", sorted(names))
    good = judged.fills.sort("offset")
    gone, good = _parted(good, actions.overtaken(good, known.actions))
    rows = _numbered(state, good, books, known)
    done = fold_across(state, LIVE, rows, due, known)
    lost = [refused, gone.with_columns(reason=pl.lit("before a split"))]
    if not done.all():
        lost.append(good.filter(~done).with_columns(reason=pl.lit("too large")))
        rows = rows.filter(done)
    lost = [part.select(_NONE_LOST.columns) for part in lost if part.height]
    if not lost:
        return rows, _NONE_LOST
    never = pl.concat(lost)
    _refuse(state, never, books)
    return rows, never


def _parted(rows: pl.DataFrame, where: Bools) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows where it is so, and the others."""
    if not where.any():
        return rows.slice(0, 0), rows
    return rows.filter(where), rows.filter(~where)


def numbers_of(state: State, table: str) -> dict[str, int]:
    """The numbers of a table of names, `books` or `numbers`, by name."""
    return _NUMBERS.of(state[table])


def _coded(state: State, table: str, names: Iterable[str]) -> dict[str, int]:
    """The numbers of a table of names; a name not yet known gets the next one, in this order."""
    known = numbers_of(state, table)
    fresh = [name for name in names if name not in known]
    if fresh:
        numbers = range(len(known), len(known) + len(fresh))
        columns = TABLES[table].columns
        rows = list(zip(fresh, numbers, strict=True))
        state[table].upsert(pl.DataFrame(rows, schema=list(columns), orient="row"))
        known = known | dict(rows)
        _NUMBERS.put(state[table], known)
    return known


def _numbered(
    state: State, fills: pl.DataFrame, books: dict[str, int], known: Terms
) -> pl.DataFrame:
    """Accepted fills with numbers for their names, and the points at which they count."""
    isins, names = fills["isin"].to_list(), fills["book"].to_list()
    keys = [isin + name for isin, name in zip(isins, names, strict=True)]
    positions = _coded(state, "numbers", dict.fromkeys(keys))
    instrument = np.array([known.listed.numbers[isin] for isin in isins], dtype=np.int64)
    terms = known.frame["terms_point"].to_numpy()[instrument]
    time, watermark = fills["trade_time"].to_numpy(), fills["watermark"].to_numpy()
    point = np.maximum(up(np.maximum(time, watermark), POINT_US), terms)
    return fills.with_columns(
        book=pl.Series([books[name] for name in names], dtype=pl.Int64),
        instrument=pl.Series(instrument),
        position=pl.Series([positions[key] for key in keys], dtype=pl.Int64),
        point=pl.Series(point),
        since=pl.Series(up(time, POINT_US)),
    ).select(_UNSETTLED)


def _refuse(state: State, fills: pl.DataFrame, books: dict[str, int]) -> None:
    """Count fills that can never be used, by book and instrument."""
    latest = np.maximum(fills["trade_time"].to_numpy(), fills["watermark"].to_numpy())
    rows = fills.select(
        key=pl.col("isin") + pl.col("book"),
        book=pl.Series([books[name] for name in fills["book"].to_list()], dtype=pl.Int64),
        point=pl.Series(up(latest, POINT_US)),
        reason="reason",
    )
    new = rows.group_by("key", maintain_order=True).agg(
        pl.col("book").first(), pl.col("point").min(), pl.len().alias("fills").cast(pl.Int64),
        pl.col("reason").last(),
    )  # fmt: skip
    old = state["refused"].lookup(new["key"])
    before = pl.when(old["known"]).then(old["point"]).otherwise(new["point"])
    state["refused"].upsert(
        new.with_columns(
            point=pl.min_horizontal(before, pl.col("point")), fills=pl.col("fills") + old["fills"]
        )
    )


def names_of(state: State, table: str) -> list[str]:
    """The names of a table of numbers, by number."""
    known = numbers_of(state, table)
    return sorted(known, key=known.__getitem__)
