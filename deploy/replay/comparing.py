"""Two runs of a job side by side: each record, and the hash chain over each topic of each shard.

Both sides are read in order and never held as a whole. What lies before the compared stretch goes
into the chains, since these begin with the log, and is not compared.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import accumulate

from connectors.log import SpanSource
from connectors.spec import JobSpec, partitions_of_results
from connectors.written import Pair, Place, own_pairs, places_of_results
from deploy.replay.recorded import Batch
from schemas.merkle import GENESIS, leaf_hash, link

Records = Callable[[str, int], Iterator[Pair]]
"""The records of a shard in a topic partition, in order."""

WINDOW = 100_000
"""Offsets read at a time."""


@dataclass(frozen=True)
class Stretch:
    """What is compared of a shard.

    Attributes:
        batches: The recorded batches from the log's start to the stretch's end.
        begin: Number of the first one that is compared.
        counts: Records that each batch of the second run wrote, by topic, all copies counted.
    """

    batches: Sequence[Batch]
    begin: int
    counts: Sequence[Mapping[str, int]]


@dataclass(frozen=True)
class Difference:
    """The first record of a topic shard that is not the same; None stands for no record.

    Attributes:
        partition: The partition it stands in.
        batch: The recorded batch it belongs to, as the second run counts; None if there is none.
    """

    topic: str
    shard: int
    partition: int
    position: int
    batch: Batch | None
    recorded: Pair | None
    replayed: Pair | None


@dataclass(frozen=True)
class Compared:
    """One topic of one shard, in one of the partitions that the shard writes to.

    Attributes:
        partition: That partition.
        records: How many the second run has, from the log's start.
        compared: How many of them lie in the compared stretch.
        octets: Bytes of their values.
        recorded: Head of the chain over as many records of the first run; None if not looked at.
        replayed: Head of the chain over those of the second.
        difference: The first one; None if there is none.
    """

    topic: str
    shard: int
    partition: int
    records: int
    compared: int
    octets: int
    recorded: bytes | None
    replayed: bytes
    difference: Difference | None

    @property
    def equal(self) -> bool:
        """Whether no compared record differs."""
        return self.difference is None


def pairs(
    source: SpanSource, ends: tuple[int, int], job: JobSpec, place: Place, shard: int
) -> Iterator[Pair]:
    """The records a shard of a job wrote to a topic partition, window by window."""
    low, high = ends
    topic, partition = place
    for start in range(low, high, WINDOW):
        span = source.read(topic, partition, start, min(start + WINDOW, high))
        yield from own_pairs(job, topic, shard, span)


def compare_shard(
    job: JobSpec,
    shard: int,
    stretch: Stretch,
    replayed: Records,
    recorded: Records | None,
) -> list[Compared]:
    """Compare every topic the job writes; without `recorded` only chain what the second run wrote.

    Where every partition has a copy, each copy is compared by itself. A topic may hold more than
    the stretch on the recorded side: that is not looked at. Whether the second run wrote less than
    it should is seen in its batch indexes, which say how many they are.
    """
    return [
        _Topic(job, place, shard, stretch).compare(replayed(*place), recorded and recorded(*place))
        for place in places_of_results(job, shard)
    ]


class _Topic:
    """One topic of one shard, in one partition."""

    def __init__(self, job: JobSpec, place: Place, shard: int, stretch: Stretch) -> None:
        topic, self.partition = place
        self.topic = topic
        self.shard = shard
        self.batches = stretch.batches
        copies = len(partitions_of_results(job, topic, shard))
        self.ends = list(accumulate(counts.get(topic, 0) // copies for counts in stretch.counts))
        before = min(stretch.begin, len(self.ends))
        self.begin = self.ends[before - 1] if before else 0
        self.is_index = topic == f"{job.name}.batches"

    def compare(self, replayed: Iterator[Pair], recorded: Iterator[Pair] | None) -> Compared:
        ours, theirs = Chain(), Chain()
        octets = 0
        found: Difference | None = None
        for have in replayed:
            position = ours.length
            want = have if recorded is None else next(recorded, None)
            same = want == have and ours.head == theirs.head
            ours.add(have[1])
            if same:
                theirs = copy(ours)
            elif want is not None:
                theirs.add(want[1])
            octets += len(have[1]) if position >= self.begin else 0
            if found is None and want != have and position >= self.begin:
                found = self._difference(position, want, have)
        lacking = self.is_index and ours.length < len(self.batches)
        if found is None and recorded is not None and lacking:
            found = self._difference(ours.length, next(recorded, None), None)
        compared = max(0, ours.length - self.begin)
        head = None if recorded is None else theirs.head
        place = self.topic, self.shard, self.partition
        return Compared(*place, ours.length, compared, octets, head, ours.head, found)

    def _difference(self, position: int, want: Pair | None, have: Pair | None) -> Difference:
        number = position if self.is_index else bisect_right(self.ends, position)
        batch = self.batches[min(number, len(self.batches) - 1)] if self.batches else None
        return Difference(self.topic, self.shard, self.partition, position, batch, want, have)


@dataclass
class Chain:
    """The running hash chain over messages: its length and its head."""

    length: int = 0
    head: bytes = GENESIS

    def add(self, message: bytes) -> None:
        """Chain one more message."""
        self.head = link(self.head, self.length, leaf_hash(message))
        self.length += 1
