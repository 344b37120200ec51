"""What positions cost on average, and what closing them realises against that.

The average price is a fraction, so it is kept as the two integers it is made of: the signed cost of
what is open, and the signed quantity. A fill on the same side adds to both. A fill on the other
side closes c = min(|q|, |dq|) units and releases round(cost * c / |q|), half to even; the rest of
the cost stays with the rest of the position, so nothing is ever lost to rounding. What is left of
a fill after a flip opens at the fill's own price.
"""

import numpy as np

from schemas.money import divide
from udfs.risk.integers import LARGEST, LARGEST_FACTOR, Ints, mul_div

FEW = 24
"""Below so many positions at once, plain integers are faster than arrays."""


def average(
    quantity: Ints, cost: Ints, position: Ints, units: Ints, unit_value: Ints
) -> tuple[Ints, Ints, Ints]:
    """Fold fills into positions at average cost.

    The k-th fills of all positions are folded at once, for k = 1, 2, ..; once only few positions
    have more, theirs are folded one by one.

    Args:
        quantity: Signed units of each position before, shape (positions,).
        cost: Signed cost of each position before, in value units, shape (positions,).
        position: Index of the position of each fill, ascending, shape (fills,); the fills of a
            position are in their order.
        units: Signed units of each fill.
        unit_value: Price times multiplier of each fill, the value of one unit.

    Returns:
        Quantity and cost after, and what each fill realises, shape (fills,).

    Raises:
        OverflowError: A quantity reaches 2^50 or a cost 2^62 on the way.
    """
    quantity, cost = quantity.copy(), cost.copy()
    realised = np.zeros(position.size, np.int64)
    counts = np.bincount(position, minlength=quantity.size)
    begin = np.cumsum(counts) - counts
    by_count = np.argsort(-counts, kind="stable")
    descending = -counts[by_count]
    k = 0
    while (wide := int(np.searchsorted(descending, -k))) >= FEW:
        at = by_count[:wide]
        fill = begin[at] + k
        quantity[at], cost[at], realised[fill] = _all(
            quantity[at], cost[at], units[fill], unit_value[fill]
        )
        k += 1
    for at in by_count[:wide].tolist():
        fills = slice(begin[at] + k, begin[at] + counts[at])
        quantity[at], cost[at], realised[fills] = _one_by_one(
            int(quantity[at]), int(cost[at]), units[fills].tolist(), unit_value[fills].tolist()
        )
    return quantity, cost, realised


def _all(q: Ints, cost: Ints, units: Ints, unit_value: Ints) -> tuple[Ints, Ints, Ints]:
    """One fill of each position."""
    held = np.abs(q)
    closed = np.where(np.sign(q) == -np.sign(units), np.minimum(held, np.abs(units)), 0)
    released = mul_div(cost, closed, np.maximum(held, 1))
    closing = np.sign(units) * closed
    realised = -closing * unit_value - released
    after, cost_after = q + units, cost - released + (units - closing) * unit_value
    _check(int(np.abs(after).max()), int(np.abs(cost_after).max()))
    return after, cost_after, realised


def _one_by_one(
    q: int, cost: int, units: list[int], unit_values: list[int]
) -> tuple[int, int, list[int]]:
    """All fills of one position, in integers of any size."""
    realised = []
    for dq, value in zip(units, unit_values, strict=True):
        closed = min(abs(q), abs(dq)) if q * dq < 0 else 0
        released = divide(cost * closed, abs(q)) if closed else 0
        closing = closed if dq > 0 else -closed
        realised.append(-closing * value - released)
        q, cost = q + dq, cost - released + (dq - closing) * value
        _check(abs(q), abs(cost))
    return q, cost, realised


def _check(quantity: int, cost: int) -> None:
    if quantity >= LARGEST_FACTOR or cost >= LARGEST:
        raise OverflowError("a position has 2^50 units or costs 2^62 or more")
