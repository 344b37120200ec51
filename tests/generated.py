"""Generated runs as tests look at them: messages by topic partition, and decoded records."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from connectors.generators import Chunk, Feed, Plan, chunks
from connectors.topics import TOPICS
from schemas.codec import decode_batch
from schemas.records import record

Place = tuple[str, int]


@dataclass
class Run:
    """What a run sent to each topic partition: all messages, and which of them are ticks."""

    keys: dict[Place, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    values: dict[Place, list[bytes | None]] = field(default_factory=lambda: defaultdict(list))
    ticks: dict[Place, list[bool]] = field(default_factory=lambda: defaultdict(list))

    def records(self, topic: str, partition: int) -> list[bytes | None]:
        """Messages of a topic partition but its ticks."""
        place = topic, partition
        return [
            v for v, tick in zip(self.values[place], self.ticks[place], strict=True) if not tick
        ]

    def tick_times(self, topic: str, partition: int) -> list[int]:
        """Business times of the ticks of a topic partition."""
        place = topic, partition
        found = zip(self.values[place], self.ticks[place], strict=True)
        return [int.from_bytes(v or b"", "big", signed=True) for v, tick in found if tick]

    def frame(self, topic: str) -> pl.DataFrame:
        """All records of a topic that decode, with their partition, in order within each."""
        rec = record(TOPICS[topic].record)
        partitions = sorted(p for name, p in self.values if name == topic)
        frames = [
            decode_batch(rec, self.records(topic, p))[0].with_columns(
                sent_to=pl.lit(p, dtype=pl.Int32)
            )
            for p in partitions
        ]
        return pl.concat(frames)


def collect(run: Iterable[Chunk]) -> Run:
    """All of a run, in memory."""
    found = Run()
    for chunk in run:
        for batch in chunk:
            place, n = (batch.topic, batch.partition), len(batch.values)
            found.keys[place] += [batch.keys] * n if isinstance(batch.keys, bytes) else batch.keys
            found.values[place] += batch.values
            found.ticks[place] += [batch.ticks] * n
    return found


def generate(feed: Feed, plan: Plan) -> Run:
    """A run of `feed`, in memory."""
    return collect(chunks(feed, plan))
