"""Integer arithmetic over arrays whose products need more than 64 bits, exact or refused.

Money and quantities are int64. A quantity times a price times a share of it is not, so the two
operations that need more room live here, with their bounds checked.
"""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LARGEST = 2**62
"""Values and sums of them stay below this: a sum of two still fits in a signed 64-bit integer."""

LARGEST_FACTOR = 2**50
"""Quantities, rates and parts stay below this: float64 then finds a quotient to within one."""

_SAFE = 1 - 2.0**-30


def ints(values: npt.ArrayLike) -> Ints:
    """`values` as int64; TypeError for floats, which would hide a NaN or a lost digit."""
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"whole numbers are needed, not {array.dtype}")
    return array.astype(np.int64)


def mul_div(value: npt.ArrayLike, factor: npt.ArrayLike, divisor: npt.ArrayLike) -> Ints:
    """The share value * factor / divisor, rounded half to even, exact at any size of the product.

    With value = a * divisor + r the result is a * factor + r * factor / divisor. The last quotient
    is below `factor` < 2^50, so a float64 estimate is off by at most one; its error, a difference
    of two wrapping products, is small and therefore exact. Rounding does not depend on the sign:
    `mul_div(-v, f, d) == -mul_div(v, f, d)`.

    Args:
        value: Integers of either sign, below 2^62 in size.
        factor: Integers 0 <= factor < 2^50.
        divisor: Integers 0 < divisor < 2^62.

    Returns:
        int64, in the shape that the three broadcast to.

    Raises:
        OverflowError: An argument or a result is out of these bounds (results: 2^62).
        ZeroDivisionError: A divisor is not positive.
    """
    sign, quotient, left, d = _divided(value, factor, divisor)
    up = (left > d - left) | ((left == d - left) & (quotient % 2 == 1))
    result: Ints = sign * (quotient + up)
    return result


def mul_div_up(value: npt.ArrayLike, factor: npt.ArrayLike, divisor: npt.ArrayLike) -> Ints:
    """The share value * factor / divisor, rounded up, towards plus infinity; else as `mul_div`."""
    sign, quotient, left, _ = _divided(value, factor, divisor)
    result: Ints = sign * (quotient + ((left > 0) & (sign > 0)))
    return result


def _divided(
    value: npt.ArrayLike, factor: npt.ArrayLike, divisor: npt.ArrayLike
) -> tuple[Ints, Ints, Ints, Ints]:
    """The sign of value, then quotient and remainder of |value| * factor by divisor, and that."""
    v, f, d = np.broadcast_arrays(ints(value), ints(factor), ints(divisor))
    if not v.size:
        return v, v, v, d
    if d.min() <= 0:
        raise ZeroDivisionError("a divisor is not positive")
    if v.max() >= LARGEST or v.min() <= -LARGEST or d.max() >= LARGEST:
        raise OverflowError("a value or divisor is not below 2^62")
    if f.min() < 0 or f.max() >= LARGEST_FACTOR:
        raise OverflowError("a factor is not between 0 and 2^50")
    whole, rest = np.divmod(np.abs(v), d)
    if np.any((whole + 1.0) * f >= LARGEST * _SAFE):
        raise OverflowError("a result is not below 2^62")
    quotient = np.floor(f * (rest / d)).astype(np.int64)
    with np.errstate(over="ignore"):  # both products wrap, their difference does not
        left = rest * f - quotient * d
    off = np.where(left < 0, -1, np.where(left >= d, 1, 0))
    return np.sign(v), whole * f + quotient + off, left - off * d, d


def product(*factors: npt.ArrayLike) -> Ints:
    """The element-wise product; OverflowError if one reaches 2^62."""
    whole = np.broadcast_arrays(*(ints(factor) for factor in factors))
    sizes = np.prod([np.abs(w.astype(np.float64)) for w in whole], axis=0)
    if sizes.size and sizes.max() >= LARGEST * _SAFE:
        raise OverflowError("a product is not below 2^62")
    result: Ints = np.prod(whole, axis=0, dtype=np.int64)
    return result


def plus(*terms: npt.ArrayLike) -> Ints:
    """The element-wise sum; OverflowError if the sizes of its terms add up to 2^62."""
    whole = np.broadcast_arrays(*(ints(term) for term in terms))
    sizes = np.sum([np.abs(w.astype(np.float64)) for w in whole], axis=0)
    if sizes.size and sizes.max() >= LARGEST * _SAFE:
        raise OverflowError("a sum is not below 2^62")
    result: Ints = np.sum(whole, axis=0, dtype=np.int64)
    return result


def sums(values: npt.ArrayLike, group: npt.ArrayLike, groups: int) -> Ints:
    """The sum of `values` in each group 0 .. groups - 1; exact, hence the same in any order.

    Args:
        values: int64 of shape (n,).
        group: Index of each value's group, shape (n,).
        groups: How many groups there are.

    Returns:
        int64 of shape (groups,), 0 for a group without values.

    Raises:
        OverflowError: The sizes of a group's values add up to 2^62 or more.
    """
    whole, at = ints(values), ints(group)
    sizes = np.bincount(at, np.abs(whole.astype(np.float64)), groups)
    if sizes.size and sizes.max() >= LARGEST * _SAFE:
        raise OverflowError("a group adds up to 2^62 or more")
    result = np.zeros(groups, np.int64)
    np.add.at(result, at, whole)
    return result


def round_up(value: npt.ArrayLike, step: npt.ArrayLike) -> Ints:
    """The smallest multiple of `step` that is not below `value`."""
    whole, unit = ints(value), ints(step)
    result: Ints = -(-whole // unit) * unit
    return result
