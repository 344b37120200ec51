"""How orders of one book meet: arrival, trades in order of price and time, what is left of them."""

from udfs.matching.messages import BUY, CONTINUOUS, HALTED
from udfs.matching.side import AT_MARKET, IN_BOOK, Live, Side
from udfs.matching.standing import Standing

MILLION = 1_000_000
_FATES = {
    "CANCEL_RESTING": (True, False),
    "CANCEL_INCOMING": (False, True),
    "CANCEL_BOTH": (True, True),
}


class Core(Standing):
    """A book in which orders arrive."""

    def _arrive(self, order: Live, code: str, removed: int = 0, level: int = -1) -> None:
        """Deal with an order that is new, replaced or triggered: trade, rest, wait or end."""
        if self.phase != CONTINUOUS:
            if order.market:
                order.place = AT_MARKET
                self.at_market[order.priority] = order
            else:
                self._rest(order)
            self._emit(order, code, "", removed, level)
        elif order.entry.time_in_force == "FOK" and self._within_reach(order) < order.remaining:
            self._emit(order, code, "", removed, level)
            self._end(order, "CAMO", "NOT_FILLED")
        elif self._may_rest(order) and not self._meets(order):
            self._rest(order)
            self._emit(order, code, "", removed, level)
        else:
            self._emit(order, code, "", removed, level)
            self._match(order)

    def _rest(self, order: Live) -> None:
        (self.bids if order.entry.side == BUY else self.asks).add(order)

    def _may_rest(self, order: Live) -> bool:
        return not order.market and order.entry.time_in_force not in ("IOC", "FOK")

    def _meets(self, order: Live) -> bool:
        """Whether an order on the other side has a price it accepts."""
        other = self.asks if order.entry.side == BUY else self.bids
        if not other.ranks:
            return False
        return order.market or order.price * -other.sign >= -other.ranks[-1]

    def _beyond(self, price: int) -> bool:
        """Whether a trade at a price would leave the band around the reference price."""
        reference = self.reference
        if not self.band_ppm or not reference:
            return False
        return abs(price - reference) * MILLION > self.band_ppm * reference

    def _within_reach(self, order: Live) -> int:
        """Pieces an order could trade at once, at least as many as it has if so many are there."""
        other = self.asks if order.entry.side == BUY else self.bids
        mode, found = order.entry.self_trade, 0
        for candidate in other.walk():
            price = candidate.price
            if found >= order.remaining or self._beyond(price):
                break
            if not order.market and (order.price - price) * other.sign > 0:
                break
            if mode == "NONE" or candidate.entry.owner != order.entry.owner:
                found += candidate.remaining
            elif mode != "CANCEL_RESTING":
                break
        return found

    def _match(self, order: Live) -> None:
        """Trade an order with those on the other side for as long as they meet; end or rest it."""
        other = self.asks if order.entry.side == BUY else self.bids
        entry = order.entry
        while order.remaining and order.place != IN_BOOK and self._meets(order):
            resting = other.first()
            if resting is None:
                break
            if entry.self_trade != "NONE" and resting.entry.owner == entry.owner:
                theirs, own = _FATES[entry.self_trade]
                if theirs:
                    self._end(resting, "CAMO", "SELF_TRADE")
                if own:
                    self._end(order, "CAMO", "SELF_TRADE")
                    return
            elif self._beyond(resting.price):
                self.phase = HALTED
                self.halt_until = self.now + self.halt_us
                break
            else:
                self._trade(order, resting, other)
        if not order.remaining or order.place == IN_BOOK:
            return
        halted = "HALT" if self.phase == HALTED else ""
        if self._may_rest(order):
            self._rest(order)
            self._emit(order, "CHMO", halted or "RESTS")
        else:
            self._end(order, "CAMO", halted or "NOT_FILLED")

    def _trade(self, order: Live, resting: Live, other: Side) -> None:
        """One trade at the price of the order that rests.

        What is left of the other one rests at once if nothing more meets it.
        """
        price, priority = resting.price, resting.priority
        quantity = min(order.remaining, resting.displayed or resting.remaining)
        if other.take(resting, quantity, self.counter + 1):
            self.counter += 1
        order.remaining -= quantity
        if order.remaining and self._may_rest(order) and not self._meets(order):
            self._rest(order)
        if not resting.remaining:
            resting.priority = priority
        self._traded(resting, order, price, quantity, True)
