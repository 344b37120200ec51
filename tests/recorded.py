"""A recorded run in memory: a day of obligations, and what netting made of it."""

from collections.abc import Iterator, Mapping
from datetime import date

from connectors.generators import Faults, Plan, Trades
from connectors.log import MemoryLog, Span, fold_shard
from connectors.topics import TICK_KEY
from jobs.catalogue import Config, netting_job
from tests.generated import generate

APPENDED = 1_790_000_000_000
CONFIG = Config(partitions=2, cycle_s=7_200)
JOB = netting_job(CONFIG)


class Log(MemoryLog):
    """A log in memory that is asked as a broker is; `lows` are first offsets after a deletion."""

    def __init__(self) -> None:
        super().__init__()
        self.lows: dict[tuple[str, int], int] = {}

    def ends(self, topic: str, partition: int) -> tuple[int, int]:
        span = self.spans.get((topic, partition), Span())
        return self.lows.get((topic, partition), 0), len(span)

    def at(self, topic: str, partition: int, appended: int) -> int:
        times = self.spans[topic, partition].appended
        return next((i for i, time in enumerate(times) if time >= appended), len(times))

    def read(
        self, topic: str, partition: int, start: int | None = None, end: int | None = None
    ) -> Span:
        whole, found = self.spans.get((topic, partition), Span()), Span()
        for row in zip(whole.offsets, whole.appended, whole.keys, whole.values, strict=True):
            if (start is None or row[0] >= start) and (end is None or row[0] < end):
                found.put(*row)
        return found


Run = tuple[Log, list[list[Mapping[str, int]]]]
"""A log, and how many records each batch of each shard wrote, by topic."""


def recorded_run() -> Run:
    """Two thousand trades with faults and what netting makes of them; counts of each batch."""
    plan = Plan(2_000, 3, CONFIG.partitions, Faults.total(0.05))
    run, log = generate(Trades(3, date(2026, 3, 2)), plan), Log()
    for (topic, partition), values in run.values.items():
        for i, (key, value) in enumerate(zip(run.keys[topic, partition], values, strict=True)):
            log.append(topic, partition, APPENDED + 3 * i, value, key)
    return log, [refold(log, log, shard) for shard in range(CONFIG.partitions)]


def refold(source: Log, out: Log, shard: int, until: int | None = None) -> list[Mapping[str, int]]:
    """Fold a shard of `source` and append what comes of it to `out`, ticks in between."""
    counts = []
    spans = {"obligations": source.read("obligations", shard, end=until)}
    for number, folded in enumerate(fold_shard(JOB, shard, spans)):
        told: dict[str, int] = {}
        for result in folded.results:
            out.append(result.topic, shard, APPENDED + number, result.value, result.key)
            told[result.topic] = told.get(result.topic, 0) + 1
        out.tick(f"{JOB.name}.batches", shard, APPENDED + number)
        counts.append(told)
    return counts


def data(log: Log, topic: str, shard: int) -> Iterator[tuple[bytes, bytes]]:
    span = log.read(topic, shard)
    for key, value in zip(span.keys, span.values, strict=True):
        if key != TICK_KEY:
            yield key or b"", value or b""
