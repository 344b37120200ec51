"""One side of a book: orders by price, at a price by time, shown ones before hidden ones."""

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Iterator

from udfs.matching.messages import BUY, Command

IN_BOOK, STOPPED, FOR_CLOSE, AT_MARKET = "BOOK", "STOP", "CLOSE", "MARKET"
"""Where an order stands: at its price, waiting for its trigger or for the closing call, gathered
without a price."""


class Live:
    """An order that is not over.

    Attributes:
        entry: The order as it was entered.
        market: It trades at any price.
        price: Limit, price units; 0 if it has none.
        peak: Pieces it shows at a time; 0: hidden.
        displayed: Pieces it shows now; 0 where it does not stand in the book.
        priority: Its place in the order of time.
        asked: Time of the last message about it as the message says, microseconds UTC.
        place: Where it stands; empty while it is being dealt with.
    """

    __slots__ = (
        "asked",
        "displayed",
        "entry",
        "entry_time",
        "market",
        "peak",
        "place",
        "price",
        "priority",
        "quantity",
        "remaining",
        "stop_price",
    )

    def __init__(self, entry: Command, entry_time: int, priority: int) -> None:
        """An order as it comes in."""
        self.entry = entry
        self.market = entry.kind in ("MARKET", "STOP")
        self.price = entry.price
        self.stop_price = entry.stop_price
        self.quantity = entry.quantity
        self.remaining = entry.quantity
        self.peak = entry.display_quantity
        self.displayed = 0
        self.priority = priority
        self.entry_time = entry_time
        self.asked = entry.time
        self.place = ""


class Level:
    """The orders at one price; `size` is what they show."""

    __slots__ = ("hidden", "shown", "size")

    def __init__(self) -> None:
        """A price without orders."""
        self.size = 0
        self.shown: OrderedDict[int, Live] = OrderedDict()
        self.hidden: OrderedDict[int, Live] = OrderedDict()


class Side:
    """The bids or the asks of a book.

    Prices are kept as ranks, price x sign, in rising order: the best is the last.

    Attributes:
        sign: 1 of bids, -1 of asks.
        ranks: Of all prices at which orders stand.
        visible: Of those at which something is shown.
        depth: Pieces shown at all prices.
        touched: Prices at which what is shown has changed since it was last emptied.
    """

    __slots__ = ("depth", "levels", "ranks", "sign", "touched", "visible")

    def __init__(self, side: str) -> None:
        """A side without orders."""
        self.sign = 1 if side == BUY else -1
        self.levels: dict[int, Level] = {}
        self.ranks: list[int] = []
        self.visible: list[int] = []
        self.depth = 0
        self.touched: set[int] = set()

    def better(self, price: int) -> int:
        """Visible levels that are better than `price`."""
        visible = self.visible
        return len(visible) - bisect_right(visible, price * self.sign)

    def first(self) -> Live | None:
        """The order that is served next; None if there is none."""
        if not self.ranks:
            return None
        level = self.levels[self.ranks[-1] * self.sign]
        return next(iter((level.shown or level.hidden).values()))

    def best(self) -> int:
        """The best price at which an order stands, shown or not; 0 if there is none."""
        return self.ranks[-1] * self.sign if self.ranks else 0

    def add(self, order: Live) -> None:
        """Put an order behind all others of its price; it shows its peak."""
        price = order.price
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = Level()
            insort(self.ranks, price * self.sign)
        order.place = IN_BOOK
        order.displayed = min(order.peak, order.remaining)
        if order.displayed:
            level.shown[order.priority] = order
            self._show(price, level, order.displayed)
        else:
            level.hidden[order.priority] = order

    def remove(self, order: Live) -> None:
        """Take an order out; it shows nothing any more."""
        price = order.price
        level = self.levels[price]
        order.place = ""
        if order.displayed:
            del level.shown[order.priority]
            self._show(price, level, -order.displayed)
            order.displayed = 0
        else:
            del level.hidden[order.priority]
        if not level.shown and not level.hidden:
            del self.levels[price]
            del self.ranks[bisect_left(self.ranks, price * self.sign)]

    def reshow(self, order: Live, displayed: int) -> None:
        """Let a shown order show more or less, at least one piece, at the same place."""
        self._show(order.price, self.levels[order.price], displayed - order.displayed)
        order.displayed = displayed

    def take(self, order: Live, quantity: int, priority: int) -> bool:
        """Trade pieces of the order that is served next; an iceberg refills.

        Args:
            order: It; it shows at least `quantity` or nothing.
            quantity: Pieces traded.
            priority: Place in time of what an iceberg then shows.

        Returns:
            Whether the priority was used.
        """
        left = order.remaining - quantity
        if not left:
            self.remove(order)
            order.remaining = 0
            return False
        order.remaining = left
        if not order.displayed:
            return False
        if order.displayed > quantity:
            self.reshow(order, order.displayed - quantity)
            return False
        level = self.levels[order.price]
        del level.shown[order.priority]
        order.priority = priority
        level.shown[priority] = order
        self.reshow(order, min(order.peak, left))
        return True

    def fill(self, order: Live, quantity: int) -> None:
        """Trade pieces of an order in an auction, hidden ones included; it keeps its place."""
        if quantity == order.remaining:
            self.remove(order)
            order.remaining = 0
            return
        order.remaining -= quantity
        if order.displayed > order.remaining:
            self.reshow(order, order.remaining)

    def walk(self) -> Iterator[Live]:
        """All orders as they are served: best price first, shown before hidden, then by time."""
        for rank in reversed(self.ranks):
            level = self.levels[rank * self.sign]
            yield from level.shown.values()
            yield from level.hidden.values()

    def _show(self, price: int, level: Level, more: int) -> None:
        if not level.size:
            insort(self.visible, price * self.sign)
        level.size += more
        self.depth += more
        self.touched.add(price)
        if not level.size:
            del self.visible[bisect_left(self.visible, price * self.sign)]
