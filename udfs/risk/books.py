"""Fills to positions in state, by FIFO and at average cost; only what fills touch is folded.

Fills count in log order. A fill that no position can take, because it would leave the bounds of
`positions`, is refused alone; a fill of an instrument without terms waits for them.
"""

import numpy as np
import polars as pl

from schemas.step import State, Table
from udfs.risk import actions
from udfs.risk.book_state import TABLES, set_value, up, value_of
from udfs.risk.fills import accepted
from udfs.risk.folding import LIVE, fold_across
from udfs.risk.listed import Terms
from udfs.risk.parameters import POINT_US

_WAITING = tuple(TABLES["waiting"].columns)
APPLIED = "actions applied"
_UNSETTLED = tuple(TABLES["unsettled"].columns)


def take(state: State, fills: pl.DataFrame | None, known: Terms, watermark: int) -> pl.DataFrame:
    """Fold new fills, and those that waited for terms, into the positions after every fill.

    Args:
        state: The tables of the shard.
        fills: Records Fill in log order with their place in the log; None without any.
        known: The instruments, marks of this batch included.
        watermark: That of fills after this batch: actions before it are applied.

    Returns:
        The fills that were folded, in the columns of the table `unsettled`.
    """
    arrived = _with_waiting(state, fills)
    due = actions.between(known.actions, value_of(state, APPLIED), watermark)
    if due.height:
        set_value(state, APPLIED, watermark)
    if arrived.is_empty():
        nothing = pl.DataFrame(schema=dict.fromkeys(_UNSETTLED, pl.Int64))
        fold_across(state, LIVE, nothing, due, known)
        return nothing
    early = pl.Series(actions.waits(arrived, known.actions, watermark))
    state["waiting"].append(arrived.filter(early))
    waited, arrived = arrived.filter(early), arrived.filter(~early)
    reference = known.frame.filter(pl.Series(known.multiplier > 0)).select(
        "isin", "currency", "price_scale", "multiplier", value_scale="price_scale"
    )
    judged = accepted(arrived, reference)
    unknown = pl.col("reason") == "unknown instrument"
    state["waiting"].append(judged.refused.filter(unknown).sort("offset").select(_WAITING))
    books = _book_numbers(state, judged.fills, judged.refused, waited)
    _refuse(state, judged.refused.filter(~unknown), books)
    good = judged.fills.sort("offset")
    gone = pl.Series(actions.overtaken(good, known.actions))
    _refuse(state, good.filter(gone).with_columns(reason=pl.lit("before a split")), books)
    rows = _numbered(state, good.filter(~gone), books, known)
    done = fold_across(state, LIVE, rows, due, known)
    _refuse(state, rows.filter(pl.Series(~done)).with_columns(reason=pl.lit("too large")), books)
    return rows.filter(pl.Series(done)).select(_UNSETTLED)


def _with_waiting(state: State, fills: pl.DataFrame | None) -> pl.DataFrame:
    arrived = None
    if fills is not None:
        arrived = fills.with_columns(pl.col("price_scale").cast(pl.Int64)).select(_WAITING)
    if len(state["waiting"]):
        waited = state["waiting"].frame()
        state["waiting"].clear()
        arrived = waited if arrived is None else pl.concat([waited, arrived])
    return pl.DataFrame() if arrived is None else arrived


def _book_numbers(state: State, *frames: pl.DataFrame) -> pl.DataFrame:
    """The number of each book among the fills: book, of; new books get the next ones."""
    names = pl.concat([frame["book"] for frame in frames]).unique().sort()
    return _coded(state["books"], names).rename({"name": "book", "number": "of"})


def _coded(table: Table, names: pl.Series) -> pl.DataFrame:
    """Numbers of names: name, number; a name not yet known gets the next one."""
    found = table.lookup(names)
    key, fresh = found.columns[0], ~found["known"].to_numpy()
    number = found["number"].to_numpy().copy()
    number[fresh] = len(table) + np.arange(int(fresh.sum()))
    coded = pl.DataFrame({key: names, "number": number})
    if fresh.any():
        table.upsert(coded.filter(pl.Series(fresh)))
    return coded.rename({key: "name"})


def _numbered(state: State, fills: pl.DataFrame, books: pl.DataFrame, known: Terms) -> pl.DataFrame:
    """Accepted fills with numbers for their names, and the points at which they count."""
    instruments = known.frame.select("isin", "terms_point", instrument="number")
    rows = fills.join(instruments, on="isin", how="left", maintain_order="left")
    rows = rows.join(books, on="book", how="left", maintain_order="left")
    keys = rows["isin"] + rows["book"]
    numbers = _coded(state["numbers"], keys.unique(maintain_order=True))
    position = keys.to_frame("name").join(numbers, on="name", how="left", maintain_order="left")
    time, watermark = rows["trade_time"].to_numpy(), rows["watermark"].to_numpy()
    point = np.maximum(up(np.maximum(time, watermark), POINT_US), rows["terms_point"].to_numpy())
    return rows.drop("book").with_columns(
        book=rows["of"],
        name=rows["book"],
        position=position["number"],
        point=pl.Series(point),
        since=pl.Series(up(time, POINT_US)),
    )


def _refuse(state: State, fills: pl.DataFrame, books: pl.DataFrame) -> None:
    """Count fills that can never be used, by book and instrument."""
    if fills.is_empty():
        return
    if "name" in fills.columns:
        fills = fills.with_columns(book=pl.col("name")).drop("of")
    rows = fills.join(books, on="book", how="left", maintain_order="left").select(
        key=pl.col("isin") + pl.col("book"),
        book="of",
        point=pl.Series(
            up(np.maximum(*(fills[c].to_numpy() for c in ("trade_time", "watermark"))), POINT_US)
        ),
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


def names_of(table: Table) -> list[str]:
    """The names of a table of numbers, by number."""
    frame = table.frame().sort("number")
    return [str(name) for name in frame[frame.columns[0]].to_list()]
