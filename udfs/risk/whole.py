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


def apportioned(total: int, parts: Sequence[int]) -> list[int]:
    """`total` shared out in proportion to `parts`, in whole numbers that add up to `total` exactly.

    Each share is within 1 of total * part / sum(parts). What rounding down leaves goes to the
    shares with the largest remainders, of equal ones to the first (method of Hamilton).

    Args:
        total: What the shares add up to.
        parts: Whole numbers of either sign with a sum other than 0.

    Raises:
        ValueError: The parts add up to 0.
    """
    weight = sum(parts)
    if weight == 0:
        raise ValueError("parts that add up to 0 have no proportions")
    if weight < 0:
        weight, parts = -weight, [-part for part in parts]
    shares, rest = zip(*(divmod(total * part, weight) for part in parts), strict=True)
    given = list(shares)
    largest = sorted(range(len(given)), key=lambda i: (-rest[i], i))
    for i in largest[: total - sum(given)]:
        given[i] += 1
    return given
