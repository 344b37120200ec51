"""A market's feed folded through `marks`, `risk` and `firm` in this process, without Flink.

The log is in memory, as a broker would hold it: feed and ticks at the pace they are sent, and what
a job writes appended soon after the slice that it was decided in.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import process_time

import polars as pl

from connectors.batches import Folded, Shard
from connectors.generators.feed import Batch, Chunk
from connectors.log import MemoryLog, slices
from connectors.spec import JobSpec
from connectors.topics import TICK_KEY
from connectors.written import results_by_place

OPENED_MS = 1_790_000_000_000
"""Log time of the control records; the feed begins a second later."""
CHUNK_MS, TICK_MS, WRITTEN_MS = 50, 100, 20
Place = tuple[str, int]
Entry = tuple[int, bytes | None, bytes | None]
"""Append time, key and value of a message."""


@dataclass
class Done:
    """What folding a job took and gave, over all its shards.

    Attributes:
        seconds: Processor time.
        counts: As in its batch indexes.
        state: Octets of its tables at the end.
        outputs: Frames of its results by topic, shard after shard.
        written: Its messages: log time, key and value by topic and partition.
        log: What it read.
    """

    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    state: int = 0
    outputs: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    written: dict[Place, list[Entry]] = field(default_factory=dict)
    log: MemoryLog = field(default_factory=MemoryLog)

    def frame(self, topic: str) -> pl.DataFrame:
        """All results of a topic; empty, without columns, if there are none."""
        frames = self.outputs.get(topic, [])
        return pl.concat(frames) if frames else pl.DataFrame()


def chain(
    jobs: Sequence[JobSpec], controls: Iterable[Batch], feed: Iterable[Chunk]
) -> dict[str, Done]:
    """Fold jobs, each over the feed, the controls and what those before it wrote; by name."""
    entries: dict[Place, list[Entry]] = {}
    for batch in controls:
        _put(entries, batch, OPENED_MS)
    last = OPENED_MS + 1_000
    for chunk in feed:
        last += CHUNK_MS
        for batch in chunk:
            _put(entries, batch, last)
    found = {}
    for job in jobs:
        found[job.name] = done = folded(job, _log(job, entries, last))
        for place, written in done.written.items():
            entries.setdefault(place, []).extend(written)
    return found


def folded(job: JobSpec, log: MemoryLog) -> Done:
    """A job over a log, all its shards."""
    done = Done(log=log)
    names = [feed.topic for feed in job.feeds]
    for number in range(job.partitions):
        shard = Shard(job, number, {})
        for slice_end, messages, words in slices(names, log.partition(names, number), job.slice_ms):
            began = process_time()
            batch = shard.fold(slice_end, messages, words)
            done.seconds += process_time() - began
            _take(done, job, slice_end, batch)
        done.state += sum(table.nbytes for table in shard.store.tables.values())
    return done


def _take(done: Done, job: JobSpec, slice_end: int, batch: Folded) -> None:
    done.counts.update(batch.counts)
    for topic, frame in batch.outputs.items():
        if frame.height:
            done.outputs.setdefault(topic, []).append(frame)
    for place, pairs in results_by_place(job, [batch]).items():
        written = done.written.setdefault(place, [])
        written += [(slice_end + WRITTEN_MS, key, value) for key, value in pairs]


def _put(entries: dict[Place, list[Entry]], batch: Batch, appended: int) -> None:
    keys = batch.keys
    keys = [keys] * len(batch.values) if isinstance(keys, bytes) else keys
    place = entries.setdefault((batch.topic, batch.partition), [])
    place += [(appended, key, value) for key, value in zip(keys, batch.values, strict=True)]


def _log(job: JobSpec, entries: Mapping[Place, list[Entry]], last: int) -> MemoryLog:
    """The job's feeds, with empty ticks in all of them from the first moment on."""
    log = MemoryLog()
    ticks = [(at, TICK_KEY, b"") for at in range(OPENED_MS, last + 1_000, TICK_MS)]
    for feed in job.feeds:
        for partition in range(job.partitions):
            held = [*entries.get((feed.topic, partition), ()), *ticks]
            for appended, key, value in sorted(held, key=lambda entry: entry[0]):
                log.append(feed.topic, partition, appended, value, key)
    return log
