"""What positions stand for in a scenario set: whole units of the reporting currency, row by row.

A holding of worth e gains e r in a scenario in which its price, in the reporting currency, returns
r: e = quantity * multiplier * mid * rate, rounded half to even. An option is taken by delta and
gamma of Black-Scholes at the volatility that its own mark implies:

    delta S            on the row of its underlying
    gamma S^2 / 2      on the row of the underlying's squared returns
    value - delta S    on the row of its currency, the part that is no stock but money

so that the P&L of a book stays one product of whole numbers. How volatilities move is not in it,
nor is what lies beyond the second order.

A position without mark, rate or scenarios has no exposure: it is counted and named.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from udfs.risk.integers import mul_div, product, sums
from udfs.risk.measure_parameters import MINOR, NAMED, RATE_UNIT
from udfs.risk.parameters import REPORTING
from udfs.risk.priced import priced
from udfs.risk.scenario_sets import BuiltSet, cash_row, square_row
from udfs.risk.whole import Floats, Ints

_MOST = 2.0**40
"""Exposures of a position stay below this, so that sums of them in minor units fit 64 bits."""


@dataclass(frozen=True)
class Exposures:
    """Exposures of groups of positions (books, or the firm).

    Attributes:
        groups: Names, sorted.
        matrix: Shape (groups, rows of the set): whole units of the reporting currency.
        gross: Shape (groups,): sum of absolute exposures, options by delta, minor units.
        net: Shape (groups,): sum of exposures, minor units.
        positions: Shape (groups,): positions with an exposure.
        missing: Shape (groups,): positions without.
        stale: Shape (groups,): of those with an exposure, how many rest on a stale mark.
        reasons: By group, what is missing or stale, in words.
        held: A row a position: group, isin, quantity, exposure, gamma, cash, stale, reason (empty
            for those with an exposure); ordered by group and isin.
    """

    groups: tuple[str, ...]
    matrix: Ints
    gross: Ints
    net: Ints
    positions: Ints
    missing: Ints
    stale: Ints
    reasons: tuple[tuple[str, ...], ...]
    held: pl.DataFrame


def exposures(
    held: pl.DataFrame,
    marks: pl.DataFrame,
    built: BuiltSet,
    watermark: int,
    groups: Sequence[str] = (),
) -> Exposures:
    """Exposures of positions at their marks.

    Args:
        held: Columns group, isin, quantity, in any order; of one instrument they add up.
        marks: One row an instrument: isin, kind, currency, multiplier, price_scale, underlying,
            option_side, strike, expiry (days since 1970-01-01), bid, ask, time, quality, rate
            (reporting currency for one of its own, in 10^-RATE_SCALE, 0 without).
        built: The scenario set.
        watermark: Business time, microseconds UTC.
        groups: Groups that are told of even if they hold nothing.
    """
    quantities = held.group_by("group", "isin").agg(pl.col("quantity").sum())
    quantities = quantities.filter(pl.col("quantity") != 0).sort("group", "isin")
    prices = priced(quantities["isin"].unique(), marks, watermark)
    rows = built.scenarios.rows
    told = quantities.join(_placed(prices, built), on="isin", how="left", maintain_order="left")
    told = _valued(told)
    names = tuple(sorted({*held["group"].to_list(), *groups}))
    at = {name: place for place, name in enumerate(names)}
    group = np.array([at[name] for name in told["group"].to_list()], dtype=np.int64)
    good = (told["reason"] == "").to_numpy()
    matrix = np.zeros((len(names), len(rows)), dtype=np.int64)
    for value, row in (("exposure", "row"), ("gamma", "square"), ("cash", "money")):
        used = good & (told[row] >= 0).to_numpy()
        where = (group[used], told[row].to_numpy()[used])
        np.add.at(matrix, where, told[value].to_numpy()[used])
    exposure = np.where(good, told["exposure"].to_numpy(), 0)
    stale = good & told["stale"].to_numpy()
    count = len(names)
    return Exposures(
        groups=names,
        matrix=matrix,
        gross=sums(np.abs(exposure) * MINOR, group, count),
        net=sums(exposure * MINOR, group, count),
        positions=np.bincount(group[good], minlength=count).astype(np.int64),
        missing=np.bincount(group[~good], minlength=count).astype(np.int64),
        stale=np.bincount(group[stale], minlength=count).astype(np.int64),
        reasons=_reasons(told, names),
        held=told.select(
            "group", "isin", "quantity", "exposure", "gamma", "cash", "stale", "reason"
        ),
    )


def _placed(prices: pl.DataFrame, built: BuiltSet) -> pl.DataFrame:
    """The marks with their rows in the set, -1 for none; those that need one and lack it say so."""
    rows = built.scenarios.rows
    out: list[tuple[int, int, int, str]] = []
    for isin, kind, currency, underlying, reason in prices.select(
        "isin", "kind", "currency", "underlying", "reason"
    ).rows():
        option = kind == "OPTION"
        carrier = underlying if option else isin
        row = rows.get(carrier, -1)
        square = rows.get(square_row(carrier), -1) if option else -1
        foreign = option and currency != REPORTING
        money = rows.get(cash_row(currency), -1) if foreign else -1
        lacks = row < 0 or (option and square < 0) or (foreign and money < 0)
        why = built.unusable.get(carrier, "not in the scenario set")
        out.append((row, square, money, reason or (why if lacks else "")))
    schema = {"row": pl.Int64, "square": pl.Int64, "money": pl.Int64, "reason": pl.String}
    return prices.with_columns(pl.DataFrame(out, schema=schema, orient="row"))


def _valued(told: pl.DataFrame) -> pl.DataFrame:
    """Positions with their exposures in whole units of the reporting currency."""
    option = (told["kind"] == "OPTION").fill_null(value=False).to_numpy()
    pieces = {
        name: told[name].fill_null(0).to_numpy()
        for name in ("quantity", "multiplier", "mid", "rate", "price_scale", "delta", "curve")
    }
    q, m, mid, rate, scale = (
        pieces[name] for name in ("quantity", "multiplier", "mid", "rate", "price_scale")
    )
    money = q.astype(np.float64) * m * (rate / RATE_UNIT)
    size = np.abs(money * mid / 10.0**scale)
    largest = np.maximum(size, np.abs(money) * np.maximum(np.abs(pieces["delta"]), pieces["curve"]))
    small = (largest < _MOST) & (np.abs(q.astype(np.float64) * m * mid) < 2.0**61)
    usable = (told["reason"] == "").to_numpy() & small
    fine = scale > 8  # a divisor of 10^19 does not fit: the rate has a digit less
    value = mul_div(
        product(*(np.where(usable, part, 0) for part in (q, m, mid))),
        np.where(usable, np.where(fine, mul_div(np.where(usable, rate, 0), 1, 10), rate), 0),
        np.where(fine, RATE_UNIT // 10, RATE_UNIT) * 10 ** np.where(usable, scale, 0).astype(int),
    )
    delta, gamma = (_whole(money * pieces[name], usable & option) for name in ("delta", "curve"))
    reason = told["reason"].to_numpy()
    reason = np.where((reason == "") & ~small, "exposure too large to compute with", reason)
    return told.with_columns(
        exposure=pl.Series(np.where(option, delta, value)),
        gamma=pl.Series(gamma),
        cash=pl.Series(np.where(option, value - delta, 0)),
        reason=pl.Series(reason.tolist(), dtype=pl.String),
        stale=pl.col("stale").fill_null(value=False),
    )


def _whole(values: Floats, where: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Ints:
    whole: Ints = np.rint(np.where(where, values, 0.0)).astype(np.int64)
    return whole


def _reasons(told: pl.DataFrame, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """What is missing or stale in each group: the reason, and the first of the instruments."""
    found: dict[str, list[str]] = {name: [] for name in names}
    late = pl.when(pl.col("reason") != "").then("reason").when("stale").then(pl.lit("stale mark"))
    of = told.with_columns(why=late).filter(pl.col("why").is_not_null())
    listed = of.group_by("group", "why").agg(pl.col("isin").sort()).sort("group", "why")
    for group, why, isins in listed.rows():
        more = f" and {len(isins) - NAMED} more" if len(isins) > NAMED else ""
        found[group].append(f"{why}: {', '.join(isins[:NAMED])}{more}")
    return tuple(tuple(found[name]) for name in names)
