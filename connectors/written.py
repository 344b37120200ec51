"""What one shard of a job wrote: where it stands, and which records of a topic are its own.

Most result topics have one writer a partition. A topic that several jobs write to, or in which all
shards of a job write to the same partitions, has records of others in between; `producer` tells.
"""

from collections.abc import Iterable

from connectors.batches import Folded
from connectors.log import Span
from connectors.spec import JobSpec, partitions_of_results
from connectors.topics import KNOWN, TICK_KEY, shard_key
from schemas.codec import decode_batch
from schemas.records import record

Pair = tuple[bytes, bytes]
"""Key and value of a message."""
Place = tuple[str, int]
"""Topic and partition."""


def places_of_results(job: JobSpec, shard: int) -> list[Place]:
    """Every topic partition that a shard writes to, by topic."""
    return [
        (topic, partition)
        for topic in job.outputs
        for partition in partitions_of_results(job, topic, shard)
    ]


def results_by_place(job: JobSpec, folded: Iterable[Folded]) -> dict[Place, list[Pair]]:
    """What a shard wrote, topic partition by topic partition in order."""
    partitions = {shard_key(number, job.partitions): number for number in range(job.partitions)}
    out: dict[Place, list[Pair]] = {}
    for batch in folded:
        for result in batch.results:
            place = result.topic, partitions[result.key]
            out.setdefault(place, []).append((result.key, result.value))
    return out


def own_pairs(job: JobSpec, topic: str, shard: int, span: Span) -> list[Pair]:
    """The records of `span`, read where the shard writes, that are its own; no ticks."""
    pairs = [
        (key or b"", value or b"")
        for key, value in zip(span.keys, span.values, strict=True)
        if key != TICK_KEY
    ]
    if not pairs or not (KNOWN[topic].shared or topic in job.gathered | job.spread):
        return pairs
    frame, index, _ = decode_batch(record(KNOWN[topic].record), [value for _, value in pairs])
    mine = (frame["producer"] == f"{job.name}/{shard}").to_list()
    return [pairs[i] for i, own in zip(index.tolist(), mine, strict=True) if own]
