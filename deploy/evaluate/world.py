"""A generated world in memory: the log a broker would hold, and the job folded over it."""

from collections.abc import Iterator

import polars as pl

from connectors.batches import Folded
from connectors.generators import chunks
from connectors.generators.feed import Feed, Plan
from connectors.log import MemoryLog, fold_shard
from connectors.spec import JobSpec
from connectors.topics import TICK_KEY
from schemas.codec import decode_batch
from schemas.records import record

APPENDED_MS = 1_790_000_000_000
"""Log time of the first chunk."""
CHUNK_MS = 100
"""Log time from one chunk to the next."""


def recorded(feed: Feed, plan: Plan, topics: frozenset[str]) -> MemoryLog:
    """The log of a run of a generator: these topics of it."""
    log = MemoryLog()
    for number, chunk in enumerate(chunks(feed, plan)):
        appended = APPENDED_MS + number * CHUNK_MS
        for batch in chunk:
            if batch.topic not in topics:
                continue
            keys = batch.keys
            keys = [keys] * len(batch.values) if isinstance(keys, bytes) else keys
            for key, value in zip(keys, batch.values, strict=True):
                log.append(batch.topic, batch.partition, appended, value, key)
    return log


def folded(log: MemoryLog, job: JobSpec) -> Iterator[Folded]:
    """Every batch of every shard."""
    feeds = [feed.topic for feed in job.feeds]
    for shard in range(job.partitions):
        yield from fold_shard(job, shard, log.partition(feeds, shard))


def outputs(batches: Iterator[Folded], topics: tuple[str, ...]) -> dict[str, pl.DataFrame]:
    """What the step said on each of the topics, shard after shard."""
    found: dict[str, list[pl.DataFrame]] = {topic: [] for topic in topics}
    for batch in batches:
        for topic in topics:
            if topic in batch.outputs:
                found[topic].append(batch.outputs[topic])
    return {
        topic: pl.concat(frames) if frames else pl.DataFrame() for topic, frames in found.items()
    }


def values(log: MemoryLog, topic: str) -> Iterator[bytes]:
    """The messages of a topic that are records."""
    for (name, _), span in log.spans.items():
        if name == topic:
            for key, value in zip(span.keys, span.values, strict=True):
                if key != TICK_KEY and value is not None:
                    yield value


def labels(log: MemoryLog) -> pl.DataFrame:
    """What was planted: records SchemeLabel."""
    return decode_batch(record("SchemeLabel"), list(values(log, "schemes")))[0]
