"""Is what a job wrote what its recorded input gives? Folds the log again and compares.

The batch index of each shard says how far the job has read; up to there the log is read by offset,
cut into the same slices and folded by the same pure half of the engine. Compared are key and value
of every record of every output topic, in order, shard by shard.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.log import Span, fold_shard
from connectors.reader import LogReader
from connectors.spec import JobSpec
from connectors.topics import TICK_KEY
from connectors.written import Pair, Place, own_pairs, places_of_results, results_by_place
from schemas.codec import decode

_RANGE = re.compile(r"([^:;]+):(\d+)-(\d+)")


@dataclass(frozen=True)
class Difference:
    """The first record of a shard that is not what it should be; None stands for no record."""

    topic: str
    shard: int
    partition: int
    position: int
    expected: bytes | None
    found: bytes | None

    def __str__(self) -> str:
        """One line for people."""
        there = "" if self.partition == self.shard else f" in partition {self.partition}"
        return (
            f"{self.topic} shard {self.shard}{there} record {self.position}: "
            f"expected {_shown(self.expected)}, found {_shown(self.found)}"
        )


@dataclass(frozen=True)
class Comparison:
    """What was compared, and the first difference of each shard in each topic partition."""

    records: int
    octets: int
    differences: list[Difference]

    @property
    def equal(self) -> bool:
        """True if nothing differs."""
        return not self.differences


def covered(batches: Span) -> dict[str, int]:
    """How far a shard has read: the offset after the last one its batch indexes name, by topic."""
    ends: dict[str, int] = {}
    for value in data(batches):
        ends |= ends_of(decode(value)[1]["ranges"])
    return ends


def ends_of(ranges: str) -> dict[str, int]:
    """The offset after the last one of each topic in a batch index's `ranges`."""
    return {topic: int(last) + 1 for topic, _, last in _RANGE.findall(ranges)}


def data(span: Span) -> Iterator[bytes]:
    """The values of a span without its ticks."""
    for key, value in zip(span.keys, span.values, strict=True):
        if key != TICK_KEY and value is not None:
            yield value


def compare(
    job: JobSpec, brokers: str, prefix: str = "", out_prefix: str | None = None
) -> Comparison:
    """Compare all that `job` has written with what its input gives, up to where it has read.

    The job may go on meanwhile: each output topic must then hold at least what the batches known
    before it was read give, and nothing but what those known afterwards give.
    """
    source = LogReader(brokers, prefix)
    sink = LogReader(brokers, prefix if out_prefix is None else out_prefix)
    shards = [_compare_shard(job, shard, source, sink) for shard in range(job.partitions)]
    source.close()
    sink.close()
    return Comparison(
        sum(part.records for part in shards),
        sum(part.octets for part in shards),
        [difference for part in shards for difference in part.differences],
    )


def _compare_shard(job: JobSpec, shard: int, source: LogReader, sink: LogReader) -> Comparison:
    index = f"{job.name}.batches"
    least = sum(1 for _ in data(sink.read(index, shard)))
    found = {
        (topic, partition): own_pairs(job, topic, shard, sink.read(topic, partition))
        for topic, partition in places_of_results(job, shard)
    }
    until = covered(sink.read(index, shard))
    folded = list(fold_shard(job, shard, source.shard([f.topic for f in job.feeds], shard, until)))
    least_of, expected = results_by_place(job, folded[:least]), results_by_place(job, folded)
    differences = [
        difference
        for place, pairs in found.items()
        for difference in _difference(
            place, shard, expected.get(place, []), pairs, len(least_of.get(place, []))
        )
    ]
    octets = sum(len(value) for pairs in found.values() for _, value in pairs)
    return Comparison(sum(map(len, found.values())), octets, differences)


def _difference(
    place: Place, shard: int, expected: list[Pair], found: list[Pair], least: int
) -> Iterator[Difference]:
    """The first record that is missing, too much, or not equal."""
    for position in range(max(least, len(found))):
        want = expected[position] if position < len(expected) else None
        have = found[position] if position < len(found) else None
        if want != have:
            topic, partition = place
            yield Difference(topic, shard, partition, position, want and want[1], have and have[1])
            return


def _shown(value: bytes | None) -> str:
    if value is None:
        return "no record"
    try:
        record, row = decode(value)
    except ValueError:
        return value[:40].hex()
    return f"{record.name} {row}"
