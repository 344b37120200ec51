"""Value at risk of books with gammas, by the moments of a quadratic form.

P&L is d'x + x'Gx/2 for factor changes x that are normal with mean 0 and covariance C. Units and
signs are those of `parametric`.

Britten-Jones and Schaefer, Non-linear value-at-risk, European Finance Review 2 (1999); cumulants
after Mathai and Provost, Quadratic Forms in Random Variables (1992); Cornish-Fisher after Zangari,
A VaR methodology for portfolios that include options, RiskMetrics Monitor, first quarter 1996, and
Hull, Technical Note 10 to Options, Futures, and Other Derivatives (third moment only).
"""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from udfs.risk.ewma import unusable
from udfs.risk.parametric import kept, quantile, reasons_of, root, shortfall_factor
from udfs.risk.whole import PPM


@dataclass(frozen=True)
class Quadratic:
    """Moments of d'x + x'Gx/2, a gain positive; `unknown`, `incomplete` as in `Parametric`."""

    mean: float
    variance: float
    skewness: float
    excess_kurtosis: float
    unknown: tuple[int, ...] = ()
    incomplete: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expanded:
    """VaR and ES by moments; `monotone` is False where the expansion is not to be trusted."""

    var: float
    es: float
    monotone: bool


def quadratic(deltas: ArrayLike, gammas: ArrayLike, covariance: ArrayLike) -> Quadratic:
    """Moments of the P&L of a book with gammas.

    With K = G C the r-th cumulant is ((r-1)! tr(K^r) + r! d'C K^(r-2) d) / 2 for r >= 2, and the
    mean tr(K)/2.

    Args:
        deltas: Shape (factors,).
        gammas: Shape (factors, factors), symmetric, or (factors,) for its diagonal.
        covariance: Shape (factors, factors), positive semidefinite.
    """
    d, c = np.asarray(deltas, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    given = np.asarray(gammas, dtype=np.float64)
    g = np.diag(given) if given.ndim == 1 else given
    known = np.isfinite(d) & np.isfinite(g).all(axis=1) & ~unusable(c)
    unknown = tuple(np.flatnonzero(~known & ((d != 0) | (g != 0).any(axis=1))).tolist())
    d, g, c = np.where(known, d, 0.0), kept(g, known), kept(c, known)
    k = c @ g
    traces, power = [], np.eye(d.size)
    for _ in range(4):
        power = power @ k
        traces.append(float(np.trace(power)))
    cd = c @ d
    first = k @ cd
    linear = [float(d @ cd), float(d @ first), float(d @ (k @ first))]
    variance = linear[0] + traces[1] / 2
    sd = root(variance, abs(linear[0]) + abs(traces[1]))
    reasons = reasons_of(unknown, sd)
    if sd == 0:
        return Quadratic(traces[0] / 2, 0.0, 0.0, 0.0, unknown, reasons)
    third = (3 * linear[1] + traces[2]) / sd**3
    fourth = (12 * linear[2] + 3 * traces[3]) / sd**4
    return Quadratic(traces[0] / 2, sd**2, third, fourth, unknown, reasons)


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
