"""One record -> its message, by fastavro: for single records, and where rows are few."""

from collections.abc import Iterable, Mapping
from functools import cache
from io import BytesIO
from itertools import pairwise
from typing import Any

import fastavro

from schemas.block import wire_header
from schemas.faults import CodecError
from schemas.records import Record, kind

WRITE_ERRORS = (ValueError, TypeError, AttributeError, KeyError, OverflowError)
"""What fastavro raises for a value that is not of the schema."""


def encode(rec: Record, value: Mapping[str, Any]) -> bytes:
    """The message of one record; times and dates are given as plain integers.

    Raises:
        CodecError: `value` is not a `rec`.
    """
    out = BytesIO()
    out.write(wire_header(rec))
    try:
        fastavro.schemaless_writer(out, plain(rec), dict(value), strict_allow_default=True)
    except WRITE_ERRORS as error:
        raise CodecError(f"not a {rec.name}: {error}") from error
    for field in rec.fields:
        if kind(field) == "int" and not -(2**31) <= value.get(field["name"], 0) < 2**31:
            raise CodecError(f"not a {rec.name}: {field['name']} does not fit into 32 bits")
    return out.getvalue()


def encode_rows(rec: Record, rows: Iterable[tuple[Any, ...]]) -> list[bytes]:
    """The message of each row: a value of its column's type for each field, in field order.

    Raises:
        WRITE_ERRORS: A value is not of its field: another symbol, another size.
    """
    header, schema, names = wire_header(rec), plain(rec), list(rec.columns)
    out, ends = BytesIO(), [0]
    for row in rows:
        out.write(header)
        fastavro.schemaless_writer(out, schema, dict(zip(names, row, strict=True)))
        ends.append(out.tell())
    messages = out.getvalue()
    return [messages[start:end] for start, end in pairwise(ends)]


@cache
def plain(rec: Record) -> Any:
    """The schema without logical types and our own attributes: times are plain integers."""
    fields = []
    for field in rec.fields:
        declared = field["type"]
        if isinstance(declared, dict) and "logicalType" in declared:
            declared = declared["type"]
        fields.append({"name": field["name"], "type": declared})
        if "default" in field:
            fields[-1]["default"] = field["default"]
    return fastavro.parse_schema({"type": "record", "name": rec.name, "fields": fields})
