"""The orders of one book, and the events that tell what happens to them."""

from udfs.matching.messages import BUY, CLOSED, SELL, Event, Refused, Top
from udfs.matching.over import Over
from udfs.matching.side import AT_MARKET, FOR_CLOSE, IN_BOOK, STOPPED, Live, Side
from udfs.matching.stops import Stops


class Standing:
    """The orders of one instrument at one venue.

    Attributes:
        phase: Phase of trading.
        halt_until: When a halt by the bands ends, microseconds UTC; 0: there is none.
        last: Price of the last trade; 0 if there was none.
        reference: Price of the last auction, else the one that was set; 0 if there is none.
        now: Time of the last message or of one before it if that is later, microseconds UTC.
        counter: Priorities given so far.
        orders: Those that are not over, by id.
        over: Those that ended a short while ago, of this and perhaps of other books.
        top: What the book shows.
        events: What the last message caused.
        refused: Why the last message was not followed; None if it was.
    """

    def __init__(self, isin: str, mic: str, over: Over | None = None) -> None:
        """A book without orders, closed."""
        self.isin, self.mic, self.key = isin, mic, f"{isin}/{mic}/"
        self.phase = CLOSED
        self.halt_until = self.last = self.reference = self.now = self.counter = 0
        self.band_ppm = self.halt_us = 0
        self.orders: dict[str, Live] = {}
        self.bids, self.asks = Side(BUY), Side(SELL)
        self.stops = Stops()
        self.for_close: dict[int, Live] = {}
        self.at_market: dict[int, Live] = {}
        self.over = Over() if over is None else over
        self.top = Top(0, 0, 0, 0, 0, 0)
        self.events: list[Event] = []
        self.refused: Refused | None = None
        self.message = ""

    def _emit(
        self,
        order: Live,
        code: str,
        cause: str = "",
        removed: int = 0,
        level: int = -1,
    ) -> None:
        """Say what happened to an order that does not trade; the book is as it is afterwards."""
        before, after = self.top, self._shown()
        self.top = after
        if level < 0:
            level = self._level(order)
        event = Event(
            f"{self.message}.{len(self.events)}",
            self.now,
            order.entry,
            code,
            cause,
            order.price,
            order.stop_price,
            order.quantity,
            order.remaining,
            removed,
            order.displayed,
            order.priority,
            order.entry_time,
            0,
            0,
            "",
            False,
            None,
            level,
            before,
            after,
            self.phase,
        )
        self.events.append(event)

    def _level(self, order: Live) -> int:
        if order.market or not order.price:
            return 0
        return (self.bids if order.entry.side == BUY else self.asks).better(order.price)

    def _shown(self) -> Top:
        """What the book shows now."""
        bids, asks = self.bids, self.asks
        bid = bid_size = ask = ask_size = 0
        if bids.visible:
            bid = bids.visible[-1]
            bid_size = bids.levels[bid].size
        if asks.visible:
            ask = -asks.visible[-1]
            ask_size = asks.levels[ask].size
        return Top(bid, bid_size, ask, ask_size, bids.depth, asks.depth)

    def _priority(self) -> int:
        self.counter += 1
        return self.counter

    def _traded(self, one: Live, two: Live, price: int, quantity: int, passive: bool) -> None:
        """Say that two orders have traded: the book is as it is afterwards.

        Args:
            one: The first told of: the one that rested, in an auction the buyer's.
            two: The other.
            price: Price of the trade.
            quantity: Pieces.
            passive: The first one rested.
        """
        self.last = price
        before, after = self.top, self._shown()
        self.top = after
        events = self.events
        execution = f"{self.message}.t{len(events)}"
        for order, counter, rested in ((one, two, passive), (two, one, False)):
            event = Event(
                f"{self.message}.{len(events)}",
                self.now,
                order.entry,
                "PARF" if order.remaining else "FILL",
                "",
                order.price,
                order.stop_price,
                order.quantity,
                order.remaining,
                0,
                order.displayed,
                order.priority,
                order.entry_time,
                price,
                quantity,
                execution,
                rested,
                counter.entry,
                self._level(order),
                before,
                after,
                self.phase,
            )
            events.append(event)
            if not order.remaining:
                self._forget(order)

    def _detach(self, order: Live) -> None:
        """Take an order out of where it stands."""
        place = order.place
        if place == IN_BOOK:
            (self.bids if order.entry.side == BUY else self.asks).remove(order)
        elif place == STOPPED:
            self.stops.remove(order)
        elif place == FOR_CLOSE:
            del self.for_close[order.priority]
        elif place == AT_MARKET:
            del self.at_market[order.priority]
        order.place = ""

    def _end(self, order: Live, code: str, cause: str = "") -> None:
        """Take out what is left of an order."""
        level = self._level(order)
        self._detach(order)
        removed, order.remaining = order.remaining, 0
        self._emit(order, code, cause, removed, level)
        self._forget(order)

    def _forget(self, order: Live) -> None:
        """An order is over; its id stays taken for a while."""
        order_id = order.entry.order_id
        del self.orders[order_id]
        self.over.add(self.key + order_id, self.now)
