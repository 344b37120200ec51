"""A record with every Avro type that is supported, for tests; it is not part of the tree."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from schemas import records
from schemas.records import Record

FIELDS: list[dict[str, Any]] = [
    {"name": "flag", "type": "boolean"},
    {"name": "text", "type": "string"},
    {"name": "number", "type": "int"},
    {"name": "octets", "type": "bytes"},
    {"name": "colour", "type": {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}},
    {"name": "four", "type": {"type": "fixed", "name": "Four", "size": 4}},
    {"name": "big", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "sure", "type": "boolean"},
    {"name": "last", "type": "string"},
]
ROW: dict[str, Any] = {
    "flag": True,
    "text": "t",
    "number": 1,
    "octets": b"o",
    "colour": "RED",
    "four": b"four",
    "big": 1,
    "sure": False,
    "last": "l",
}
COLUMNS: list[pl.DataType] = [
    pl.Boolean(),
    pl.String(),
    pl.Int32(),
    pl.Binary(),
    pl.String(),
    pl.Binary(),
    pl.Int64(),
    pl.Boolean(),
    pl.String(),
]
SCHEMA_ID = 0x00FFFFFF
"""At the end of a double this id is a not-a-number: its bits must come through unchanged."""


@contextmanager
def in_the_tree() -> Iterator[Record]:
    """The record, known by its schema id as long as the context lasts."""
    made = Record(
        name="Everything",
        version=1,
        schema_id=SCHEMA_ID,
        schema={"type": "record", "name": "Everything", "fields": FIELDS},
        fingerprint=bytes(32),
        id=None,
        time=None,
        producer=None,
        sequence=None,
        subject=None,
        lineage=(),
        columns=dict(zip(ROW, COLUMNS, strict=True)),
    )
    known = records._by_id()
    known[SCHEMA_ID] = made
    yield made
    del known[SCHEMA_ID]
