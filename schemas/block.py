"""A whole batch of messages of one schema -> one frame, by one call of polars' Avro reader.

The messages are joined into the body of one Avro container block, so that polars reads 20,000 of
them at 0.4 us each. Joining alone would let a crafted message reach into its neighbour (a string
length that covers the neighbour's bytes, made up for by a second record hidden elsewhere).
Therefore each message is followed by a salt of 8 bytes, and the schema the block is read with ends
with a double where the salt must be:

    body = pad message salt  pad message salt  ...        pad: 3 zero bytes
    read as records of  (head: double = pad + wire header of 5 bytes, fields ..., salt: double)

Why this proves that each message is exactly one record: the salt's first byte is above 0x7f and all
others are below, so no two occurrences of it can overlap; and it is counted, so it occurs in the
body behind the N messages and nowhere else. N records are read in order and each must end with the
salt, hence the k-th record ends where the k-th message does. The head proves magic byte and schema
id.

The reading schema is wider than the record's own, because polars is lenient with some types: int
and enum are read as long and boolean as one byte, so that their ranges are checked here, and
strings as bytes, so that one message with broken UTF-8 can be told from the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from io import BytesIO
from typing import Any

import fastavro
import numpy as np
import polars as pl

from schemas.faults import CodecError
from schemas.records import Record, kind

HEADER_SIZE = 5
_PAD = bytes(8 - HEADER_SIZE)
_SALT = b"\xfftidemrk"
_SYNC_SIZE = 16
_HEAD, _TAIL = "_head", "_salt"


@dataclass(frozen=True)
class _Layout:
    """How blocks of one record are read: container header, expected head, final columns."""

    header: bytes
    head: int
    columns: list[pl.Expr]


def wire_header(rec: Record) -> bytes:
    """Magic byte 0 and schema id, as they stand before the Avro body of each message of `rec`."""
    return b"\x00" + rec.schema_id.to_bytes(4, "big")


def decode_block(rec: Record, messages: Sequence[bytes]) -> pl.DataFrame:
    """The frame of `messages`, all of them of `rec`.

    Raises:
        CodecError: At least one is not exactly one valid record of this schema.
    """
    frame, invalid = decode_valid(rec, messages)
    if invalid:
        raise CodecError(min(invalid.items())[1])
    return frame


def decode_valid(rec: Record, messages: Sequence[bytes]) -> tuple[pl.DataFrame, dict[int, str]]:
    """The frame of the `messages` whose values are valid, and the reason for each other row.

    Raises:
        CodecError: At least one does not have the shape of exactly one record.
    """
    if not messages:
        return pl.DataFrame(schema=rec.columns), {}
    raw = _read(rec, messages)
    try:
        return raw.select(_layout(rec).columns), {}
    except pl.exceptions.PolarsError:
        invalid = _invalid_rows(rec, raw)
    kept = pl.Series(np.isin(np.arange(len(messages)), list(invalid), invert=True))
    return raw.filter(kept).select(_layout(rec).columns), invalid


def _read(rec: Record, messages: Sequence[bytes]) -> pl.DataFrame:
    """The fields of `messages` as the reading schema has them; each is proven to be one record."""
    layout = _layout(rec)
    salt, body = _salted(messages)
    block = (
        layout.header,
        _zigzag(len(messages)),
        _zigzag(len(body)),
        body,
        layout.header[-_SYNC_SIZE:],
    )
    try:
        raw = pl.read_avro(BytesIO(b"".join(block)))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise CodecError(f"undecodable: not a block of {rec.name} records") from error
    if not (_bits(raw, _HEAD) == layout.head).all():
        raise CodecError(f"undecodable: not all messages carry schema id {rec.schema_id}")
    if not (_bits(raw, _TAIL) == int.from_bytes(salt, "little")).all():
        raise CodecError(f"undecodable: not exactly one {rec.name} a message")
    return raw


def _salted(messages: Sequence[bytes]) -> tuple[bytes, bytes]:
    salt = _SALT
    for _ in range(2):
        body = b"".join((_PAD, (salt + _PAD).join(messages), salt))
        if body.count(salt) == len(messages):
            return salt, body
        salt = salt[:1] + bytes(octet & 0x7F for octet in sha256(body).digest()[:7])
    raise CodecError("undecodable: messages contain the salt of their own hash")


def _invalid_rows(rec: Record, raw: pl.DataFrame) -> dict[int, str]:
    invalid: dict[int, str] = {}
    for field in reversed(rec.fields):
        reason = f"undecodable: {field['name']} is not a valid {kind(field)}"
        invalid.update((row, reason) for row in _invalid(field, raw.get_column(field["name"])))
    return invalid


def _invalid(field: dict[str, Any], raw: pl.Series) -> list[int]:
    """Rows of a raw column whose value the field's own type does not have."""
    match kind(field):
        case "int":
            wrong = (raw < -(2**31)) | (raw >= 2**31)
        case "enum":
            wrong = (raw < 0) | (raw >= len(field["type"]["symbols"]))
        case "boolean":
            wrong = ~raw.is_in([b"\x00", b"\x01"])
        case "string":
            return [row for row, octets in enumerate(raw) if not _is_utf8(octets)]
        case _:
            return []
    return wrong.arg_true().to_list()


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


@cache
def _layout(rec: Record) -> _Layout:
    fields = [
        (_HEAD, "double"),
        *((field["name"], _raw_type(field)) for field in rec.fields),
        (_TAIL, "double"),
    ]
    schema = {
        "type": "record",
        "name": rec.name,
        "fields": [{"name": name, "type": type_} for name, type_ in fields],
    }
    container = BytesIO()
    fastavro.writer(container, schema, [], sync_marker=bytes(_SYNC_SIZE))
    head = int.from_bytes(_PAD + wire_header(rec), "little")
    return _Layout(container.getvalue(), head, [_column(field) for field in rec.fields])


def _raw_type(field: dict[str, Any]) -> str | dict[str, Any]:
    match kind(field):
        case "long" | "int" | "enum":
            return "long"
        case "string" | "bytes":
            return "bytes"
        case "boolean":
            return {"type": "fixed", "name": f"{field['name']}_octet", "size": 1}
        case _:
            return {
                "type": "fixed",
                "name": f"{field['name']}_octets",
                "size": field["type"]["size"],
            }


def _column(field: dict[str, Any]) -> pl.Expr:
    """The field's column from the raw one; raises on evaluation if a value is outside the type."""
    raw = pl.col(field["name"])
    match kind(field):
        case "int":
            return raw.cast(pl.Int32)
        case "string":
            return raw.cast(pl.String)
        case "boolean":
            return raw.replace_strict({b"\x00": False, b"\x01": True}, return_dtype=pl.Boolean)
        case "enum":
            symbols = pl.lit(pl.Series(field["type"]["symbols"], dtype=pl.String))
            return symbols.gather(raw.cast(pl.UInt32)).alias(field["name"])
        case _:
            return raw


def _bits(raw: pl.DataFrame, column: str) -> np.ndarray[Any, np.dtype[np.uint64]]:
    return raw.get_column(column).to_numpy().view(np.uint64)


def _zigzag(number: int) -> bytes:
    number, out = number << 1, bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))
