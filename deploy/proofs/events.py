"""What a proof must know of an event, read from its bytes and nothing else.

The fields that matter stand at the front of a RegulatoryEvent, in the same order in every version,
so no schema is needed. The same holds for a BatchIndex inside one. `batch_indexes` is for those who
read a whole log: it takes the schemas, and is quick.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from schemas.codec import decode_batch
from schemas.records import record

BATCH_INDEX = "BatchIndex"
LINK_SIZE = 32
_HEADER_SIZE = 5
_MARK = b"\x14BatchIndex"
"""The kind as Avro writes it: its length, zigzag, and the text."""
_FRONT = 96
"""The kind ends before: header, producer, two numbers and it."""


class Walker:
    """Reads Avro fields one after the other; ValueError where the bytes end too early."""

    def __init__(self, message: bytes) -> None:
        """Start behind the wire header."""
        self.message = message
        self.place = _HEADER_SIZE

    def long(self) -> int:
        """An int or a long."""
        value = shift = 0
        while shift < 70:
            octet = self.fixed(1)[0]
            value |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                return (value >> 1) ^ -(value & 1)
        raise ValueError("a number does not end")

    def fixed(self, size: int) -> bytes:
        """So many bytes."""
        end = self.place + size
        if size < 0 or end > len(self.message):
            raise ValueError(f"a field of {size} bytes does not fit")
        found = self.message[self.place : end]
        self.place = end
        return found

    def octets(self) -> bytes:
        """A field of type bytes."""
        return self.fixed(self.long())

    def text(self) -> str:
        """A field of type string."""
        return self.octets().decode()


@dataclass(frozen=True)
class Event:
    """The front of a regulatory event."""

    producer: str
    sequence: int
    time: int
    kind: str
    subject: str
    payload: bytes


class Part(NamedTuple):
    """What a batch read of one topic: offsets `first` to `last`, ticks among them."""

    topic: str
    first: int
    last: int
    records: int


class BatchIndex(NamedTuple):
    """What a batch index says of its batch's input; `slice_end` in microseconds UTC."""

    job: str
    shard: int
    sequence: int
    slice_end: int
    input_root: bytes
    parts: tuple[Part, ...]

    @property
    def inputs(self) -> int:
        """Records in the input tree: those of all topics, ticks left out."""
        return sum(part.records for part in self.parts)

    def part_of(self, index: int) -> tuple[Part, int]:
        """The topic that leaf `index` of the input tree came from, and its number there."""
        for part in self.parts:
            if index < part.records:
                return part, index
            index -= part.records
        raise IndexError("the batch has no such input")


def read_event(message: bytes) -> Event:
    """The front of an event's message, its link there or not; ValueError if it is none."""
    walk = Walker(message)
    return Event(walk.text(), walk.long(), walk.long(), walk.text(), walk.text(), walk.octets())


def read_batch_index(event: Event) -> BatchIndex:
    """The batch index that is the result in `event`.

    Raises:
        ValueError: The event's kind is another, or the index is of a version that does not say
            how many records it read of which topic.
    """
    if event.kind != BATCH_INDEX:
        raise ValueError(f"event {event.sequence} is a {event.kind}, not a {BATCH_INDEX}")
    walk = Walker(event.payload)
    walk.text()
    sequence, job, shard, slice_end = walk.long(), walk.text(), walk.long(), walk.long()
    for _ in range(8):
        walk.long()
    ranges, root = walk.text(), walk.fixed(32)
    walk.long()
    walk.fixed(64)
    walk.text()
    if walk.place == len(walk.message):
        raise ValueError("a batch index of version 1 does not say how many records it read")
    return BatchIndex(job, shard, sequence, slice_end, root, _parts(ranges, walk.text()))


def batch_indexes(messages: list[bytes]) -> list[tuple[int, BatchIndex]]:
    """The batch indexes among events that hold, each with its place in `messages`.

    All at once, by the codec; those of version 1 do not say how many records they read and are left
    out.
    """
    places = [place for place, message in enumerate(messages) if _MARK in message[:_FRONT]]
    found, rows, _ = decode_batch(record("RegulatoryEvent"), [messages[n] for n in places])
    named = (found["kind"] == BATCH_INDEX).to_numpy()
    payloads = found["payload"].filter(pl.Series(named)).to_list()
    frame, kept, _ = decode_batch(record(BATCH_INDEX), payloads)
    at = np.array(places, dtype=np.int64)[rows][named][kept].tolist()
    indexes = []
    columns = ("ranges", "inputs", "job", "shard", "sequence", "slice_end", "input_root")
    for place, (ranges, inputs, *front) in zip(at, frame.select(columns).rows(), strict=True):
        if inputs:
            try:
                parts = _parts(ranges, inputs)
            except ValueError:
                continue
            job, shard, sequence, slice_end, input_root = front
            indexes.append((place, BatchIndex(job, shard, sequence, slice_end, input_root, parts)))
    return indexes


def _parts(ranges: str, inputs: str) -> tuple[Part, ...]:
    """What a batch read of each topic, from the two texts of its index."""
    counts = [part.rpartition(":") for part in inputs.split(";")]
    parts = []
    for (topic, _, count), one in zip(counts, ranges.split(";"), strict=True):
        name, _, offsets = one.rpartition(":")
        first, _, last = offsets.partition("-")
        if name != topic:
            raise ValueError("the batch index names other topics as ranges than as inputs")
        parts.append(Part(topic, int(first), int(last), int(count)))
    return tuple(parts)
