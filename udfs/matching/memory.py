"""What the matching job remembers between batches, and the books that come of it.

The tables are the truth. Books are kept beside them and are made again from them whenever they are
not the tables' latest.
"""

from typing import Any

import polars as pl

from schemas.step import ColumnKind, State, TableSpec
from udfs.matching.book import Book
from udfs.matching.messages import BUY, Command, Control
from udfs.matching.over import Over
from udfs.matching.side import AT_MARKET, FOR_CLOSE, IN_BOOK, STOPPED, Live

CLOCK, TERMS, CONTROLS = "matching.clock", "matching.terms", "matching.controls"
BOOKS, ORDERS, ENDED = "matching.books", "matching.orders", "matching.ended"
_WORDS = ("isin", "mic", "phase", "currency")
_KINDS: dict[type, ColumnKind] = {int: "int", bool: "bool", str: "str"}


def _kinds(fields: dict[str, Any]) -> dict[str, ColumnKind]:
    return {name: _KINDS[kind] for name, kind in fields.items()}


_BOOK = ("isin", "mic", "phase", "halt_until", "last", "reference", "now", "counter", "band_ppm",
         "halt_us", "tick", "price_scale", "currency")  # fmt: skip
_LIVE = ("price", "stop_price", "quantity", "remaining", "peak", "displayed", "priority",
         "entry_time", "asked")  # fmt: skip
_ENTRY = {f"as_{name}": kind for name, kind in Command.__annotations__.items()}
TABLES = {
    CLOCK: TableSpec({"name": "str", "value": "int"}, key="name"),
    TERMS: TableSpec(
        {"isin": "str", "time": "int", "tick": "int", "price_scale": "int", "currency": "str"},
        key="isin",
    ),
    CONTROLS: TableSpec(
        {"key": "str", "number": "int", **_kinds(Control.__annotations__)}, key="key"
    ),
    BOOKS: TableSpec(
        {"key": "str", **{name: "str" if name in _WORDS else "int" for name in _BOOK}}, key="key"
    ),
    ORDERS: TableSpec(
        {
            "key": "str",
            "book": "str",
            "open": "int",
            "place": "str",
            "market": "bool",
            **dict.fromkeys(_LIVE, "int"),
            **_kinds(_ENTRY),
        },
        key="key",
    ),
    ENDED: TableSpec({"key": "str", "time": "int"}),
}
"""State of a shard.

`clock` counts batches and controls and has the greatest time seen; `terms` is what is known of each
instrument; `controls` the last of each kind and scope, by number; `books` and `orders` are the
books; `ended` the orders whose ids are still taken.
"""
_TYPES = {"int": pl.Int64, "str": pl.String, "bool": pl.Boolean}


