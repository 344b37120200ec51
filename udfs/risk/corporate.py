"""What a split or a dividend does to positions, and prices that jump as if there had been one.

An announced split of n new for d old units changes quantities and prices and leaves the cost alone.
What does not make a whole new unit is paid out in cash and realises against its share of the cost.
A price that jumps without an announcement is flagged and never acted on: valued at the old quantity
it would be a profit or loss that nobody made.

Not here: adjusted contracts of listed options, mergers, spin-offs, rights. They replace one
instrument by others, so they come as fills.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from udfs.risk.fifo import Lots, Queue
from udfs.risk.integers import LARGEST_FACTOR, Bools, Ints, ints, mul_div, plus, product, sums
from udfs.risk.positions import Positions

PPM = 1_000_000
COMMON = ((2, 1), (3, 1), (3, 2), (4, 1), (5, 1), (8, 1), (10, 1), (20, 1), (50, 1), (100, 1))
"""Splits that companies choose, new for old; their inverses are the common reverse splits."""


@dataclass(frozen=True)
class Split:
    """Positions after a split; arrays int64 of shape (positions,).

    Attributes:
        positions: Quantities, costs and lots in new units; what the cash realised is in them.
        cash: Paid for fractions, value units; negative for a short position.
        fraction: Units of 1/old of a new unit that were paid for in cash, of either side's size.
    """

    positions: Positions
    cash: Ints
    fraction: Ints


def split(
    positions: Positions,
    chosen: npt.ArrayLike,
    new: int,
    old: int,
    cash_price: int,
    multiplier: npt.ArrayLike = 1,
) -> Split:
    """Turn every `old` units of the chosen positions into `new` ones.

    FIFO lots stay in their order. Lots are laid end to end and cut into whole new units: a unit
    that straddles two lots goes to the later one, with the cost of both its parts, and the fraction
    is taken from the youngest. Cost is cut where units are, so what lots, position and cash hold
    adds up to the old cost exactly.

    Args:
        positions: The positions before.
        chosen: Which of them hold the instrument, bool of shape (positions,).
        new: New units for `old` ones; 3 for a 3-for-2 split, 1 for a 1-for-10 reverse split.
        old: As above.
        cash_price: What is paid for one new unit, in price units, where a fraction is left.
        multiplier: Units of the underlying a contract stands for.

    Raises:
        ValueError: A ratio that is not positive.
        OverflowError: |quantity| * new reaches 2^50.
    """
    if new < 1 or old < 1:
        raise ValueError(f"a split of {new} for {old} is none")
    of = np.asarray(chosen, np.bool_)
    held = np.abs(positions.quantity)
    scaled = product(held, new)
    if scaled.size and scaled.max() >= LARGEST_FACTOR:
        raise OverflowError("a position splits into 2^50 parts or more")
    fraction = np.where(of, scaled % old, 0)
    unit_value = np.broadcast_to(product(cash_price, multiplier), held.shape)
    side = np.sign(positions.quantity)
    cash = side * mul_div(unit_value, fraction, old)
    released = mul_div(positions.cost, fraction, np.maximum(scaled, 1))
    lots, released_fifo = _split_lots(positions, of, new, old)
    after = Positions(
        np.where(of, side * (scaled // old), positions.quantity),
        positions.cost - released,
        plus(positions.realised_average, cash, -released),
        plus(positions.realised_fifo, cash, -released_fifo),
        lots,
    )
    return Split(after, cash, fraction)


def _split_lots(positions: Positions, of: Bools, new: int, old: int) -> tuple[Lots, Ints]:
    """The lots in new units, and the signed cost of the fraction by position."""
    count = positions.quantity.size
    lots = positions.lots
    mine = of[lots.position]
    split = lots.where(mine)
    parts = Lots(split.position, split.quantity * new, split.opened * new, split.value)
    queue = Queue(parts, count)
    end = queue.end - queue.first[parts.position]
    cut_end = end // old * old
    cut_begin = (end - np.abs(parts.quantity)) // old * old
    side = np.sign(parts.quantity)
    value = queue.value(parts.position, cut_end) - queue.value(parts.position, cut_begin)
    units = side * ((cut_end - cut_begin) // old)
    fresh = Lots(parts.position, units, units, side * value)
    after = lots.where(~mine).and_then(fresh.where(units != 0))
    kept = sums(fresh.value, parts.position, count)
    released = sums(parts.cost(), parts.position, count) - kept
    return after.where(np.argsort(after.position, kind="stable")), released


def split_price(price: npt.ArrayLike, new: int, old: int) -> Ints:
    """What a price from before a split is after it: price * old / new, half to even."""
    return mul_div(price, old, new)


def dividend(quantity: npt.ArrayLike, amount: npt.ArrayLike, multiplier: npt.ArrayLike = 1) -> Ints:
    """Cash that positions held at the ex-date get, in value units; a short position pays it.

    Args:
        quantity: Signed units, shape (positions,).
        amount: Dividend of one unit, in price units.
        multiplier: Units of the underlying a contract stands for.
    """
    return product(quantity, amount, multiplier)


@dataclass(frozen=True)
class Jumps:
    """How prices moved against what was announced; arrays of shape (instruments,).

    Attributes:
        change_ppm: (after - expected) / expected in parts per million, at most 10^12; 0 where
            `unusable`.
        jumped: Whether that is more than allowed.
        new: With `old`, the common split that would explain a jump, new for old; 0 if none would.
        old: See `new`.
        unusable: Whether a price is zero or below, so that nothing can be said.
    """

    change_ppm: Ints
    jumped: Bools
    new: Ints
    old: Ints
    unusable: Bools


def jumps(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    allowed_ppm: int,
    new: npt.ArrayLike = 1,
    old: npt.ArrayLike = 1,
    tolerance_ppm: int = 50_000,
) -> Jumps:
    """Which prices moved more than allowed, splits that were announced taken into account.

    Args:
        before: Last price of the period before, price units, shape (instruments,).
        after: First price of this period.
        allowed_ppm: Greatest move that is none of our business.
        new: New units of the split announced for the instrument between the two; 1 if none was.
        old: Old units of it.
        tolerance_ppm: How near to a common split's price a jump must end to be named as it.
    """
    was, now, n, d = np.broadcast_arrays(ints(before), ints(after), ints(new), ints(old))
    unusable = (was <= 0) | (now <= 0) | (n <= 0) | (d <= 0)
    ratio = np.where(unusable, 1, now) * np.where(unusable, 1, n)
    ratio = ratio / (np.where(unusable, 1, was) * np.where(unusable, 1, d))
    change = np.rint(np.clip((ratio - 1) * PPM, -PPM, 1e12)).astype(np.int64)
    jumped = np.abs(change) > allowed_ppm
    named = np.array([*COMMON, *((d, n) for n, d in COMMON)])
    off = np.abs(ratio[..., None] * named[:, 0] / named[:, 1] - 1)
    nearest = named[np.argmin(off, axis=-1)]
    fits = jumped & (np.min(off, axis=-1) * PPM <= tolerance_ppm)
    return Jumps(
        change,
        jumped,
        np.where(fits, nearest[..., 0], 0),
        np.where(fits, nearest[..., 1], 0),
        unusable,
    )
