"""One mark an instrument and slice out of all its quotes, with the instrument's terms.

The newest sound quote, by (time, producer sequence, offset), stands. A quote that cannot be used
never replaces one that can: it is counted and its fault is named. Sound quotes older than what
stood before the slice go out as a mark of their own, `late`, with the prices of the newest of them.

What stands after a record depends on the log up to it and not on how it is cut. How many marks are
told on the way does: one a slice.

State: for each instrument its terms and the quote that stands. A quote of an instrument whose terms
are not known waits as if it stood; it is judged when they come.
"""

from dataclasses import dataclass

import polars as pl

from schemas.step import Batch, Clock, Outputs, State, TableSpec
from udfs.risk import reference
from udfs.risk.mark_records import (
    INSTRUMENTS,
    NEWNESS,
    QUOTES,
    STANDS,
    VERSION,
    as_marks,
    late_marks,
    standing_marks,
    told,
)
from udfs.risk.marks import Quality, quotes

__all__ = ["INSTRUMENTS", "MARKS", "QUOTES", "STANDING", "TABLES", "VERSION", "MarkStep"]

MARKS = "marks"
STANDING = "marks.standing"
TABLES = reference.TABLES | {
    STANDING: TableSpec(
        columns={
            "isin": "str",
            "time": "int",
            "sequence": "int",
            "offset": "int",
            "bid": "int",
            "ask": "int",
            "currency": "str",
            "price_scale": "int",
            "wrong": "str",
        },
        key="isin",
    )
}
"""Where no quote stands bid and ask are 0, and time and offset those of the last one refused.

`wrong` says what was wrong with the last one refused.
"""

_QUOTE = {
    "isin": pl.String,
    "time": pl.Int64,
    "sequence": pl.Int64,
    "offset": pl.Int64,
    "bid": pl.Int64,
    "ask": pl.Int64,
    "currency": pl.String,
    "price_scale": pl.Int64,
    "appended": pl.Int64,
}


@dataclass(frozen=True)
class MarkStep:
    """The step contract: quotes and instruments, in log order, in; marks out."""

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """Marks of the instruments that were quoted, or whose terms changed, in this slice."""
        quoted, records = _quoted(batch.get(QUOTES)), batch.get(INSTRUMENTS)
        isins = quoted["isin"] if records is None else pl.concat([quoted["isin"], records["isin"]])
        isins = isins.unique(maintain_order=True)
        if isins.is_empty():
            return {}
        before = reference.known(state, isins)
        standing = state[STANDING].lookup(isins).rename({"known": "seen"})
        published = standing.filter(STANDS & before["known"])
        changes, after = None, before
        if records is not None:
            changes = reference.changes(state, records)
            after = reference.known(state, isins)
        judged, standing = _folded(quoted, standing, before, changes)
        judged = _aged(judged, published, after)
        seen = standing.filter("seen")
        if seen.height:
            state[STANDING].upsert(seen.select(*TABLES[STANDING].columns))
        terms = after.rename({"currency": "unit", "price_scale": "unit_scale"})
        rows = standing_marks(told(judged, changes), standing, terms)
        if judged["older"].any():
            rows = pl.concat([rows, late_marks(judged, terms)], how="diagonal")
        return {} if rows.is_empty() else {MARKS: as_marks(rows.sort("isin", "late"), clock)}


def _quoted(arrived: pl.DataFrame | None) -> pl.DataFrame:
    """The quotes, with what is wrong with their prices; null if nothing is."""
    if arrived is None:
        arrived = pl.DataFrame(schema=_QUOTE)
    found = arrived.select(pl.col(name).cast(kind) for name, kind in _QUOTE.items())
    quality = pl.Series(quotes(found["bid"], found["ask"]).quality)
    crossed = pl.when(quality == Quality.CROSSED).then(pl.lit("CROSSED"))
    return found.with_columns(
        wrong=pl.when((quality >= Quality.MISSING) & (quality != Quality.CROSSED))
        .then(pl.lit("NOT_POSITIVE"))
        .otherwise(crossed)
    )


