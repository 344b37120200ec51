"""The scenario set in force, built: made once for the terms that are known, and kept in memory.

Scenarios are never stored: after a restart they are made again from the parts in state.
"""

from collections import OrderedDict

import polars as pl

from schemas.step import State
from udfs.risk.scenario_sets import BuiltSet, Size, build
from udfs.risk.scenario_state import in_force, parts_in_state

TERMS = ("isin", "kind", "currency", "base_currency", "underlying")
KEPT: dict[Size, int] = {"book": 4, "firm": 1}
"""Sets that a process keeps: a firm's takes hundreds of megabytes."""
_READY: dict[Size, OrderedDict[str, tuple[pl.DataFrame, BuiltSet]]] = {
    "book": OrderedDict(),
    "firm": OrderedDict(),
}


def ready(state: State, marks: pl.DataFrame, size: Size, watermark: int) -> BuiltSet | None:
    """The set in force, or None.

    Args:
        state: Tables of `scenario_state.TABLES`.
        marks: Columns of TERMS, one row an instrument.
        size: For books or for the firm.
        watermark: Business time, microseconds UTC.
    """
    head = in_force(state, watermark)
    if head is None:
        return None
    terms = marks.select(TERMS).filter(pl.col("kind") != "UNKNOWN").sort("isin")
    kept = _READY[size]
    found = kept.pop(head.set_digest, None)
    if found is None or not found[0].equals(terms):
        while len(kept) >= KEPT[size]:
            kept.popitem(last=False)
        found = None  # its memory goes before that of the next one is taken
        found = terms, build(head, parts_in_state(state, head), terms, size)
    kept[head.set_digest] = found
    return found[1]
