"""Ends in memory: a job on a local Flink over a `MemoryLog`, its results as a list. For tests."""

from collections.abc import Sequence

from pyflink.common import Instant, Row, Types
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import DataTypes, Schema, StreamTableEnvironment

from connectors.batches import Result
from connectors.kafka import micro_batches
from connectors.log import MemoryLog
from connectors.microbatch import folded, keys_of
from connectors.spec import JobSpec


def run(
    env: StreamExecutionEnvironment, tables: StreamTableEnvironment, job: JobSpec, log: MemoryLog
) -> list[Result]:
    """Run `job` over the whole log on a local Flink; everything it wrote, shards interleaved."""
    topics = [feed.topic for feed in job.feeds]
    declare_source(env, tables, log, topics)
    batches = micro_batches(tables, topics, job.slice_ms, keys_of(job))
    texts = folded(tables, batches, job, "", None).map(_as_text, Types.STRING())
    with texts.execute_and_collect(job.name) as rows:
        return [_from_text(row) for row in rows]


def _as_text(result: tuple[str, bytes, bytes]) -> str:
    """A result as one text: PyFlink collects bytes one by one, each a call into the JVM."""
    topic, key, value = result
    return f"{topic} {key.hex()} {value.hex()}"


def _from_text(text: str) -> Result:
    topic, key, value = text.split(" ")
    return Result(topic, bytes.fromhex(key), bytes.fromhex(value))


def declare_source(
    env: StreamExecutionEnvironment,
    tables: StreamTableEnvironment,
    log: MemoryLog,
    topics: Sequence[str],
) -> None:
    """Declare table `source` as the Kafka source does, records in order of append time."""
    rows = [
        (appended, Row(key, value, topic, partition, offset, Instant.of_epoch_milli(appended)))
        for (topic, partition), span in sorted(log.spans.items())
        if topic in topics
        for offset, appended, key, value in zip(
            span.offsets, span.appended, span.keys, span.values, strict=True
        )
    ]
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    types = Types.ROW_NAMED(
        ["k", "v", "topic", "p", "o", "ts"],
        [octets, octets, Types.STRING(), Types.INT(), Types.LONG(), Types.INSTANT()],
    )
    stream = env.from_collection([row for _, row in sorted(rows, key=lambda r: r[0])], types)
    schema = (
        Schema.new_builder()
        .column("k", DataTypes.BYTES())
        .column("v", DataTypes.BYTES())
        .column("topic", DataTypes.STRING())
        .column("p", DataTypes.INT())
        .column("o", DataTypes.BIGINT())
        .column("ts", DataTypes.TIMESTAMP_LTZ(3))
        .watermark("ts", "ts - INTERVAL '0.001' SECOND")
        .build()
    )
    tables.create_temporary_view("source", tables.from_data_stream(stream, schema))
