"""Value at risk from sensitivities and a covariance matrix, and what each position adds to it.

P&L is d'x, or d'x + x'Gx/2 with gammas, for factor changes x that are normal with mean 0 and
covariance C. Deltas are P&L per unit of factor change (minor units per 1 of relative return, say);
every result is in the unit of P&L. Losses are positive. Numbers are floats of a model: round them
before they leave.

Sources: delta-normal and its decomposition: Jorion, Value at Risk, 3rd ed. (2007), chapter 7;
delta-gamma: Britten-Jones and Schaefer, Non-linear value-at-risk, European Finance Review 2 (1999),
cumulants of a quadratic form after Mathai and Provost (1992); Cornish-Fisher: Zangari, A VaR
methodology for portfolios that include options, RiskMetrics Monitor, first quarter 1996, and Hull,
Technical Note 10 to Options, Futures, and Other Derivatives (third moment only).
"""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
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
        unknown: Factors with a delta but without usable covariances; they are left out, so the
            numbers are incomplete if there are any.
    """

    var: float
    es: float
    volatility: float
    marginal: Floats
    component: Floats
    unknown: tuple[int, ...]


@dataclass(frozen=True)
class Quadratic:
    """Moments of d'x + x'Gx/2, a gain positive."""

    mean: float
    variance: float
    skewness: float
    excess_kurtosis: float


@dataclass(frozen=True)
class Expanded:
    """VaR and ES by moments; `monotone` is False where the expansion is not to be trusted."""

    var: float
    es: float
    monotone: bool


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
    """What a trade with these deltas adds to VaR: VaR(P + trade) - VaR(P), negative for a hedge."""
    e = np.asarray(trade, dtype=np.float64)
    after = book.v + 2 * float(e @ book.w) + float(e @ np.asarray(covariance) @ e)
    return quantile(tail_ppm) * (sqrt(max(after, 0.0)) - sqrt(max(book.v, 0.0)))


def delta_normal(deltas: ArrayLike, covariance: ArrayLike, tail_ppm: int = 10_000) -> Parametric:
    """VaR and ES of a linear book, with marginal and component VaR by factor.

    Args:
        deltas: Shape (factors,). One that is not finite is reported as unknown.
        covariance: Shape (factors, factors), positive semidefinite (`ewma.repaired`); factors
            that `ewma.unusable` names are reported as unknown if they have a delta.
        tail_ppm: 1 - confidence in parts per million.

    Raises:
        ValueError: The matrix is not positive semidefinite for these deltas.
    """
    d = np.asarray(deltas, dtype=np.float64)
    matrix = np.asarray(covariance, dtype=np.float64)
    known = np.isfinite(d) & ~unusable(matrix)
    book = aggregate(np.where(known, d, 0.0), np.where(np.outer(known, known), matrix, 0.0))
    volatility = _root(book.v, float(np.abs(book.d) @ np.abs(book.w)))
    z = quantile(tail_ppm)
    marginal = z * book.w / volatility if volatility > 0 else np.zeros(d.shape)
    return Parametric(
        var=z * volatility,
        es=shortfall_factor(tail_ppm) * volatility,
        volatility=volatility,
        marginal=marginal,
        component=book.d * marginal,
        unknown=tuple(np.flatnonzero(~known & (d != 0)).tolist()),
    )


def quadratic(deltas: ArrayLike, gammas: ArrayLike, covariance: ArrayLike) -> Quadratic:
    """Moments of the P&L of a book with gammas.

    With K = G C the r-th cumulant is ((r-1)! tr(K^r) + r! d'C K^(r-2) d) / 2 for r >= 2, and the
    mean tr(K)/2.

    Args:
        deltas: Shape (factors,).
        gammas: Shape (factors, factors), or (factors,) for its diagonal.
        covariance: Shape (factors, factors), positive semidefinite.

    Raises:
        ValueError: A number is not finite, or the matrix is not positive semidefinite.
    """
    d, c = np.asarray(deltas, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    g = np.asarray(gammas, dtype=np.float64)
    if not all(np.isfinite(part).all() for part in (d, g, c)):
        raise ValueError("deltas, gammas and covariances must be finite: leave out unknown factors")
    k = c @ (np.diag(g) if g.ndim == 1 else g)
    traces, power = [], np.eye(d.size)
    for _ in range(4):
        power = power @ k
        traces.append(float(np.trace(power)))
    cd = c @ d
    first = k @ cd
    linear = [float(d @ cd), float(d @ first), float(d @ (k @ first))]
    variance = linear[0] + traces[1] / 2
    sd = _root(variance, abs(variance) + abs(linear[0]))
    if sd == 0:
        return Quadratic(traces[0] / 2, 0.0, 0.0, 0.0)
    third = 3 * linear[1] + traces[2]
    fourth = 12 * linear[2] + 3 * traces[3]
    return Quadratic(traces[0] / 2, sd**2, third / sd**3, fourth / sd**4)


def delta_gamma_normal(moments: Quadratic, tail_ppm: int = 10_000) -> Expanded:
    """VaR and ES as if the P&L were normal with its true mean and variance (as in ORE)."""
    sd = sqrt(moments.variance)
    return Expanded(
        var=quantile(tail_ppm) * sd - moments.mean,
        es=shortfall_factor(tail_ppm) * sd - moments.mean,
        monotone=True,
    )


def cornish_fisher(
    moments: Quadratic, tail_ppm: int = 10_000, order: Literal[3, 4] = 4
) -> Expanded:
    """VaR and ES by the Cornish-Fisher expansion of the P&L's quantile.

    q(x) = x + (x^2-1) S/6 + (x^3-3x) K/24 - (2x^3-5x) S^2/36 with skewness S and excess kurtosis K;
    ES is the mean of q over the tail, in closed form by Hermite polynomials.

    Args:
        moments: Of the P&L (`quadratic`, or a sample's).
        tail_ppm: 1 - confidence in parts per million.
        order: 4, or 3 for the term of S alone.

    Returns:
        `monotone` is False where q falls somewhere within [-z, z]: the moments are then outside the
        domain of the expansion (Maillard, A user's guide to the Cornish Fisher expansion, 2012).
    """
    z, share = quantile(tail_ppm), tail_ppm / PPM
    s = moments.skewness / 6
    k = moments.excess_kurtosis / 24 if order == 4 else 0.0
    s2 = s**2 if order == 4 else 0.0
    x = -z
    q = x + (x**2 - 1) * s + (x**3 - 3 * x) * k - (2 * x**3 - 5 * x) * s2
    tail = -float(norm.pdf(z)) / share * (1 + x * s + (x**2 - 1) * k - (2 * x**2 - 1) * s2)
    sd = sqrt(moments.variance)
    return Expanded(
        var=-moments.mean - sd * q,
        es=-moments.mean - sd * tail,
        monotone=_rises(3 * k - 6 * s2, 2 * s, 1 - 3 * k + 5 * s2, z),
    )


def _rises(a: float, b: float, c: float, end: float) -> bool:
    """Whether a x^2 + b x + c is above 0 on [-end, end]."""
    points = [-end, end]
    if a > 0 and abs(b) < 2 * a * end:
        points.append(-b / (2 * a))
    return min(a * x * x + b * x + c for x in points) > 0


def _root(variance: float, size: float) -> float:
    """The square root of a variance that rounding may have made negative.

    Raises:
        ValueError: It is negative by more than that.
    """
    if not variance >= -1e-9 * size:
        raise ValueError("the covariance matrix is not positive semidefinite: repair it first")
    return sqrt(max(variance, 0.0))
