"""A recorded log in memory: trades, what netting made of them, and the chain over both.

Folded by the same code as on a cluster, so events, batch indexes and links are real ones.
"""

from datetime import date

from connectors.batches import Shard
from connectors.generators import Faults, Plan, Trades, chunks
from connectors.log import MemoryLog, Span, slices
from deploy.proofs.sources import TOPIC, InMemory, events
from jobs.catalogue import JOBS, Config

START_MS = 1_772_438_400_000
"""2 March 2026, 08:00 UTC, in append time."""
APART_MS = 600_000
"""From one chunk of trades to the next."""


def recorded(seed: int, trades: int = 2_000, partitions: int = 2) -> MemoryLog:
    """The obligations of generated trades with faults, netted and chained."""
    log = MemoryLog()
    plan = Plan(trades, seed, partitions, Faults.total(0.02), step=APART_MS * 1_000)
    for number, chunk in enumerate(chunks(Trades(seed, date(2026, 3, 2)), plan)):
        for batch in chunk:
            if batch.topic == "obligations":
                keys = batch.keys
                keys = [keys] * len(batch.values) if isinstance(keys, bytes) else keys
                for key, value in zip(keys, batch.values, strict=True):
                    appended = START_MS + number * APART_MS
                    log.append(batch.topic, batch.partition, appended, value, key)
    for job in ("netting", "regulatory"):
        for shard in range(partitions):
            _fold(log, job, Config(partitions=partitions), shard)
    return log


def _fold(log: MemoryLog, name: str, config: Config, shard: int) -> None:
    """Run a job over one shard and append what it writes, at the end of each slice."""
    job = JOBS[name](config)
    feeds = [feed.topic for feed in job.feeds]
    folding = Shard(job, shard, {})
    for slice_end, messages, words in slices(feeds, log.partition(feeds, shard), job.slice_ms):
        for result in folding.fold(slice_end, messages, words).results:
            log.append(result.topic, shard, slice_end, result.value, result.key)


def chain_of(log: MemoryLog, shard: int) -> list[bytes]:
    """The messages of a shard's chain."""
    return events(InMemory(log).read(TOPIC, shard))[1]


def with_chain(messages: list[bytes], shard: int) -> MemoryLog:
    """A log that holds nothing but these messages as a shard's chain."""
    log = MemoryLog()
    n = len(messages)
    log.spans[TOPIC, shard] = Span(list(range(n)), [START_MS] * n, [b"k"] * n, list(messages))
    return log
