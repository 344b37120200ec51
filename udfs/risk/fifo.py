"""Which units a book sold against which it had bought, first in first out.

Open lots are all long or all short, and a fill closes the oldest first. So the j-th unit bought and
the j-th unit sold always meet, whichever came first, through any number of flips. What a fill
realises is therefore a difference of two cumulative values, and a batch needs no loop.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from udfs.risk.integers import LARGEST, LARGEST_FACTOR, Bools, Ints, mul_div, sums


@dataclass(frozen=True)
class Lots:
    """Open lots, by position and then by age; all arrays int64 of shape (lots,).

    A lot's price is the fraction value / opened and never rounded. What is left of its value is
    value - round(value * (opened - quantity) / opened), half to even, whatever the steps in which
    it was closed.

    Attributes:
        position: Index of the position.
        quantity: Units still open; negative for a short lot.
        opened: Units it was opened with, of the same sign.
        value: Signed cost of all units it was opened with, in value units.
    """

    position: Ints
    quantity: Ints
    opened: Ints
    value: Ints

    @classmethod
    def none(cls) -> Self:
        """No lots."""
        return cls(*(np.zeros(0, np.int64) for _ in range(4)))

    def cost(self) -> Ints:
        """What is left of each lot's value, signed, shape (lots,)."""
        closed = np.abs(self.opened - self.quantity)
        return self.value - mul_div(self.value, closed, np.abs(self.opened))

    def where(self, chosen: Ints | Bools) -> Self:
        """The lots at these places."""
        return type(self)(*(a[chosen] for a in self.columns()))

    def columns(self) -> tuple[Ints, Ints, Ints, Ints]:
        """The four arrays in their order."""
        return self.position, self.quantity, self.opened, self.value

    def and_then(self, later: Self) -> Self:
        """These lots followed by `later` ones, as they are."""
        pairs = zip(self.columns(), later.columns(), strict=True)
        return type(self)(*(np.concatenate(pair) for pair in pairs))


class Queue:
    """Lots of one sign laid end to end: where each begins, and the value of its first units."""

    def __init__(self, lots: Lots, positions: int) -> None:
        """Lay out `lots`, which are ordered by position and age and have one sign each.

        Raises:
            OverflowError: A position has 2^50 units or more, all together 2^62, or the values of a
                position add up to 2^62.
        """
        self.left = np.abs(lots.quantity)
        self.held = _held(lots, positions)
        self.first = np.cumsum(self.held) - self.held
        self.end = np.cumsum(self.left)
        self._opened = np.abs(lots.opened)
        self._closed = self._opened - self.left
        self._value = np.sign(lots.quantity) * lots.value
        self._gone = mul_div(self._value, self._closed, self._opened)
        sums(self._value, lots.position, positions)  # checks the bound
        self._value_end = np.cumsum(self._value - self._gone)

    def value(self, position: Ints, units: Ints) -> Ints:
        """The value of the first `units` of each of `position`, unsigned by side."""
        if not self.left.size:
            return np.zeros(position.shape, np.int64)
        base = self.first[position]
        return self._up_to(base + units) - self._up_to(base)

    def _up_to(self, unit: Ints) -> Ints:
        """The value of all units before the global place `unit`; wraps, differences do not."""
        at = np.minimum(np.searchsorted(self.end, unit), self.end.size - 1)
        begin = self.end[at] - self.left[at]
        used = self._closed[at] + np.clip(unit - begin, 0, self.left[at])
        after = self._value[at] - mul_div(self._value[at], used, self._opened[at])
        result: Ints = self._value_end[at] - after
        return result


def _held(lots: Lots, positions: int) -> Ints:
    held = sums(np.abs(lots.quantity), lots.position, positions)
    if held.size and (held.max() >= LARGEST_FACTOR or held.sum(dtype=float) >= LARGEST):
        raise OverflowError("a position has 2^50 units or more, or all together 2^62")
    return held


def match(lots: Lots, fills: Lots, positions: int) -> tuple[Lots, Ints]:
    """Fold fills into open lots.

    Formula: with B_i and S_i the units bought and sold in a position up to fill i, open lots first,
    M_i = min(B_i, S_i) units have met; the fill realises the growth of
    (value of the first M_i units sold) - (value of the first M_i units bought).

    Args:
        lots: Open lots before, ordered by position and age.
        fills: The fills as lots of their own, ordered by position, then time and sequence.
        positions: How many positions there are.

    Returns:
        The open lots after, and what each fill realises, in value units, shape (fills,).

    Raises:
        OverflowError: As `Queue`.
    """
    every = lots.and_then(fills)
    order = np.argsort(every.position, kind="stable")
    every = every.where(order)
    is_fill = order >= lots.position.size
    buy = every.quantity > 0
    bought, sold = Queue(every.where(buy), positions), Queue(every.where(~buy), positions)
    begins = np.searchsorted(every.position, np.arange(positions))[every.position]
    up_to_b = _running(np.where(buy, every.quantity, 0), begins)
    up_to_s = _running(np.where(buy, 0, -every.quantity), begins)
    met = np.minimum(up_to_b, up_to_s)
    gained = sold.value(every.position, met) - bought.value(every.position, met)
    fresh = np.arange(every.position.size) == begins
    realised = gained - np.where(fresh, 0, np.concatenate([gained[:1] * 0, gained[:-1]]))
    matched = np.minimum(bought.held, sold.held)[every.position]
    end = np.where(buy, up_to_b, up_to_s)
    left = np.clip(end - matched, 0, np.abs(every.quantity))
    after = Lots(every.position, np.sign(every.quantity) * left, every.opened, every.value)
    return after.where(left > 0), realised[is_fill]


def _running(units: Ints, begins: Ints) -> Ints:
    """The sum up to and with each place since the place where its position begins."""
    total = np.cumsum(units)
    result: Ints = total - (total - units)[begins] if units.size else total
    return result