def _folded(
    quoted: pl.DataFrame, standing: pl.DataFrame, terms: pl.DataFrame, changes: pl.DataFrame | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The quotes, each judged by the terms at its place, and what stands after them.

    All instruments are folded at once, from one change of the terms that prices are judged by to
    the next.
    """
    units = terms.select(
        "isin", *(pl.when("known").then(name).alias(name) for name in reference.UNIT)
    )
    if changes is None:
        judged = _judged(quoted, units)
        return judged, _replaced(standing, judged)
    parts = []
    quoted = _placed(quoted, changes)
    for turn in range(1 + int(changes["turn"].to_numpy().max(initial=0))):
        if turn:
            new = changes.filter(pl.col("turn") == turn).unique("isin", keep="first")
            units = units.update(new.select("isin", *reference.UNIT), on="isin")
            standing = _judged_anew(standing, units)
        part = _judged(quoted.filter(pl.col("turn") == turn).drop("turn"), units)
        standing = _replaced(standing, part)
        parts.append(part)
    return pl.concat(parts), standing


def _placed(quoted: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """The quotes with `turn`, the change of the instrument's unit that was the last before each."""
    first = changes.filter(pl.col("turn") > 0).unique(("isin", "turn"), keep="first")
    first = first.select("isin", "appended", "turn").with_columns(feed=pl.lit(0))
    both = pl.concat([first, quoted.with_columns(feed=pl.lit(1))], how="diagonal")
    both = both.sort("appended", "feed", maintain_order=True)
    turn = pl.col("turn").forward_fill().over("isin").fill_null(0)
    return both.with_columns(turn).filter(pl.col("feed") == 1).drop("feed")


def _other_unit() -> pl.Expr:
    """Whether prices are numbers of something else than the terms say; not so without terms."""
    other = (pl.col("currency") != pl.col("unit")) | (pl.col("price_scale") != pl.col("unit_scale"))
    return other.fill_null(value=False)


def _with_units(frame: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    named = units.rename({"currency": "unit", "price_scale": "unit_scale"})
    return frame.join(named, on="isin", how="left", maintain_order="left")


def _judged(quoted: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """The quotes with what is wrong with them: another unit, else what was found before."""
    differs = pl.when(_other_unit()).then(pl.lit("TERMS_DIFFER")).otherwise("wrong")
    judged = _with_units(quoted, units).with_columns(wrong=differs)
    return judged.drop("unit", "unit_scale")


def _judged_anew(standing: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """What stands, without the quotes that the terms, now known or changed, contradict."""
    falls = STANDS & _other_unit()
    fallen = _with_units(standing, units).with_columns(
        *(pl.when(falls).then(0).otherwise(price).alias(price) for price in ("bid", "ask")),
        wrong=pl.when(falls).then(pl.lit("TERMS_DIFFER")).otherwise("wrong"),
    )
    return fallen.drop("unit", "unit_scale")


def _replaced(standing: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """What stands after quotes that were judged: the newest sound one, of those and the old."""
    if judged.is_empty():
        return standing
    refused, sound = judged.filter(pl.col("wrong").is_not_null()), pl.col("wrong").is_null()
    last = refused.group_by("isin").agg(pl.col("wrong", "time", "offset").last())
    best = judged.filter(sound).drop("wrong", "appended").sort(NEWNESS)
    best = best.group_by("isin").agg(pl.all().last())
    both = standing.join(best, on="isin", how="left", suffix="_new", maintain_order="left")
    both = both.join(last, on="isin", how="left", suffix="_last", maintain_order="left")
    wins = (pl.col("ask_new") > 0) & (~STANDS | ~_older("_new", "")).fill_null(value=False)
    tried = ~STANDS & pl.col("offset_last").is_not_null()
    return both.select(
        "isin",
        *(_chosen(name, wins, tried) for name in ("time", "offset")),
        *(
            pl.when(wins).then(f"{name}_new").otherwise(name).alias(name)
            for name in ("sequence", "bid", "ask", "currency", "price_scale")
        ),
        wrong=pl.coalesce("wrong_last", "wrong"),
        seen=pl.col("seen") | pl.col("ask_new").is_not_null() | pl.col("offset_last").is_not_null(),
    )


def _chosen(name: str, wins: pl.Expr, tried: pl.Expr) -> pl.Expr:
    """Of the quote that stands now, or where none does of the one that was refused last."""
    kept = pl.when(tried).then(f"{name}_last").otherwise(name)
    return pl.when(wins).then(f"{name}_new").otherwise(kept).alias(name)


def _older(one: str, other: str) -> pl.Expr:
    """Whether the quote with one suffix is older than that with the other, in order of newness."""
    a, b = ([pl.col(name + suffix) for name in NEWNESS] for suffix in (one, other))
    later = (a[1] < b[1]) | ((a[1] == b[1]) & (a[2] < b[2]))
    return (a[0] < b[0]) | ((a[0] == b[0]) & later)


def _aged(judged: pl.DataFrame, published: pl.DataFrame, terms: pl.DataFrame) -> pl.DataFrame:
    """The quotes with `older`: sound, and older than what stands since before the slice."""
    units = terms.select("isin", *reference.UNIT)
    kept = published.join(units, on=("isin", *reference.UNIT), how="semi")
    kept = kept.select("isin", *NEWNESS, *reference.UNIT)
    both = judged.join(kept, on="isin", how="left", suffix="_old", maintain_order="left")
    same = pl.all_horizontal(pl.col(name) == pl.col(f"{name}_old") for name in reference.UNIT)
    older = pl.col("wrong").is_null() & _older("", "_old") & same
    return both.select(*judged.columns, older=older.fill_null(value=False))
