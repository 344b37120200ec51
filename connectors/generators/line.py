"""One topic's side of a run: gives events their partition and sequence, and their bytes."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from connectors.generators.arrays import Ints
from connectors.generators.draw import stream
from connectors.generators.faults import GAPS
from connectors.generators.feed import Plan
from connectors.generators.inject import BROKEN, Spoilt, damage, inject, untouched
from connectors.topics import TOPICS, partitions_of
from schemas.codec import encode_frame
from schemas.records import record

COPIED = frozenset({"venue.controls", "owner.links", "instrument.links"})
"""Topics of which every partition gets a copy of each record, whatever its key."""


@dataclass(frozen=True)
class Queue:
    """A block's messages for one topic partition; `unit` says with which unit each is sent."""

    topic: str
    partition: int
    unit: Ints
    keys: list[bytes]
    values: list[bytes | None]


class Line:
    """What is remembered of one topic between the blocks of a run.

    Sequences are given per topic partition, from 0 and without a gap but for those that unusable
    extra messages take (connectors.generators.faults).
    """

    def __init__(self, topic: str, producer: str, plan: Plan, start: int) -> None:
        """Begin a topic: nothing sent yet but a tick dated `start` to each partition."""
        self.topic = topic
        self.producer = producer
        self.plan = plan
        self.record = record(TOPICS[topic].record)
        self.key = TOPICS[topic].key or ""
        self._next = np.zeros(plan.partitions, dtype=np.int64)
        self._gaps = np.zeros(plan.partitions, dtype=np.int64)
        self._greatest = np.full(plan.partitions, start, dtype=np.int64)

    def partitions(self, frame: pl.DataFrame) -> Ints:
        """The partition of each record, by its key."""
        return partitions_of(frame[self.key], self.plan.partitions)

    def encode(
        self, frame: pl.DataFrame, block: int, spoil: bool
    ) -> tuple[list[Queue], pl.DataFrame]:
        """Messages of a block of events in order of `unit`, and labels of what was done to them.

        Every message has the key of the event it is, or was made from, and so its partition; of
        what is `COPIED` each partition gets one. Records that `inject.BROKEN` does not know are
        never spoilt.
        """
        if self.topic in COPIED:
            everywhere = np.arange(self.plan.partitions)
            partition = np.tile(everywhere, frame.height)
            frame = frame[np.repeat(np.arange(frame.height), len(everywhere))]
        else:
            partition = self.partitions(frame)
        order = np.argsort(partition, kind="stable")
        frame = frame[order].with_columns(shard=pl.Series(partition[order]))
        rng = stream(self.plan.seed, f"faults {self.topic}", block)
        spoil = spoil and self.record.name in BROKEN
        spoilt = self._spoil(frame, rng) if spoil else untouched(frame)
        partition = spoilt.frame["shard"].to_numpy()
        bounds = np.searchsorted(partition, np.arange(self.plan.partitions + 1))
        sequence = self._number(spoilt, bounds)
        final = spoilt.frame.with_columns(
            producer=pl.lit(self.producer), sequence=pl.Series(sequence)
        )
        values: list[bytes | None] = list(encode_frame(self.record, final))
        damaged = (spoilt.kind == "malformed") | (spoilt.kind == "unknown-schema")
        for row in np.flatnonzero(damaged).tolist():
            values[row] = damage(values[row] or b"", spoilt.kind[row], spoilt.note[row], rng)
        keys = frame[self.key].gather(spoilt.source).cast(pl.Binary).to_list()
        unit = final["unit"].to_numpy()
        queues = [
            Queue(self.topic, p, unit[a:b], keys[a:b], values[a:b])
            for p, (a, b) in enumerate(pairwise(bounds.tolist()))
        ]
        return queues, self._labels(final, spoilt)

    def _spoil(self, frame: pl.DataFrame, rng: np.random.Generator) -> Spoilt:
        room = self.plan.lateness - self.plan.jitter
        return inject(
            frame, self.record, self.plan.faults, rng, self._greatest, self.plan.lateness, room
        )

    def _number(self, spoilt: Spoilt, bounds: Ints) -> Ints:
        """Producer sequence of each message: the next of its partition, or its source's."""
        own = spoilt.numbered.copy()
        lost = own & spoilt.extra
        sequence = np.empty(len(own), dtype=np.int64)
        for p, (a, b) in enumerate(pairwise(bounds.tolist())):
            beyond = np.flatnonzero(lost[a:b])[GAPS - self._gaps[p] :]
            own[a + beyond] = False
            self._gaps[p] += lost[a:b].sum() - len(beyond)
            counted = np.cumsum(own[a:b])
            sequence[a:b] = self._next[p] + counted - 1
            self._next[p] += own[a:b].sum()
        return np.where(own, sequence, sequence[~spoilt.extra][spoilt.source])

    def _labels(self, frame: pl.DataFrame, spoilt: Spoilt) -> pl.DataFrame:
        """A row for each event that was tampered with, but for its time."""
        rows = np.flatnonzero(spoilt.kind != "")
        picked = frame[rows]
        return picked.select(
            event_id=pl.col(self.record.id or ""),
            topic=pl.lit(self.topic),
            partition=pl.col("shard").cast(pl.Int32),
            kind=pl.Series(spoilt.kind[rows], dtype=pl.String),
            event_sequence=pl.col("sequence"),
            note=pl.Series(spoilt.note[rows], dtype=pl.String),
            unit=pl.col("unit"),
        )
