"""Correlated factor changes drawn from a covariance matrix, and how far off their VaR can be.

Y = L z with L L' = C and z standard normal: plain, antithetic (z and -z as a pair) or Sobol points.
Seeded: the same seed gives the same draws. Plain draws are the inverse normal of the raw bits of
PCG64, which numpy keeps stable between versions. Sobol points come in the order of Gray code
without their first, the origin (scipy.stats.qmc; directions of Joe and Kuo for 21,201 dimensions).

Glasserman, Monte Carlo Methods in Financial Engineering (2004), chapters 2, 4, 5 and 9.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri
from scipy.stats import norm, qmc

from udfs.risk.ewma import Repaired, repaired
from udfs.risk.tails import Tail, rank_of
from udfs.risk.whole import PPM, Floats


@dataclass(frozen=True)
class Factor:
    """A lower triangular L with L L' = C, and the repair the matrix needed (None: it was sound).

    Factors that the repair names unusable have rows of NaN: what depends on them is NaN as well.
    """

    matrix: Floats
    repair: Repaired | None


def factor(covariance: ArrayLike) -> Factor:
    """The Cholesky factor of a covariance matrix; one that is not positive definite is repaired.

    A matrix that is only semidefinite has no unique factor; it gets the triangle of V sqrt(E), with
    eigenvectors V and eigenvalues E, by a QR decomposition.

    Args:
        covariance: Shape (factors, factors).
    """
    given = np.asarray(covariance, dtype=np.float64)
    sound = np.isfinite(given).all() and np.array_equal(given, given.T)
    if sound:
        try:
            return Factor(np.linalg.cholesky(given), None)
        except np.linalg.LinAlgError:
            pass
    repair = repaired(given)
    good = np.isfinite(np.diag(repair.matrix))
    part = repair.matrix[np.ix_(good, good)]
    eigenvalues, vectors = np.linalg.eigh(part)
    root = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))
    upper = np.linalg.qr(root.T).R
    lower = (upper * np.where(np.diag(upper) < 0, -1.0, 1.0)[:, None]).T
    matrix = np.full(given.shape, np.nan)
    matrix[np.ix_(good, good)] = lower
    matrix[np.ix_(good, ~good)] = 0.0
    return Factor(matrix, repair)


def plain(count: int, factors: int, seed: int) -> Floats:
    """Independent standard normals, shape (count, factors)."""
    return drawn(np.random.PCG64(seed), count, factors)


def drawn(bits: np.random.PCG64, count: int, factors: int) -> Floats:
    """The next standard normals of a stream of bits, (count, factors): `plain` piece by piece.

    Args:
        bits: Where the last piece ended.
        count: Rows.
        factors: Columns; all pieces have the same.
    """
    raw = bits.random_raw(count * factors).reshape(count, factors)
    uniform = ((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52  # never 0 or 1
    normal: Floats = ndtri(uniform)
    return normal


def antithetic(pairs: int, factors: int, seed: int) -> Floats:
    """Standard normals and their negatives, shape (2 pairs, factors).

    Row i and row pairs + i are a pair: errors come from the means of pairs (`mean_error`).
    """
    half = plain(pairs, factors, seed)
    return np.concatenate([half, -half])


def sobol(count: int, factors: int, seed: int | None = None) -> Floats:
    """Standard normals from Sobol points 1 to count, shape (count, factors).

    A count of 2^m - 1, or 2^m with a seed, fills the cube evenly. With a seed the points are
    scrambled (Owen): repeat with several seeds to see the error. Without one they have no error
    that could be estimated, and the first point is left out, whose normals would be infinite.
    """
    engine = qmc.Sobol(factors, scramble=seed is not None, rng=seed)
    if seed is None:
        points = np.asarray(engine.fast_forward(1).random(count), dtype=np.float64)
    else:
        points = np.asarray(engine.random_base2((count - 1).bit_length()), dtype=np.float64)
    tiny = 2.0**-53
    normal: Floats = ndtri(np.clip(points[:count], tiny, 1 - tiny))
    return normal


def changes(covariance_factor: Factor, normals: Floats) -> Floats:
    """Correlated changes with mean 0, shape (count, factors): z L'."""
    found: Floats = normals @ covariance_factor.matrix.T
    return found


def mean_error(values: ArrayLike, *, paired: bool = False) -> float:
    """The standard error of a mean of independent draws, or of antithetic pairs of them.

    Args:
        values: Shape (n,); if paired, i and n/2 + i belong together.
        paired: Whether draws are antithetic.
    """
    drawn = np.asarray(values, dtype=np.float64)
    if paired:
        drawn = drawn.reshape(2, -1).mean(axis=0)
    return float(drawn.std(ddof=1)) / sqrt(drawn.size)


def var_error(count: int, tail_ppm: int, density: float) -> float:
    """The standard error of VaR from independent draws: sqrt(a (1-a) / n) / f(VaR).

    Args:
        count: n.
        tail_ppm: 1 - confidence in parts per million.
        density: f, the density of the loss at VaR.
    """
    share = tail_ppm / PPM
    return sqrt(share * (1 - share) / count) / density


def normal_var_error(count: int, tail_ppm: int, volatility: float) -> float:
    """`var_error` of a normal loss: 0.0118 volatilities for 100,000 draws at 99 %."""
    z = float(norm.isf(tail_ppm / PPM))
    return var_error(count, tail_ppm, float(norm.pdf(z)) / volatility)


def var_interval(
    pnl: ArrayLike, tail_ppm: int, confidence: float = 0.95
) -> tuple[float, float] | None:
    """An interval for VaR without any assumption on the distribution: two of the ordered losses.

    The number of losses beyond the true VaR is binomial(n, a); its normal approximation gives the
    ranks (Glasserman, section 9.1). For independent draws only.

    Returns:
        Lower and upper end, or None with too few draws for them.
    """
    losses = np.sort(-np.asarray(pnl, dtype=np.float64))[::-1]
    share = tail_ppm / PPM
    spread = float(norm.isf((1 - confidence) / 2)) * sqrt(losses.size * share * (1 - share))
    high = int(np.floor(losses.size * share - spread))
    low = int(np.ceil(losses.size * share + spread)) + 1
    if high < 1 or low > losses.size or not np.isfinite(losses).all():
        return None
    return float(losses[low - 1]), float(losses[high - 1])


def shortfall_error(pnl: ArrayLike, tail: Tail, tail_ppm: int) -> float | None:
    """The standard error of ES: sqrt((variance of the tail + (1-a) (ES - VaR)^2) / (n a)).

    Manistre and Hancock, Variance of the CTE estimator, North American Actuarial J. 9 (2005). For
    independent draws.

    Returns:
        None if the tail has fewer than two losses.
    """
    values = np.asarray(pnl, dtype=np.float64)
    k = rank_of(values.size, tail_ppm)
    if tail.var is None or tail.es_inclusive is None or k < 2:
        return None
    worst = np.partition(values, k - 1)[:k]
    share = tail_ppm / PPM
    excess = (1 - share) * (tail.es_inclusive - tail.var) ** 2
    return sqrt((float(worst.var(ddof=1)) + excess) / (values.size * share))
