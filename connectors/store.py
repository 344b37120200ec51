"""A partition's tables in a map from number to bytes: a delta a batch, chunks in turn.

Key s >= 0 holds the delta of batch s; negative keys hold chunks of 16,384 rows of one table. A
chunk says what its rows hold after the batch it was written in. As every delta since the oldest
chunk is kept, chunks and then deltas in order rebuild the tables. Each batch rewrites only the
chunks that are `FOLD_AFTER` batches old, a few at a time: no pause, and at most about two times
`FOLD_AFTER` deltas are kept.

Deltas form a hash chain, digest' = SHA-256(0x03 || digest || delta): two runs with equal digests
have had the same states batch by batch.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Protocol

from connectors.layout import LayoutError, Reader, mark_of, number
from connectors.state import ColumnTable
from schemas.step import TableSpec

CHUNK_ROWS = 16_384
FOLD_AFTER = 64
_FORMAT = b"\x01"
_NEVER = -1


class Blobs(Protocol):
    """A map from int64 to bytes, as Flink's MapState is one; a dict will do."""

    def keys(self) -> Iterable[int]:
        """All keys."""

    def __getitem__(self, key: int) -> bytes:
        """The blob under `key`."""

    def __setitem__(self, key: int, blob: bytes) -> None:
        """Put a blob."""

    def __delitem__(self, key: int) -> None:
        """Remove a blob."""


class TableStore:
    """The tables of a partition, loaded from `blobs` and kept there batch by batch."""

    def __init__(self, specs: Mapping[str, TableSpec], blobs: Blobs, fold_after: int = FOLD_AFTER):
        """Load what `blobs` holds; LayoutError if it is damaged or of another layout."""
        self.names = sorted(specs)
        self.tables = {name: ColumnTable(specs[name]) for name in self.names}
        self.mark = hashlib.sha256(b"".join(mark_of(specs[n]) for n in self.names)).digest()[:8]
        self.blobs = blobs
        self.fold_after = fold_after
        self.sequence = 0
        self.digest = bytes(32)
        self.written: dict[tuple[int, int], int] = {}
        self.oldest = 0
        self._load()

    def commit(self) -> bytes:
        """Keep the changes of this batch, before anything is emitted; the state digest after it."""
        body = b"".join(self.tables[name].delta() for name in self.names)
        self.blobs[self.sequence] = _FORMAT + self.mark + self.digest + body
        self.digest = hashlib.sha256(b"\x03" + self.digest + body).digest()
        self._fold()
        self.sequence += 1
        return self.digest

    def full_digest(self) -> bytes:
        """SHA-256 over every row of every table in a fixed order, whatever the row numbers."""
        total = hashlib.sha256()
        for name in self.names:
            table = self.tables[name]
            rows = table.frame()
            total.update(name.encode() + number(rows.height))
            for column in rows.columns:
                total.update(repr(rows[column].to_list()).encode())
        return total.digest()

    @property
    def nbytes(self) -> int:
        """Estimated memory of all tables."""
        return sum(table.nbytes for table in self.tables.values())

    def _fold(self) -> None:
        chunks = [
            (number_of, i)
            for number_of, name in enumerate(self.names)
            for i in range(-(-self.tables[name].rows // CHUNK_ROWS))
        ]
        ages = sorted((self.written.get(chunk, _NEVER), chunk) for chunk in chunks)
        stale = [chunk for seq, chunk in ages if seq <= self.sequence - self.fold_after]
        if self.sequence < self.fold_after:
            stale = []
        for chunk in stale[: -(-len(chunks) // self.fold_after)]:
            self._write_chunk(chunk)
        floor = min((self.written.get(c, _NEVER) for c in chunks), default=self.sequence)
        for gone in range(self.oldest, min(floor + 1, self.sequence)):
            del self.blobs[gone]
            self.oldest = gone + 1

    def _write_chunk(self, chunk: tuple[int, int]) -> None:
        table, i = chunk
        rows = self.tables[self.names[table]].chunk(i * CHUNK_ROWS, (i + 1) * CHUNK_ROWS)
        self.blobs[_chunk_key(table, i)] = _FORMAT + self.mark + number(self.sequence) + rows
        self.written[chunk] = self.sequence

    def _load(self) -> None:
        keys = sorted(self.blobs.keys())
        for key in (k for k in keys if k < 0):
            reader = self._open(key)
            table, i = _chunk_of(key)
            self.written[table, i] = reader.number()
            self.tables[self.names[table]].apply_chunk(reader)
        deltas = [key for key in keys if key >= 0]
        for reader in self._verified(deltas):
            for name in self.names:
                self.tables[name].apply(reader)
        for loaded in self.tables.values():
            loaded.settle()
        if deltas:
            self.oldest, self.sequence = deltas[0], deltas[-1] + 1

    def _verified(self, deltas: list[int]) -> list[Reader]:
        """Readers of the deltas, each placed at its body, once all are known to form one chain."""
        readers: list[Reader] = []
        for key in deltas:
            reader = self._open(key)
            before = reader.octets(32)
            if readers and before != self.digest:
                raise LayoutError(
                    f"stored state is damaged: delta {key} does not follow the one before"
                )
            body = reader.blob[reader.position :]
            self.digest = hashlib.sha256(b"\x03" + before + body).digest()
            readers.append(reader)
        return readers

    def _open(self, key: int) -> Reader:
        reader = Reader(bytes(self.blobs[key]))
        if reader.octets(1) != _FORMAT or reader.octets(8) != self.mark:
            raise LayoutError(
                "stored state was written by another layout of the tables: restore it with the "
                "version that wrote it, or start without a savepoint"
            )
        return reader


def _chunk_key(table: int, i: int) -> int:
    return -1 - (table << 32) - i


def _chunk_of(key: int) -> tuple[int, int]:
    return (-1 - key) >> 32, (-1 - key) & 0xFFFFFFFF
