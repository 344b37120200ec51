"""Marks in state: the newest of each instrument, and the price and rate positions are valued at.

A mark replaces the one that stands if it is newer, or as new and no correction of the past. Terms
come with marks. An instrument's currency, scale and multiplier never change: a mark that says
otherwise gives no price, because quantities and costs are in the units of the first.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.step import State
from udfs.risk import actions, jumped, listed, rates
from udfs.risk.book_state import up
from udfs.risk.integers import Bools, Ints
from udfs.risk.listed import QUOTE, TERMS, UNITS, Listed, Terms
from udfs.risk.marks import Quality, mark, quotes
from udfs.risk.parameters import DAY_US, POINT_US, STALE_AFTER_US

QUALITIES = {"GOOD": Quality.GOOD, "NOT_POSITIVE": Quality.NOT_POSITIVE, "CROSSED": Quality.CROSSED}
"""What a Mark's quality is here; every other one is MISSING."""
_KEPT = ("isin", "number", *TERMS, *QUOTE, "changed", "terms_point", "jumped")


@dataclass(frozen=True)
class Prices:
    """What a unit is worth at a time; arrays of shape (instruments,), by number.

    Attributes:
        price: Mid in price units; 0 if there is none.
        quality: `Quality` of the price, STALE also for a stale rate or an unexplained jump.
        time: Business time of the mark, microseconds UTC; 0 if there is none.
        rate: Reporting currency for one unit of the currency, 10^-RATE_SCALE; 0 if there is none.
        rates: The rates of all currencies that instruments have, sorted, as `rates.rate` gives
            them.
    """

    price: Ints
    quality: Ints
    time: Ints
    rate: Ints
    rates: dict[str, tuple[int, int]]


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
    quality = [QUALITIES.get(said, Quality.MISSING) for said in marks["quality"].to_list()]
    rows = marks.with_columns(
        quality=pl.Series(quality, dtype=pl.Int64),
        point=pl.Series(up(np.maximum(time, watermark), POINT_US)),
        since=pl.Series(up(time, POINT_US)),
    )
    known = listed.terms(state)
    settled = known.listed.settled
    found = [settled.get(row, -1) for row in rows.select("isin", *TERMS).rows()]
    number = np.array(found, dtype=np.int64)
    if number.min() >= 0 and _of_one_day(time, known.frame["time"].to_numpy()[number]):
        rows = rows.with_columns(number=pl.Series(number))
        _requote(state, rows, known, slice_end)
        return rows
    return _with_terms(state, rows, slice_end)


def _of_one_day(*times: Ints) -> bool:
    """Whether all these are on the same day, UTC: then no share has opened since."""
    days = np.concatenate(times) // DAY_US
    return bool(days.min() == days.max())


def _requote(state: State, rows: pl.DataFrame, known: Terms, slice_end: int) -> None:
    """Marks of instruments whose terms stand change their quotes alone."""
    best = _newest_at(rows)
    said = {name: rows[name].to_numpy()[best] for name in ("number", *QUOTE, "late")}
    number, time, late = said["number"], said["time"], said["late"]
    stood = {name: known.frame[name].to_numpy()[number] for name in (*QUOTE, "changed")}
    beats = (time > stood["time"]) | ((time == stood["time"]) & ~late)
    said["changed"] = np.full(number.size, slice_end)
    new = {name: np.where(beats, said[name], old) for name, old in stood.items()}
    listed.requoted(state, number, new)


def _with_terms(state: State, rows: pl.DataFrame, slice_end: int) -> pl.DataFrame:
    """Marks that may bring terms, or instruments that nobody had heard of."""
    names = rows["isin"].unique(maintain_order=True)
    old = state["marks"].lookup(names)
    fresh = ~old["known"].to_numpy()
    number = old["number"].to_numpy().copy()
    number[fresh] = len(state["marks"]) + np.arange(int(fresh.sum()))
    old = old.with_columns(number=pl.Series(number))
    rows = rows.join(
        old.select("isin", "number", *(pl.col(c).alias(f"old_{c}") for c in (*UNITS, "known"))),
        on="isin",
        how="left",
        maintain_order="left",
    )
    rows = _same_units(rows)
    table = _replaced(rows, old, slice_end)
    listed.retold(state, table.select(*_KEPT))
    return rows


def _same_units(rows: pl.DataFrame) -> pl.DataFrame:
    """No price for a mark in other units than its instrument's, or of an unknown instrument."""
    with_terms = (pl.col("kind") != "UNKNOWN") & (pl.col("multiplier") > 0)
    first = {
        name: pl.when(pl.col("old_multiplier") > 0)
        .then(pl.col(f"old_{name}"))
        .otherwise(pl.col(name).filter(with_terms).first().over("isin"))
        for name in UNITS
    }
    other = pl.any_horizontal(pl.col(name) != known for name, known in first.items())
    unusable = ~with_terms | other.fill_null(value=True)
    return rows.with_columns(
        quality=pl.when(unusable).then(int(Quality.MISSING)).otherwise("quality"),
        terms=with_terms & ~other.fill_null(value=True),
    ).drop(f"old_{name}" for name in (*UNITS, "known"))


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
        .agg(pl.col(*TERMS).last().name.prefix("new_"), first=pl.col("point").first())
    )
    both = both.join(told, on="isin", how="left").join(
        jumped.opened(rows, old), on="isin", how="left"
    )
    keeps = [pl.when(beats).then(name).otherwise(f"old_{name}").alias(name) for name in QUOTE] + [
        pl.coalesce(f"new_{name}", f"old_{name}").alias(name) for name in TERMS
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
    return rows[_newest_at(rows)] if rows.height else rows


def _newest_at(rows: pl.DataFrame) -> Ints:
    """Where these are among the rows, in order of number."""
    index = np.arange(rows.height)
    number, time = rows["number"].to_numpy(), rows["time"].to_numpy()
    rank = np.where(rows["late"].to_numpy(), -1 - index, index)
    order = np.lexsort([rank, time, number])
    last = np.append(np.diff(number[order]) != 0, True)
    found: Ints = order[last]
    return found


def beaten(time: str) -> pl.Expr:
    """Whether a mark replaces one of `time`."""
    return (pl.col("time") > pl.col(time)) | ((pl.col("time") == pl.col(time)) & ~pl.col("late"))


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
        price = actions.in_units(price, time, known.listed.numbers, known.actions, applied_before)
    unexplained = _jumped(known, time)
    quality = np.where(unexplained & (quality == Quality.GOOD), Quality.STALE, quality)
    table = by_currency(known.listed, quote)
    both = np.array(list(table.values()), dtype=np.int64).reshape(-1, 2)
    rate, since = both[known.listed.currency].T
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


def by_currency(of: Listed, quote: pl.DataFrame) -> dict[str, tuple[int, int]]:
    """The rates of all currencies that instruments have, sorted."""
    numbers, terms = of.pairs
    bid, ask, time, quality = (quote[name].to_numpy()[numbers].tolist() for name in QUOTE)
    found = rates.legs(zip(terms, bid, ask, time, quality, strict=True))
    return {name: rates.rate(found, name) for name in of.currencies}


def by_number(frame: pl.DataFrame, size: int, number: str = "number") -> pl.DataFrame:
    """QUOTE by number: the last row of `frame` for each, MISSING where there is none."""
    out = {}
    at = frame[number].to_numpy()
    for name in QUOTE:
        column = np.full(size, Quality.MISSING if name == "quality" else 0, dtype=np.int64)
        column[at] = frame[name].to_numpy()
        out[name] = column
    return pl.DataFrame(out)
