"""How much factors move and move together lately: exponentially weighted variances, covariances.

s2_t = l s2_{t-1} + (1 - l) r_{t-1}^2, and for covariances r r' in place of r^2, with a mean of
zero: RiskMetrics, Technical Document, 4th ed. (1996), chapter 5; l is 0.94 for daily and 0.97 for
monthly returns. The recursion multiplies and adds element by element in the order of time, so that
a run which is cut and carried on has the same bits as one that is not.

The start value is the caller's; without one it is the mean square of all the returns handed in,
which the early values then have seen ahead of their time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.risk.whole import Floats, Ints

DAILY, MONTHLY = 0.94, 0.97


@dataclass(frozen=True)
class Variances:
    """Variances by day and factor.

    Attributes:
        values: Shape (n + 1, factors): row t is the forecast for day t from the returns before it,
            the last row the one for the day to come.
        skipped: Shape (factors,): how many returns were not finite; on these days the variance
            stayed as it was.
    """

    values: Floats
    skipped: Ints


@dataclass(frozen=True)
class Covariance:
    """Covariances for the day to come.

    Attributes:
        matrix: Shape (factors, factors); rows and columns of factors without any return are NaN.
        skipped: Shape (factors,): how many returns were not finite. Unequal gaps can make the
            matrix indefinite (`repaired`).
    """

    matrix: Floats
    skipped: Ints


@dataclass(frozen=True)
class Correlation:
    """Correlations and volatilities; correlations of factors that do not move are NaN."""

    matrix: Floats
    volatility: Floats
    flat: tuple[int, ...]


@dataclass(frozen=True)
class Repaired:
    """A covariance matrix made positive semidefinite, and what that changed.

    Attributes:
        matrix: The nearest the method gets; the variances on the diagonal are those given.
        clipped: How many eigenvalues were below the floor.
        smallest: The smallest eigenvalue before.
        largest_change: Largest change of an entry.
        largest_correlation_change: Largest change of a correlation.
        asymmetry: Largest difference of two entries that should be equal; their mean was taken.
        unusable: Factors with an entry that is not finite or a negative variance; their rows and
            columns are NaN.
    """

    matrix: Floats
    clipped: int
    smallest: float
    largest_change: float
    largest_correlation_change: float
    asymmetry: float
    unusable: tuple[int, ...]


def next_variance(variance: Floats, returns: Floats, decay: float = DAILY) -> Floats:
    """The variances after one more day; where a return is not finite they stay."""
    after: Floats = decay * variance + (1 - decay) * (returns * returns)
    return np.where(np.isfinite(returns), after, variance)


def next_covariance(matrix: Floats, returns: Floats, decay: float = DAILY) -> Floats:
    """The covariances after one more day; entries of a return that is not finite stay."""
    after: Floats = decay * matrix + (1 - decay) * np.outer(returns, returns)
    return np.where(np.isfinite(after), after, matrix)


def variances(
    returns: ArrayLike, decay: float = DAILY, start: ArrayLike | None = None
) -> Variances:
    """Variances day by day.

    Args:
        returns: Shape (n,) or (n, factors), oldest first.
        decay: l, above 0 and below 1.
        start: Shape () or (factors,): the forecast for the first day; None for the mean square of
            the returns given, NaN for a factor that has none.

    Raises:
        ValueError: The decay is out of range.
    """
    _require(decay)
    days = _by_factor(returns)
    first = _mean_square(days) if start is None else np.asarray(start, dtype=np.float64)
    values = np.empty((days.shape[0] + 1, days.shape[1]))
    values[0] = first
    for day, row in enumerate(days):
        values[day + 1] = next_variance(values[day], row, decay)
    return Variances(values, _skipped(days))


def covariance(
    returns: ArrayLike, decay: float = DAILY, start: ArrayLike | None = None
) -> Covariance:
    """Covariances for the day after the last return.

    Args:
        returns: Shape (n, factors), oldest first.
        decay: l, above 0 and below 1.
        start: Shape (factors, factors): the forecast for the first day; None for the mean of r r'
            over the days on which both returns are known.

    Raises:
        ValueError: The decay is out of range.
    """
    _require(decay)
    days = _by_factor(returns)
    if start is None:
        known = np.isfinite(days)
        filled = np.where(known, days, 0.0)
        both = known.T.astype(np.float64) @ known.astype(np.float64)
        total = np.zeros(both.shape)
        for row in filled:  # in the order of time: a product of matrices fixes no order of sums
            total += np.outer(row, row)
        matrix = np.full(both.shape, np.nan)
        np.divide(total, both, out=matrix, where=both > 0)
    else:
        matrix = np.array(start, dtype=np.float64)
    for row in days:
        matrix = next_covariance(matrix, row, decay)
    return Covariance(matrix, _skipped(days))


def correlation(matrix: ArrayLike) -> Correlation:
    """Correlations and volatilities of a covariance matrix."""
    values = np.asarray(matrix, dtype=np.float64)
    volatility = np.sqrt(np.where(np.diag(values) >= 0, np.diag(values), np.nan))
    scale = np.outer(volatility, volatility)
    result = np.full(values.shape, np.nan)
    np.divide(values, scale, out=result, where=scale > 0)
    np.fill_diagonal(result, np.where(volatility > 0, 1.0, np.nan))
    return Correlation(result, volatility, tuple(np.flatnonzero(volatility == 0).tolist()))


def unusable(matrix: Floats) -> NDArray[np.bool_]:
    """Factors of a covariance matrix to leave out: no variance, or the most gaps.

    Returns:
        Shape (factors,): True where the variance is negative or not finite, and where an entry is
        not finite that is not explained by another factor's being left out.
    """
    bad: NDArray[np.bool_] = ~(np.diag(matrix) >= 0) | ~np.isfinite(np.diag(matrix))
    while True:
        gaps = ~np.isfinite(matrix)
        gaps[bad] = False
        gaps[:, bad] = False
        if not gaps.any():
            return bad
        bad[int(np.argmax(gaps.sum(axis=0) + gaps.sum(axis=1)))] = True


def repaired(matrix: ArrayLike, floor: float = 0.0) -> Repaired:
    """The covariance matrix without negative eigenvalues, its variances kept.

    Eigenvalues of the correlation matrix below the floor are set to it, and the result is rescaled
    to a diagonal of 1: spectral decomposition after Rebonato and Jaeckel, The most general
    methodology to create a valid correlation matrix, J. of Risk 2 (1999).

    Args:
        matrix: Shape (factors, factors).
        floor: Smallest eigenvalue of the correlation matrix to be had before rescaling, >= 0.
    """
    given = np.array(matrix, dtype=np.float64)
    bad = unusable(given)
    good = np.flatnonzero(~bad)
    part = given[np.ix_(good, good)]
    symmetric = (part + part.T) / 2
    asymmetry = float(np.abs(part - part.T).max(initial=0.0))
    scale = np.sqrt(np.diag(symmetric))
    before = np.zeros(part.shape)
    np.divide(symmetric, np.outer(scale, scale), out=before, where=np.outer(scale, scale) > 0)
    np.fill_diagonal(before, 1.0)
    flat = bool(symmetric[scale == 0].any())  # covariances of factors that do not move
    eigenvalues, vectors = np.linalg.eigh(before) if good.size else (np.ones(1), before)
    tolerance = 1e-12 * good.size
    low = eigenvalues < floor - tolerance
    after, fixed = before, symmetric
    if low.any() or flat:
        clipped = (vectors * np.maximum(eigenvalues, floor)) @ vectors.T
        length = np.sqrt(np.diag(clipped))
        after = clipped / np.outer(length, length)
        after = (after + after.T) / 2
        np.fill_diagonal(after, 1.0)
        fixed = after * np.outer(scale, scale)
        np.fill_diagonal(fixed, np.diag(symmetric))
    result = np.full(given.shape, np.nan)
    result[np.ix_(good, good)] = fixed
    return Repaired(
        matrix=result,
        clipped=int(low.sum()),
        smallest=float(eigenvalues.min()),
        largest_change=float(np.abs(fixed - symmetric).max(initial=0.0)),
        largest_correlation_change=float(np.abs(after - before).max(initial=0.0)),
        asymmetry=asymmetry,
        unusable=tuple(np.flatnonzero(bad).tolist()),
    )


def _by_factor(returns: ArrayLike) -> Floats:
    """Returns as (n, factors)."""
    days = np.asarray(returns, dtype=np.float64)
    return days[:, None] if days.ndim == 1 else days


def _mean_square(days: Floats) -> Floats:
    """Mean square of the finite returns by factor, NaN where there is none."""
    known = np.isfinite(days)
    total = np.where(known, days, 0.0) ** 2
    result = np.full(days.shape[1], np.nan)
    np.divide(total.sum(axis=0), known.sum(axis=0), out=result, where=known.any(axis=0))
    return result


def _skipped(days: Floats) -> Ints:
    """How many returns of a factor are not finite."""
    skipped: Ints = (~np.isfinite(days)).sum(axis=0).astype(np.int64)
    return skipped


def _require(decay: float) -> None:
    """Refuse a decay that is none."""
    if not 0 < decay < 1:
        raise ValueError("a decay is above 0 and below 1")
