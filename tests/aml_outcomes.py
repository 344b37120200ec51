"""Outcomes of rules by hand, for what is made of them."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from connectors.state import ColumnTable
from schemas.step import TableSpec
from udfs.aml.rule import OUTCOME

SECOND = 1_000_000
NOON = 1_772_452_800_000_000  # 2026-03-02T12:00:00Z

PLAIN: Mapping[str, Any] = {
    "subject": "C-1", "account": "A-1", "band": "LOW", "score": 300_000, "amount": 100_00,
    "measured": "3 cash-ins", "limit": "3 cash-ins", "reason": "why", "late": False,
}  # fmt: skip


def outcome(
    seconds: int, events: Iterable[str] = ("p1",), us: int = 0, **more: Any
) -> dict[str, Any]:
    """An outcome so long after noon, seconds and microseconds; its events are of that moment."""
    time, listed = NOON + seconds * SECOND + us, list(events)
    own = {
        "at": time, "events": listed, "event_count": len(listed),
        "first_time": time, "last_time": time, "first_offset": 0, "last_offset": 0,
    }  # fmt: skip
    return {**PLAIN, **own, **more}


def frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Outcomes as a rule says them."""
    return pl.DataFrame(list(rows), schema=dict(OUTCOME))


def tables(specs: Mapping[str, TableSpec]) -> dict[str, ColumnTable]:
    """Empty tables, those of a shadow too."""
    return {
        slot + name: ColumnTable(spec) for slot in ("", "shadow.") for name, spec in specs.items()
    }
