"""Rows of a state table in bytes: columns one after another, little endian, no gaps.

A column of n rows is n int64, n float64, n bool bytes, or for texts and octets n uint32 lengths
followed by the bytes. The layout holds no names: it is read under the table's layout mark
(`mark_of`), a hash over names, kinds and version, so that bytes written by another layout are
refused instead of misread.
"""

import hashlib
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from schemas.step import ColumnKind, TableSpec

Array = np.ndarray[Any, np.dtype[Any]]
"""Values of a column, row numbers, places: shape (n,)."""

DTYPES: Mapping[ColumnKind, str] = {
    "int": "<i8",
    "float": "<f8",
    "bool": "?",
    "str": "O",
    "bytes": "O",
}
EMPTY: Mapping[ColumnKind, object] = {
    "int": 0,
    "float": 0.0,
    "bool": False,
    "str": "",
    "bytes": b"",
}


class LayoutError(ValueError):
    """Stored state does not have the layout that this version of the job expects."""


def mark_of(spec: TableSpec) -> bytes:
    """Eight bytes that change with any change of a table's columns, kinds, key or version."""
    text = f"{spec.version}|{spec.key}|" + "|".join(f"{n}:{k}" for n, k in spec.columns.items())
    return hashlib.sha256(text.encode()).digest()[:8]


def pack(kind: ColumnKind, values: Array) -> bytes:
    """The bytes of one column."""
    if kind == "str":
        return _pack_octets([v.encode() for v in values])
    if kind == "bytes":
        return _pack_octets(list(values))
    return values.astype(DTYPES[kind], copy=False).tobytes()


def _pack_octets(values: list[bytes]) -> bytes:
    lengths = np.fromiter(map(len, values), dtype="<u4", count=len(values))
    return lengths.tobytes() + b"".join(values)


class Reader:
    """Takes columns and numbers off the front of a blob, in the order they were packed."""

    def __init__(self, blob: bytes, position: int = 0) -> None:
        """Start reading `blob` at `position`."""
        self.blob = blob
        self.position = position

    def octets(self, count: int) -> bytes:
        """The next `count` bytes; LayoutError if there are fewer."""
        end = self.position + count
        if count < 0 or end > len(self.blob):
            raise LayoutError(f"stored state ends early: {count} bytes asked at {self.position}")
        self.position, start = end, self.position
        return self.blob[start:end]

    def number(self) -> int:
        """The next unsigned 64-bit number."""
        return int(struct.unpack("<Q", self.octets(8))[0])

    def column(self, kind: ColumnKind, rows: int) -> Array:
        """The next column of `rows` values."""
        if kind in ("str", "bytes"):
            return self._octet_column(kind, rows)
        dtype = np.dtype(DTYPES[kind])
        return np.frombuffer(self.octets(rows * dtype.itemsize), dtype=dtype)

    def _octet_column(self, kind: ColumnKind, rows: int) -> Array:
        ends = np.cumsum(
            np.frombuffer(self.octets(4 * rows), dtype="<u4").astype(np.int64)
        ).tolist()
        data = self.octets(ends[-1] if ends else 0)
        out = np.empty(rows, dtype=object)
        start = 0
        for row, end in enumerate(ends):
            out[row] = data[start:end].decode() if kind == "str" else data[start:end]
            start = end
        return out


def number(value: int) -> bytes:
    """An unsigned 64-bit number as `Reader.number` reads it."""
    return struct.pack("<Q", value)
