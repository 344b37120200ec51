"""The one Flink operator: a keyed Python function that folds one batch a call, exactly-once state.

The key stands for the partition (connectors.keygroups), the value is a row (slice end, partition,
messages, places). The keyed stream is built straight over the JVM's stream, as its rows are (key,
value) already: no hop through Python to extract a key. That uses PyFlink internals
(`_j_data_stream`, `KeyByKeySelector`), here and nowhere else.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import polars as pl
from pyflink.common import Configuration, Types
from pyflink.datastream import (
    DataStream,
    KeyedProcessFunction,
    RuntimeContext,
    StreamExecutionEnvironment,
)
from pyflink.datastream.data_stream import KeyedStream
from pyflink.datastream.state import MapState, MapStateDescriptor
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment, Table

from connectors.batches import Shard
from connectors.kafka import KafkaEnds, declare_source, micro_batches, write_results
from connectors.keygroups import shard_keys
from connectors.registry import URL_VARIABLE, schema_ids
from connectors.spec import JobSpec
from connectors.topics import KNOWN
from schemas.records import record, use_ids

MAX_PARALLELISM = 128
STATE = "tables"
COUNTS = "counts"
"""A replay writes JOB.counts: for each batch how many records it wrote to each topic, as JSON."""

_COUNTERS = ("records", "dead", "late", "duplicates")


class Effect(Protocol):
    """Something beside Kafka that takes a batch's outputs, exactly once by its own cursor."""

    def open(self) -> None:
        """Connect, in the worker."""

    def apply(self, shard: int, sequence: int, ranges: str, outputs: pl.DataFrame, /) -> object:
        """Write batch `sequence` of a shard, or skip it if it was written before a restart."""

    def close(self) -> None:
        """Disconnect."""


class FlinkBlobs:
    """Flink's MapState under the current key, as the store wants it."""

    def __init__(self, state: MapState) -> None:
        """Wrap the state."""
        self.state = state

    def keys(self) -> Iterator[int]:
        """All keys."""
        return iter(list(self.state.keys()))

    def __getitem__(self, key: int) -> bytes:
        """The blob under `key`."""
        return bytes(self.state.get(key))

    def __setitem__(self, key: int, blob: bytes) -> None:
        """Put a blob."""
        self.state.put(key, blob)

    def __delitem__(self, key: int) -> None:
        """Remove a blob."""
        self.state.remove(key)


class MicroBatch(KeyedProcessFunction):
    """Folds the batches of the partitions that are this subtask's."""

    def __init__(
        self, job: JobSpec, out_prefix: str, effect: Effect | None = None, counted: bool = False
    ) -> None:
        """Fold batches of `job`; result topics get `out_prefix`; with `counted` tell `COUNTS`."""
        self.job = job
        self.out_prefix = out_prefix
        self.effect = effect
        self.counted = counted

    def open(self, runtime_context: RuntimeContext) -> None:
        """Get the state; types are made here, as a used type object cannot be pickled."""
        if self.job.schema_ids:
            use_ids(self.job.schema_ids)
        octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
        descriptor = MapStateDescriptor(STATE, Types.LONG(), octets)
        self.blobs = FlinkBlobs(runtime_context.get_map_state(descriptor))
        self.shards: dict[int, Shard] = {}
        metrics = runtime_context.get_metrics_group().add_group("tidemark", self.job.name)
        self.counters = {name: metrics.counter(name) for name in _COUNTERS}
        metrics.gauge("state_bytes", lambda: sum(s.store.nbytes for s in self.shards.values()))
        if self.effect is not None:
            self.effect.open()

    def close(self) -> None:
        """Let go of what the effect holds."""
        if self.effect is not None:
            self.effect.close()

    def process_element(
        self, value: Any, ctx: KeyedProcessFunction.Context
    ) -> Iterator[tuple[str, bytes, bytes]]:
        """Fold one batch and emit its messages."""
        slice_end, number, messages, words = value
        shard = self.shards.get(number)
        if shard is None:
            shard = self.shards[number] = Shard(self.job, number, self.blobs)
        places = np.array(words, dtype=np.int64)
        folded = shard.fold(slice_end.to_epoch_milli(), messages, places)
        if self.effect is not None and self.job.effect_on is not None:
            frame = folded.outputs.get(self.job.effect_on)
            if frame is None:
                frame = pl.DataFrame(schema=record(KNOWN[self.job.effect_on].record).columns)
            self.effect.apply(number, folded.sequence, folded.ranges, frame)
        for name, counter in self.counters.items():
            counter.inc(folded.counts[name])
        for result in folded.results:
            yield self.out_prefix + result.topic, result.key, result.value
        if self.counted:
            counts = json.dumps(Counter(result.topic for result in folded.results))
            name = f"{self.out_prefix}{self.job.name}.{COUNTS}"
            yield name, shard.key, counts.encode()


