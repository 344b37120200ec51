"""Marks as they travel: which quotes they count, which they rest on, what they say.

Each quote is counted in exactly one mark. A mark's id names the last quote behind it and the terms
it was judged by, so that the marks of an instrument differ in it.
"""

import polars as pl

from schemas.step import Clock
from udfs.shape import as_record

VERSION = "marks/1"
"""Changes when the marks of the same quotes do."""
QUOTES, INSTRUMENTS = "quotes", "instruments"
NEWNESS = ("time", "sequence", "offset")
"""The order of quotes from old to new."""
STANDS = pl.col("ask") > 0
"""Whether a row of the state has a quote that stands."""


def told(judged: pl.DataFrame, changes: pl.DataFrame | None) -> pl.DataFrame:
    """The instruments of which the mark that stands is told, with the counts of their quotes."""
    counts = judged.filter(~pl.col("older")).group_by("isin")
    told = counts.agg(
        quotes=pl.len().cast(pl.Int64),
        refused=pl.col("wrong").count().cast(pl.Int64),
        last_refused=pl.col("wrong").drop_nulls().last(),
        first_offset=pl.col("offset").min(),
        last_offset=pl.col("offset").max(),
    )
    if changes is None:
        return told
    changed = changes.select("isin").unique()
    told = told.join(changed, on="isin", how="full", coalesce=True)
    return told.with_columns(pl.col("quotes", "refused").fill_null(0))


def standing_marks(told: pl.DataFrame, standing: pl.DataFrame, terms: pl.DataFrame) -> pl.DataFrame:
    """The mark that stands of each instrument that is told of."""
    rows = told.join(standing.drop("currency", "price_scale"), on="isin").join(terms, on="isin")
    good = STANDS & pl.col("known")
    wrong = pl.when(pl.col("wrong") == "").then(pl.lit("MISSING")).otherwise("wrong")
    quality = (
        pl.when(~pl.col("known"))
        .then(pl.lit("UNKNOWN_INSTRUMENT"))
        .otherwise(pl.when(STANDS).then(pl.lit("GOOD")).otherwise(wrong))
    )
    rests = pl.when(STANDS | (pl.col("quotes") == 0)).then("offset")
    ends = (
        pl.when("seen").then(end(rests, name)).otherwise("terms_offset").alias(name)
        for name, end in (
            ("first_offset", pl.min_horizontal),
            ("last_offset", pl.max_horizontal),
        )
    )
    return rows.with_columns(
        *ends,
        *(pl.when(good).then(price).otherwise(0).alias(price) for price in ("bid", "ask")),
        time=pl.when("seen").then("time").otherwise("since"),
        quality=quality,
        last_refused=pl.col("last_refused").fill_null("NONE"),
        late=pl.lit(value=False),
        source_topic=pl.when("seen").then(pl.lit(QUOTES)).otherwise(pl.lit(INSTRUMENTS)),
    )


def late_marks(judged: pl.DataFrame, terms: pl.DataFrame) -> pl.DataFrame:
    """What the newest of the older quotes of each instrument says of the past."""
    older = judged.filter("older").sort(NEWNESS).group_by("isin")
    rows = older.agg(
        pl.col("time", "bid", "ask").last(),
        quotes=pl.len().cast(pl.Int64),
        first_offset=pl.col("offset").min(),
        last_offset=pl.col("offset").max(),
    )
    return rows.join(terms, on="isin").with_columns(
        refused=pl.lit(0, pl.Int64),
        quality=pl.lit("GOOD"),
        last_refused=pl.lit("NONE"),
        late=pl.lit(value=True),
        source_topic=pl.lit(QUOTES),
    )


def as_marks(rows: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    """Rows as records; what is not known of an instrument is empty."""
    behind = pl.when("known").then(pl.col("terms_offset").cast(pl.String)).otherwise(pl.lit("none"))
    own = ("isin", pl.lit(clock.shard), "source_topic", "last_offset", behind)
    place = pl.format("{}|{}|{}:{}|terms:{}", *own)
    rows = rows.with_columns(
        mark_id=pl.when("late").then(place + "|late").otherwise(place),
        slice_end=pl.lit(clock.slice_end * 1_000),
        kind=pl.when("known").then("kind").otherwise(pl.lit("UNKNOWN")),
        option_side=pl.when("known").then("option_side").otherwise(pl.lit("NONE")),
        currency=pl.col("unit"),
        price_scale=pl.col("unit_scale"),
        source_partition=pl.lit(clock.shard),
        version=pl.lit(VERSION),
    )
    return as_record(rows, "Mark")
