"""What the engine must know of a job: feeds, step, tables, results, length of a slice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from connectors.places import MAX_SLICE_MS, MAX_TOPICS
from connectors.topics import KNOWN
from schemas.records import Record, record
from schemas.step import Step, TableSpec

SECOND = 1_000_000


@dataclass(frozen=True)
class Feed:
    """One input topic and how its records are judged.

    Attributes:
        topic: Logical topic name, as in connectors.topics.
        lateness: How far behind the greatest business time an event is not yet late, microseconds.
        ahead: How far before the last tick (without one: the append time) an event may be dated,
            microseconds; beyond it the event is a dead letter, so that a record dated 2099 does not
            make all others late.
        tick_ahead: The same for ticks, against the tick before.
        order: `time` sorts by (business time, producer sequence, id), `log` by (append time,
            offset).
        leaves: Give the step each record's RFC 9162 leaf hash.
        raw: Give the step each record's message.
    """

    topic: str
    lateness: int = 5 * SECOND
    ahead: int = 3_600 * SECOND
    tick_ahead: int = 7 * 86_400 * SECOND
    order: Literal["time", "log"] = "time"
    leaves: bool = False
    raw: bool = False

    @property
    def record(self) -> Record:
        """The schema of the topic's records, newest version."""
        return record(KNOWN[self.topic].record)


@dataclass(frozen=True)
class JobSpec:
    """A job without its ends.

    Attributes:
        name: Also its uid and the first part of its own topics' names.
        feeds: Its input topics, in a fixed order.
        step: What is decided on each batch.
        tables: Layout of the step's state.
        results: Logical topics the step writes.
        version: Decision version: changes when, and only when, results do.
        slice_ms: Length of a slice of log time, milliseconds.
        partitions: Partitions of every topic.
        schema_ids: Ids a registry gave, by record and version; empty: those of schemas/ids.json.
        gathered: Result topics all of whose records go to one partition, that of shard 0.
        spread: Result topics of which a copy of each record goes to every partition.
        effect_on: The result topic whose batches an effect beside Kafka takes, such as Neo4j.
    """

    name: str
    feeds: tuple[Feed, ...]
    step: Step
    tables: Mapping[str, TableSpec]
    results: tuple[str, ...]
    version: str
    slice_ms: int = 1_000
    partitions: int = 4
    schema_ids: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    effect_on: str | None = None
    gathered: frozenset[str] = frozenset()
    spread: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Check what would otherwise fail in a worker."""
        if not 1 <= self.slice_ms <= MAX_SLICE_MS:
            raise ValueError(f"slice of {self.slice_ms} ms: 1 to {MAX_SLICE_MS} are possible")
        if not 1 <= len(self.feeds) <= MAX_TOPICS:
            raise ValueError(f"{len(self.feeds)} feeds: a job reads 1 to {MAX_TOPICS} topics")
        read = [feed.topic for feed in self.feeds]
        if twice := sorted({topic for topic in read if read.count(topic) > 1}):
            raise ValueError(f"feeds {twice} are read twice: name each topic once")
        unknown = [t for t in (*self.results, *(f.topic for f in self.feeds)) if t not in KNOWN]
        if unknown:
            raise ValueError(f"unknown topics {unknown}: declare them in connectors.topics")
        if both := sorted(self.gathered & self.spread):
            raise ValueError(f"{both} cannot be both in one partition and in all")
        if strange := sorted((self.gathered | self.spread) - set(self.results)):
            raise ValueError(f"{strange} are no results of the job: only those are placed")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Every topic the job writes: its results, dead letters and batch index."""
        return (*self.results, f"{self.name}.dead", f"{self.name}.batches")


def partitions_of_results(job: JobSpec, topic: str, shard: int) -> tuple[int, ...]:
    """The partitions to which each of a shard's records on a topic goes."""
    if topic in job.gathered:
        return (0,)
    return tuple(range(job.partitions)) if topic in job.spread else (shard,)
