"""Fills, marks and other feeds of the risk job by hand, marked as the adapter marks them.

A log is a list of `Event`s in the order in which they were appended, `GAP_MS` apart. `fold` cuts it
anywhere and folds a step over the parts; `frames` gives the frames of one part.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from connectors.state import ColumnTable
from schemas.records import record
from schemas.step import MIN_TIME, Clock, Outputs, Step, TableSpec

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
START = 1_772_438_400_000_000
"""2 March 2026, 08:00 UTC, microseconds."""
APPENDED = START // 1_000
GAP_MS = 10
LATENESS = 5 * SECOND
RECORDS = {
    "fills": "Fill",
    "marks": "Mark",
    "scenarios": "ScenarioRow",
    "limits": "RiskLimit",
    "margin.terms": "MarginTerms",
    "corporate.actions": "CorporateAction",
}
FEEDS = tuple(RECORDS)
PLACE = {"late": pl.Boolean, "watermark": pl.Int64, "offset": pl.Int64, "appended": pl.Int64}
_ZERO: Mapping[pl.DataType, Any] = {
    pl.String(): "",
    pl.Binary(): b"",
    pl.Boolean(): False,
}

EQUITY = "DE0001234565"
OTHER = "FR0001234564"
EURUSD = "XFEURUSD0006"


@dataclass(frozen=True)
class Event:
    """A record of a topic, or the ticks of all feeds at a business time."""

    topic: str
    row: Mapping[str, Any] = field(default_factory=dict)
    time: int = 0


def mark(isin: str, at: int, bid: int, ask: int | None = None, **more: Any) -> Event:
    """A mark of a share in whole cents of EUR, `at` microseconds after START."""
    row = {
        "mark_id": f"{isin}|{at}|{bid}|{ask}",
        "time": START + at,
        "isin": isin,
        "kind": "EQUITY",
        "currency": "EUR",
        "multiplier": 1,
        "price_scale": 2,
        "option_side": "NONE",
        "bid": bid,
        "ask": bid if ask is None else ask,
        "quality": "GOOD",
        "last_refused": "NONE",
        "quotes": 1,
    }
    return Event("marks", row | more)


def pair(base: str, quote: str, at: int, price: int, **more: Any) -> Event:
    """A mark of a currency pair: units of `quote` for one `base`, four decimal places."""
    given = {"kind": "FX", "currency": quote, "base_currency": base, "price_scale": 4}
    return mark(f"XF{base}{quote}000", at, price, **(given | more))


def fill(book: str, isin: str, at: int, units: int, price: int, **more: Any) -> Event:
    """A fill of signed units in whole cents of EUR, `at` microseconds after START."""
    row = {
        "fill_id": f"{book}|{isin}|{at}|{units}|{price}",
        "trade_time": START + at,
        "book": book,
        "isin": isin,
        "side": "BUY" if units > 0 else "SELL",
        "quantity": abs(units),
        "price": price,
        "price_scale": 2,
        "currency": "EUR",
    }
    return Event("fills", row | more)


def tick(at: int) -> Event:
    """The business clock of every feed, `at` microseconds after START."""
    return Event("tick", time=START + at)


def frame(topic: str, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of a feed with every column its record has, what is not given being zero or empty."""
    types = record(RECORDS[topic]).columns
    zero = {name: _ZERO.get(kind, 0) for name, kind in types.items()}  # type: ignore[call-overload]
    place = {"late": False, "watermark": MIN_TIME, "offset": 0, "appended": APPENDED}
    whole = [zero | place | row for row in rows]
    return pl.DataFrame(whole, schema={**types, **PLACE}, orient="row")


def marks(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """A frame of marks as a step gets it."""
    return frame("marks", rows)


def fills(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """A frame of fills as a step gets it."""
    return frame("fills", rows)


@dataclass(frozen=True)
class Part:
    """One batch of a log: the frames and the clock after it."""

    batch: dict[str, pl.DataFrame]
    clock: Clock


def parts(events: Sequence[Event], ends: Sequence[int], shard: int = 0) -> list[Part]:
    """The batches of a log that is cut after so many events, each end one batch."""
    greatest = dict.fromkeys(FEEDS, MIN_TIME)
    counts = dict.fromkeys(FEEDS, 0)
    out, begin = [], 0
    for end in ends:
        rows: dict[str, list[Mapping[str, Any]]] = {}
        for number in range(begin, end):
            event = events[number]
            if event.topic == "tick":
                greatest = {topic: max(event.time, time) for topic, time in greatest.items()}
                continue
            topic, time = event.topic, _time(event)
            watermark = _watermark(greatest[topic])
            place = {
                "late": time < watermark or bool(event.row.get("late", False)),
                "watermark": watermark,
                "offset": counts[topic],
                "appended": APPENDED + GAP_MS * number,
            }
            rows.setdefault(topic, []).append({**event.row, **place})
            counts[topic] += 1
            greatest[topic] = max(greatest[topic], time)
        marks_of = {topic: _watermark(time) for topic, time in greatest.items()}
        slice_end = APPENDED + GAP_MS * end
        batch = {topic: frame(topic, some) for topic, some in rows.items()}
        out.append(Part(batch, Clock(slice_end, min(marks_of.values()), marks_of, shard)))
        begin = end
    return out


def fold(
    step: Step,
    tables: Mapping[str, TableSpec],
    events: Sequence[Event],
    ends: Sequence[int] | None = None,
    state: dict[str, ColumnTable] | None = None,
) -> Outputs:
    """All results of a step over a log, one frame a topic; one batch an event without `ends`."""
    state = {name: ColumnTable(spec) for name, spec in tables.items()} if state is None else state
    told: dict[str, list[pl.DataFrame]] = {}
    for part in parts(events, range(1, len(events) + 1) if ends is None else ends):
        for topic, out in step(state, part.batch, part.clock).items():
            if out.height:
                told.setdefault(topic, []).append(out)
        for table in state.values():
            table.delta()
    return {topic: pl.concat(some) for topic, some in told.items()}


def _time(event: Event) -> int:
    return int(event.row["trade_time" if event.topic == "fills" else "time"])


def _watermark(greatest: int) -> int:
    return MIN_TIME if greatest == MIN_TIME else greatest - LATENESS
