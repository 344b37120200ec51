"""Messages to a venue by hand, a book that gets them, and the matching step folded over a log."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from connectors.state import ColumnTable
from schemas.records import record
from schemas.step import MIN_TIME, Clock
from tests.made_log import filled
from udfs.matching.book import Book
from udfs.matching.messages import Command, Control, Event
from udfs.matching.step import FEEDS, TABLES, MatchingStep

ISIN, OTHER = "DE0007164600", "US0378331005"
MIC = "XETR"
LEI = "529900T8BM49AURSDO55"
RECORDS = {"instruments": "Instrument", "venue.controls": "VenueControl", "orders": "Order"}
PLACE = {"offset": pl.Int64, "appended": pl.Int64, "late": pl.Boolean, "watermark": pl.Int64}


def command(number: int, side: str = "BUY", price: int = 0, quantity: int = 10, **more: Any):
    """A message at microsecond `number`, a limit order of a day unless `more` says otherwise.

    Its order is `o<number>`; `display_quantity` is all of it.
    """
    row: dict[str, Any] = {
        "command_id": f"c{number}",
        "time": number,
        "isin": ISIN,
        "mic": MIC,
        "action": "NEW",
        "order_id": f"o{number}",
        "side": side,
        "kind": "LIMIT",
        "time_in_force": "DAY",
        "price": price,
        "stop_price": 0,
        "quantity": quantity,
        "display_quantity": quantity,
        "price_scale": 2,
        "currency": "EUR",
        "member": LEI,
        "client": LEI,
        "owner": f"owner-{number}",
        "trader": "t",
        "executor": "e",
        "capacity": "DEAL",
        "liquidity_provision": False,
        "parent_id": "",
        "self_trade": "NONE",
    }
    return Command(**(row | more))


def control(number: int, kind: str = "PHASE", **more: Any) -> Control:
    """What the venue sets at microsecond `number`, for all of the venue."""
    row: dict[str, Any] = dict.fromkeys(Control._fields, 0)
    row |= {"control_id": f"k{number}", "time": number, "mic": MIC, "isin": "", "kind": kind}
    row |= {"phase": "NONE", "scope": "*"}
    return Control(**(row | more))


class Venue:
    """A book in a phase, with all that it said."""

    def __init__(self, phase: str = "CONTINUOUS", tick: int = 1) -> None:
        self.book = Book(ISIN, MIC, tick)
        self.number = 0
        self.said: list[Event] = []
        self.phase(phase)

    def next(self) -> int:
        self.number += 1
        return self.number

    def phase(self, phase: str) -> list[Event]:
        return self.control(phase=phase)

    def control(self, kind: str = "PHASE", **more: Any) -> list[Event]:
        return self._keep(self.book.control(control(self.next(), kind, **more)))

    def send(self, side: str, price: int, quantity: int, **more: Any) -> list[Event]:
        return self._keep(self.book.apply(command(self.next(), side, price, quantity, **more)))

    def buy(self, price: int, quantity: int, **more: Any) -> list[Event]:
        return self.send("BUY", price, quantity, **more)

    def sell(self, price: int, quantity: int, **more: Any) -> list[Event]:
        return self.send("SELL", price, quantity, **more)

    def cancel(self, order_id: str, **more: Any) -> list[Event]:
        return self._about("CANCEL", order_id, **more)

    def replace(self, order_id: str, price: int, quantity: int, **more: Any) -> list[Event]:
        given = {"price": price, "quantity": quantity, "display_quantity": quantity}
        return self._about("REPLACE", order_id, **(given | more))

    def _about(self, action: str, order_id: str, **more: Any) -> list[Event]:
        number = self.next()
        known = self.book.orders.get(order_id)
        entry = command(number) if known is None else known.entry
        given = {"command_id": f"c{number}", "time": number, "action": action} | more
        return self._keep(self.book.apply(entry._replace(order_id=order_id, **given)))

    def _keep(self, events: list[Event]) -> list[Event]:
        self.said += events
        return events

    @property
    def refused(self) -> str:
        return "" if self.book.refused is None else self.book.refused.reason

    def shown(self, side: str) -> list[tuple[str, int, int]]:
        """Order, price and what it shows, as they are served."""
        half = self.book.bids if side == "BUY" else self.book.asks
        return [(o.entry.order_id, o.price, o.displayed) for o in half.walk()]


def told(events: Sequence[Event]) -> list[tuple[Any, ...]]:
    """Order, code, cause and remaining; of trades also price and pieces."""
    return [
        (e.entry.order_id, e.event, e.cause, e.remaining)
        + ((e.last_price, e.last_quantity) if e.last_quantity else ())
        for e in events
    ]


def terms(isin: str = ISIN, time: int = 0, tick: int = 1, **more: Any) -> dict[str, Any]:
    """An instrument in euro cents."""
    row = {"isin": isin, "time": time, "tick": tick, "price_scale": 2, "currency": "EUR"}
    return filled("Instrument", row | {"reference_id": f"r{isin}{time}"} | more)


def row(message: Any) -> tuple[str, dict[str, Any]]:
    """Topic and record of a message."""
    if isinstance(message, Command):
        return "orders", filled("Order", message._asdict())
    if isinstance(message, Control):
        return "venue.controls", filled("VenueControl", message._asdict())
    return "instruments", message


def fold(messages: Sequence[Any], ends: Sequence[int] = (), restarts: bool = False, state=None):
    """All results by topic, and the state's tables, of a log cut after so many messages each.

    Messages are appended a millisecond apart. With `restarts` a new step goes on after each cut.
    """
    offsets = dict.fromkeys(FEEDS, 0)
    placed = []
    for number, message in enumerate(messages):
        topic, values = row(message)
        place = {"offset": offsets[topic], "appended": number, "late": False}
        placed.append((topic, values | place | {"watermark": MIN_TIME}))
        offsets[topic] += 1
    state = state or {name: ColumnTable(spec) for name, spec in TABLES.items()}
    out: dict[str, list[pl.DataFrame]] = {}
    step, start = MatchingStep(), 0
    for end in [*ends, len(messages)]:
        batch = {}
        for topic, name in RECORDS.items():
            part = [values for at, values in placed[start:end] if at == topic]
            if part:
                batch[topic] = pl.DataFrame(part, schema=record(name).columns | PLACE)
        if restarts:
            step = MatchingStep()
        for topic, frame in step(state, batch, Clock(end, MIN_TIME, {}, 1)).items():
            out.setdefault(topic, []).append(frame)
        start = end
    return {topic: pl.concat(frames) for topic, frames in out.items()}, state
