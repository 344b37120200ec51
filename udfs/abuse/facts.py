"""What is known at each event of a batch: of its order, its owner in the book, and the book."""

from dataclasses import dataclass

import polars as pl

from udfs.abuse.features import Array
from udfs.abuse.groups import Groups
from udfs.abuse.trades import Sides

NEVER = -(2**62)
"""Stands for a time, or a number of ticks, that there is not."""
Columns = dict[str, Array]


@dataclass
class Facts:
    """A batch of events and what is known at each.

    Attributes:
        frame: The events in log order, as from udfs.abuse.intake.take.
        now: Whole numbers by name, a value an event: columns of the event, `at`, `side` (0 buys, 1
            sells), `ended`, `traded`, `pair`, `booked` (number of the book), `book_at` (time of the
            event before in the book), CARRIED of the order.
        entry: ENTRY of the order of each event.
        entry_event: Id of the event that entered it.
        sums: SUMS and STOCK of the owner in the book after each event.
        book: BOOK_SUMS after each event.
        sides: The trades among the events.
        pairs, books: The events by owner in the book, and by book.
    """

    frame: pl.DataFrame
    now: Columns
    entry: Columns
    entry_event: pl.Series
    sums: Columns
    book: Columns
    sides: Sides
    pairs: Groups
    books: Groups
