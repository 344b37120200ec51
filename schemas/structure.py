"""Which messages of a batch have the shape of exactly one record, found for all of them at once.

When a block cannot be read, some of its messages are malformed, and polars does not say which. This
walks through all messages in step, one field after the other: a cursor a message, moved in numpy.
It looks at lengths only and takes over polars' reading of them: a number ends within 10 bytes and
wraps at 64 bits, a length is not negative and stays within the message, and the last field ends
where the message ends.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from schemas.block import HEADER_SIZE
from schemas.records import Record, kind

Cursors = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]
_VARINT_SIZE = 10


def well_formed(rec: Record, messages: Sequence[bytes]) -> Mask:
    """Whether each of `messages`, all with a wire header, is as long as one `rec`; shape (n,)."""
    walk = _Walk(messages)
    for field in rec.fields:
        match kind(field):
            case "long" | "int" | "enum":
                walk.number()
            case "string" | "bytes":
                walk.skip(walk.number())
            case "boolean":
                walk.skip(1)
            case _:
                walk.skip(field["type"]["size"])
    whole: Mask = walk.alive & (walk.cursor == walk.end)
    return whole


class _Walk:
    """One cursor a message; a message whose cursor cannot be moved is no longer alive."""

    def __init__(self, messages: Sequence[bytes]) -> None:
        sizes = np.fromiter(map(len, messages), dtype=np.int64, count=len(messages))
        self.octets = np.frombuffer(b"".join(messages) + b"\x00", dtype=np.uint8)
        self.end: Cursors = np.cumsum(sizes)
        self.cursor: Cursors = self.end - sizes + HEADER_SIZE
        self.alive: Mask = self.cursor <= self.end

    def number(self) -> Cursors:
        """Move behind a zigzag varint; its values, 0 where there is none."""
        raw = np.zeros(len(self.cursor), dtype=np.uint64)
        rows = np.flatnonzero(self.alive)
        for place in range(_VARINT_SIZE):
            inside = self.cursor[rows] < self.end[rows]
            self.alive[rows[~inside]] = False
            rows = rows[inside]
            octet = self.octets[self.cursor[rows]]
            raw[rows] |= (octet & 0x7F).astype(np.uint64) << np.uint64(7 * place)
            self.cursor[rows] += 1
            rows = rows[octet > 0x7F]
            if not len(rows):
                break
        self.alive[rows] = False
        return (raw >> np.uint64(1)).view(np.int64) ^ -(raw & np.uint64(1)).view(np.int64)

    def skip(self, size: Cursors | int) -> None:
        """Move `size` bytes on."""
        self.alive &= (size >= 0) & (size <= self.end - self.cursor)
        self.cursor = np.where(self.alive, self.cursor + size, self.cursor)
