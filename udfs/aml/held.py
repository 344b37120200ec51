"""Holds records back until the business watermark has passed them, in the order of their time."""

from dataclasses import dataclass

import polars as pl

from schemas.step import Batch, State, TableSpec, effective_time
from udfs.aml.customers import CUSTOMERS, TABLE, changes_of

POSTING = TableSpec(
    {
        "at": "int",
        "posting_id": "str",
        "owner": "str",
        "account": "str",
        "direction": "str",
        "channel": "str",
        "amount": "int",
        "scale": "int",
        "currency": "str",
        "counterparty": "str",
        "counterparty_name": "str",
        "counterparty_account": "str",
        "counterparty_country": "str",
        "country": "str",
        "area": "str",
        "latitude": "int",
        "longitude": "int",
        "card_present": "bool",
        "late": "bool",
        "offset": "int",
    }
)
CHANGE = TableSpec({"at": "int", **CUSTOMERS[TABLE].columns, "offset": "int"})
SET = TableSpec(
    {
        "at": "int",
        "name": "str",
        "epoch": "int",
        "mode": "str",
        "effective_time": "int",
        "body": "str",
        "hash": "str",
        "key_id": "str",
        "signature": "bytes",
        "offset": "int",
    }
)
ACTION = TableSpec(
    {"at": "int", "subject": "str", "rule": "str", "kind": "str", "until": "int", "offset": "int"}
)
HELD = {"aml.due": POSTING, "aml.changes": CHANGE, "aml.coming": SET, "aml.actions": ACTION}


@dataclass(frozen=True)
class _Place:
    """Where a feed is held, which field says when it counts, and the order of those due."""

    table: str
    time: str
    order: tuple[str, ...]


_PLACES = {
    "postings": _Place("aml.due", "time", ("at", "posting_id", "offset")),
    "customers": _Place("aml.changes", "time", ("at", "offset")),
    "rules": _Place("aml.coming", "effective_time", ("at", "epoch", "offset")),
    "alert.actions": _Place("aml.actions", "time", ("at", "offset")),
}
_TYPES = {"int": pl.Int64, "str": pl.String, "bool": pl.Boolean, "bytes": pl.Binary}


def due(state: State, batch: Batch, topic: str, until: int) -> pl.DataFrame:
    """What comes due of a feed, held back or new, in the one order it is taken in.

    `at` is when it counts. What counts at the same moment is taken in the order of ids or epochs
    and then of offsets, never of arrival in batches.
    """
    place = _PLACES[topic]
    frame = batch.get(topic)
    if frame is not None:
        frame = frame.with_columns(at=effective_time(place.time))
        frame = changes_of(frame) if topic == "customers" else frame
        frame = frame.select(
            pl.col(name).cast(_TYPES[kind]) for name, kind in HELD[place.table].columns.items()
        )
    found = state[place.table].due(frame, "at", until)
    return found.sort(place.order) if found.height > 1 else found
