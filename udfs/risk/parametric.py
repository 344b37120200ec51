"""Value at risk from sensitivities and a covariance matrix, and what each position adds to it.

P&L is d'x for factor changes x that are normal with mean 0 and covariance C. Deltas are P&L per
unit of factor change (minor units per 1 of relative return, say); every result is in the unit of
P&L. Losses are positive. Numbers are floats of a model: round them before they leave.

Jorion, Value at Risk, 3rd ed. (2007), chapter 7.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from udfs.risk.ewma import unusable
from udfs.risk.whole import PPM, Floats


@dataclass(frozen=True)
class Aggregate:
    """A book's deltas with what VaR needs of them: w = C d and v = d'w.

    One delta changes in O(factors) by `moved`; rounding gathers over many of them, so rebuild with
    `aggregate` now and then and watch how far `v` was off.
    """

    d: Floats
    w: Floats
    v: float


@dataclass(frozen=True)
class Parametric:
    """Delta-normal VaR and ES, and their parts by factor.

    Attributes:
        var: z sqrt(d'Cd).
        es: phi(z)/a sqrt(d'Cd).
        volatility: sqrt(d'Cd).
        marginal: What one more unit of delta adds to VaR; 0 for a book without risk.
        component: d_i marginal_i; they add up to VaR (Euler).
        unknown: Factors with a delta but without usable covariances, or with a delta that is no
            number; they are left out.
        incomplete: Why the numbers are not to be relied on; empty if they are. They are NaN if the
            matrix is not positive semidefinite for these deltas.
    """

    var: float
    es: float
    volatility: float
    marginal: Floats
    component: Floats
    unknown: tuple[int, ...]
    incomplete: tuple[str, ...]


def quantile(tail_ppm: int) -> float:
    """The standard normal z above which the share a lies: 2.326348 for 1 %.

    Raises:
        ValueError: The tail is not between 0 and 1.
    """
    if not 0 < tail_ppm < PPM:
        raise ValueError("the tail is given in ppm, between 0 and 1,000,000: 10,000 for 99 %")
    return float(norm.isf(tail_ppm / PPM))


def shortfall_factor(tail_ppm: int) -> float:
    """Mean of a standard normal beyond its quantile, phi(z)/a: 2.665214 for 1 %."""
    return float(norm.pdf(quantile(tail_ppm))) * PPM / tail_ppm


def aggregate(deltas: ArrayLike, covariance: ArrayLike) -> Aggregate:
    """The aggregate of deltas, shape (factors,), under covariances, shape (factors, factors).

    All are finite: leave out factors that `ewma.unusable` names.
    """
    d = np.array(deltas, dtype=np.float64)
    w: Floats = np.asarray(covariance, dtype=np.float64) @ d
    return Aggregate(d, w, float(d @ w))


def moved(book: Aggregate, factor: int, change: float, covariance: Floats) -> Aggregate:
    """The aggregate after one delta changes by e: v + 2 e w_i + e^2 C_ii and w + e C[:, i]."""
    d = book.d.copy()
    d[factor] += change
    column = covariance[:, factor]
    v = book.v + 2 * change * float(book.w[factor]) + change**2 * float(column[factor])
    w: Floats = book.w + change * column
    return Aggregate(d, w, v)


def incremental(
    book: Aggregate, trade: ArrayLike, covariance: ArrayLike, tail_ppm: int = 10_000
) -> float:
    """What a trade with these deltas adds to VaR: VaR(P + trade) - VaR(P), negative for a hedge.

    NaN if the matrix is not positive semidefinite for them.
    """
    e = np.asarray(trade, dtype=np.float64)
    cross, own = 2 * float(e @ book.w), float(e @ np.asarray(covariance, dtype=np.float64) @ e)
    size = abs(book.v) + abs(cross) + abs(own)
    return quantile(tail_ppm) * (root(book.v + cross + own, size) - root(book.v, size))


def delta_normal(deltas: ArrayLike, covariance: ArrayLike, tail_ppm: int = 10_000) -> Parametric:
    """VaR and ES of a linear book, with marginal and component VaR by factor.

    Args:
        deltas: Shape (factors,). One that is not finite is reported as unknown.
        covariance: Shape (factors, factors), positive semidefinite (`ewma.repaired`); factors
            that `ewma.unusable` names are reported as unknown if they have a delta.
        tail_ppm: 1 - confidence in parts per million.
    """
    d = np.asarray(deltas, dtype=np.float64)
    matrix = np.asarray(covariance, dtype=np.float64)
    known = np.isfinite(d) & ~unusable(matrix)
    unknown = tuple(np.flatnonzero(~known & (d != 0)).tolist())
    book = aggregate(np.where(known, d, 0.0), kept(matrix, known))
    volatility = root(book.v, float(np.abs(book.d) @ np.abs(book.w)))
    z = quantile(tail_ppm)
    marginal = np.zeros(d.shape) if volatility == 0 else z * book.w / volatility
    return Parametric(
        var=z * volatility,
        es=shortfall_factor(tail_ppm) * volatility,
        volatility=volatility,
        marginal=marginal,
        component=book.d * marginal,
        unknown=unknown,
        incomplete=reasons_of(unknown, volatility),
    )


def root(variance: float, size: float) -> float:
    """The square root of a variance that rounding may have made negative; NaN if it is by more."""
    return sqrt(max(variance, 0.0)) if variance >= -1e-9 * size else float("nan")


def kept(matrix: Floats, known: NDArray[np.bool_]) -> Floats:
    """The matrix with 0 in the rows and columns of other factors."""
    return np.where(np.outer(known, known), matrix, 0.0)


def reasons_of(unknown: tuple[int, ...], volatility: float) -> tuple[str, ...]:
    """What is wrong with the input, in words."""
    reasons = []
    if unknown:
        reasons.append(f"factors left out: {len(unknown)}")
    if volatility != volatility:
        reasons.append("the covariance matrix is not positive semidefinite")
    return tuple(reasons)
