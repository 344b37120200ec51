"""Quotes and instruments by hand, and the mark step folded over them, cut anywhere."""

import polars as pl

from connectors.state import ColumnTable
from schemas.records import record
from schemas.step import MIN_TIME, Clock
from tests.made_log import filled
from udfs.risk.marking import INSTRUMENTS, MARKS, QUOTES, TABLES, MarkStep

A, B = "XX000000000A", "XX000000000B"
SHARD = 2
PLACE = {"offset": pl.Int64, "appended": pl.Int64, "late": pl.Boolean, "watermark": pl.Int64}


def quote(isin, time, bid, ask, **more):
    """A quote in euro cents."""
    row = {"isin": isin, "time": time, "bid": bid, "ask": ask, "currency": "EUR"}
    return QUOTES, filled("Quote", row | {"price_scale": 2, "producer": "venue"} | more)


def terms(isin, time=0, **more):
    """An equity in euro cents."""
    row = {"isin": isin, "time": time, "kind": "EQUITY", "currency": "EUR", "multiplier": 1}
    return INSTRUMENTS, filled("Instrument", row | {"price_scale": 2, "producer": "data"} | more)


def placed(log):
    """Rows of both feeds in log order, two a millisecond, each with its place."""
    offsets = {QUOTES: 0, INSTRUMENTS: 0}
    rows = []
    for number, (topic, row) in enumerate(log):
        place = {"offset": offsets[topic], "appended": number, "late": False}
        rows.append((topic, row | place | {"watermark": MIN_TIME}))
        offsets[topic] += 1
    return rows


def fold(log, ends=(), state=None):
    """All marks, as dicts, and the state's tables; cut after so many records each."""
    rows = placed(log)
    state = state or {name: ColumnTable(spec) for name, spec in TABLES.items()}
    marks, start, step = [], 0, MarkStep()
    for end in [*ends, len(rows)]:
        batch = {}
        for topic, name in ((QUOTES, "Quote"), (INSTRUMENTS, "Instrument")):
            part = [row for at, row in rows[start:end] if at == topic]
            if part:
                batch[topic] = pl.DataFrame(part, schema=record(name).columns | PLACE)
        out = step(state, batch, Clock(end, MIN_TIME, {}, SHARD))
        marks += out[MARKS].to_dicts() if MARKS in out else []
        start = end
    return marks, {name: table.frame() for name, table in state.items()}
