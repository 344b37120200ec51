"""Expected shortfall as the Basel market risk standard asks for it: longer for what sells slowly.

ES = sqrt( ES_T(P)^2 + sum over j >= 2 of (ES_T(P, j) sqrt((LH_j - LH_{j-1}) / T))^2 ) with a base
horizon T of 10 days, LH = 10, 20, 40, 60, 120 days and a tail of 2.5 %. ES_T(P, j) is the shortfall
of the same positions with only the factors moving whose liquidity horizon is LH_j or longer (Basel
Framework, MAR33.3 and MAR33.4). Capital takes the stressed period of a reduced set of factors and
scales it to the full set: ES_RS * max(ES_FC / ES_RC, 1) (MAR33.5).

Shortfalls are whole numbers of a money unit; results are rounded to the nearest whole number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.risk.tails import historical
from udfs.risk.whole import PPM, divided

HORIZONS = (10, 20, 40, 60, 120)
"""LH_1 to LH_5 in days."""
BASE_DAYS = 10
TAIL_PPM = 25_000
EXPLAINED_PPM = 750_000
"""The least share of the full set's ES that a reduced set is to show; a parameter (MAR33.5)."""


@dataclass(frozen=True)
class LiquidityShortfall:
    """The liquidity-adjusted ES and what it is made of.

    Attributes:
        es: None where one of the parts is missing.
        parts: ES_T(P, j) for each horizon, as handed in or computed.
        incomplete: Why the number is not to be relied on; empty if it is.
    """

    es: int | None
    parts: tuple[int | None, ...]
    incomplete: tuple[str, ...]


@dataclass(frozen=True)
class Capital:
    """ES for capital.

    Attributes:
        es: ES_RS times the ratio; None without a reduced current ES above 0.
        ratio_ppm: max(ES_FC / ES_RC, 1) in parts per million, to the nearest.
        explained_ppm: ES_RC / ES_FC in parts per million, rounded down; None without ES_FC above 0.
        incomplete: Why the number is not to be relied on; empty if it is.
    """

    es: int | None
    ratio_ppm: int | None
    explained_ppm: int | None
    incomplete: tuple[str, ...]


def subsets(factor_days: ArrayLike) -> NDArray[np.bool_]:
    """Which factors move in ES_T(P, j): those with a liquidity horizon of LH_j or longer.

    Args:
        factor_days: Shape (factors,): the liquidity horizon of each (MAR33.12), one of HORIZONS.

    Returns:
        Shape (5, factors); the first row is all True.

    Raises:
        ValueError: A horizon is none of HORIZONS.
    """
    days = np.asarray(factor_days, dtype=np.int64)
    wrong = sorted(set(days.tolist()) - set(HORIZONS))
    if wrong:
        raise ValueError(f"liquidity horizons are {HORIZONS} days, not {wrong}")
    mask: NDArray[np.bool_] = days[None, :] >= np.array(HORIZONS)[:, None]
    return mask


def liquidity_adjusted(parts: Sequence[int | None]) -> LiquidityShortfall:
    """The liquidity-adjusted ES of the shortfalls at the base horizon.

    Args:
        parts: ES_T(P, j), j = 1 to 5. A negative one counts by its square like any other, and is
            reported.

    Raises:
        ValueError: There are not five of them.
    """
    if len(parts) != len(HORIZONS):
        raise ValueError(f"one shortfall for each of {HORIZONS} days is needed")
    reasons = []
    total = 0
    steps = np.diff([0, *HORIZONS]).tolist()
    for part, days, step in zip(parts, HORIZONS, steps, strict=True):
        if part is None:
            reasons.append(f"no shortfall for factors of {days} days and more")
            continue
        if part < 0:
            reasons.append(f"the shortfall for factors of {days} days and more is a gain")
        total += part**2 * step
    known = None not in parts
    return LiquidityShortfall(
        _root(total, BASE_DAYS) if known else None, tuple(parts), tuple(reasons)
    )


def liquidity_adjusted_of(
    pnls: ArrayLike, convention: Literal["inclusive", "fractional"] = "inclusive"
) -> LiquidityShortfall:
    """The same from P&L vectors over 10 days, one for each subset of factors.

    Args:
        pnls: Shape (5, scenarios): whole numbers; row j with the factors of `subsets` row j moving.
        convention: Which shortfall of `tails` to take. They differ where 2.5 % of the scenarios is
            no whole number.
    """
    tails = [historical(row, TAIL_PPM) for row in np.asarray(pnls, dtype=np.float64)]
    found = liquidity_adjusted(
        [t.es_inclusive if convention == "inclusive" else t.es_fractional for t in tails]
    )
    reasons = dict.fromkeys(reason for tail in tails for reason in tail.incomplete)
    return LiquidityShortfall(found.es, found.parts, (*found.incomplete, *reasons))


def capital(
    reduced_stressed: int | None,
    full_current: int | None,
    reduced_current: int | None,
    least_explained_ppm: int = EXPLAINED_PPM,
) -> Capital:
    """ES for capital: ES_RS * max(ES_FC / ES_RC, 1).

    Args:
        reduced_stressed: ES_RS: the reduced set of factors over the period of stress.
        full_current: ES_FC: all factors over the last 12 months.
        reduced_current: ES_RC: the reduced set over the last 12 months.
        least_explained_ppm: What share of ES_FC ES_RC has to reach.
    """
    if reduced_stressed is None or full_current is None or reduced_current is None:
        return Capital(None, None, None, ("one of the three shortfalls is missing",))
    explained = reduced_current * PPM // full_current if full_current > 0 else None
    if reduced_current <= 0:
        return Capital(None, None, explained, ("the reduced set shows no current shortfall",))
    larger = max(full_current, reduced_current)
    reasons = []
    if explained is not None and explained < least_explained_ppm:
        reasons.append(f"the reduced set explains {explained} ppm of the full set's shortfall")
    return Capital(
        es=divided(reduced_stressed * larger, reduced_current),
        ratio_ppm=divided(larger * PPM, reduced_current),
        explained_ppm=explained,
        incomplete=tuple(reasons),
    )


def _root(numerator: int, denominator: int) -> int:
    """The square root of numerator / denominator to the nearest whole number, exact."""
    below = isqrt(numerator // denominator)
    return below + (4 * numerator > denominator * (2 * below + 1) ** 2)
