"""The pure half of the engine: folds the batches of one partition, with nothing of Flink in it.

A batch is what a partition's topics hold in one slice of log time. `Shard.fold` judges it
(connectors.intake), calls the domain's step, encodes what the step says and closes with the batch
index. The Flink operator, the oracle and the backtest all call it, so that they agree to the byte.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors import intake
from connectors.intake import Arrival, Dead, Intake, take_in, with_series
from connectors.layout import Array
from connectors.places import unpack
from connectors.spec import Feed, JobSpec, partitions_of_results
from connectors.store import Blobs, TableStore
from connectors.topics import KNOWN, shard_key
from schemas.codec import encode, encode_frame
from schemas.merkle import leaf_hashes, root
from schemas.records import Record, record
from schemas.step import MIN_TIME, Clock, Outputs, TableSpec

MAX_PAYLOAD = 65_536
"""A dead letter carries at most so many bytes of the message, and the hash of all of it."""

_RESULTS = {"engine.results": TableSpec({"topic": "str", "next": "int"}, "topic")}
COUNTS = ("records", "used", "duplicates", "duplicates_unchecked", "late", "dead", "ticks")
"""What a batch index counts: records = used + duplicates + duplicates_unchecked + dead."""


@dataclass(frozen=True)
class Result:
    """One message to be written: logical topic, key and value."""

    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True)
class Folded:
    """A batch's messages in order, the step's outputs as frames, and the batch's offset ranges."""

    results: list[Result]
    outputs: Outputs
    sequence: int
    ranges: str
    counts: Counter[str]


def table_specs(job: JobSpec) -> dict[str, TableSpec]:
    """Every table in a partition's state: the step's own and the engine's."""
    return {**job.tables, **intake.TABLES, **_RESULTS}


class Shard:
    """One partition of a job: its tables and the fold of its batches."""

    def __init__(self, job: JobSpec, shard: int, blobs: Blobs) -> None:
        """Load the partition's tables from `blobs`."""
        self.job = job
        self.shard = shard
        self.keys = [shard_key(partition, job.partitions) for partition in range(job.partitions)]
        self.key = self.keys[shard]
        self.store = TableStore(table_specs(job), blobs)
        self.state = {name: self.store.tables[name] for name in job.tables}

    def fold(self, slice_end: int, messages: Sequence[bytes | None], words: Array) -> Folded:
        """Take one batch: its messages and their places (connectors.places), in any order."""
        parts = self._arrivals(slice_end, messages, words)
        taken = {feed.topic: take_in(feed, part, self.store.tables) for feed, part in parts}
        outputs = self.job.step(
            self.state,
            {topic: part.frame for topic, part in taken.items() if not part.frame.is_empty()},
            self._clock(slice_end),
        )
        outputs = {name: frame for name, frame in outputs.items() if not frame.is_empty()}
        dead = [letter for part in taken.values() for letter in part.dead]
        if dead:
            outputs[f"{self.job.name}.dead"] = self._dead_letters(dead)
        results = [
            r for name in self.job.outputs if name in outputs for r in self._encode(name, outputs)
        ]
        sequence = self.store.sequence
        ranges = _ranges(parts)
        counts: Counter[str] = sum((part.counts for part in taken.values()), Counter())
        index = self._index(slice_end, taken, ranges, results, counts)
        return Folded([*results, *index], outputs, sequence, ranges, counts)

    def _arrivals(
        self, slice_end: int, messages: Sequence[bytes | None], words: Array
    ) -> list[tuple[Feed, Arrival]]:
        """Each topic's part of the batch, by offset."""
        places = unpack(words, slice_end)
        parts = []
        for number, feed in enumerate(self.job.feeds):
            at = np.flatnonzero(places.topic == number)
            if len(at):
                at = at[np.argsort(places.offset[at], kind="stable")]
                whole = len(at) == len(messages) and bool((at[1:] > at[:-1]).all())
                part = Arrival(
                    places.offset[at],
                    places.appended[at],
                    places.tick[at],
                    messages if whole else [messages[i] for i in at.tolist()],
                )
                parts.append((feed, part))
        return parts

    def _clock(self, slice_end: int) -> Clock:
        watermarks = {}
        for feed in self.job.feeds:
            latest = self.store.tables["engine.feeds"].get(feed.topic, "greatest", MIN_TIME)
            watermarks[feed.topic] = latest if latest == MIN_TIME else latest - feed.lateness
        return Clock(slice_end, min(watermarks.values()), watermarks, self.shard)

    def _dead_letters(self, dead: list[Dead]) -> pl.DataFrame:
        order = {feed.topic: number for number, feed in enumerate(self.job.feeds)}
        dead = sorted(dead, key=lambda d: (d.appended, order[d.topic], d.offset))
        rows = [
            {
                "dead_id": f"{d.topic}/{self.shard}/{d.offset}",
                "job": self.job.name,
                "reason": d.reason,
                "topic": d.topic,
                "partition": self.shard,
                "offset": d.offset,
                "appended": d.appended,
                "payload": d.payload[:MAX_PAYLOAD],
                "payload_hash": hashlib.sha256(d.payload).digest(),
            }
            for d in dead
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def _encode(self, topic: str, outputs: Outputs) -> list[Result]:
        frame, rec = outputs[topic], self._record(topic)
        if "sequence" not in frame.columns:
            frame = self._numbered(topic, frame)
        values = encode_frame(rec, frame)
        keys = [
            self.keys[partition] for partition in partitions_of_results(self.job, topic, self.shard)
        ]
        return [Result(topic, key, value) for value in values for key in keys]

    def _numbered(self, topic: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Give each result its producer and running number; the table keeps the next one."""
        results = self.store.tables["engine.results"]
        start = results.get(topic, "next", 0)
        results.put(topic, next=start + frame.height)
        producer = pl.Series("producer", [self._producer] * frame.height, dtype=pl.String)
        numbers = np.arange(start, start + frame.height, dtype=np.int64)
        return with_series(frame, producer, pl.Series("sequence", numbers))

    def _record(self, topic: str) -> Record:
        return record(KNOWN[topic].record)

    @property
    def _producer(self) -> str:
        return f"{self.job.name}/{self.shard}"

    def _index(
        self,
        slice_end: int,
        taken: dict[str, Intake],
        ranges: str,
        results: list[Result],
        counts: Counter[str],
    ) -> list[Result]:
        """Commit the tables, and say in one record what went in and what came out."""
        topic = f"{self.job.name}.batches"
        sequence = self.store.sequence
        clock = self._clock(slice_end)
        row = {name: counts[name] for name in COUNTS} | {
            "producer": self._producer,
            "sequence": sequence,
            "job": self.job.name,
            "shard": self.shard,
            "slice_end": slice_end * 1_000,
            "watermark": clock.watermark,
            "ranges": ranges,
            "input_root": root([leaf for part in taken.values() for leaf in part.leaves]),
            "outputs": len(results),
            "output_root": root(leaf_hashes([r.value for r in results])),
            "state_digest": self.store.commit(),
            "version": self.job.version,
            "inputs": ";".join(f"{name}:{len(part.leaves)}" for name, part in taken.items()),
        }
        return [Result(topic, self.key, encode(self._record(topic), row))]


def _ranges(parts: list[tuple[Feed, Arrival]]) -> str:
    """Offsets covered in each topic, ticks included, as `topic:first-last;...`."""
    return ";".join(f"{feed.topic}:{part.offset[0]}-{part.offset[-1]}" for feed, part in parts)
