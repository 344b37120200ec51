"""A second order book: one list of orders, searched anew for every trade.

Only what happens in continuous trading, without bands and limits; messages are taken as sound.
"""

from dataclasses import dataclass, field


@dataclass
class Order:
    name: str
    owner: str
    buy: bool
    price: int | None  # None: any
    peak: int
    left: int
    filled: int
    tif: str
    prevention: str
    shown: int = 0
    turn: int = 0


@dataclass
class Book:
    """`trades` are (taker, rested, price, pieces); `stops` wait as (stop price, order)."""

    orders: list = field(default_factory=list)
    stops: list = field(default_factory=list)
    trades: list = field(default_factory=list)
    turns: int = 0
    last: int = 0

    def do(self, c):
        if c.action == "CANCEL":
            self._drop(c.order_id)
        elif c.action == "REPLACE":
            self._replace(c)
        else:
            price = c.price if c.kind in ("LIMIT", "STOP_LIMIT") else None
            order = Order(c.order_id, c.owner, c.side == "BUY", price, c.display_quantity,
                          c.quantity, 0, c.time_in_force, c.self_trade)  # fmt: skip
            if c.stop_price:
                order.turn = self._turn()
                self.stops.append([c.stop_price, order])
            else:
                self._in(order)
        self._triggers()

    def _turn(self):
        self.turns += 1
        return self.turns

    def _drop(self, name):
        self.orders = [o for o in self.orders if o.name != name]
        self.stops = [s for s in self.stops if s[1].name != name]

    def _triggers(self):
        while self.last:
            due = [s for s in self.stops
                   if (self.last >= s[0] if s[1].buy else self.last <= s[0])]  # fmt: skip
            if not due:
                return
            for stop in sorted(due, key=lambda s: s[1].turn):
                self.stops.remove(stop)
                self._in(stop[1])

    def _replace(self, c):
        for stop in self.stops:
            if stop[1].name == c.order_id:
                order = stop[1]
                stop[0] = c.stop_price
                order.price = c.price if order.price is not None else None
                order.left, order.peak, order.turn = c.quantity, c.display_quantity, self._turn()
                return
        order = next((o for o in self.orders if o.name == c.order_id), None)
        if order is None or c.quantity <= order.filled:
            return
        left = c.quantity - order.filled
        same = c.price == order.price and left <= order.left and c.display_quantity <= order.peak
        if same and (c.display_quantity > 0) == (order.peak > 0):
            order.left, order.peak = left, c.display_quantity
            order.shown = min(order.shown, order.peak, left)
            return
        self._drop(order.name)
        order.price, order.left, order.peak = c.price, left, c.display_quantity
        self._in(order)

    def _takes(self, order, other):
        if other.buy == order.buy:
            return False
        if order.price is None:
            return True
        return other.price <= order.price if order.buy else other.price >= order.price

    def _first(self, order):
        others = [o for o in self.orders if self._takes(order, o)]
        sign = 1 if order.buy else -1
        return min(others, key=lambda o: (sign * o.price, o.shown == 0, o.turn), default=None)

    def _could(self, order):
        sign, found = 1 if order.buy else -1, 0
        others = [o for o in self.orders if self._takes(order, o)]
        for other in sorted(others, key=lambda o: (sign * o.price, o.shown == 0, o.turn)):
            if found >= order.left:
                break
            if order.prevention == "NONE" or other.owner != order.owner:
                found += other.left
            elif order.prevention != "CANCEL_RESTING":
                break
        return found

    def _in(self, order):
        if order.tif == "FOK" and self._could(order) < order.left:
            return
        while order.left and (other := self._first(order)) is not None:
            if order.prevention != "NONE" and other.owner == order.owner:
                if order.prevention in ("CANCEL_RESTING", "CANCEL_BOTH"):
                    self._drop(other.name)
                if order.prevention in ("CANCEL_INCOMING", "CANCEL_BOTH"):
                    return
                continue
            pieces = min(order.left, other.shown or other.left)
            self.trades.append((order.name, other.name, other.price, pieces))
            self.last = other.price
            for one in (order, other):
                one.left -= pieces
                one.filled += pieces
            if other.shown:
                other.shown -= pieces
                if not other.shown and other.left:
                    other.shown, other.turn = min(other.peak, other.left), self._turn()
            if not other.left:
                self._drop(other.name)
        if order.left and order.price is not None and order.tif == "DAY":
            order.shown, order.turn = min(order.peak, order.left), self._turn()
            self.orders.append(order)

    def served(self, buy):
        """Name, price, shown and left of a side as it is served."""
        sign = -1 if buy else 1
        side = sorted((o for o in self.orders if o.buy == buy),
                      key=lambda o: (sign * o.price, o.shown == 0, o.turn))  # fmt: skip
        return [(o.name, o.price, o.shown, o.left) for o in side]
