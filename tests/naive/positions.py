"""Positions from the definitions, one fill and one unit price at a time; shares no code.

Fills are (position, units, price, multiplier) in order. Average prices are fractions.
"""

from collections import defaultdict, deque
from fractions import Fraction


def half_even(x):
    return round(x)


def fold(fills):
    """By position: quantity, average cost, realised both ways, open FIFO lots (units, value)."""
    books = defaultdict(lambda: Position())
    each = []
    for position, units, price, multiplier in fills:
        each.append(books[position].fill(units, price * multiplier))
    return books, each


class Position:
    def __init__(self):
        self.quantity = 0
        self.cost = 0
        self.realised_average = 0
        self.realised_fifo = 0
        self.lots = deque()  # [left, opened, price]

    def fill(self, units, price):
        fifo = self.by_fifo(units, price)
        average = self.by_average(units, price)
        self.quantity += units
        self.realised_fifo += fifo
        self.realised_average += average
        return fifo, average

    def by_fifo(self, units, price):
        realised = 0
        while units and self.lots and (self.lots[0][0] > 0) != (units > 0):
            lot = self.lots[0]
            closed = min(abs(lot[0]), abs(units))
            sign = 1 if lot[0] > 0 else -1
            realised += sign * (price - lot[2]) * closed
            lot[0] -= sign * closed
            units += sign * closed
            if not lot[0]:
                self.lots.popleft()
        if units:
            self.lots.append([units, units, price])
        return realised

    def by_average(self, units, price):
        q = self.quantity
        if q == 0 or (q > 0) == (units > 0):
            self.cost += units * price
            return 0
        closed = min(abs(q), abs(units))
        released = half_even(Fraction(self.cost) * Fraction(closed, abs(q)))
        sign = 1 if q > 0 else -1
        self.cost -= released
        rest = units + sign * closed
        self.cost += rest * price
        return sign * closed * price - released
