"""What positions gained: against marks, across currencies, and why.

All results are whole numbers. An identity that must hold exactly does, because one of its parts is
defined as what the others leave.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from udfs.risk.integers import Bools, Ints, ints, mul_div, plus, product, sums
from udfs.risk.marks import Quality


def unrealised(
    quantity: npt.ArrayLike, cost: npt.ArrayLike, mark: npt.ArrayLike, multiplier: npt.ArrayLike = 1
) -> Ints:
    """What closing each position at its mark would realise: q * m * mark - cost, in value units.

    Args:
        quantity: Signed units, shape (positions,).
        cost: Signed cost of them, in value units: `Positions.cost`, or `cost_fifo()`.
        mark: Price units, after `marks.mark`. Where there is no mark the result means nothing: take
            the mark's quality along.
        multiplier: Units of the underlying a contract stands for.

    Raises:
        OverflowError: A value reaches 2^62.
    """
    return plus(product(quantity, mark, multiplier), -ints(cost))


def converted(
    value: npt.ArrayLike,
    rate: npt.ArrayLike,
    *,
    value_scale: npt.ArrayLike,
    rate_scale: int,
    exponent: int,
) -> Ints:
    """Amounts in minor units of the reporting currency, each rounded half to even once.

    Formula: value * 10^-value_scale * rate * 10^-rate_scale * 10^exponent. Rounding is done for
    each position, so that the amounts of a book are the sum of its positions' and those of the firm
    the sum of its books', bit for bit.

    Args:
        value: Amounts in units of 10^-value_scale of their own currency.
        rate: Units of the reporting currency for one of their own, in 10^-rate_scale, 0 < rate
            < 2^50; 10^rate_scale where the two are the same.
        value_scale: Decimal places of the amounts, one or by amount, 0 to 18.
        rate_scale: Decimal places of the rates.
        exponent: Decimal places of the reporting currency's minor unit.

    Raises:
        ValueError: A rate is not positive, or the scales differ by more than 18 places.
        OverflowError: An amount is out of the bounds of `integers.mul_div`.
    """
    x = ints(rate)
    if x.size and x.min() <= 0:
        raise ValueError("a rate is not positive")
    places = ints(value_scale) + rate_scale - exponent
    if places.size and (places.max() > 18 or places.min() < -18):
        raise ValueError("the scales differ by more than 18 places")
    powers = 10 ** np.arange(19, dtype=np.int64)
    up = powers[np.maximum(-places, 0)]
    return mul_div(value, product(x, up), powers[np.maximum(places, 0)])


def reported(
    value: npt.ArrayLike,
    quality: npt.ArrayLike,
    rate: npt.ArrayLike,
    *,
    value_scale: npt.ArrayLike,
    rate_scale: int,
    exponent: int,
) -> tuple[Ints, Ints]:
    """`converted`, for values and rates of which some may be missing.

    Args:
        value: As in `converted`.
        quality: `Quality` of each value's mark.
        rate: As in `converted`; 0 or below where there is no rate.
        value_scale: As in `converted`.
        rate_scale: As in `converted`.
        exponent: As in `converted`.

    Returns:
        Minor units, 0 for what cannot be valued, and the quality, NO_RATE where a usable value
        other than 0 had no rate.
    """
    v, x, kind = np.broadcast_arrays(ints(value), ints(rate), ints(quality))
    marked = kind < Quality.MISSING
    no_rate = marked & (x <= 0) & (v != 0)
    usable = marked & (x > 0)
    scales = {"value_scale": value_scale, "rate_scale": rate_scale, "exponent": exponent}
    minor = converted(np.where(usable, v, 0), np.where(x > 0, x, 1), **scales)  # type: ignore[arg-type]
    return minor, np.where(no_rate, Quality.NO_RATE, kind).astype(np.int64)


@dataclass(frozen=True)
class Totals:
    """Sums by book, or by whatever the group is; int64 arrays of shape (groups,).

    Attributes:
        value: Sum over the positions that could be valued.
        positions: How many positions the group has.
        stale: How many of them were valued at a stale mark.
        unvalued: How many of them are not in the sum, having no mark or no rate.
    """

    value: Ints
    positions: Ints
    stale: Ints
    unvalued: Ints

    @property
    def complete(self) -> Bools:
        """Whether every position was valued at a fresh mark."""
        result: Bools = (self.stale == 0) & (self.unvalued == 0)
        return result


def totals(
    value: npt.ArrayLike, quality: npt.ArrayLike, group: npt.ArrayLike, groups: int
) -> Totals:
    """Sums by group of what could be valued, with how much could not; in any order the same bits.

    Args:
        value: Minor units of one currency, shape (positions,).
        quality: `Quality` of each.
        group: Index of each position's group; all 0 for the firm.
        groups: How many groups there are.
    """
    v, kind, at = np.broadcast_arrays(ints(value), ints(quality), ints(group))
    unvalued = kind >= Quality.MISSING
    return Totals(
        sums(np.where(unvalued, 0, v), at, groups),
        np.bincount(at, minlength=groups),
        np.bincount(at[kind == Quality.STALE], minlength=groups),
        np.bincount(at[unvalued], minlength=groups),
    )


@dataclass(frozen=True)
class FxSplit:
    """P&L in the reporting currency, minor units; total == price + fx, exactly.

    Attributes:
        total: Worth at the end plus flows, less worth at the beginning, each at its time's rate.
        price: The local P&L at the rate of the end.
        fx: What is left: the worth at the beginning times the change of the rate, within 1.5 minor
            units, because three amounts are rounded.
    """

    total: Ints
    price: Ints
    fx: Ints


def fx_split(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    rate_before: npt.ArrayLike,
    rate_after: npt.ArrayLike,
    *,
    value_scale: npt.ArrayLike,
    rate_scale: int,
    exponent: int,
    flows: npt.ArrayLike = 0,
) -> FxSplit:
    """Split P&L into price effect and FX effect.

    Formula: price = (V2 - V1 + F) X2, fx = V1 (X2 - X1), total = (V2 + F) X2 - V1 X1, with V the
    worth in the position's currency, F its cash flows between (counted at X2) and X the rate. It is
    the base-currency P&L of the ORE user guide, "Economic P&L", for one currency and without
    interest on the balance.

    Args:
        before: V1, in value units of the position's own currency.
        after: V2, the same.
        rate_before: X1, as in `converted`.
        rate_after: X2.
        value_scale: As in `converted`.
        rate_scale: As in `converted`.
        exponent: As in `converted`.
        flows: F; money received is positive.
    """
    scales = {"value_scale": value_scale, "rate_scale": rate_scale, "exponent": exponent}
    end = plus(after, flows)
    worth = converted(end, rate_after, **scales)  # type: ignore[arg-type]
    was = converted(before, rate_before, **scales)  # type: ignore[arg-type]
    total = plus(worth, -was)
    price = converted(plus(end, -ints(before)), rate_after, **scales)  # type: ignore[arg-type]
    return FxSplit(total, price, total - price)
