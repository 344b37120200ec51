"""What one shard of a job wrote: where it stands, and which records of a topic are its own.

Most result topics have one writer a partition. A topic that several jobs write to, or that all
shards of a job write to one partition of, has records of others in between; `producer` tells.
"""

from connectors.log import Span
from connectors.spec import JobSpec
from connectors.topics import KNOWN, TICK_KEY
from schemas.codec import decode_batch
from schemas.records import record

Pair = tuple[bytes, bytes]
"""Key and value of a message."""


def partition_of_results(job: JobSpec, topic: str, shard: int) -> int:
    """The partition to which a shard's results on a topic go."""
    return 0 if topic in job.gathered else shard


def own_pairs(job: JobSpec, topic: str, shard: int, span: Span) -> list[Pair]:
    """The records of `span`, read where the shard writes, that are its own; no ticks."""
    pairs = [
        (key or b"", value or b"")
        for key, value in zip(span.keys, span.values, strict=True)
        if key != TICK_KEY
    ]
    if not pairs or not (KNOWN[topic].shared or topic in job.gathered):
        return pairs
    frame, index, _ = decode_batch(record(KNOWN[topic].record), [value for _, value in pairs])
    mine = (frame["producer"] == f"{job.name}/{shard}").to_list()
    return [pairs[i] for i, own in zip(index.tolist(), mine, strict=True) if own]
