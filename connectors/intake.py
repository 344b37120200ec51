"""The edge of a job: from one topic's messages of a batch to the events the step may trust.

In this order, each a function of the log: decode, check the schema's rules, refuse what is dated
too far ahead, tell repeats, mark what is late, sort. What is refused becomes a dead letter with its
reason and place.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import polars as pl

from connectors import duplicates
from connectors.duplicates import Duplicates
from connectors.layout import Array
from connectors.spec import Feed
from connectors.state import ColumnTable
from schemas.checks import violations
from schemas.codec import decode_batch
from schemas.merkle import leaf_hashes
from schemas.records import Record
from schemas.step import MIN_TIME, TableSpec

TABLES: Mapping[str, TableSpec] = {
    **duplicates.TABLES,
    "engine.feeds": TableSpec({"topic": "str", "greatest": "int", "tick": "int"}, "topic", 2),
}
"""`engine.feeds` stands for the form of places too (connectors.places): savepoints hold some."""
_REFUSALS = {
    duplicates.CONFLICT: "conflicting-duplicate: this sequence came before with another body",
    duplicates.GAPS_FULL: "gap-list-full: the sequence has more gaps than are remembered",
    duplicates.JUMP: "sequence-jump: the sequence is too far above the producer's highest",
    duplicates.PRODUCERS_FULL: "too-many-producers: the partition remembers no further producer",
}


@dataclass(frozen=True)
class Dead:
    """A refused message: why, and where it stands."""

    topic: str
    offset: int
    appended: int
    reason: str
    payload: bytes


@dataclass(frozen=True)
class Arrival:
    """One topic's part of a batch in log order; `appended` in milliseconds UTC."""

    offset: Array
    appended: Array
    tick: Array
    messages: Sequence[bytes | None]


@dataclass
class Intake:
    """What came of it: events for the step, dead letters, counts, and the leaf of every record."""

    frame: pl.DataFrame
    leaves: list[bytes]
    dead: list[Dead] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def take_in(feed: Feed, arrival: Arrival, tables: Mapping[str, ColumnTable]) -> Intake:
    """Judge one topic's messages; the partition's engine tables follow."""
    return _Judge(feed, arrival, tables).run()


