"""Orders and what venues set, in log order, to order events, trades, levels and best prices.

A message counts from its place in the log on: by append time, of one millisecond first the terms of
instruments, then controls, then orders. The books run one message after the other, so that nothing
depends on how the log is cut. A venue's clock does not go back: an event has the time of its
message, or that of the last event of its book if that is later.

State: the resting orders, phases and counters of every book (udfs.matching.memory).
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from schemas.step import Batch, Clock, Outputs, State
from udfs.matching import records
from udfs.matching.book import Book
from udfs.matching.memory import TABLES, Books
from udfs.matching.messages import Command, Control, Event, Refused, Top
from udfs.matching.records import BEST, DEPTH, EVENTS, EXECUTIONS, REFUSED, VERSION, Place

__all__ = ["FEEDS", "RESULTS", "TABLES", "VERSION", "MatchingStep"]

INSTRUMENTS, CONTROLS, ORDERS = FEEDS = ("instruments", "venue.controls", "orders")
RESULTS = (EVENTS, EXECUTIONS, DEPTH, BEST, REFUSED)
Was = tuple[Top, int, str]
"""What a book showed, its last price and its phase, before a message."""
_TERMS = ("reference_id", "time", "isin", "tick", "price_scale", "currency")


@dataclass
class Told:
    """What the messages of a batch caused, in order."""

    events: list[Event] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    levels: list[records.Level] = field(default_factory=list)
    best: list[records.Best] = field(default_factory=list)
    refused: list[records.Refusal] = field(default_factory=list)
    touched: dict[str, Book] = field(default_factory=dict)
    changed: dict[str, Book] = field(default_factory=dict)

    def take(self, book: Book, place: Place, events: list[Event], was: Was) -> None:
        """Take in what a message did to a book that was like `was`."""
        key = book.key
        self.touched[key] = book
        if events:
            self.events += events
            self.places += [place] * len(events)
            changed = self.changed
            for event in events:
                changed[key + event.entry.order_id] = book
        elif was[2] == book.phase:
            return
        message, now, isin, mic = book.message, book.now, book.isin, book.mic
        for change in book.changes():
            self.levels.append(records.Level(message, now, isin, mic, change, place))
        top, last, phase = book.top, book.last, book.phase
        if was[0][:4] != top[:4] or was[1] != last or was[2] != phase:
            self.best.append(records.Best(message, now, isin, mic, top, last, phase, place))

    def frames(self, shard: int) -> Outputs:
        """The records of it; topics of which there are none are left out."""
        found = {
            EVENTS: records.order_events(self.events, self.places, shard),
            EXECUTIONS: records.executions(self.events, self.places, shard),
            DEPTH: records.depth(self.levels, shard),
            BEST: records.best(self.best, shard),
            REFUSED: records.refusals(self.refused, shard),
        }
        return {topic: frame for topic, frame in found.items() if frame.height}


class MatchingStep:
    """The step contract: orders, controls and terms of instruments in; what books said out."""

    def __init__(self) -> None:
        """No books are known yet; they are made from the state at the first batch."""
        self._books: dict[int, Books] = {}

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """What the messages of a batch caused."""
        books = self._books.pop(clock.shard, None)
        if books is None or not books.of(state):
            books = Books(state)
        told = Told()
        with _without_collector():
            for feed, offset, row in _messages(batch):
                if feed == ORDERS:
                    _ordered(books, Command._make(row), offset, told)
                elif feed == CONTROLS:
                    _controlled(books, Control._make(row), offset, told)
                else:
                    _described(books, row, offset, told)
            books.write(state, told.touched, told.changed)
            self._books[clock.shard] = books
            return told.frames(clock.shard)


@contextmanager
def _without_collector() -> Iterator[None]:
    """No search for cycles while a batch is dealt with: it makes many tuples and no cycles.

    The search would go through all resting orders again and again; it takes a third of the time.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _messages(batch: Batch) -> Iterator[tuple[str, int, tuple[Any, ...]]]:
    """Feed, offset and fields of every message, in log order."""
    wanted = {INSTRUMENTS: _TERMS, CONTROLS: Control._fields, ORDERS: Command._fields}
    found: list[tuple[int, int, int, tuple[Any, ...]]] = []
    for rank, feed in enumerate(FEEDS):
        if feed in batch:
            frame = batch[feed]
            rows = zip(*(frame[name].to_list() for name in wanted[feed]), strict=True)
            at, offsets = (frame[name].to_list() for name in ("appended", "offset"))
            found += zip(at, [rank] * frame.height, offsets, rows, strict=True)
    if len(batch) > 1:
        found.sort(key=lambda message: message[:3])
    for _, rank, offset, row in found:
        yield FEEDS[rank], offset, row


def _ordered(books: Books, command: Command, offset: int, told: Told) -> None:
    """A member's message to its book."""
    book = books.book(command.isin, command.mic)
    if book is None:
        place = Place(ORDERS, offset, 0, command.price_scale, command.currency)
        why: Refused | None = Refused("UNKNOWN_INSTRUMENT", command.isin)
    else:
        place = Place(ORDERS, offset, book.tick, book.price_scale, book.currency)
        was = book.top, book.last, book.phase
        told.take(book, place, book.apply(command), was)
        why = book.refused
    if why is not None:
        subject = command.time, command.isin, command.mic, command.order_id
        told.refused.append(records.Refusal(command.command_id, *subject, why, place))


def _controlled(books: Books, control: Control, offset: int, told: Told) -> None:
    """What a venue sets to all books it concerns, those to come included."""
    if control.kind == "PHASE" and control.phase == "NONE":
        why = Refused("NO_PHASE", "the phase that begins is not named")
        place = Place(CONTROLS, offset, 0, 0, "")
        subject = control.time, control.isin, control.mic, control.scope
        told.refused.append(records.Refusal(control.control_id, *subject, why, place))
        return
    books.set_control(control)
    for book in books.concerned(control):
        place = Place(CONTROLS, offset, book.tick, book.price_scale, book.currency)
        was = book.top, book.last, book.phase
        told.take(book, place, book.control(control), was)


def _described(books: Books, row: tuple[Any, ...], offset: int, told: Told) -> None:
    """Terms of an instrument to its books; events carry the terms they were made under."""
    message, time, isin, *terms = row
    for book in books.set_terms(isin, (time, *terms)):
        place = Place(INSTRUMENTS, offset, book.tick, book.price_scale, book.currency)
        was = book.top, book.last, book.phase
        told.take(book, place, book.set_terms(message, time, *terms), was)
