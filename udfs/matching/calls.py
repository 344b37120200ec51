"""Phases of trading: calls that gather orders, the auctions that end them, the end of the day."""

from collections.abc import Iterable
from itertools import chain

from udfs.matching.auction import uncrossing
from udfs.matching.core import Core
from udfs.matching.messages import (
    BUY,
    CALLS,
    CLOSED,
    CLOSING_CALL,
    CONTINUOUS,
    SELL,
)
from udfs.matching.side import AT_MARKET, IN_BOOK, Live


class Calls(Core):
    """A book that goes from phase to phase.

    Attributes:
        tick: Smallest step of a price, price units.
    """

    tick: int

    def _trigger(self) -> None:
        """Let stops that the last price reaches become orders, until it reaches none."""
        while self.phase == CONTINUOUS and (due := self.stops.due(self.last)):
            for order in due:
                if self.phase == CONTINUOUS:
                    self.stops.remove(order)
                    order.priority = self._priority()
                    self._arrive(order, "TRIG")

    def _in_order(self) -> list[Live]:
        return sorted(self.orders.values(), key=lambda order: order.priority)

    def _enter(self, phase: str) -> None:
        """Begin a phase of trading; an auction ends the call before it."""
        old = self.phase
        if phase == "NONE":
            return
        self.halt_until = 0
        if phase == old:
            return
        if (phase == CONTINUOUS and old in CALLS) or (phase == CLOSED and old == CLOSING_CALL):
            self._uncross()
        self.phase = phase
        if phase == CONTINUOUS:
            self._sweep(old)
        elif phase == CLOSING_CALL:
            for priority in sorted(self.for_close):
                order = self.for_close.pop(priority)
                order.place, order.priority = "", self._priority()
                self._arrive(order, "CHMO")
        elif phase == CLOSED:
            for order in self._in_order():
                self._end(order, "EXPI")

    def _sweep(self, old: str) -> None:
        """End what an auction should have traded and has not."""
        for order in self._in_order():
            tif = order.entry.time_in_force
            if tif == "AT_OPEN" or (tif == "AT_CLOSE" and old == CLOSING_CALL):
                self._end(order, "EXPI")
            elif order.place == AT_MARKET:
                self._end(order, "CAMO", "NOT_FILLED")

    def _gathered(self, side: str) -> Iterable[Live]:
        """Orders of a side as an auction serves them: at any price first, then by price."""
        at_market = (o for _, o in sorted(self.at_market.items()) if o.entry.side == side)
        return chain(at_market, (self.bids if side == BUY else self.asks).walk())

    def _uncross(self) -> None:
        """Trade what meets at the price that trades most; it becomes the reference price."""
        pieces = {BUY: 0, SELL: 0}
        for order in self.at_market.values():
            pieces[order.entry.side] += order.remaining
        found = uncrossing(
            ((order.price, order.remaining) for order in self.bids.walk()),
            ((order.price, order.remaining) for order in self.asks.walk()),
            (pieces[BUY], pieces[SELL]),
            self.reference or self.last,
            self.tick,
        )
        if found is None:
            return
        price, left = found.price, found.volume
        buys, sells = list(self._gathered(BUY)), list(self._gathered(SELL))
        buys.reverse()
        sells.reverse()
        while left:
            buy, sell = buys[-1], sells[-1]
            quantity = min(buy.remaining, sell.remaining, left)
            left -= quantity
            for order, queue in ((buy, buys), (sell, sells)):
                self._fill(order, quantity)
                if not order.remaining:
                    queue.pop()
            self._traded(buy, sell, price, quantity, False)
        self.reference = price

    def _fill(self, order: Live, quantity: int) -> None:
        if order.place == IN_BOOK:
            (self.bids if order.entry.side == BUY else self.asks).fill(order, quantity)
            return
        order.remaining -= quantity
        if not order.remaining:
            self._detach(order)
