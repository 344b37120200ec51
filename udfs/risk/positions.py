"""Positions and realised profit from fills, by FIFO lots and at average cost, side by side.

A position is one instrument in one book. Everything is a whole number: units signed (short is
negative), prices in 10^-price_scale of the currency, and values in value units, 10^-value_scale of
the currency: value = units * price * multiplier. For shares and listed options value_scale is the
price_scale; for a bond quoted in percent whose units are minor units of nominal it is price_scale
+ 2 (percent) + 2 (cents).

The two methods differ only in what is realised when: realised - cost of what is open is minus the
cash paid in either, so realised + unrealised is equal bit for bit. Fees are no part of a price;
they are summed apart, in the currency they were paid in.

Sources: definitions of average cost and FIFO as in IAS 2.25-27 (cost formulas), applied to signed
positions; a fill that turns a position from long to short opens the rest at the fill's price.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from udfs.risk.average import average
from udfs.risk.fifo import Lots, match
from udfs.risk.integers import Ints, ints, mul_div, plus, product, sums


@dataclass(frozen=True)
class Positions:
    """What is held and what was realised; all arrays int64 of shape (positions,).

    Attributes:
        quantity: Signed units.
        cost: Signed cost of them at average cost, in value units; cost / quantity is the average
            price times the multiplier.
        realised_average: Realised so far at average cost, without fees, in value units.
        realised_fifo: The same by FIFO.
        lots: The open FIFO lots, by position and then by age.
    """

    quantity: Ints
    cost: Ints
    realised_average: Ints
    realised_fifo: Ints
    lots: Lots

    @classmethod
    def flat(cls, positions: int) -> Self:
        """So many positions without anything in them."""
        none = np.zeros(positions, np.int64)
        return cls(none, none, none, none, Lots.none())

    def grown(self, positions: int) -> Self:
        """The same with flat positions added at the end, up to `positions` in all."""
        none = np.zeros(positions - self.quantity.size, np.int64)
        return type(self)(
            np.concatenate([self.quantity, none]),
            np.concatenate([self.cost, none]),
            np.concatenate([self.realised_average, none]),
            np.concatenate([self.realised_fifo, none]),
            self.lots,
        )

    def cost_fifo(self) -> Ints:
        """Signed cost of the open lots of each position, in value units."""
        return sums(self.lots.cost(), self.lots.position, self.quantity.size)


@dataclass(frozen=True)
class Realised:
    """What each fill realised, in value units and without fees, in the order the fills came in.

    Attributes:
        fifo: Against the oldest lots.
        average: Against the average cost.
    """

    fifo: Ints
    average: Ints


def apply(
    positions: Positions,
    position: npt.ArrayLike,
    units: npt.ArrayLike,
    price: npt.ArrayLike,
    multiplier: npt.ArrayLike = 1,
) -> tuple[Positions, Realised]:
    """Fold a batch of fills into positions; where the batch was cut makes no difference.

    Args:
        positions: The positions before.
        position: Index of the position of each fill, shape (fills,).
        units: Signed units of each fill, not 0; positive buys.
        price: Price of each fill, in price units.
        multiplier: Units of the underlying a contract stands for, by fill or the same for all.

    The fills are ordered by (time, sequence); how those of different positions interleave does not
    matter.

    Returns:
        The positions after, and what each fill realised.

    Raises:
        ValueError: A fill has no units, or a position's index is out of range.
        OverflowError: The units that a position's lots and fills bought, or sold, reach 2^50; or
            a fill's value, the values of one side together or what was realised, 2^62.
    """
    at, dq = ints(position), ints(units)
    count = positions.quantity.size
    if at.size and (at.min() < 0 or at.max() >= count):
        raise ValueError(f"a fill is of a position that is not among the {count}")
    if np.any(dq == 0):
        raise ValueError("a fill has no units")
    unit_value = np.broadcast_to(product(price, multiplier), dq.shape)
    order = np.argsort(at, kind="stable")
    at, dq, unit_value = at[order], dq[order], unit_value[order]
    lots, fifo = match(positions.lots, Lots(at, dq, dq, product(dq, unit_value)), count)
    quantity, cost, by_average = average(positions.quantity, positions.cost, at, dq, unit_value)
    after = Positions(
        quantity,
        cost,
        plus(positions.realised_average, sums(by_average, at, count)),
        plus(positions.realised_fifo, sums(fifo, at, count)),
        lots,
    )
    back = np.argsort(order, kind="stable")
    return after, Realised(fifo[back], by_average[back])


def average_price(quantity: npt.ArrayLike, cost: npt.ArrayLike, multiplier: npt.ArrayLike) -> Ints:
    """The average price for people to read: cost / (quantity * multiplier), half to even.

    Nothing is computed from it; the exact average is the fraction. 0 for a flat position.

    Args:
        quantity: Signed units, shape (positions,).
        cost: Signed cost of them, value units.
        multiplier: Units of the underlying a contract stands for, at least 1.
    """
    units = ints(quantity)
    signed = ints(cost) * np.sign(units)
    return mul_div(signed, 1, np.maximum(product(np.abs(units), multiplier), 1))


def fees(
    position: npt.ArrayLike,
    currency: npt.ArrayLike,
    fee: npt.ArrayLike,
    positions: int,
    currencies: int,
) -> Ints:
    """Fees paid by position and currency, in minor units of that currency; rebates are negative.

    A fee may be in any currency, not only in that of the price or of the book. It is converted, at
    the rate of its own currency, where P&L is (`pnl.converted`).

    Args:
        position: Index of each fill's position, shape (fills,).
        currency: Index of the currency of each fee, shape (fills,).
        fee: Minor units of that currency, shape (fills,).
        positions: How many positions there are.
        currencies: How many currencies there are.

    Returns:
        int64 of shape (positions, currencies).

    Raises:
        OverflowError: The fees of a position in a currency add up to 2^62.
    """
    cell = ints(position) * currencies + ints(currency)
    return sums(fee, cell, positions * currencies).reshape(positions, currencies)
