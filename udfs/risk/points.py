"""Valuation points: what books were worth at fixed business times, final whatever the log's cut.

A fill or mark counts at the first point that is neither before its own time nor before its feed's
watermark when it came; both are functions of the log. A point is decided when the watermarks of
fills and marks have passed it, and only if something counts at it first: then corrections of
earlier points by what came late (udfs.risk.late), in log order, then the point itself. The end of a
day is told once nothing can correct its last point any more.
"""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from schemas.step import MIN_TIME, State
from udfs.risk import actions, books, days, folding, late, market, waiting
from udfs.risk.book_state import TABLES, set_value, up, value_of
from udfs.risk.kept import FRAMES
from udfs.risk.listed import QUOTE, Terms
from udfs.risk.market import beaten, newest
from udfs.risk.parameters import POINT_US
from udfs.risk.worth import by_book, valued

NEXT, CONTENT, SETTLED = "next", "content", "settled up to"
TOO_LATE = "too late"
_COMING = ("point", "number", *QUOTE, "late")
_MOST = 65_536
"""So many marks of later points are kept before those of one point are reduced to the newest."""


@dataclass
class Told:
    """What the points of a batch say: rows of BookPnl without words, and of PnlCorrection."""

    points: list[pl.DataFrame] = field(default_factory=list)
    days: list[pl.DataFrame] = field(default_factory=list)
    corrections: list[pl.DataFrame] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        """Whether there is no row in any of them."""
        return not any(f.height for f in (*self.points, *self.days, *self.corrections))


def advance(
    state: State,
    marks: pl.DataFrame | None,
    fills: pl.DataFrame,
    known: Terms,
    watermark: int,
    first: int | None = None,
) -> Told:
    """Take in what arrived, and decide the points that the watermark has passed.

    Args:
        state: The tables of the shard.
        marks: What `market.take` made of the batch's marks.
        fills: The fills that `books.take` folded.
        known: The instruments.
        watermark: Least of the watermarks of fills and marks, microseconds UTC; a point is passed
            once it is before it.
        first: Where the first fill of the batch, used or not, counts; None without any.
    """
    told = Told()
    if fills.height:
        state["unsettled"].append(fills)
    point = _next(state, first, watermark)
    _arrive(state, marks, point)
    while point and point < watermark:
        told.days.append(days.over(state, point, value_of(state, TOO_LATE)))
        if value_of(state, CONTENT) == point or _fills_at(state, point):
            _decide(state, told, known, point)
        point = _after(state, point, watermark)
        _move_in(state, point)
    if watermark != MIN_TIME:
        told.days.append(days.over(state, watermark, value_of(state, TOO_LATE)))
    if told.points:
        late.forget(state, watermark)
    if point != value_of(state, NEXT):
        set_value(state, NEXT, point)
    return told


def first_of(fills: pl.DataFrame) -> int:
    """The first point at which any of these fills counts."""
    latest = np.maximum(*(fills[name].to_numpy() for name in ("trade_time", "watermark")))
    return int(up(latest, POINT_US).min())


def _next(state: State, first: int | None, watermark: int) -> int:
    """The next point; the first one is where the first fill counts, or where the watermark is."""
    point = value_of(state, NEXT)
    if not point:
        choice = [] if first is None else [first]
        choice += [_at(watermark)] if watermark != MIN_TIME else []
        point = min(choice, default=0)
        _move_in(state, point)
    return point


def _arrive(state: State, marks: pl.DataFrame | None, point: int) -> None:
    """Marks into the table of their point; those that came late for one are kept one by one."""
    if marks is None or marks.is_empty():
        return
    first = marks["point"].to_numpy()
    behind = np.flatnonzero(marks["since"].to_numpy() < first)
    if behind.size:
        state["late_marks"].append(marks[behind].select(*TABLES["late_marks"].columns))
    now = np.flatnonzero(first <= point)
    if now.size:
        standing = marks[now] if now.size < first.size else marks
        _stand(state, standing)
        _fill_point(state, standing, point)
    if now.size < first.size:
        state["coming"].append(_newest_by_point(marks.filter(pl.col("point") > point)))
        if len(state["coming"]) > _MOST:
            _thin(state)


def _newest_by_point(marks: pl.DataFrame) -> pl.DataFrame:
    """Of each point, in order of its first mark, the newest mark of each instrument."""
    rows = marks.select(*_COMING)
    first = rows["point"].to_numpy()
    if (first == first[0]).all():
        return newest(rows)
    return pl.concat([newest(part) for part in rows.partition_by("point", maintain_order=True)])


def _thin(state: State) -> None:
    """Keep the newest mark of each instrument and later point."""
    rows = state["coming"].frame()
    state["coming"].clear()
    state["coming"].append(_newest_by_point(rows.sort("point", maintain_order=True)))


