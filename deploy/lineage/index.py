"""Questions the lineage index answers: events by place, id or subject, and what is behind them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from connectors.layout import Array
from deploy.lineage.found import BatchRow, EdgeRow, Event, Range
from deploy.lineage.layout import open_to_read, remembered
from deploy.lineage.source import Origin
from deploy.log_ids import EventId, RecordId

_EVENT = ", ".join(Event.__dataclass_fields__)
_BATCH = ", ".join(
    f"b.{name}" for name in ("shard", "sequence", *BatchRow.__dataclass_fields__) if name != "event"
)
_NEAR = 20_000
"""Events so close to each other are read at one go."""
_EDGE = ", ".join(EdgeRow.__dataclass_fields__)


class Index:
    """The index of one log, opened to read."""

    def __init__(self, path: Path) -> None:
        """Open it; UserError if it is not there."""
        self._connection = open_to_read(path)

    def __enter__(self) -> Self:
        """Use it as a context."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._connection.close()

    @property
    def origin(self) -> Origin:
        """Where the log is that was indexed."""
        return remembered(self._connection)

    def rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        """What a query of this module's tables gives."""
        found: list[tuple[Any, ...]] = self._connection.execute(query, list(arguments)).fetchall()
        return found

    def events(self, where: str, *arguments: object) -> list[Event]:
        """The events for which `where` holds, in the order of each shard's chain.

        Which they are is asked first, of the few columns that `where` names: to read all columns
        of a long log would take seconds.
        """
        query = f"SELECT shard, sequence FROM events WHERE {where} ORDER BY ALL"
        return [
            Event(*row)
            for shard, places in _runs(self.rows(query, *arguments))
            for row in self.rows(
                f"SELECT {_EVENT} FROM events WHERE shard = ? AND sequence BETWEEN ? AND ? "
                "AND sequence IN (SELECT unnest(?)) ORDER BY sequence",
                *(shard, places[0], places[-1], places),
            )
        ]

    def event(self, at: EventId) -> Event | None:
        """The event at a place of a chain."""
        found = self.events("shard = ? AND sequence = ?", at.shard, at.sequence)
        return found[0] if found else None

    def results(self, ids: Sequence[str], beside: Event | None = None) -> list[Event]:
        """Every event whose result has one of these ids; with `beside` of its shard and time only.

        Results of one cycle have one business time: then no more than their part of the log is
        looked at.
        """
        where, arguments = "id_key IN (SELECT md5_number_lower(unnest(?)))", [list(ids)]
        if beside is not None:
            where = f"shard = ? AND event_time = ? AND {where}"
            return self._named(ids, where, beside.shard, beside.event_time, *arguments)
        return self._named(ids, where, *arguments)

    def _named(self, ids: Sequence[str], where: str, *arguments: object) -> list[Event]:
        wanted = set(ids)
        found = self.events(where, *arguments) if wanted else []
        return [event for event in found if event.result_id in wanted]

    def corrections(self, ids: Sequence[str]) -> list[Event]:
        """The events that correct results with these ids."""
        ids = [name for name in ids if name]
        return self.events("corrects IN (SELECT unnest(?))", ids) if ids else []

    def about(self, name: str) -> list[Event]:
        """The events that name someone or something as subject, other party or scope."""
        found = {
            event.id: event
            for column in ("subject", "party", "scope")
            for event in self.events(
                f"{column}_key = md5_number_lower(?) AND {column} = ?", name, name
            )
        }
        return [found[at] for at in sorted(found, key=lambda at: (at.shard, at.sequence))]

    def stored_at(self, record: RecordId) -> Event | None:
        """The event made of the result that stands there."""
        found = self.events(
            "shard = ? AND source_topic = ? AND source_offset = ?",
            *(record.partition, record.topic, record.offset),
        )
        return found[0] if found else None

    def ranges(self, event: Event) -> list[Range]:
        """The input ranges that an event names."""
        table = "reads" if event.kind == "BatchIndex" else "lineage"
        partition = "shard" if table == "reads" else "partition"
        rows = self.rows(
            f"SELECT topic, {partition}, first, last FROM {table} "
            "WHERE shard = ? AND sequence = ? ORDER BY ALL",
            *(event.shard, event.sequence),
        )
        return [Range(*row) for row in rows]

    def listed(self, chunks: Sequence[Event]) -> dict[int, Array]:
        """Offsets of the obligations that provenance events of one shard list, by sequence."""
        if not chunks:
            return {}
        places = [chunk.sequence for chunk in chunks]
        found = self._connection.execute(
            'SELECT sequence, "offset" FROM behind WHERE shard = ? AND sequence BETWEEN ? AND ? '
            "AND sequence IN (SELECT unnest(?)) ORDER BY ALL",
            [chunks[0].shard, min(places), max(places), places],
        ).fetchnumpy()
        sequences, starts = np.unique(np.asarray(found["sequence"]), return_index=True)
        parts = np.split(np.asarray(found["offset"], dtype=np.int64), starts[1:])
        return dict(zip(sequences.tolist(), parts, strict=False))

    def listing(self, partition: int, offset: int) -> list[Event]:
        """The provenance events that list an obligation."""
        rows = self.rows(
            'SELECT sequence FROM behind WHERE shard = ? AND "offset" = ?', partition, offset
        )
        return [
            event
            for (sequence,) in rows
            for event in self.events("shard = ? AND sequence = ?", partition, sequence)
        ]

    def resting_on(self, record: RecordId) -> list[tuple[Event, Range]]:
        """Events but of nets whose named input holds the record, and the range that does."""
        rows = self.rows(
            "SELECT shard, sequence, topic, partition, first, last FROM lineage "
            "WHERE topic = ? AND partition = ? AND ? BETWEEN first AND last",
            *(record.topic, record.partition, record.offset),
        )
        found = {(shard, sequence): Range(*of) for shard, sequence, *of in rows}
        events = [
            event
            for shard, places in _runs(sorted(found))
            for event in self.events(
                "shard = ? AND sequence BETWEEN ? AND ? AND kind <> 'NetPosition' "
                "AND sequence IN (SELECT unnest(?))",
                *(shard, places[0], places[-1], places),
            )
        ]
        return [(event, found[event.shard, event.sequence]) for event in events]

    def reading(self, record: RecordId) -> list[BatchRow]:
        """The batches that read a record, one for each job that did."""
        return self._batches(
            "JOIN reads r USING (shard, sequence) "
            "WHERE r.shard = ? AND r.topic = ? AND ? BETWEEN r.first AND r.last",
            *(record.partition, record.topic, record.offset),
        )

    def batches_of(self, job: str, found: Range) -> tuple[int, BatchRow, BatchRow] | None:
        """How many batches of a job read of a range, the first and the last; None if none did."""
        rows = self.rows(
            "SELECT count(*), min(batch), max(batch) FROM reads "
            "WHERE job = ? AND shard = ? AND topic = ? AND first <= ? AND last >= ?",
            *(job, found.partition, found.topic, found.last, found.first),
        )
        count, least, most = rows[0]
        if not count:
            return None
        where = "WHERE b.job = ? AND b.shard = ? AND b.batch IN (?, ?)"
        ends = self._batches(where, job, found.partition, least, most)
        return count, ends[0], ends[-1]

    def writing(self, edge: EdgeRow) -> BatchRow | None:
        """The batch of the graph that wrote an edge; None if its index is not chained yet.

        Edges are numbered in the order of writing, and a batch's `outputs` are its edges and its
        dead letters.
        """
        rows = self.rows(
            "SELECT batch FROM (SELECT batch, sum(outputs - dead) OVER (ORDER BY batch) AS written "
            "FROM batches WHERE job = 'graph' AND shard = ?) WHERE written > ? "
            "ORDER BY batch LIMIT 1",
            *(edge.shard, edge.sequence),
        )
        if not rows:
            return None
        where = "WHERE b.job = 'graph' AND b.shard = ? AND b.batch = ?"
        return self._batches(where, edge.shard, rows[0][0])[0]

    def edges(self, where: str, *arguments: object) -> list[EdgeRow]:
        """The edges for which `where` holds."""
        query = f"SELECT {_EDGE} FROM edges WHERE {where} ORDER BY shard, log_offset"
        return [EdgeRow(*row) for row in self.rows(query, *arguments)]

    def indexed(self) -> dict[int, tuple[int, int | None]]:
        """By partition of `regulatory.events`: next offset, and append time of the last record."""
        query = "SELECT partition, next, appended FROM progress WHERE topic = 'regulatory.events'"
        return {partition: (following, at) for partition, following, at in self.rows(query)}

    def _batches(self, rest: str, *arguments: object) -> list[BatchRow]:
        query = f"SELECT {_BATCH} FROM batches b {rest} ORDER BY b.job, b.batch"
        rows = self.rows(query, *arguments)
        return [BatchRow(EventId(shard, sequence), *of) for shard, sequence, *of in rows]


def _runs(places: Sequence[tuple[int, int]]) -> list[tuple[int, list[int]]]:
    """Places (shard, sequence), ascending, as runs of one shard without large gaps."""
    runs: list[tuple[int, list[int]]] = []
    for shard, sequence in places:
        if runs and runs[-1][0] == shard and sequence - runs[-1][1][-1] < _NEAR:
            runs[-1][1].append(sequence)
        else:
            runs.append((shard, [sequence]))
    return runs
