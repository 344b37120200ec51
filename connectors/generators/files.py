"""Writes a run into Parquet files of raw messages, as a broker would have kept them.

One file a topic, `TOPIC.parquet`, in order of log time: topic, partition, offset, appended
(milliseconds UTC), key, value. Log time is made up: the start of business, and `INTERVAL_MS` more
with each chunk.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from connectors.generators.feed import Batch, Chunk

INTERVAL_MS = 50
ROWS = 200_000
"""Messages of a topic that are written at one go."""
SCHEMA = {
    "topic": pl.String(),
    "partition": pl.Int32(),
    "offset": pl.Int64(),
    "appended": pl.Int64(),
    "key": pl.Binary(),
    "value": pl.Binary(),
}


def to_files(
    chunks: Iterable[Chunk], folder: Path, topics: Iterable[str], start: int
) -> dict[str, Path]:
    """Write all chunks; the file of each topic.

    Args:
        chunks: The run.
        folder: Where the files go; made if it is not there, files of these topics are replaced.
        topics: Every topic of the run.
        start: Business time at which the log begins, microseconds UTC.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {topic: folder / f"{topic}.parquet" for topic in topics}
    with ExitStack() as stack:
        files = {topic: stack.enter_context(_File(topic, path)) for topic, path in paths.items()}
        for number, chunk in enumerate(chunks):
            for batch in chunk:
                files[batch.topic].add(batch, start // 1_000 + number * INTERVAL_MS)
    return paths


class _File:
    """One topic's file: messages are gathered and written in large groups."""

    def __init__(self, topic: str, path: Path) -> None:
        self._topic = topic
        self._writer = pq.ParquetWriter(
            path, pl.DataFrame(schema=SCHEMA).to_arrow().schema, compression="zstd"
        )
        self._next: dict[int, int] = {}
        self._keys: list[bytes] = []
        self._values: list[bytes | None] = []
        self._places: list[tuple[int, int, int, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._writer.close()

    def add(self, batch: Batch, appended: int) -> None:
        """Append a batch at a log time."""
        n = len(batch.values)
        first = self._next.get(batch.partition, 0)
        self._next[batch.partition] = first + n
        self._keys += [batch.keys] * n if isinstance(batch.keys, bytes) else batch.keys
        self._values += batch.values
        self._places.append((batch.partition, first, appended, n))
        if len(self._values) >= ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._values:
            return
        partition, first, appended, size = np.array(self._places, dtype=np.int64).T
        within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        columns = {
            "topic": pl.repeat(self._topic, len(self._values), eager=True),
            "partition": np.repeat(partition, size),
            "offset": np.repeat(first, size) + within,
            "appended": np.repeat(appended, size),
            "key": self._keys,
            "value": self._values,
        }
        self._writer.write_table(pl.DataFrame(columns, schema=SCHEMA).to_arrow())
        self._keys, self._values, self._places = [], [], []