def _stand(state: State, marks: pl.DataFrame) -> None:
    """Marks, in log order, into the table of those that count at the next point."""
    best = newest(marks)
    old = state["standing"].lookup(best["number"])
    both = best.hstack(old.select("known", pl.col("time").alias("was")))
    replaces = ~pl.col("known") | beaten("was")
    state["standing"].upsert(both.filter(replaces).select("number", *QUOTE))


def _move_in(state: State, point: int) -> None:
    """Marks that waited for this point, or an earlier one, begin to count."""
    if not len(state["coming"]):
        return
    rows = state["coming"].due(None, "point", point)
    if rows.height:
        _stand(state, rows)
        _fill_point(state, rows, point)


def _fill_point(state: State, marks: pl.DataFrame, point: int) -> None:
    """Note that a mark counts first at this point; those of points before the first one do not."""
    if int(marks["point"].to_numpy().max()) == point:
        set_value(state, CONTENT, point)


def _fills_at(state: State, point: int) -> bool:
    rows = state["unsettled"].between("point", MIN_TIME, point, ["point"])
    return bool(rows.height)


def _after(state: State, point: int, watermark: int) -> int:
    """The next point at which something counts first, or the one the watermark has not passed."""
    after = [_at(watermark)]
    for table in ("coming", "unsettled"):
        after += state[table].between("point", point, 2**62, ["point"])["point"].to_list()
    return max(point + POINT_US, min(after))


def _at(watermark: int) -> int:
    """The first point that this watermark has not passed."""
    return int(up(np.array(watermark), POINT_US))


def _decide(state: State, told: Told, known: Terms, point: int) -> None:
    """One point: corrections of earlier ones, then the point."""
    fills = state["unsettled"].due(None, "point", point).sort("offset")
    marks = state["late_marks"].due(None, "point", point).sort("offset")
    corrected, ignored = late.corrections(state, fills, marks, known)
    if ignored:
        set_value(state, TOO_LATE, value_of(state, TOO_LATE) + ignored)
    if corrected.height:
        told.corrections.append(corrected)
        days.carry(state, corrected)
    done = value_of(state, SETTLED)
    due = actions.between(known.actions, done, point + 1)
    folding.fold_across(state, folding.SETTLED, fills, due, known)
    set_value(state, SETTLED, point + 1)
    quote = market.by_number(state["standing"].frame(), known.scale.size)
    held = FRAMES.of(state["settled"])
    worth = valued(held, known, market.prices(known, quote, point, point + 1))
    size = len(state["books"])
    rows = with_unusable(by_book(held, worth, size), unusable(state, point))
    met = held["book"].unique().implode()
    rows = rows.filter(pl.col("book").is_in(met) | (pl.col("positions") > 0))
    if rows.height:
        late.remember(state, quote, held, worth, point)
        told.points.append(days.ended(state, rows, point, value_of(state, TOO_LATE)))


def unusable(state: State, point: int | None) -> pl.DataFrame:
    """How many positions of each book have fills that cannot be used: book (number), more.

    Args:
        state: The tables of the shard.
        point: Count what was so at this point; None for what is so now.
    """
    pending = len(state["unsettled"]) if point is not None else 0
    if not (len(state["refused"]) or len(state["waiting"]) or pending):
        return pl.DataFrame(schema={"book": pl.Int64, "more": pl.Int64})
    columns = ("key", "book", "point")
    parts = [state["refused"].frame().select(columns)]
    waits = waiting.positions(state)
    if waits.height:
        numbers = state["books"].lookup(waits["book"])["number"]
        parts.append(waits.with_columns(book=numbers).select(columns))
    if point is not None and len(state["unsettled"]):
        # terms that came later than the point: until then the fill could not be used
        rows = state["unsettled"].frame()
        time = np.maximum(rows["since"].to_numpy(), up(rows["watermark"].to_numpy(), POINT_US))
        names = books.names_of(state, "numbers")
        keys = pl.Series([names[at] for at in rows["position"].to_list()], dtype=pl.String)
        parts.append(pl.DataFrame({"key": keys, "book": rows["book"], "point": time}))
    every = pl.concat(parts)
    if point is not None:
        every = every.filter(pl.col("point") <= point)
    return every.group_by("book").agg(more=pl.col("key").n_unique().cast(pl.Int64))


def with_unusable(rows: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    """Sums by book with positions that have unusable fills counted as open and unvalued."""
    if counts.is_empty():
        return rows
    rows = rows.join(counts, on="book", how="left", maintain_order="left")
    more = pl.col("more").fill_null(0)
    return rows.with_columns(
        positions=pl.col("positions") + more, unvalued=pl.col("unvalued") + more
    ).drop("more")
