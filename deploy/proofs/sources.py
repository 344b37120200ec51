"""Where the log is read from, piece by piece: a broker, an archive, or a log in memory."""

import bisect
from collections.abc import Iterator
from itertools import compress
from typing import Protocol, cast

from connectors.log import MemoryLog, Span, SpanSource
from connectors.topics import TICK_KEY
from deploy.errors import UserError

TOPIC = "regulatory.events"
PIECE = 200_000
"""Offsets read at once: some 100 MB of events."""


class Source(SpanSource, Protocol):
    """A source that knows where a partition begins and ends."""

    def ends(self, topic: str, partition: int) -> tuple[int, int]:
        """First offset, and the one after the last."""


class InMemory:
    """A `MemoryLog` as a source."""

    def __init__(self, log: MemoryLog) -> None:
        """Read from `log`, which may grow meanwhile."""
        self.log = log

    def ends(self, topic: str, partition: int) -> tuple[int, int]:
        """First offset, and the one after the last."""
        offsets = self._span(topic, partition).offsets
        return (offsets[0], offsets[-1] + 1) if offsets else (0, 0)

    def read(
        self, topic: str, partition: int, start: int | None = None, end: int | None = None
    ) -> Span:
        """The records with start <= offset < end; without bounds, all there are."""
        span = self._span(topic, partition)
        first = 0 if start is None else bisect.bisect_left(span.offsets, start)
        last = len(span) if end is None else bisect.bisect_left(span.offsets, end)
        part = slice(first, last)
        return Span(span.offsets[part], span.appended[part], span.keys[part], span.values[part])

    def _span(self, topic: str, partition: int) -> Span:
        return self.log.spans.get((topic, partition), Span())


def pieces(
    source: Source, topic: str, partition: int, start: int | None = None, size: int = PIECE
) -> Iterator[Span]:
    """The records from `start` on (without it, from the first), up to the end found now.

    Raises:
        UserError: The partition does not reach to `start`, or no longer begins before it.
    """
    first, end = source.ends(topic, partition)
    start = first if start is None else start
    if not first <= start <= end:
        raise UserError(
            f"{topic} partition {partition} has the offsets {first} to {end - 1}, not {start}: "
            "records were cut off, or it is another topic"
        )
    while start < end:
        span = source.read(topic, partition, start, min(start + size, end))
        if len(span):
            yield span
        start += size


def events(span: Span) -> tuple[list[int], list[bytes]]:
    """Offsets and messages of the records of a span that are no ticks."""
    kept = [
        key != TICK_KEY and value is not None
        for key, value in zip(span.keys, span.values, strict=True)
    ]
    values = cast(list[bytes], span.values)
    if all(kept):
        return span.offsets, values
    return list(compress(span.offsets, kept)), list(compress(values, kept))
