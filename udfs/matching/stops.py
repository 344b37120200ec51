"""Stop orders that wait: which of them the last price triggers."""

from bisect import bisect_left, insort

from udfs.matching.messages import BUY
from udfs.matching.side import STOPPED, Live


class Stops:
    """Stop orders by the price that triggers them.

    A stop to buy is triggered at its stop price or above, one to sell at it or below.
    """

    __slots__ = ("_orders", "_waiting")

    def __init__(self) -> None:
        """No stops."""
        self._orders: dict[int, Live] = {}
        self._waiting: dict[bool, list[tuple[int, int]]] = {True: [], False: []}

    def add(self, order: Live) -> None:
        """Let an order wait."""
        order.place = STOPPED
        self._orders[order.priority] = order
        insort(self._waiting[order.entry.side == BUY], _key(order))

    def remove(self, order: Live) -> None:
        """Take an order out."""
        order.place = ""
        del self._orders[order.priority]
        waiting = self._waiting[order.entry.side == BUY]
        del waiting[bisect_left(waiting, _key(order))]

    def due(self, last: int) -> list[Live]:
        """The orders that a last price triggers, in order of time; they stay.

        Args:
            last: Price of the last trade; 0 if there was none, which triggers nothing.
        """
        if not self._orders or not last:
            return []
        buys = bisect_left(self._waiting[True], (last + 1, 0))
        sells = bisect_left(self._waiting[False], (-last + 1, 0))
        found = self._waiting[True][:buys] + self._waiting[False][:sells]
        return [self._orders[priority] for priority in sorted(priority for _, priority in found)]


def _key(order: Live) -> tuple[int, int]:
    """Stop price, reflected for sells, so that those triggered are the first ones."""
    stop = order.stop_price if order.entry.side == BUY else -order.stop_price
    return stop, order.priority
