"""Scenario sets: the returns in the reporting currency that published rows become.

A set is one row of daily returns an instrument, parts per million of its price, oldest first. For
an instrument in currency c, with r_c the return of c's rate to the reporting currency, a day is

    (1 + r) (1 + r_c) - 1      a holding, paid for in the reporting currency
    r (1 + r_c)                a currency pair, whose bought side is paid for with its other side

rounded to whole ppm. Beside these rows a set has `cash_row`s, r_c itself, and `square_row`s, r^2 of
the underlyings of options.

HISTORICAL: the scenarios are the last days. MONTE_CARLO: each scenario is sum_d sqrt(w_d) z_d r_d
over the days d with standard normals z, antithetic, and weights w that fall with age: the
covariance is the weighted one of the days, the mean zero. The factors sqrt(w_d) z_d are whole
multiples of 2^-24, so that the sum is exact and no library, thread or order of rows changes a bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from udfs.risk.montecarlo import drawn
from udfs.risk.parameters import REPORTING, VIA
from udfs.risk.scenario_parts import MONTE_CARLO, Head, digest_of, parts_of, returns_of
from udfs.risk.scenarios import ScenarioSet
from udfs.risk.tails import WEIGHT_UNIT, age_weights
from udfs.risk.whole import EXACT, PPM, Floats

__all__ = ["BuiltSet", "Head", "build", "digest_of", "draws", "parts_of", "rates_path"]

Size = Literal["book", "firm"]
Legs = tuple[tuple[str, int], ...]
"""Currency pairs whose rates make a rate: ISIN, and 1, or -1 for a pair the other way round."""

_UNIT = 2.0**24
_FARTHEST = 8.3
"""No normal that is drawn is farther out: ndtri(2^-53) = -8.21."""
_BLOCK = 2_048
_MOST_RETURN = 2.0**40


@dataclass(frozen=True)
class BuiltSet:
    """Scenarios ready for use.

    Attributes:
        scenarios: Whole ppm in the reporting currency; rows: ISINs, `cash_row`s, `square_row`s.
        name: Of the set.
        epoch: Its version.
        digest: Its SHA-256, hex.
        unusable: Why an instrument of the set has no row, by ISIN.
    """

    scenarios: ScenarioSet
    name: str
    epoch: int
    digest: str
    unusable: Mapping[str, str]

    @property
    def label(self) -> str:
        """How measures name the set."""
        return f"{self.name}@{self.epoch}"


def square_row(isin: str) -> str:
    """Name of the row of squared returns of an instrument in its own currency."""
    return f"{isin}^2"


def cash_row(currency: str) -> str:
    """Name of the row of returns of a currency's rate."""
    return f"cash:{currency}"


def rates_path(currency: str, pairs: pl.DataFrame, reporting: str = REPORTING) -> Legs | None:
    """The pairs that make the rate of a currency to the reporting currency.

    Direct (currency/reporting) before inverse (reporting/currency) before both ways over VIA; of
    several pairs of the same two currencies the one with the first ISIN.

    Args:
        currency: ISO 4217.
        pairs: Columns isin, base_currency (bought) and currency (paid); price is paid for 1 bought.
        reporting: ISO 4217.

    Returns:
        The legs, none for the reporting currency itself; None if there is no such way.
    """
    known: dict[tuple[str, str], str] = {}
    for isin, base, paid in pairs.select("isin", "base_currency", "currency").sort("isin").rows():
        known.setdefault((base, paid), isin)

    def step(bought: str, paid: str) -> Legs | None:
        if (bought, paid) in known:
            return ((known[bought, paid], 1),)
        return ((known[paid, bought], -1),) if (paid, bought) in known else None

    if currency == reporting:
        return ()
    straight = step(currency, reporting)
    if straight is not None or VIA in (currency, reporting):
        return straight
    first, second = step(currency, VIA), step(VIA, reporting)
    return None if first is None or second is None else first + second