class _Judge:
    """One pass over one topic's part of a batch."""

    def __init__(self, feed: Feed, arrival: Arrival, tables: Mapping[str, ColumnTable]) -> None:
        self.feed = feed
        self.rec: Record = feed.record
        self.tables = tables
        self.at = np.flatnonzero(~arrival.tick)  # positions of records in the arrival
        self.arrival = arrival
        self.messages = _without(arrival.messages, arrival.tick)
        self.leaves = leaf_hashes(self.messages)
        self.dead: list[Dead] = []
        self.counts: Counter[str] = Counter(
            records=len(self.at), ticks=len(arrival.tick) - len(self.at)
        )
        marks = tables["engine.feeds"]
        self.greatest = marks.get(feed.topic, "greatest", MIN_TIME)
        self.tick = self.tick_before = marks.get(feed.topic, "tick", MIN_TIME)

    def run(self) -> Intake:
        tick_at, tick_time = self._ticks()
        if not self.messages:
            return self._only_ticks(tick_time)
        frame, records = self._decoded()
        if self.rec.time is not None:
            frame, records = self._refuse_ahead(frame, records, tick_at, tick_time)
        if self.rec.producer is not None and self.rec.sequence is not None:
            frame, records = self._refuse_repeats(frame, records)
        frame = self._mark_late(frame, records, tick_at, tick_time)
        self._remember()
        self.counts["used"] = frame.height
        self.counts["late"] = int(frame["late"].sum())
        self.counts["dead"] = len(self.dead)
        self.dead.sort(key=lambda d: d.offset)
        return Intake(self._finished(frame, records), self.leaves, self.dead, self.counts)

    def _only_ticks(self, tick_time: Array) -> Intake:
        self.greatest = max([self.greatest, *tick_time.tolist()])
        self._remember()
        self.counts["dead"] = len(self.dead)
        return Intake(pl.DataFrame(), self.leaves, self.dead, self.counts)

    def _refuse(self, record: int, reason: str) -> None:
        """Make the dead letter of the record at this position among the records."""
        at = self.at[record]
        place = int(self.arrival.offset[at]), int(self.arrival.appended[at])
        self.dead.append(Dead(self.feed.topic, *place, reason, self.messages[record] or b""))

    def _ticks(self) -> tuple[Array, Array]:
        """Positions and business times of the ticks that carry one, bad ticks refused."""
        at, times = [], []
        for i in np.flatnonzero(self.arrival.tick).tolist():
            value = self.arrival.messages[i] or b""
            if not value:
                continue
            time = int.from_bytes(value, "big", signed=True)
            reference = (
                self.tick if self.tick != MIN_TIME else int(self.arrival.appended[i]) * 1_000
            )
            if len(value) != 8 or time > reference + self.feed.tick_ahead:
                place = int(self.arrival.offset[i]), int(self.arrival.appended[i])
                self.dead.append(
                    Dead(self.feed.topic, *place, "bad-tick: no time, or too far ahead", value)
                )
                self.counts["ticks"] -= 1
                self.counts["records"] += 1
                continue
            self.tick = max(self.tick, time)
            at.append(i)
            times.append(self.tick)
        return np.array(at, dtype=np.int64), np.array(times, dtype=np.int64)

    def _decoded(self) -> tuple[pl.DataFrame, Array]:
        """The rows that keep their schema's rules, and the record each of them is."""
        frame, records, rejected = decode_batch(self.rec, self.messages)
        for bad in rejected:
            self._refuse(bad.index, bad.reason)
        broken = violations(self.rec, frame)
        for bad in broken:
            self._refuse(int(records[bad.index]), bad.reason)
        keep = np.ones(frame.height, dtype=bool)
        keep[[bad.index for bad in broken]] = False
        return _kept(frame, records, keep)

    def _field(self, name: str | None) -> str:
        """A role that the record is known to have."""
        if name is None:
            raise TypeError(f"{self.rec.name} lacks a role that its caller checked for")
        return name

    def _refuse_ahead(
        self, frame: pl.DataFrame, records: Array, tick_at: Array, tick_time: Array
    ) -> tuple[pl.DataFrame, Array]:
        at = self.at[records]
        last = np.concatenate([[self.tick_before], tick_time])[np.searchsorted(tick_at, at)]
        reference = np.where(last == MIN_TIME, self.arrival.appended[at] * 1_000, last)
        ahead = frame[self._field(self.rec.time)].to_numpy() > reference + self.feed.ahead
        for record in records[ahead].tolist():
            self._refuse(record, "too-far-ahead: dated beyond what the last tick allows")
        return _kept(frame, records, ~ahead)

    def _refuse_repeats(self, frame: pl.DataFrame, records: Array) -> tuple[pl.DataFrame, Array]:
        judge = Duplicates(self.tables)
        bodies = (
            np.frombuffer(b"".join(self.leaves), dtype=">i8").reshape(-1, 4)[:, 0].astype(np.int64)
        )
        numbers = frame[self._field(self.rec.sequence)].to_numpy()
        verdicts = np.empty(frame.height, dtype=np.int8)
        for producer, rows in _by_producer(frame[self._field(self.rec.producer)]):
            line = f"{self.feed.topic}\0{producer}"
            verdicts[rows] = judge.judge(line, numbers[rows], bodies[records[rows]])
        self.counts["duplicates"] = int((verdicts == duplicates.REPEAT).sum())
        self.counts["duplicates_unchecked"] = int((verdicts == duplicates.UNCHECKED).sum())
        for verdict, reason in _REFUSALS.items():
            for record in records[verdicts == verdict].tolist():
                self._refuse(record, reason)
        return _kept(frame, records, verdicts == duplicates.FRESH)

    def _mark_late(
        self, frame: pl.DataFrame, records: Array, tick_at: Array, tick_time: Array
    ) -> pl.DataFrame:
        at = self.at[records]
        if self.rec.time is None:
            return frame.with_columns(late=pl.lit(value=False), watermark=pl.lit(MIN_TIME))
        times = frame[self._field(self.rec.time)].to_numpy()
        shown = np.full(len(self.arrival.tick) + 1, MIN_TIME, dtype=np.int64)
        shown[0] = self.greatest
        shown[tick_at + 1] = tick_time
        shown[at + 1] = times
        greatest = np.maximum.accumulate(shown)
        self.greatest = int(greatest[-1])
        before = greatest[at]
        watermark = np.where(before == MIN_TIME, MIN_TIME, before - self.feed.lateness)
        late = pl.Series("late", times < watermark, dtype=pl.Boolean)
        # A record with a flag of this name says that what it rests on came late; a number of this
        # name counts late ones among many and says nothing of the record.
        if frame.schema.get("late") == pl.Boolean:
            late |= frame["late"]
        return with_series(frame, late, pl.Series("watermark", watermark))

    def _remember(self) -> None:
        self.tables["engine.feeds"].put(self.feed.topic, greatest=self.greatest, tick=self.tick)

    def _finished(self, frame: pl.DataFrame, records: Array) -> pl.DataFrame:
        at = self.at[records]
        columns = [
            pl.Series("offset", self.arrival.offset[at]),
            pl.Series("appended", self.arrival.appended[at]),
        ]
        if self.feed.leaves:
            columns.append(pl.Series("leaf", [self.leaves[i] for i in records], dtype=pl.Binary))
        if self.feed.raw:
            columns.append(pl.Series("raw", [self.messages[i] for i in records], dtype=pl.Binary))
        frame = with_series(frame, *columns)
        return frame if self.feed.order == "log" else _sorted(frame, self.rec)