class Books:
    """The books of a shard.

    Attributes:
        version: Batches behind the tables that these books come from.
        books: By key, `isin/mic/`.
        over: Orders that ended.
        stored: Orders that have a row.
        controls: The last control of each kind and scope, in order.
        terms: Time, tick, price scale and currency of each instrument.
    """

    def __init__(self, state: State) -> None:
        """The books that the tables hold."""
        self._orders = state[ORDERS]
        clock = dict(state[CLOCK].frame().iter_rows())
        self.version: int = clock.get("batches", 0)
        self.numbers: int = clock.get("controls", 0)
        self.over = Over()
        self.over.latest = clock.get("latest", 0)
        for key, time in state[ENDED].frame().iter_rows():
            self.over.restore(key, time)
        found = state[CONTROLS].frame().sort("number").drop("number")
        self.controls = {key: Control(*row) for key, *row in found.iter_rows()}
        self.terms = {isin: tuple(row) for isin, *row in state[TERMS].frame().iter_rows()}
        self.books = {row["key"]: self._book(row) for row in state[BOOKS].frame().to_dicts()}
        self.stored: set[str] = set()
        for row in state[ORDERS].frame().sort("priority").to_dicts():
            self.stored.add(row["key"])
            _stand(self.books[row["book"]], row)
        for book in self.books.values():
            book.settle()
        self._set: dict[str, tuple[int, Control]] = {}
        self._described: set[str] = set()

    def of(self, state: State) -> bool:
        """Whether these are the books of the tables as they are now."""
        batches = state[CLOCK].lookup(pl.Series(["batches"]))["value"][0]
        return state[ORDERS] is self._orders and batches == self.version

    def book(self, isin: str, mic: str) -> Book | None:
        """The book of an instrument at a venue; None if nothing is known of the instrument."""
        key = f"{isin}/{mic}/"
        book = self.books.get(key)
        if book is None and isin in self.terms:
            _, tick, scale, currency = self.terms[isin]
            book = self.books[key] = Book(isin, mic, tick, scale, currency, self.over)
            for control in self.controls.values():
                if concerns(control, book):
                    book.control(control)
            book.changes()
        return book

    def set_control(self, control: Control) -> None:
        """Know what a venue set, after all it set before."""
        kind = "KILL" if control.kind == "RELEASE" else control.kind
        key = f"{control.mic}/{control.isin}/{kind}/{control.scope}"
        self.controls.pop(key, None)
        self.controls[key] = control
        self.numbers += 1
        self._set[key] = self.numbers, control

    def set_terms(self, isin: str, terms: tuple[int, int, int, str]) -> list[Book]:
        """Know the terms of an instrument; the books they change. Older ones change nothing."""
        known = self.terms.get(isin)
        if known is not None and terms[0] < known[0]:
            return []
        self.terms[isin] = terms
        self._described.add(isin)
        if known is None or known[1:] == terms[1:]:
            return []
        return [book for _, book in sorted(self.books.items()) if book.isin == isin]

    def concerned(self, control: Control) -> list[Book]:
        """The books that what a venue set is for, by key."""
        return [book for _, book in sorted(self.books.items()) if concerns(control, book)]

    def _book(self, row: dict[str, Any]) -> Book:
        book = Book(row["isin"], row["mic"], over=self.over)
        for name in _BOOK:
            setattr(book, name, row[name])
        for control in self.controls.values():
            if concerns(control, book):
                book.set_limits(control)
        return book

    def write(self, state: State, touched: dict[str, Book], changed: dict[str, Book]) -> None:
        """Bring the tables to what the books are now.

        Args:
            state: The tables these books come from.
            touched: Books that a message was for, by key.
            changed: The book of each order of which there was an event, by the order's key.
        """
        rows = [(key, *(getattr(book, name) for name in _BOOK)) for key, book in touched.items()]
        _upsert(state, BOOKS, rows, ("key", *_BOOK))
        new, moved, gone = [], [], []
        for key, book in changed.items():
            order = book.orders.get(key.removeprefix(book.key))
            if order is None:
                if key in self.stored:
                    self.stored.discard(key)
                    gone.append((key, 0))
                continue
            now = (key, order.place, *(getattr(order, name) for name in _LIVE))
            if key in self.stored:
                moved.append((*now, order.market))
            else:
                self.stored.add(key)
                new.append((*now, order.market, book.key, 1, *order.entry))
        names = ("key", "place", *_LIVE, "market")
        _upsert(state, ORDERS, moved, names)
        _upsert(state, ORDERS, new, (*names, "book", "open", *_ENTRY))
        _upsert(state, ORDERS, gone, ("key", "open"))
        if gone:
            state[ORDERS].expire("open", 1)
        if self.over.fresh:
            keys, times = zip(*self.over.fresh, strict=True)
            state[ENDED].append(pl.DataFrame({"key": keys, "time": times}))
            self.over.fresh.clear()
        state[ENDED].expire("time", self.over.since)
        self._write_settings(state)

    def _write_settings(self, state: State) -> None:
        controls = [(key, number, *control) for key, (number, control) in self._set.items()]
        _upsert(state, CONTROLS, controls, ("key", "number", *Control._fields))
        terms = [(isin, *self.terms[isin]) for isin in sorted(self._described)]
        _upsert(state, TERMS, terms, ("isin", "time", "tick", "price_scale", "currency"))
        self._set.clear()
        self._described.clear()
        self.version += 1
        counts = {"batches": self.version, "controls": self.numbers, "latest": self.over.latest}
        _upsert(state, CLOCK, list(counts.items()), ("name", "value"))


def concerns(control: Control, book: Book) -> bool:
    """Whether what a venue set is for a book."""
    return control.mic == book.mic and control.isin in ("", book.isin)


def _upsert(state: State, table: str, rows: list[tuple[Any, ...]], names: tuple[str, ...]) -> None:
    if rows:
        kinds = TABLES[table].columns
        columns = zip(names, zip(*rows, strict=True), strict=True)
        series = [pl.Series(name, values, _TYPES[kinds[name]]) for name, values in columns]
        state[table].upsert(pl.DataFrame(series))


def _stand(book: Book, row: dict[str, Any]) -> None:
    """Put an order back to where it stood."""
    entry = Command(*(row[name] for name in _ENTRY))
    order = Live(entry, row["entry_time"], row["priority"])
    for name in ("market", *(name for name in _LIVE if name != "displayed")):
        setattr(order, name, row[name])
    book.orders[entry.order_id] = order
    place = order.place = row["place"]
    if place == IN_BOOK:
        side = book.bids if entry.side == BUY else book.asks
        side.add(order)
        if order.displayed != row["displayed"]:
            side.reshow(order, row["displayed"])
    elif place == STOPPED:
        book.stops.add(order)
    elif place == FOR_CLOSE:
        book.for_close[order.priority] = order
    elif place == AT_MARKET:
        book.at_market[order.priority] = order
