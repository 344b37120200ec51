"""Marks in state: the newest of each instrument, and the price and rate positions are valued at.

A mark replaces the one that stands if it is newer, or as new and no correction of the past. Terms
come with marks. An instrument's currency, scale and multiplier never change: a mark that says
otherwise gives no price, because quantities and costs are in the units of the first.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.money import EXPONENTS
from schemas.step import State
from udfs.risk import actions, jumped, rates
from udfs.risk.book_state import up
from udfs.risk.integers import Bools, Ints
from udfs.risk.marks import Quality, mark, quotes
from udfs.risk.parameters import DAY_US, POINT_US, STALE_AFTER_US

QUALITIES = {"GOOD": Quality.GOOD, "NOT_POSITIVE": Quality.NOT_POSITIVE, "CROSSED": Quality.CROSSED}
"""What a Mark's quality is here; every other one is MISSING."""
QUOTE = ("bid", "ask", "time", "quality")
_UNITS = ("currency", "price_scale", "multiplier")
_TERMS = ("kind", "base_currency", "underlying", "option_side", "strike", "expiry", *_UNITS)
_KEPT = ("isin", "number", *_TERMS, *QUOTE, "changed", "terms_point", "jumped")


@dataclass(frozen=True)
class Terms:
    """What is known of instruments; arrays of shape (instruments,), by number.

    Attributes:
        frame: The table of marks in order of number.
        multiplier: Units a piece stands for; 0 if the instrument's terms are unknown.
        scale: Decimal places of prices and of value units.
        exponent: Decimal places of the minor unit of the currency: fees are in it.
        actions: Splits and dividends that were announced, by time.
    """

    frame: pl.DataFrame
    multiplier: Ints
    scale: Ints
    exponent: Ints
    actions: pl.DataFrame


@dataclass(frozen=True)
class Prices:
    """What a unit is worth at a time; arrays of shape (instruments,), by number.

    Attributes:
        price: Mid in price units; 0 if there is none.
        quality: `Quality` of the price, STALE also for a stale rate or an unexplained jump.
        time: Business time of the mark, microseconds UTC; 0 if there is none.
        rate: Reporting currency for one unit of the currency, 10^-RATE_SCALE; 0 if there is none.
        rates: The rates by currency, as `rates.rates` gives them.
    """

    price: Ints
    quality: Ints
    time: Ints
    rate: Ints
    rates: pl.DataFrame


def take(state: State, marks: pl.DataFrame, slice_end: int) -> pl.DataFrame:
    """Put marks, in log order, into the table.

    Args:
        state: The tables of the shard.
        marks: Records Mark with their place in the log.
        slice_end: Log time, milliseconds: when the instruments changed.

    Returns:
        The marks with `number`, `point`, the first valuation point at which each counts, and
        `since`, the first at which it would have counted had it not come late.
    """
    time, watermark = marks["time"].to_numpy(), marks["watermark"].to_numpy()
    rows = marks.select(
        *("isin", "bid", "ask", "time", "late", "watermark", "mark_id", "offset", "appended"),
        *_TERMS,
        pl.col("quality").replace_strict(QUALITIES, default=2, return_dtype=pl.Int64).alias("q"),
        point=pl.Series(up(np.maximum(time, watermark), POINT_US)),
        since=pl.Series(up(time, POINT_US)),
    ).rename({"q": "quality"})
    names = rows["isin"].unique(maintain_order=True)
    old = state["marks"].lookup(names)
    fresh = ~old["known"].to_numpy()
    number = old["number"].to_numpy().copy()
    number[fresh] = len(state["marks"]) + np.arange(int(fresh.sum()))
    old = old.with_columns(number=pl.Series(number))
    rows = rows.join(
        old.select("isin", "number", *(pl.col(c).alias(f"old_{c}") for c in (*_UNITS, "known"))),
        on="isin",
        how="left",
        maintain_order="left",
    )
    rows = _same_units(rows)
    table = _replaced(rows, old, slice_end)
    state["marks"].upsert(table.select(*_KEPT))
    return rows


def _same_units(rows: pl.DataFrame) -> pl.DataFrame:
    """No price for a mark in other units than its instrument's, or of an unknown instrument."""
    with_terms = (pl.col("kind") != "UNKNOWN") & (pl.col("multiplier") > 0)
    first = {
        name: pl.when(pl.col("old_multiplier") > 0)
        .then(pl.col(f"old_{name}"))
        .otherwise(pl.col(name).filter(with_terms).first().over("isin"))
        for name in _UNITS
    }
    other = pl.any_horizontal(pl.col(name) != known for name, known in first.items())
    unusable = ~with_terms | other.fill_null(value=True)
    return rows.with_columns(
        quality=pl.when(unusable).then(int(Quality.MISSING)).otherwise("quality"),
        terms=with_terms & ~other.fill_null(value=True),
    ).drop(f"old_{name}" for name in (*_UNITS, "known"))


def _replaced(rows: pl.DataFrame, old: pl.DataFrame, slice_end: int) -> pl.DataFrame:
    """The rows of the table that change."""
    best = newest(rows)
    both = best.join(
        old.select("isin", pl.exclude("isin", "number").name.prefix("old_")), on="isin", how="left"
    )
    beats = ~pl.col("old_known") | beaten("old_time")
    told = (
        rows.filter("terms")
        .group_by("isin", maintain_order=True)
        .agg(pl.col(*_TERMS).last().name.prefix("new_"), first=pl.col("point").first())
    )
    both = both.join(told, on="isin", how="left").join(
        jumped.opened(rows, old), on="isin", how="left"
    )
    keeps = [pl.when(beats).then(name).otherwise(f"old_{name}").alias(name) for name in QUOTE] + [
        pl.coalesce(f"new_{name}", f"old_{name}").alias(name) for name in _TERMS
    ]
    return both.with_columns(
        *keeps,
        changed=pl.when(beats).then(slice_end).otherwise("old_changed"),
        terms_point=pl.when(pl.col("old_terms_point") > 0)
        .then("old_terms_point")
        .otherwise(pl.col("first").fill_null(0)),
        jumped=pl.coalesce("jump", "old_jumped"),
    )