def with_series(frame: pl.DataFrame, *columns: pl.Series) -> pl.DataFrame:
    """`frame` with these columns; polars plans no query unless one stands in for another."""
    if any(column.name in frame.columns for column in columns):
        return frame.with_columns(columns)
    return frame.hstack(list(columns))


def _kept(frame: pl.DataFrame, records: Array, keep: Array) -> tuple[pl.DataFrame, Array]:
    """The rows to keep, and the record each of them is."""
    return (frame, records) if keep.all() else (frame.filter(keep), records[keep])


def _without(messages: Sequence[bytes | None], tick: Array) -> Sequence[bytes | None]:
    """The messages between the ticks; copied in runs, as ticks are few."""
    ticks = np.flatnonzero(tick).tolist()
    if not ticks:
        return messages
    kept: list[bytes | None] = []
    for before, at in pairwise([-1, *ticks, len(messages)]):
        kept += messages[before + 1 : at]
    return kept


def _by_producer(producers: pl.Series) -> list[tuple[str, Array]]:
    """Row numbers of each producer, producers in the order of their names."""
    names = sorted(producers.unique().to_list())
    if len(names) == 1:
        return [(names[0], np.arange(len(producers)))]
    return [(name, np.flatnonzero((producers == name).to_numpy())) for name in names]


def _sorted(frame: pl.DataFrame, rec: Record) -> pl.DataFrame:
    """In order of business time, producer sequence, id.

    Ids are texts and slow to compare: they count only where the rest is equal.
    """
    keys = [k for k in (rec.time, rec.sequence) if k is not None]
    if not keys:
        return frame
    columns = [frame[k].to_numpy() for k in keys]
    order = np.lexsort(columns[::-1])
    frame = frame[order]
    same = np.all([np.diff(column[order]) == 0 for column in columns], axis=0)
    if rec.id is None or not same.any():
        return frame
    return frame.sort([*keys, rec.id, "offset"])
