"""Order events as a venue's own book makes them, from scripts of orders."""

from itertools import count

import numpy as np
import polars as pl

from connectors.state import ColumnTable
from schemas.records import record
from schemas.step import Clock
from udfs.matching.book import Book
from udfs.matching.messages import Command, Control

ISIN, OTHER, MIC, MIC2 = "DE0007164600", "FR0000131104", "XETR", "XPAR"
SECOND = 1_000_000
DAY = 86_400 * SECOND
START = 1_767_603_600 * SECOND
"""Monday, 5 January 2026, 09:00 UTC."""
LEI = "529900T8BM49AURSDO55"


class Venue:
    """Books in continuous trading; `order`, `cancel` and `replace` write what they cause."""

    def __init__(self, start=START):
        self.books, self.rows, self.placed = {}, [], {}
        self.ids, self.now = count(1), start

    def book(self, isin, mic):
        if (isin, mic) not in self.books:
            self.books[isin, mic] = Book(isin, mic)
            self.phase("CONTINUOUS", isin, mic)
        return self.books[isin, mic]

    def phase(self, phase, isin=ISIN, mic=MIC):
        control = Control(
            f"c{next(self.ids)}", self.now, mic, isin, "PHASE", phase, "*", *([0] * 6)
        )
        self._write(self.books[isin, mic].control(control), self.books[isin, mic])

    def order(self, owner, side, quantity, price, **more):
        name = more.pop("order_id", f"o{next(self.ids)}")
        self.placed[name] = (owner, side)
        self._send("NEW", name, owner, side, quantity, price, more)
        return name

    def cancel(self, name, **more):
        self._send("CANCEL", name, *self.placed[name], 0, 0, more)

    def replace(self, name, quantity, price, **more):
        self._send("REPLACE", name, *self.placed[name], quantity, price, more)

    def wait(self, seconds):
        self.now += round(seconds * SECOND)

    def _send(self, action, name, owner, side, quantity, price, more):
        isin, mic = more.pop("isin", ISIN), more.pop("mic", MIC)
        given = {
            "kind": "LIMIT" if price else "MARKET",
            "time_in_force": "DAY",
            "stop_price": 0,
            "price_scale": 2,
            "currency": "EUR",
            "member": LEI,
            "client": LEI,
            "trader": f"t-{owner}",
            "executor": "algo",
            "capacity": "DEAL",
            "liquidity_provision": False,
            "parent_id": "",
            "self_trade": "NONE",
        } | more
        command = Command(
            command_id=f"m{next(self.ids)}",
            time=self.now,
            isin=isin,
            mic=mic,
            action=action,
            order_id=name,
            side=side,
            price=price,
            quantity=quantity,
            owner=owner,
            **{"display_quantity": quantity} | given,
        )
        book = self.book(isin, mic)
        self._write(book.apply(command), book)

    def _write(self, events, book):
        self.rows += [_row(event, book) for event in events]

    def frame(self):
        return frame(self.rows)


def _row(event, book):
    entry, before, after = event.entry, event.before, event.after
    buys = entry.side == "BUY"
    depths = (before.bid_depth, before.ask_depth)
    counter = event.counter
    own = ("isin", "mic", "order_id", "side", "kind", "time_in_force", "price_scale", "currency")
    own += ("member", "client", "owner", "trader", "executor", "capacity")
    own += ("liquidity_provision", "parent_id")
    same = ("event_id", "time", "event", "cause", "price", "stop_price", "quantity", "remaining")
    same += ("removed", "displayed", "priority", "entry_time", "last_price", "last_quantity")
    same += ("execution_id", "passive", "level", "phase")
    tops = ("bid", "bid_size", "ask", "ask_size")
    return {
        **{name: getattr(entry, name) for name in own},
        **{name: getattr(event, name) for name in same},
        **{name: getattr(before, name) for name in tops},
        **{f"{name}_after": getattr(after, name) for name in tops},
        "depth": depths[0] if buys else depths[1],
        "opposite_depth": depths[1] if buys else depths[0],
        "counter_order": counter.order_id if counter else "",
        "counter_owner": counter.owner if counter else "",
        "counter_member": counter.member if counter else "",
        "tick": book.tick,
    }


def frame(rows):
    """Rows as the engine hands them in: with offsets, append times, and engine fields."""
    types = record("OrderEvent").columns
    given = pl.DataFrame(rows, infer_schema_length=None)
    n = given.height
    lineage = {"source_topic": "orders", "source_partition": 0, "version": "matching/1"}
    given = given.with_columns(
        producer=pl.lit("matching/0"),
        sequence=pl.int_range(n),
        first_offset=pl.int_range(n),
        last_offset=pl.int_range(n),
        **{name: pl.lit(value) for name, value in lineage.items()},
    )
    return given.select(pl.col(c).cast(t) for c, t in types.items()).with_columns(
        offset=pl.int_range(n, dtype=pl.Int64),
        appended=pl.int_range(n, dtype=pl.Int64) + 1_000,
        watermark=pl.lit(0, pl.Int64),
        late=pl.lit(value=False),
    )


def fold(step, tables, events, ends=None, links=None):
    """Outputs of the step over a log cut at `ends`; links are frames by topic."""
    state = {name: ColumnTable(spec) for name, spec in tables.items()}
    found, begin = {}, 0
    for end in ends or [events.height]:
        batch = {"order.events": events[begin:end]} if end > begin else {}
        low = events["appended"][begin - 1] if begin else -1
        high = 2**60 if end == events.height else events["appended"][end - 1] if end else -1
        for topic, rows in (links or {}).items():
            part = rows.filter((pl.col("appended") > low) & (pl.col("appended") <= high))
            if part.height:
                batch[topic] = part
        for topic, out in step(state, batch, Clock(end, 0)).items():
            found.setdefault(topic, []).append(out)
        for table in state.values():
            table.delta()
        begin = end
    return {topic: pl.concat(frames) for topic, frames in found.items()}


def noise(venue, seed, steps, owners=8, isins=(ISIN,), mics=(MIC,)):
    """Orders, cancels and replacements of owners around a price of 100.00; the venue's own."""
    rng = np.random.default_rng(seed)
    names = [(isin, mic) for isin in isins for mic in mics]
    for _ in range(steps):
        isin, mic = names[rng.integers(len(names))]
        book = venue.book(isin, mic)
        venue.wait(float(rng.exponential(0.5)) if rng.random() < 0.9 else 0.0)
        where = {"isin": isin, "mic": mic}
        alive = sorted(book.orders)
        what = rng.random()
        if alive and what < 0.4:
            venue.cancel(alive[rng.integers(len(alive))], **where)
        elif alive and what < 0.5:
            name = alive[rng.integers(len(alive))]
            price, size = 10_000 + int(rng.integers(-8, 9)), int(rng.integers(1, 20))
            venue.replace(name, size, price, **where)
        else:
            side = "BUY" if rng.random() < 0.5 else "SELL"
            away = int(rng.integers(-2, 8))
            price = 10_000 - away if side == "BUY" else 10_000 + away
            owner = f"n{rng.integers(owners)}"
            venue.order(owner, side, int(rng.integers(1, 20)), price, **where)
