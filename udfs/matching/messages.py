"""What goes into a book and what comes out of it, as light tuples of whole numbers and words.

The words are the symbols of the records Order, VenueControl and OrderEvent.
"""

from typing import NamedTuple

BUY, SELL = "BUY", "SELL"
CLOSED, OPENING_CALL, CONTINUOUS = "CLOSED", "OPENING_CALL", "CONTINUOUS"
CLOSING_CALL, HALTED = "CLOSING_CALL", "HALTED"
CALLS = frozenset({OPENING_CALL, CLOSING_CALL, HALTED})
"""Phases in which orders gather without trading."""


class Command(NamedTuple):
    """What a member asks of a venue; the fields of Order without producer and sequence.

    Prices are whole numbers of 10^-price_scale, times microseconds UTC.
    """

    command_id: str
    time: int
    isin: str
    mic: str
    action: str
    order_id: str
    side: str
    kind: str
    time_in_force: str
    price: int
    stop_price: int
    quantity: int
    display_quantity: int
    price_scale: int
    currency: str
    member: str
    client: str
    owner: str
    trader: str
    executor: str
    capacity: str
    liquidity_provision: bool
    parent_id: str
    self_trade: str


class Control(NamedTuple):
    """What a venue sets; the fields of VenueControl that a book uses."""

    control_id: str
    time: int
    mic: str
    isin: str
    kind: str
    phase: str
    scope: str
    max_quantity: int
    max_notional: int
    collar_ppm: int
    band_ppm: int
    halt_us: int
    reference_price: int


class Top(NamedTuple):
    """What a book shows: best prices with their sizes, 0 if there is none, and all of a side."""

    bid: int
    bid_size: int
    ask: int
    ask_size: int
    bid_depth: int
    ask_depth: int


class Event(NamedTuple):
    """What happened to an order: the fields of OrderEvent that a book knows.

    Attributes:
        event_id: The message that caused it, a point, and its place among those it caused.
        time: The message's time, or that of the book's last event if it is later, microseconds UTC.
        entry: The order as it was entered; members, owner, side, kind and so on stand there.
        event: Code of RTS 24.
        cause: Why the market acted; empty for what the member asked.
        counter: The order on the other side of a trade as it was entered.
        level: Visible levels of its side that are better than its limit, before the event.
        before: The book before it. Both events of a trade have the same one, before the trade.
        after: The book after it.
    """

    event_id: str
    time: int
    entry: Command
    event: str
    cause: str
    price: int
    stop_price: int
    quantity: int
    remaining: int
    removed: int
    displayed: int
    priority: int
    entry_time: int
    last_price: int
    last_quantity: int
    execution_id: str
    passive: bool
    counter: Command | None
    level: int
    before: Top
    after: Top
    phase: str


class Change(NamedTuple):
    """A visible level as it is after a message."""

    side: str
    price: int
    size: int
    orders: int


class Refused(NamedTuple):
    """Why a message was not followed."""

    reason: str
    detail: str
