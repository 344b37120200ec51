"""Whole numbers in float64: sums of them below 2^53 are exact, in whatever order they are added.

So a scenario P&L may be summed by BLAS, over any number of threads, and still has the same bits.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EXACT = 2**53
"""Whole numbers of smaller magnitude are exact in float64, and so are their sums below it."""
PPM = 1_000_000


def whole(values: ArrayLike) -> Floats:
    """The values rounded to whole numbers, half to even; NaN and infinities stay what they are.

    Raises:
        OverflowError: A value is 2^53 or more in magnitude.
    """
    rounded = np.rint(np.asarray(values, dtype=np.float64)) + 0.0  # no negative zero
    require_exact(rounded)
    return rounded


def require_exact(values: Floats) -> None:
    """Refuse finite values that are no whole numbers below 2^53 in magnitude.

    Raises:
        OverflowError: A value is 2^53 or more in magnitude.
        ValueError: A value has a fraction.
    """
    finite = values[np.isfinite(values)]
    if finite.size and float(np.abs(finite).max()) >= EXACT:
        raise OverflowError("a value is 2^53 or more: take a coarser unit")
    if not np.array_equal(finite, np.rint(finite)):
        raise ValueError("values must be whole numbers of their unit")


def divided(numerator: int, denominator: int) -> int:
    """The quotient to the nearest whole number, halves up; the denominator is above 0."""
    return (2 * numerator + denominator) // (2 * denominator)


def adding_up(numerators: Sequence[int], denominator: int) -> list[int]:
    """The quotients as whole numbers that add up to that of their sum (`divided`).

    Each is rounded down or up. Up are rounded those with the largest remainders, of equal ones the
    first, as many as the sum needs (method of Hamilton).

    Args:
        numerators: Whole numbers of either sign.
        denominator: Above 0.
    """
    pairs = [divmod(numerator, denominator) for numerator in numerators]
    shares = [below for below, _ in pairs]
    missing = divided(sum(numerators), denominator) - sum(shares)
    for i in sorted(range(len(pairs)), key=lambda i: (-pairs[i][1], i))[:missing]:
        shares[i] += 1
    return shares
