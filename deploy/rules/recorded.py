"""Records that commands read from a topic and write to it: each once, numbered, by the schema."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.generators.feed import Batch
from connectors.topics import TOPICS
from deploy.errors import UserError
from deploy.proofs.sources import Source, events, pieces
from schemas.checks import violations
from schemas.codec import CodecError, decode_batch, encode
from schemas.records import record


@dataclass(frozen=True)
class Ends:
    """Where a command reads and writes: a source, and how batches get into the log for good."""

    source: Source
    send: Callable[[Sequence[Batch]], None]
    partitions: int


@dataclass(frozen=True)
class Recorded:
    """A record and its place; `appended` in milliseconds UTC."""

    partition: int
    offset: int
    appended: int
    row: Mapping[str, Any]


def recorded(source: Source, topic: str, partitions: Iterable[int]) -> list[Recorded]:
    """The records of a topic that a job would use, by partition and offset.

    As at a job's edge, what does not decode or breaks its schema is passed over, and of records
    with the same producer and number the first counts.
    """
    rec = record(TOPICS[topic].record)
    found: list[Recorded] = []
    for partition in partitions:
        seen: set[tuple[str, int]] = set()
        for span in pieces(source, topic, partition):
            when = dict(zip(span.offsets, span.appended, strict=True))
            offsets, messages = events(span)
            frame, places, _ = decode_batch(rec, messages)
            broken = {bad.index for bad in violations(rec, frame)}
            for number, row in enumerate(frame.iter_rows(named=True)):
                mark = (row["producer"], row["sequence"])
                if number not in broken and mark not in seen:
                    seen.add(mark)
                    offset = offsets[int(places[number])]
                    found.append(Recorded(partition, offset, when[offset], row))
    return found


def numbered(found: Iterable[Recorded], topic: str, partition: int) -> tuple[str, int]:
    """Who these commands are as a producer of a partition, and the next number."""
    producer = f"tidemark/{topic}/{partition}"
    own = [
        one.row["sequence"]
        for one in found
        if one.partition == partition and one.row["producer"] == producer
    ]
    return producer, max(own, default=-1) + 1


def message(topic: str, row: Mapping[str, Any]) -> bytes:
    """The message of a record; UserError if its schema refuses it."""
    rec = record(TOPICS[topic].record)
    try:
        octets = encode(rec, row)
    except CodecError as error:
        raise UserError(f"it cannot be recorded: {error}; mend the option") from None
    if broken := violations(rec, decode_batch(rec, [octets])[0]):
        raise UserError(f"it cannot be recorded: {broken[0].reason}; mend the option")
    return octets
