"""The order book of one instrument at one venue: what a message does to it, event by event.

Price-time priority. Of one price, shown orders are served before hidden ones; an iceberg that
shows its next part goes behind all others shown. Integers only; the same messages always give the
same events.

What is refused of a new order is an event REMO, unless its id is taken or it is a number of
something else than the book's prices; what is refused of an order that exists changes nothing and
is no event. Either way `refused` says why. Self-trade prevention does not act in auctions.
"""

from udfs.matching import checks
from udfs.matching.calls import Calls
from udfs.matching.messages import (
    BUY,
    CLOSING_CALL,
    CONTINUOUS,
    SELL,
    Change,
    Command,
    Control,
    Event,
    Refused,
)
from udfs.matching.over import Over
from udfs.matching.side import FOR_CLOSE, IN_BOOK, STOPPED, Live

MOST_DEPTH = 10**18
"""Most pieces a side can show; 64 bits hold it."""


class Book(Calls):
    """One book. `apply` a member's messages and `control` the venue's, in log order.

    A new book is closed: `Control` of kind PHASE opens it.

    Attributes:
        tick: Smallest step of a price, price units.
        price_scale: Decimal places of prices.
        currency: Their currency.
        limits: Limits before a trade, by scope.
        off: Scopes of which the kill switch is on.
    """

    def __init__(
        self,
        isin: str,
        mic: str,
        tick: int = 1,
        price_scale: int = 2,
        currency: str = "EUR",
        over: Over | None = None,
    ) -> None:
        """A book without orders, closed; `over` may be shared by books."""
        super().__init__(isin, mic, over)
        self.tick, self.price_scale, self.currency = tick, price_scale, currency
        self.limits: dict[str, checks.Limits] = {}
        self.off: set[str] = set()

    def apply(self, command: Command) -> list[Event]:
        """What a member's message causes, in order; `refused` says why if it was not followed."""
        self._begin(command.command_id, command.time)
        if command.action == "NEW":
            self._new(command)
        elif command.action == "CANCEL":
            order = self._found(command)
            if order is not None:
                self._end(order, "CAME")
        else:
            self._replace(command)
        self._trigger()
        return self.events

    def control(self, control: Control) -> list[Event]:
        """What a message of the venue causes, in order."""
        self._begin(f"{control.control_id}.{self.isin}.{self.mic}", control.time)
        self.set_limits(control)
        if control.kind == "PHASE":
            self._enter(control.phase)
        elif control.kind == "BANDS":
            self.band_ppm, self.halt_us = control.band_ppm, control.halt_us
            if control.reference_price > 0:
                self.reference = control.reference_price
        elif control.kind == "KILL":
            for order in self._in_order():
                if control.scope in checks.scopes(order.entry):
                    self._end(order, "CAMO", "KILL")
        self._trigger()
        return self.events

    def set_limits(self, control: Control) -> None:
        """Know what is checked from now on; a control of another kind changes nothing."""
        scope = control.scope
        if control.kind == "LIMITS":
            limit = checks.Limits(control.max_quantity, control.max_notional, control.collar_ppm)
            self.limits[scope] = limit
        elif control.kind == "KILL":
            self.off.add(scope)
        elif control.kind == "RELEASE":
            self.off.discard(scope)

    def settle(self) -> None:
        """Show what was put back after a restart, as if it had been there before."""
        self.top = self._shown()
        self.changes()

    def set_terms(
        self, message: str, time: int, tick: int, price_scale: int, currency: str
    ) -> list[Event]:
        """Other terms of the instrument: orders whose prices mean something else then are ended."""
        self._begin(f"{message}.{self.isin}.{self.mic}", time)
        self.tick = tick
        if (price_scale, currency) != (self.price_scale, self.currency):
            for order in self._in_order():
                self._end(order, "CAMO", "TERMS")
            self.last = self.reference = 0
            self.price_scale, self.currency = price_scale, currency
        return self.events

    def changes(self) -> list[Change]:
        """Visible levels that the messages since the last call have touched, as they are now."""
        found = []
        for name, side in ((BUY, self.bids), (SELL, self.asks)):
            if not side.touched:
                continue
            for price in sorted(side.touched):
                level = side.levels.get(price)
                size, orders = (level.size, len(level.shown)) if level else (0, 0)
                found.append(Change(name, price, size, orders))
            side.touched.clear()
        return found

    def _begin(self, message: str, time: int) -> None:
        self.message, self.events, self.refused = message, [], None
        if time > self.now:
            self.now = time
            if time > self.over.latest:
                self.over.latest = time
        if self.halt_until and self.now >= self.halt_until:
            self._enter(CONTINUOUS)

    def _refuse(self, refused: Refused) -> None:
        self.refused = refused

    def _new(self, command: Command) -> None:
        order_id = command.order_id
        if order_id in self.orders or self.over.taken(self.key + order_id):
            return self._refuse(Refused("DUPLICATE_ORDER", f"order {order_id} exists or is over"))
        if command.price_scale != self.price_scale or command.currency != self.currency:
            return self._refuse(self._other_unit(command))
        order = Live(command, self.now, self._priority())
        refused = (
            checks.unsound(command, self.tick)
            or checks.out_of_phase(command, self.phase)
            or (checks.killed(command, self.off) if self.off else None)
            or self._over_limit(command)
            or self._full(command)
        )
        self.orders[order_id] = order
        if refused is not None:
            self._refuse(refused)
            return self._end(order, "REMO", refused.reason)
        if command.stop_price:
            self.stops.add(order)
            self._emit(order, "NEWO")
        elif command.time_in_force == "AT_CLOSE" and self.phase != CLOSING_CALL:
            order.place = FOR_CLOSE
            self.for_close[order.priority] = order
            self._emit(order, "NEWO")
        else:
            self._arrive(order, "NEWO")
        return None

    def _over_limit(self, command: Command) -> Refused | None:
        if not self.limits:
            return None
        return checks.over(command, self.limits, self.last or self.reference)

    def _full(self, command: Command) -> Refused | None:
        depth = max(self.bids.depth, self.asks.depth)
        if depth + command.quantity <= MOST_DEPTH:
            return None
        return Refused("BOOK_FULL", f"{depth} pieces are shown")

    def _other_unit(self, command: Command) -> Refused:
        asked = f"{command.currency} with {command.price_scale} places"
        return Refused("OTHER_UNIT", f"{asked}, not {self.currency} with {self.price_scale}")

    def _found(self, command: Command) -> Live | None:
        """The order that a message is about; None, and why in `refused`, if it cannot be."""
        order = self.orders.get(command.order_id)
        if order is None:
            over = self.over.taken(self.key + command.order_id)
            self._refuse(Refused("ORDER_OVER" if over else "UNKNOWN_ORDER", command.order_id))
            return None
        entry = order.entry
        if (command.member, command.owner, command.side) != (entry.member, entry.owner, entry.side):
            self._refuse(Refused("NOT_THE_ORDER", "another member, owner or side"))
            return None
        if command.time < order.asked:
            detail = f"{command.time}, the last message about it {order.asked}"
            self._refuse(Refused("TIME_BACKWARDS", detail))
            return None
        return order

    def _replace(self, command: Command) -> None:
        """New price, stop price, quantity and shown part; what else the message says is nothing."""
        order = self._found(command)
        if order is None:
            return
        entry = order.entry
        left = command.quantity - (order.quantity - order.remaining)
        asked = command._replace(kind=entry.kind, time_in_force=entry.time_in_force)
        if (command.price_scale, command.currency) != (self.price_scale, self.currency):
            return self._refuse(self._other_unit(command))
        refused = checks.unsound(asked, self.tick) or self._over_limit(asked)
        refused = refused or self._full(asked)
        if refused is None and left <= 0:
            filled = order.quantity - order.remaining
            refused = Refused("BAD_QUANTITY", f"{command.quantity} pieces, {filled} filled")
        if refused is None and order.place != STOPPED and command.stop_price != order.stop_price:
            refused = Refused("BAD_PRICE", "the stop is triggered")
        if refused is not None:
            return self._refuse(refused)
        order.asked = command.time
        removed = max(order.remaining - left, 0)
        keeps = command.price == order.price and command.quantity <= order.quantity
        shown = command.display_quantity
        keeps = keeps and shown <= order.peak and bool(shown) == bool(order.peak)
        if keeps and order.place == IN_BOOK:
            return self._shrink(order, command, removed)
        self._move(order, command, removed)
        return None

    def _shrink(self, order: Live, command: Command, removed: int) -> None:
        """Fewer pieces at the same place."""
        level = self._level(order)
        order.quantity, order.remaining = command.quantity, order.remaining - removed
        order.peak = command.display_quantity
        if order.displayed > min(order.peak, order.remaining):
            side = self.bids if order.entry.side == BUY else self.asks
            side.reshow(order, min(order.peak, order.remaining))
        self._emit(order, "REME", "", removed, level)

    def _move(self, order: Live, command: Command, removed: int) -> None:
        """An order as if it were new, under its old id."""
        place, filled = order.place, order.quantity - order.remaining
        before = (self.bids if order.entry.side == BUY else self.asks).better(command.price)
        level = 0 if order.market else before
        self._detach(order)
        order.price, order.stop_price = command.price, command.stop_price
        order.quantity, order.remaining = command.quantity, command.quantity - filled
        order.peak, order.priority = command.display_quantity, self._priority()
        if place == STOPPED:
            self.stops.add(order)
            self._emit(order, "REME", "", removed, level)
        elif place == FOR_CLOSE:
            order.place = place
            self.for_close[order.priority] = order
            self._emit(order, "REME", "", removed, level)
        else:
            self._arrive(order, "REME", removed, level)
