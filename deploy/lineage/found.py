"""What the lineage index holds, row by row: events, input ranges, batches, edges."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from deploy.log_ids import EventId, RecordId
from schemas.codec import CodecError, decode


@dataclass(frozen=True)
class Event:
    """One event of the regulatory log.

    Attributes:
        shard: Its partition, and so that of the result and of the result's input.
        sequence: Its place in the shard's chain.
        kind: Record name of the result.
        result_id: The result's own id; empty if it has none.
        subject: Whom or what it is about.
        event_time: Business time, microseconds UTC.
        appended: When the event was stored, milliseconds UTC.
        log_offset: Its offset in `regulatory.events`.
        source_topic: Topic of the result; partition and offset follow.
        result_version: Decision version of the job that made the result.
        decided_by: Rule set or model that decided; empty if none did.
        corrects: Id of the first version it corrects; empty if it is the first.
        payload: The result's message; empty for batch indexes and provenance.
    """

    shard: int
    sequence: int
    kind: str
    result_id: str
    subject: str
    event_time: int
    appended: int
    log_offset: int
    source_topic: str
    source_partition: int
    source_offset: int
    result_version: str
    decided_by: str
    corrects: str
    payload: bytes

    @property
    def id(self) -> EventId:
        """As a person writes it."""
        return EventId(self.shard, self.sequence)

    @property
    def source(self) -> RecordId:
        """Where the result itself stands."""
        return RecordId(self.source_topic, self.source_partition, self.source_offset)

    @property
    def root(self) -> str:
        """What all versions of the result have in common: the id of the first, or its place."""
        return self.corrects or self.result_id or str(self.id)

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The result's fields; empty if its message is not in the index."""
        try:
            return decode(self.payload)[1]
        except CodecError:
            return {}


@dataclass(frozen=True)
class Range:
    """Input offsets, first and last included."""

    topic: str
    partition: int
    first: int
    last: int


@dataclass(frozen=True)
class BatchRow:
    """One batch of a job, by its index; `event` is that index's place in the regulatory log."""

    event: EventId
    job: str
    batch: int
    slice_end: int
    records: int
    used: int
    duplicates: int
    late: int
    dead: int
    outputs: int
    version: str


@dataclass(frozen=True)
class EdgeRow:
    """One edge of the graph, as `graph.edges` holds it."""

    shard: int
    log_offset: int
    sequence: int
    edge_id: str
    source: str
    target: str
    asset: str
    window_end: int
    count: int
    topic: str
    first: int
    last: int
