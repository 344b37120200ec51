"""What the risk job remembers between batches: marks, positions, points, days.

Positions, books and instruments have numbers, from 0 in order of first appearance, so that tables
are joined by index.
"""

import numpy as np
import polars as pl

from schemas.step import ColumnKind, State, TableSpec
from udfs.risk.integers import Ints
from udfs.risk.kept import Kept

_HOLDING = TableSpec(
    {
        "position": "int",
        "book": "int",
        "instrument": "int",
        "quantity": "int",
        "cost": "int",
        "realised": "int",
        "realised_fifo": "int",
        "fees": "int",
        "first": "int",
        "last": "int",
    },
    key="position",
)
_LOTS = TableSpec({"position": "int", "lots": "bytes"}, key="position")
_SUMS: dict[str, ColumnKind] = {
    "point": "int",
    "realised": "int",
    "realised_fifo": "int",
    "unrealised": "int",
    "fees": "int",
    "total": "int",
    "gross": "int",
    "net": "int",
    "positions": "int",
    "stale": "int",
    "unvalued": "int",
    "first": "int",
    "last": "int",
    "corrections": "int",
    "base": "int",
    "base_point": "int",
}
SUMS = tuple(_SUMS)
_QUOTE: dict[str, ColumnKind] = {"bid": "int", "ask": "int", "time": "int", "quality": "int"}

TABLES = {
    "clock": TableSpec({"name": "str", "value": "int"}, key="name"),
    "marks": TableSpec(
        {
            "isin": "str",
            "number": "int",
            "kind": "str",
            "currency": "str",
            "base_currency": "str",
            "multiplier": "int",
            "price_scale": "int",
            "underlying": "str",
            "option_side": "str",
            "strike": "int",
            "expiry": "int",
            **_QUOTE,
            "changed": "int",
            "terms_point": "int",
            "jumped": "int",
        },
        key="isin",
    ),
    "standing": TableSpec({"number": "int", **_QUOTE}, key="number"),
    "coming": TableSpec({"point": "int", "number": "int", **_QUOTE, "late": "bool"}),
    "late_marks": TableSpec(
        {
            "point": "int",
            "since": "int",
            "number": "int",
            **_QUOTE,
            "late": "bool",
            "watermark": "int",
            "mark_id": "str",
            "offset": "int",
            "appended": "int",
        }
    ),
    "rates": TableSpec({"currency": "str", "rate": "int", "time": "int"}, key="currency"),
    "books": TableSpec({"book": "str", "number": "int"}, key="book"),
    "numbers": TableSpec({"key": "str", "number": "int"}, key="key"),
    "holdings": _HOLDING,
    "lots": _LOTS,
    "settled": _HOLDING,
    "settled_lots": _LOTS,
    "waiting": TableSpec(
        {
            "fill_id": "str",
            "trade_time": "int",
            "sequence": "int",
            "book": "str",
            "isin": "str",
            "side": "str",
            "quantity": "int",
            "price": "int",
            "price_scale": "int",
            "currency": "str",
            "fee": "int",
            "watermark": "int",
            "offset": "int",
            "appended": "int",
        }
    ),
    "refused": TableSpec(
        {"key": "str", "book": "int", "point": "int", "fills": "int", "reason": "str"}, key="key"
    ),
    "unsettled": TableSpec(
        {
            "point": "int",
            "since": "int",
            "position": "int",
            "book": "int",
            "instrument": "int",
            "units": "int",
            "price": "int",
            "fee": "int",
            "trade_time": "int",
            "watermark": "int",
            "fill_id": "str",
            "offset": "int",
            "appended": "int",
        }
    ),
    "actions": TableSpec(
        {
            "isin": "str",
            "time": "int",
            "kind": "str",
            "new": "int",
            "old": "int",
            "amount": "int",
            "price_scale": "int",
            "offset": "int",
        }
    ),
    "points": TableSpec({"point": "int"}),
    "point_marks": TableSpec({"point": "int", "instrument": "int", **_QUOTE}),
    "point_positions": TableSpec(
        {
            "point": "int",
            "position": "int",
            "quantity": "int",
            "cash": "int",
            "fees": "int",
            "pnl": "int",
        }
    ),
    "ends": TableSpec({"book": "int", **_SUMS}, key="book"),
    "days": TableSpec({"day": "int", "book": "int", **_SUMS}),
}
"""State of a shard of the risk job.

`clock` holds the next valuation point and counts; `marks` terms and the newest mark of each
instrument, `standing` its last one that counts at the next point, `coming` those that count at
later ones, `late_marks` those that came too late for a point; `rates` those to the reporting
currency. `holdings` and `lots` are positions after every fill, `settled` and `settled_lots` after
the fills up to the last point, `unsettled` the fills since; `waiting` holds fills of instruments
without terms and those dated after an action to come, `refused` counts those that can never be
used, `actions` holds splits and dividends. `points`, `point_marks` and
`point_positions` are what was known at the points of the last hour, later rows replacing earlier
ones; `ends` is each book at the last point, `days` at the end of days that may still be corrected.
"""


_VALUES = Kept(lambda table: dict(table.frame().rows()))


def value_of(state: State, name: str) -> int:
    """A number of the clock table; 0 if it was never set."""
    return int(_VALUES.of(state["clock"]).get(name, 0))


def set_value(state: State, name: str, value: int) -> None:
    """Set a number of the clock table."""
    state["clock"].upsert(pl.DataFrame({"name": [name], "value": [value]}))
    _VALUES.forget(state["clock"])


def up(times: Ints, step: int) -> Ints:
    """The multiples of `step` that are not before `times`, nor before 0."""
    result: Ints = -(-np.maximum(times, 0) // step) * step
    return result
