"""Positions, P&L and corrections in the shape of the records they travel as."""

from collections.abc import Sequence
from functools import cache

import polars as pl

from schemas.records import record
from schemas.step import Batch, Clock
from udfs.risk.integers import Ints
from udfs.risk.listed import Terms
from udfs.risk.parameters import REPORTING
from udfs.risk.worth import Worth
from udfs.shape import ENGINE, as_record

VERSION = "risk/1"
"""Changes when the results of the same fills, marks and controls do."""


def inputs(batch: Batch) -> str:
    """What was read: topic:first-last;... by offset, records only."""
    ranges = (
        f"{topic}:{min(offsets)}-{max(offsets)}"
        for topic, offsets in ((name, frame["offset"].to_list()) for name, frame in batch.items())
        if offsets
    )
    return ";".join(ranges)


def pnl(
    rows: pl.DataFrame, kind: str, names: list[str], clock: Clock, read: str = ""
) -> pl.DataFrame:
    """Records BookPnl of books, in order of their names.

    Args:
        rows: Sums by book (number), with corrections, day, too_late, and point, the time.
        kind: SLICE, POINT or DAY; the last two say nothing of the slice they came out in.
        names: Of the books, by number.
        clock: The clock of the batch.
        read: What was read in the slice.
    """
    if rows.is_empty():
        return none("BookPnl")
    name = [names[book] for book in rows["book"].to_list()]
    point = rows["point"].to_list()
    end = [clock.slice_end * 1_000] * rows.height if kind == "SLICE" else point
    pnl_id = [f"BOOK|{one}|{kind}|{at}" for one, at in zip(name, end, strict=True)]
    order = sorted(range(rows.height), key=lambda i: (point[i], name[i]))
    told = rows.with_columns(
        pnl_id=pl.Series(pnl_id),
        name=pl.Series(name),
        time=pl.col("point"),
        slice_end=pl.Series(end),
        kind=pl.lit(kind),
        scope=pl.lit("BOOK"),
        currency=pl.lit(REPORTING),
        complete=(pl.col("stale") == 0) & (pl.col("unvalued") == 0),
        inputs=pl.lit(read),
        **_lineage(clock),
    )
    return as_record(told[order], "BookPnl")


def positions(
    held: pl.DataFrame,
    worth: Worth,
    chosen: Ints,
    cost_fifo: Ints,
    known: Terms,
    names: list[str],
    clock: Clock,
) -> pl.DataFrame:
    """Records Position of the chosen rows of `held`, in order of book and instrument.

    Args:
        held: Positions, as the table `holdings` has them.
        worth: What they are worth, aligned.
        chosen: Row numbers, shape (chosen,).
        cost_fifo: Signed cost of the open lots of the chosen ones, value units.
        known: The instruments.
        names: Of the books, by number.
        clock: The clock of the batch.
    """
    rows = held[chosen]
    frame = known.listed.told[rows["instrument"].to_numpy()]
    isin, book = frame["isin"].to_list(), [names[book] for book in rows["book"].to_list()]
    end = clock.slice_end * 1_000
    order = sorted(range(rows.height), key=lambda i: (book[i], isin[i]))
    told = rows.with_columns(
        frame,
        position_id=pl.Series([f"{b}|{i}|{end}" for b, i in zip(book, isin, strict=True)]),
        book=pl.Series(book),
        time=pl.lit(max(clock.watermark, 0)),
        slice_end=pl.lit(end),
        cost_fifo=pl.Series(cost_fifo),
        value_scale=frame["price_scale"],
        price=pl.Series(worth.price[chosen]),
        mark_time=pl.Series(worth.mark_time[chosen]),
        quality=pl.Series(worth.quality[chosen]),
        unrealised=pl.Series(worth.unrealised_local[chosen]),
        pnl=pl.Series(worth.pnl[chosen]),
        value=pl.Series(worth.value[chosen]),
        **_lineage(clock),
    )
    return as_record(told[order], "Position")


def corrections(rows: pl.DataFrame, known: Terms, names: list[str], clock: Clock) -> pl.DataFrame:
    """Records PnlCorrection: by point, then in the order of what came late, then by position."""
    told = rows.with_columns(
        known.frame.select("isin")[rows["instrument"].to_numpy()],
        book=pl.Series([names[book] for book in rows["book"].to_list()], dtype=pl.String),
        time=pl.col("point"),
        slice_end=pl.col("point"),
        currency=pl.lit(REPORTING),
        difference=pl.col("after") - pl.col("before"),
        source_topic=pl.col("topic"),
        source_partition=pl.lit(clock.shard),
        first_offset=pl.col("offset"),
        last_offset=pl.col("offset"),
        version=pl.lit(VERSION),
    ).with_columns(correction_id=pl.format("{}|{}|{}|{}", "book", "isin", "point", "cause_id"))
    return as_record(told.sort("point", "order", "book", "isin"), "PnlCorrection")


@cache
def none(name: str) -> pl.DataFrame:
    """No records of this name."""
    kept = {c: t for c, t in record(name).columns.items() if c not in ENGINE}
    return pl.DataFrame(schema=kept)


def joined(name: str, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Records of this name, one frame after the other."""
    some = [frame for frame in frames if frame.height]
    return pl.concat(some) if len(some) > 1 else some[0] if some else none(name)


def _lineage(clock: Clock) -> dict[str, pl.Expr]:
    """A book or position rests on its fills, from the first to the last."""
    return {
        "source_topic": pl.lit("fills"),
        "source_partition": pl.lit(clock.shard),
        "first_offset": pl.col("first"),
        "last_offset": pl.col("last"),
        "version": pl.lit(VERSION),
    }
