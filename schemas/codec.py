"""Messages <-> records: Confluent's wire format (0, schema id as uint32 big-endian, Avro body).

One message: `encode` and `decode`, by fastavro. A batch: `encode_frame` and `decode_block`, all
rows at once, and `decode_batch`, which takes whatever a topic holds and says of each message either
its row or why it is rejected. What is accepted does not depend on which messages share a batch: the
verdict is always that of `decode_block` on the message alone, everything else is a faster way to
it.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import fastavro
import numpy as np
import polars as pl

from schemas.block import HEADER_SIZE, decode_block, decode_valid, wire_header
from schemas.faults import CodecError, Rejected
from schemas.frames import encode_frame
from schemas.records import Record, by_schema_id
from schemas.single import encode, plain
from schemas.structure import well_formed
from schemas.upcast import upcast

__all__ = [
    "CodecError",
    "Rejected",
    "decode",
    "decode_batch",
    "decode_block",
    "encode",
    "encode_frame",
]

Rows = np.ndarray[Any, np.dtype[np.int64]]


def decode(message: bytes) -> tuple[Record, dict[str, Any]]:
    """The record version of one message, and its values.

    fastavro is quick but lenient, so its answer counts only if it encodes to the same bytes again;
    any other message is judged as a block of one.

    Raises:
        CodecError: It is not exactly one record of a known schema; the text is the reason.
    """
    rec = _record_of(message)
    if isinstance(rec, str):
        raise CodecError(rec)
    try:
        value = fastavro.schemaless_reader(BytesIO(message[HEADER_SIZE:]), plain(rec), None)
        if isinstance(value, dict) and encode(rec, value) == message:
            return rec, value
    except (ValueError, TypeError, IndexError, EOFError, OverflowError, MemoryError):
        pass
    return rec, decode_block(rec, [message]).row(0, named=True)


def decode_batch(
    rec: Record, messages: Sequence[bytes | None]
) -> tuple[pl.DataFrame, Rows, list[Rejected]]:
    """What a batch of a topic of `rec` holds.

    Args:
        rec: The newest version; messages of older ones are brought up to it.
        messages: Message values as stored; None for a record without a value.

    Returns:
        The rows in the columns of `rec`, for each row its place in `messages` (ascending), and the
        messages that are no row, each with its reason, in order.
    """
    header = wire_header(rec)
    if (
        messages
        and (messages[0] or b"").startswith(header)
        and (messages[-1] or b"").startswith(header)
    ):
        try:
            frame = decode_block(rec, messages)  # type: ignore[arg-type]
            return frame, np.arange(len(messages), dtype=np.int64), []
        except (CodecError, TypeError):
            pass
    return _sort_out(rec, messages)


def _sort_out(
    rec: Record, messages: Sequence[bytes | None]
) -> tuple[pl.DataFrame, Rows, list[Rejected]]:
    """As `decode_batch`, for a batch that is not one valid block of the newest version."""
    rejected: list[Rejected] = []
    groups: dict[bytes, list[int]] = {}
    for index, message in enumerate(messages):
        if message is None:
            rejected.append(Rejected(index, "tombstone: the record has no value"))
        else:
            groups.setdefault(message[:HEADER_SIZE], []).append(index)
    frames, places = [pl.DataFrame(schema=rec.columns)], [np.empty(0, dtype=np.int64)]
    for header, indexes in groups.items():
        found = _version_of(rec, header)
        if isinstance(found, str):
            rejected.extend(Rejected(index, found) for index in indexes)
            continue
        frame, rows, bad = _one_version(found, [messages[index] or b"" for index in indexes])
        group = np.array(indexes, dtype=np.int64)
        frames.append(upcast(frame, found, rec))
        places.append(group[rows])
        rejected.extend(Rejected(indexes[row], reason) for row, reason in bad.items())
    frame, place = pl.concat(frames), np.concatenate(places)
    if len(groups) > 1:
        order = np.argsort(place)
        frame, place = frame[order], place[order]
    return frame, place, sorted(rejected)


def _one_version(
    rec: Record, messages: Sequence[bytes]
) -> tuple[pl.DataFrame, Rows, dict[int, str]]:
    """Rows of the valid messages, their places, and the reason for each other place."""
    shaped = well_formed(rec, messages)
    reason = f"undecodable: not exactly one {rec.name} of version {rec.version}"
    bad = {int(row): reason for row in np.flatnonzero(~shaped)}
    kept = np.flatnonzero(shaped)
    frame, invalid = _halve(rec, [messages[row] for row in kept], reason)
    bad.update((int(kept[row]), why) for row, why in invalid.items())
    valid = np.ones(len(kept), dtype=np.bool_)
    valid[list(invalid)] = False
    return frame, kept[valid], bad


def _halve(
    rec: Record, messages: Sequence[bytes], reason: str
) -> tuple[pl.DataFrame, dict[int, str]]:
    """`decode_valid`, and should polars refuse what looked well formed, the same for each half."""
    try:
        return decode_valid(rec, messages)
    except CodecError:
        if len(messages) == 1:
            return pl.DataFrame(schema=rec.columns), {0: reason}
    middle = len(messages) // 2
    first, bad = _halve(rec, messages[:middle], reason)
    second, more = _halve(rec, messages[middle:], reason)
    return pl.concat([first, second]), bad | {row + middle: why for row, why in more.items()}


def _record_of(message: bytes) -> Record | str:
    if len(message) < HEADER_SIZE or message[0] != 0:
        return "undecodable: no wire header (0 and a schema id of 4 bytes)"
    schema_id = int.from_bytes(message[1:HEADER_SIZE], "big")
    return by_schema_id(schema_id) or f"unknown-schema: no schema has the id {schema_id}"


def _version_of(rec: Record, header: bytes) -> Record | str:
    found = _record_of(header)
    if isinstance(found, str) or (found.name == rec.name and found.version <= rec.version):
        return found
    return f"unknown-schema: {found.name} {found.version} is not a {rec.name} up to {rec.version}"
