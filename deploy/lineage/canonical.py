"""Events as canonical JSON (RFC 8785), one object a line.

Whole numbers beyond 2^53 - 1 are strings of decimal digits: RFC 8785 section 3.2.2.3 takes numbers
as IEEE 754 doubles, which cannot hold them, and I-JSON (RFC 7493 section 2.2) asks for strings.
Bytes are strings of hexadecimal digits, lower case. Times stay whole microseconds UTC, append times
milliseconds. Whether a field holds a number, text or bytes is said by its schema.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import rfc8785

from connectors.log import Span
from connectors.topics import TICK_KEY
from deploy.errors import UserError
from deploy.lineage.build import CHUNK
from deploy.lineage.nodes import moment
from deploy.lineage.source import EVENTS, Log
from schemas.codec import CodecError, decode, decode_batch
from schemas.records import names, record

LARGEST = 2**53 - 1
"""The largest whole number that a double holds without doubt."""


def select(
    log: Log,
    partitions: Sequence[int],
    kind: str | None = None,
    subject: str | None = None,
    limit: int | None = None,
) -> Iterator[dict[str, Any]]:
    """The events of a log, as JSON may hold them, shard by shard in the order of its chain.

    The fields are those of RegulatoryEvent; `shard`, `offset` and `appended` say where the event
    stands. `payload` is the result decoded: record, version and fields; or the bytes, if they do
    not decode.

    Raises:
        UserError: There is no such kind of record, or a message is no event.
    """
    if kind is not None and kind not in names():
        raise UserError(f"there is no record {kind}; records: {', '.join(names())}")
    left = LARGEST if limit is None else limit
    for shard in partitions:
        start, end = log.ends(EVENTS, shard)
        for first in range(start, end, CHUNK):
            span = log.read(EVENTS, shard, first, min(first + CHUNK, end))
            for row in _wanted(span, shard, kind, subject)[:left]:
                left -= 1
                place = {"shard": shard, "offset": span.offsets[row]}
                place["appended"] = span.appended[row]
                yield {**fields(decode(span.values[row] or b"")[1]), **place}
            if not left:
                return


def _wanted(span: Span, shard: int, kind: str | None, subject: str | None) -> list[int]:
    """The rows of a span that are asked for."""
    kept = [row for row, key in enumerate(span.keys) if key != TICK_KEY]
    frame, rows, rejected = decode_batch(
        record("RegulatoryEvent"), [span.values[row] for row in kept]
    )
    if rejected:
        place = f"{EVENTS}/{shard}/{span.offsets[kept[rejected[0].index]]}"
        raise UserError(f"{place} is no event ({rejected[0].reason}); see: tidemark verify")
    mask = np.ones(len(rows), dtype=np.bool_)
    for column, wanted in (("kind", kind), ("subject", subject)):
        if wanted is not None:
            mask &= (frame[column] == wanted).to_numpy()
    return [kept[row] for row in rows[mask].tolist()]


def fields(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event's fields as JSON may hold them, its payload decoded."""
    safe = {name: plain(value) for name, value in event.items()}
    try:
        rec, payload = decode(event["payload"])
    except CodecError:
        return safe
    said = {name: plain(value) for name, value in payload.items()}
    return safe | {"payload": {"record": rec.name, "version": rec.version, "fields": said}}


def plain(value: Any) -> Any:
    """A field's value as JSON may hold it without loss."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST:
        return str(value)
    return value


def lines(documents: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Each document as one line, without its end."""
    for document in documents:
        yield rfc8785.dumps(document)


def shown(documents: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Each event in a line for people: place, business time, kind, result and subject."""
    for event in documents:
        place = f"{event['shard']}:{event['sequence']}"
        words = (moment(int(event["event_time"])), event["kind"], event.get("result_id", ""))
        yield "  ".join((place, *words, event["subject"])).encode()