def environment(
    more: Mapping[str, str] | None = None,
) -> tuple[StreamExecutionEnvironment, StreamTableEnvironment]:
    """The environments of a job, with the settings its state relies on, and `more` of them."""
    configuration = Configuration()
    for key, setting in {
        "pipeline.max-parallelism": str(MAX_PARALLELISM),
        "table.exec.uid.generation": "ALWAYS",
        "table.local-time-zone": "UTC",
        **(more or {}),
    }.items():
        configuration.set_string(key, setting)
    env = StreamExecutionEnvironment.get_execution_environment(configuration)
    return env, StreamTableEnvironment.create(env)


def folded(
    tables: StreamTableEnvironment,
    batches: Table,
    job: JobSpec,
    out_prefix: str,
    effect: Effect | None,
    counted: bool = False,
) -> DataStream:
    """The stream of (topic, key, value) that `job` makes of its micro-batches."""
    key, octets = Types.INT(), Types.PRIMITIVE_ARRAY(Types.BYTE())
    arrays = [Types.OBJECT_ARRAY(octets), Types.OBJECT_ARRAY(Types.LONG())]
    value = Types.ROW([Types.INSTANT(), Types.INT(), *arrays])
    rows = tables.to_append_stream(batches, Types.ROW([key, value]))
    selector = get_gateway().jvm.KeyByKeySelector()
    key_type = Types.ROW([key]).get_java_type_info()
    keyed = KeyedStream(rows._j_data_stream.keyBy(selector, key_type), value, rows)
    out = keyed.process(
        MicroBatch(job, out_prefix, effect, counted),
        output_type=Types.TUPLE([Types.STRING(), octets, octets]),
    )
    return named(out, job.name)


def keys_of(job: JobSpec) -> tuple[int, ...]:
    """What the job's partitions are keyed by, so that they are spread evenly over subtasks."""
    return shard_keys(job.partitions, MAX_PARALLELISM)


def named(stream: DataStream, name: str) -> DataStream:
    """Give a stateful operator its uid, the same name, and the fixed maximum parallelism."""
    return stream.uid(name).name(name).set_max_parallelism(MAX_PARALLELISM)


def assemble(
    tables: StreamTableEnvironment, job: JobSpec, ends: KafkaEnds, effect: Effect | None = None
) -> None:
    """The whole of a job: micro-batches in, fold, results out."""
    if os.environ.get(URL_VARIABLE):
        job = replace(job, schema_ids=schema_ids())
    topics = [feed.topic for feed in job.feeds]
    declare_source(tables, ends, topics)
    names = [ends.prefix + topic for topic in topics]
    batches = micro_batches(tables, names, job.slice_ms, keys_of(job))
    counted = ends.until is not None
    results = folded(tables, batches, job, ends.out_prefix, effect, counted)
    outputs = (*job.outputs, f"{job.name}.{COUNTS}") if counted else job.outputs
    write_results(tables, ends, job.name, outputs, tables.from_data_stream(results))