def newest(rows: pl.DataFrame) -> pl.DataFrame:
    """Of each instrument the mark that stands after all of `rows`, which are in log order.

    The one with the latest time; of several the last one that is no correction, else the first.
    """
    n = rows.height
    index = np.arange(n)
    rank = np.where(rows["late"].to_numpy(), -1 - index, index)
    order = np.lexsort([rank, rows["time"].to_numpy(), rows["number"].to_numpy()])
    sorted_number = rows["number"].to_numpy()[order]
    last = np.append(sorted_number[1:] != sorted_number[:-1], True) if n else index
    return rows[order[np.flatnonzero(last)]] if n else rows


def beaten(time: str) -> pl.Expr:
    """Whether a mark replaces one of `time`."""
    return (pl.col("time") > pl.col(time)) | ((pl.col("time") == pl.col(time)) & ~pl.col("late"))


def terms(state: State, announced: pl.DataFrame) -> Terms:
    """The instruments there are, by number.

    Args:
        state: The tables of the shard.
        announced: What `actions.take` gave.
    """
    frame = state["marks"].frame()
    frame = frame[np.argsort(frame["number"].to_numpy())]
    exponent = frame["currency"].replace_strict(EXPONENTS, default=2, return_dtype=pl.Int64)
    known = pl.col("multiplier") * (pl.col("kind") != "UNKNOWN")
    return Terms(
        frame,
        frame.select(known.cast(pl.Int64)).to_series().to_numpy(),
        frame["price_scale"].to_numpy(),
        exponent.to_numpy(),
        announced,
    )


def prices(known: Terms, quote: pl.DataFrame, now: int, applied_before: int) -> Prices:
    """What instruments are worth at a business time.

    Args:
        known: The instruments.
        quote: QUOTE of each, in order of number.
        now: Business time that ages are taken from, microseconds UTC.
        applied_before: Splits with a time before this one are in the positions.
    """
    time = quote["time"].to_numpy()
    bid, ask, said = (quote[name].to_numpy() for name in ("bid", "ask", "quality"))
    age = np.where(time > 0, now - time, 0)
    found = quotes(bid, ask, age, STALE_AFTER_US)
    quality = np.where(said >= Quality.MISSING, said, found.quality)
    quality = np.where(known.multiplier > 0, quality, Quality.MISSING)
    at = np.arange(time.size)
    price = mark(np.ones_like(at), at, found, "mid")[0]
    price = np.where(quality >= Quality.MISSING, 0, price)
    if known.actions.height:
        number = dict(zip(known.frame["isin"].to_list(), at.tolist(), strict=True))
        price = actions.in_units(price, time, number, known.actions, applied_before)
    unexplained = _jumped(known, time)
    quality = np.where(unexplained & (quality == Quality.GOOD), Quality.STALE, quality)
    table = by_currency(known, quote)
    found_rate = {name: (rate, since) for name, rate, since in table.rows()}
    both = [found_rate[name] for name in known.frame["currency"].to_list()]
    rate, since = np.array(both, dtype=np.int64).reshape(-1, 2).T
    old = (now - since > STALE_AFTER_US) & (rate > 0)
    quality = np.where(old & (quality == Quality.GOOD), Quality.STALE, quality)
    return Prices(price, quality.astype(np.int64), time, rate, table)


def _jumped(known: Terms, time: Ints) -> Bools:
    """Which marks are of a day that opened as if split, with no split announced for it."""
    jump = known.frame["jumped"].to_numpy()
    if not jump.any():
        return np.zeros(jump.size, dtype=np.bool_)
    splits = known.actions.filter(pl.col("kind") != actions.DIVIDEND)
    day = pl.col("jumped") // DAY_US
    announced = known.frame.select("isin", day=day).join(
        splits.select("isin", day=pl.col("time") // DAY_US).with_columns(found=True).unique(),
        on=["isin", "day"],
        how="left",
        maintain_order="left",
    )["found"]
    same = jump // DAY_US == time // DAY_US
    result: Bools = (jump > 0) & (jump <= time) & same & announced.is_null().to_numpy()
    return result


def by_currency(known: Terms, quote: pl.DataFrame) -> pl.DataFrame:
    """The rates of all currencies that instruments have."""
    chosen = np.flatnonzero((known.frame["kind"] == "FX").to_numpy())
    names = ("isin", "base_currency", "currency", "price_scale")
    pairs = pl.DataFrame(
        [known.frame[name][chosen] for name in names] + [quote[name][chosen] for name in QUOTE]
    )
    return rates.rates(pairs, known.frame["currency"])


def by_number(frame: pl.DataFrame, size: int, number: str = "number") -> pl.DataFrame:
    """QUOTE by number: the last row of `frame` for each, MISSING where there is none."""
    out = {}
    at = frame[number].to_numpy()
    for name in QUOTE:
        column = np.full(size, Quality.MISSING if name == "quality" else 0, dtype=np.int64)
        column[at] = frame[name].to_numpy()
        out[name] = column
    return pl.DataFrame(out)