def build(head: Head, parts: pl.DataFrame, terms: pl.DataFrame, size: Size) -> BuiltSet:
    """The scenarios of a sound set for the instruments that are known.

    Args:
        head: What the parts say alike.
        parts: Columns part, isin, returns.
        terms: Columns isin, kind, currency, base_currency, underlying; rows without reference data
            (kind UNKNOWN) count for nothing, options only for the squares of their underlyings.
        size: Whose number of scenarios is taken.
    """
    isins = parts.sort("part")["isin"].to_list()
    days = dict(zip(isins, returns_of(parts).astype(np.float64), strict=True))
    of = terms.filter(pl.col("isin").is_in(isins)).sort("isin")
    pairs = of.filter(kind="FX")
    options = terms.filter(kind="OPTION")
    rates = {c: _rate(rates_path(c, pairs), days) for c in sorted({*of["currency"]} - {""})}
    rows: dict[str, Floats] = {}
    unusable: dict[str, str] = {}
    for isin, kind, currency in of.select("isin", "kind", "currency").rows():
        rate = rates.get(currency)
        if kind in ("EQUITY", "BOND", "FX") and rate is None:
            unusable[isin] = f"no scenarios of the rate of {currency}"
        elif kind in ("EQUITY", "BOND", "FX"):
            rows[isin] = days[isin] * rate if kind == "FX" else (PPM + days[isin]) * rate - PPM
    for currency, rate in rates.items():
        if rate is not None and currency != REPORTING:
            rows[cash_row(currency)] = (rate - 1) * PPM
    for isin in sorted({*options["underlying"]} & rows.keys()):
        rows[square_row(isin)] = days[isin]
    count = head.book_scenarios if size == "book" else head.firm_scenarios
    usable = _scenarios(head, rows, count, unusable)
    return BuiltSet(usable, head.name, head.epoch, head.set_digest, unusable)


def _rate(legs: Legs | None, days: Mapping[str, Floats]) -> Floats | None:
    """1 + r_c by day, or None where there is no rate or one that falls to nothing."""
    if legs is None:
        return None
    rate = np.ones(len(next(iter(days.values()))))
    for isin, way in legs:
        moved = 1 + days[isin] / PPM
        if (moved <= 0).any():
            return None
        rate = rate * moved if way > 0 else rate / moved
    return rate


def _scenarios(
    head: Head, rows: Mapping[str, Floats], count: int, unusable: dict[str, str]
) -> ScenarioSet:
    """The rows' scenarios; rows with returns beyond all reason are named instead."""
    if not rows:
        return ScenarioSet((), np.zeros((0, count)), np.zeros(0, dtype=np.int64))
    weights = age_weights(len(next(iter(rows.values()))), head.decay_ppm / PPM)
    roots = np.sqrt(weights / WEIGHT_UNIT)
    kept: dict[str, Floats] = {}
    for name, row in rows.items():
        drawn_from = np.abs(row) @ roots if head.method == MONTE_CARLO else 0.0
        if np.abs(row).max() > _MOST_RETURN or drawn_from * _FARTHEST * _UNIT >= EXACT / 2:
            unusable[name] = "returns too large to compute with"
        else:
            kept[name] = np.rint(row) + 0.0
    days = np.array(list(kept.values())).reshape(len(kept), roots.size)
    if head.method == MONTE_CARLO:
        changes = draws(days, roots, head.seed, count)
    else:
        changes = np.ascontiguousarray(days[:, -count:])
    for place, name in enumerate(kept):
        if name.endswith("^2"):
            changes[place] = np.rint(changes[place] * changes[place] / PPM)
    return ScenarioSet(tuple(kept), changes, np.zeros(len(kept), dtype=np.int64))


def draws(days: Floats, roots: Floats, seed: int, count: int) -> Floats:
    """Scenarios sum_d roots_d z_d days_d in whole ppm; the second half is minus the first.

    Args:
        days: Shape (rows, days): whole ppm.
        roots: Shape (days,): square roots of the days' weights.
        seed: Of the normals.
        count: Scenarios.

    Returns:
        Shape (rows, count), the same for a row whatever other rows there are.
    """
    half = (count + 1) // 2
    found = np.empty((days.shape[0], count))
    bits = np.random.PCG64(seed)
    for start in range(0, half, _BLOCK):
        stop = min(start + _BLOCK, half)
        factors = np.rint(drawn(bits, stop - start, roots.size) * (roots * _UNIT))
        np.rint((days @ factors.T) / _UNIT, out=found[:, start:stop])
    found[:, half:] = -found[:, : count - half]
    found += 0.0  # no negative zero
    return found
