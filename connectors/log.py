"""A recorded log, partition by partition, and the fold of a job over it without Flink.

This is the oracle: it cuts the log into the same slices as the cluster does and folds the same pure
half of the engine, so that what the cluster wrote can be compared byte for byte. `MemoryLog` is
such a log made by hand.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from connectors.batches import Folded, Shard
from connectors.layout import Array
from connectors.places import pack
from connectors.spec import JobSpec
from connectors.topics import TICK_KEY


@dataclass
class Span:
    """A run of records of one topic partition, by offset; `appended` in milliseconds UTC."""

    offsets: list[int] = field(default_factory=list)
    appended: list[int] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)

    def put(self, offset: int, appended: int, key: bytes | None, value: bytes | None) -> None:
        """Add one record."""
        self.offsets.append(offset)
        self.appended.append(appended)
        self.keys.append(key)
        self.values.append(value)

    def __len__(self) -> int:
        """Number of records."""
        return len(self.offsets)


class SpanSource(Protocol):
    """Where recorded topics are read from: a broker (connectors.reader) or an archive."""

    def read(
        self, topic: str, partition: int, start: int | None = None, end: int | None = None
    ) -> Span:
        """The records with start <= offset < end; without bounds, all there are."""


class MemoryLog:
    """A log in memory: records are appended at given log times, as a broker would."""

    def __init__(self) -> None:
        """An empty log."""
        self.spans: dict[tuple[str, int], Span] = {}

    def append(
        self,
        topic: str,
        partition: int,
        appended: int,
        value: bytes | None,
        key: bytes | None = None,
    ) -> int:
        """Append one record; its offset. ValueError if the log time goes back."""
        span = self.spans.setdefault((topic, partition), Span())
        if span.appended and appended < span.appended[-1]:
            raise ValueError("append times never go back within a partition")
        span.put(len(span), appended, key, value)
        return len(span) - 1

    def tick(self, topic: str, partition: int, appended: int, time: int | None = None) -> int:
        """Append a tick, with a business time in microseconds or without."""
        value = b"" if time is None else time.to_bytes(8, "big", signed=True)
        return self.append(topic, partition, appended, value, TICK_KEY)

    def partition(self, topics: Sequence[str], partition: int) -> dict[str, Span]:
        """The spans of one shard."""
        return {t: self.spans[t, partition] for t in topics if (t, partition) in self.spans}


def slices(
    topics: Sequence[str], spans: Mapping[str, Span], slice_ms: int
) -> Iterator[tuple[int, list[bytes | None], Array]]:
    """The batches of one shard: (slice end, messages, places), in log order."""
    messages: list[bytes | None] = []
    words: list[int] = []
    ends: list[int] = []
    for number, topic in enumerate(topics):
        span = spans.get(topic, Span())
        for offset, appended, key in zip(span.offsets, span.appended, span.keys, strict=True):
            words.append(pack(offset, number, key == TICK_KEY, appended))
            ends.append(appended - appended % slice_ms + slice_ms)
        messages.extend(span.values)
    order = np.argsort(np.array(ends, dtype=np.int64), kind="stable")
    places, bounds = np.array(words, dtype=np.int64)[order], np.array(ends, dtype=np.int64)[order]
    edges = np.flatnonzero(np.diff(bounds)) + 1
    for part in np.split(np.arange(len(order)), edges):
        if len(part):
            yield int(bounds[part[0]]), [messages[i] for i in order[part].tolist()], places[part]


def fold_shard(job: JobSpec, shard: int, spans: Mapping[str, Span]) -> Iterator[Folded]:
    """Fold one shard's whole log from empty state."""
    folding = Shard(job, shard, {})
    for slice_end, messages, words in slices([f.topic for f in job.feeds], spans, job.slice_ms):
        yield folding.fold(slice_end, messages, words)


def results_by_topic(folded: Iterable[Folded]) -> dict[str, list[tuple[bytes, bytes]]]:
    """What a shard wrote, topic by topic in order: (key, value)."""
    out: dict[str, list[tuple[bytes, bytes]]] = {}
    for batch in folded:
        for result in batch.results:
            out.setdefault(result.topic, []).append((result.key, result.value))
    return out
