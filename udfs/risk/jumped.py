"""Shares that open as if they had been split, although no split was announced."""

import polars as pl

from udfs.risk.corporate import jumps
from udfs.risk.parameters import DAY_US, JUMP_PPM

KIND = "EQUITY"


def opened(rows: pl.DataFrame, old: pl.DataFrame) -> pl.DataFrame:
    """When shares opened at a price that looks like a split.

    The first mark of a business day (UTC) is compared with the last of the day before; both are
    marks that replaced another one, so the answer is a function of the log.

    Args:
        rows: Marks in log order: isin, kind, time, bid, ask, quality (0 for a good one), late.
        old: The marks that stand, by isin: the same columns, and known.

    Returns:
        isin and `jump`, the business time of the mark, microseconds UTC; no row for the others.
    """
    none = pl.DataFrame(schema={"isin": pl.String, "jump": pl.Int64})
    columns = ("isin", "time", "bid", "ask")
    good = (pl.col("quality") == 0) & (pl.col("kind") == KIND)
    now = rows.filter(good & ~pl.col("late"))
    before = old.filter(good & pl.col("known"))
    day = (
        now.select("isin", day=pl.col("time") // DAY_US)
        .group_by("isin")
        .agg(first=pl.col("day").min(), last=pl.col("day").max())
    )
    was = before.select("isin", was=pl.col("time") // DAY_US)
    turned = day.join(was, on="isin", how="left").filter(
        (pl.col("last") > pl.col("first")) | (pl.col("last") > pl.col("was"))
    )
    if turned.is_empty():
        return none
    line = pl.concat([before.select(columns), now.select(columns)])
    line = line.join(turned.select("isin"), on="isin", how="semi", maintain_order="left")
    line = line.filter(pl.col("time") == pl.col("time").cum_max().over("isin"))
    mid, at = pl.col("bid") + pl.col("ask"), pl.col("time")
    line = line.with_columns(
        before=mid.shift(1).over("isin"), after=mid, was=at.shift(1).over("isin")
    ).filter(pl.col("was").is_not_null() & (at // DAY_US > pl.col("was") // DAY_US))
    found = jumps(line["before"].to_numpy(), line["after"].to_numpy(), allowed_ppm=JUMP_PPM)
    like = pl.Series(found.jumped & (found.new > 0), dtype=pl.Boolean)
    return line.filter(like).group_by("isin").agg(jump=at.max())
