"""Kafka in and out of Flink: micro-batches of log time in, several topics out, exactly once.

In: records are read as raw bytes with their places, and gathered to one row a partition and slice
of log time. The watermark is the broker's append time, which never goes back within a partition, so
that the log alone fixes what a batch holds. Ticks stay in the batch and keep every partition's
clock moving. Out: one transactional sink.

The SQL plan built here is part of the state's contract: jobs/registry.json pins it, a test
compares.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pyflink.table import StreamTableEnvironment, Table

from connectors.offsets import Offsets
from connectors.places import OFFSET_UNIT, TICK_BIT, TOPIC_UNIT
from connectors.topics import TICK_KEY

TRANSACTION_TIMEOUT_MS = 3_600_000
"""Longest outage after which a transaction still commits; the broker must allow as much."""


@dataclass(frozen=True)
class KafkaEnds:
    """Where a job reads and writes.

    Attributes:
        brokers: Bootstrap servers.
        prefix: Put before each input topic's name, to keep runs apart; empty for the live system.
        out_prefix: The same for output topics, and for the transactional ids.
        bounded: Read up to the latest offsets found at the start, then end.
        until: For a replay: read up to these offsets (exclusive), then end; a topic partition that
            is not named is not read. Batches are then counted by topic (connectors.microbatch).
    """

    brokers: str
    prefix: str = ""
    out_prefix: str = ""
    bounded: bool = False
    until: Offsets | None = None


def declare_source(tables: StreamTableEnvironment, ends: KafkaEnds, topics: Sequence[str]) -> None:
    """Declare table `source`: raw records of the topics with their places and append times.

    The connector takes end offsets for a single topic only, so that a replay reads each topic by a
    table of its own.
    """
    if ends.until is None:
        bounded = ", 'scan.bounded.mode' = 'latest-offset'" if ends.bounded else ""
        _declare(tables, ends, "source", ";".join(ends.prefix + t for t in topics), bounded)
        return
    for number, topic in enumerate(topics):
        _declare(tables, ends, f"source{number}", ends.prefix + topic, _until(ends.until, topic))
    union = " UNION ALL ".join(
        f"SELECT k, v, topic, p, o, ts FROM source{number}" for number in range(len(topics))
    )
    tables.execute_sql(f"CREATE TEMPORARY VIEW source AS {union}")


def micro_batches(
    tables: StreamTableEnvironment, names: Sequence[str], slice_ms: int, keys: Sequence[int]
) -> Table:
    """One row a shard and slice of table `source`: (key, (slice end, shard, messages, places)).

    Args:
        tables: Environment in which `source` is declared.
        names: Full topic names; a topic's position is its number in the places.
        slice_ms: Length of a slice in milliseconds of append time.
        keys: What each partition is keyed by (connectors.keygroups).
    """
    cases = " ".join(f"WHEN '{name}' THEN {i * TOPIC_UNIT}" for i, name in enumerate(names))
    spread = " ".join(f"WHEN {partition} THEN {key}" for partition, key in enumerate(keys))
    tables.execute_sql(f"""
        CREATE TEMPORARY VIEW records AS SELECT CASE p {spread} END AS shard_key, p, v, ts,
            o * {OFFSET_UNIT} + CASE topic {cases} END
            + CASE WHEN k IS NOT DISTINCT FROM X'{TICK_KEY.hex()}' THEN {TICK_BIT} ELSE 0 END
            + EXTRACT(SECOND FROM ts) * 1000 + EXTRACT(MILLISECOND FROM ts) AS place
        FROM source""")
    return tables.sql_query(f"""
        SELECT shard_key, ROW(window_end, MIN(p), ARRAY_AGG(v), ARRAY_AGG(place)) AS batch
        FROM TABLE(TUMBLE(TABLE records, DESCRIPTOR(ts), INTERVAL '{slice_ms / 1000:.3f}' SECOND))
        GROUP BY window_start, window_end, shard_key""")


def write_results(
    tables: StreamTableEnvironment, ends: KafkaEnds, job: str, topics: Sequence[str], results: Table
) -> None:
    """Submit the job: insert `results` (topic, key, value) into `topics`, exactly once.

    The topic column of a Kafka table is writable only where the table lists several topics; every
    job writes at least its dead letters and its batch index.
    """
    names = ";".join(ends.out_prefix + topic for topic in topics)
    tables.execute_sql(f"""
        CREATE TEMPORARY TABLE sink (topic STRING METADATA, k BYTES, v BYTES) WITH (
            {_common(ends)}, 'topic' = '{names}',
            'sink.delivery-guarantee' = 'exactly-once',
            'sink.transactional-id-prefix' = '{ends.out_prefix}{job}',
            'properties.transaction.timeout.ms' = '{TRANSACTION_TIMEOUT_MS}',
            'properties.compression.type' = 'lz4', 'properties.linger.ms' = '20')""")
    tables.create_temporary_view("results", results)
    statements = tables.create_statement_set()
    statements.add_insert_sql("INSERT INTO sink SELECT f0, f1, f2 FROM results")
    statements.attach_as_datastream()


def _declare(
    tables: StreamTableEnvironment, ends: KafkaEnds, table: str, names: str, bounded: str
) -> None:
    tables.execute_sql(f"""
        CREATE TEMPORARY TABLE {table} (
            k BYTES, v BYTES,
            topic STRING METADATA VIRTUAL,
            p INT METADATA FROM 'partition' VIRTUAL,
            o BIGINT METADATA FROM 'offset' VIRTUAL,
            ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
            WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND
        ) WITH ({_common(ends)}, 'topic' = '{names}',
            'scan.startup.mode' = 'earliest-offset',
            'scan.topic-partition-discovery.interval' = '0',
            'scan.watermark.alignment.group' = 'log-time',
            'scan.watermark.alignment.max-drift' = '30 s',
            'properties.isolation.level' = 'read_committed'{bounded})""")


def _until(until: Offsets, topic: str) -> str:
    """The table's option that ends the reading of `topic`."""
    parts = [(p, offset) for (name, p), offset in sorted(until.items()) if name == topic]
    offsets = ";".join(f"partition:{p},offset:{offset}" for p, offset in parts)
    return (
        f", 'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = '{offsets}'"
    )


def _common(ends: KafkaEnds) -> str:
    return (
        f"'connector' = 'kafka', 'properties.bootstrap.servers' = '{ends.brokers}', "
        "'key.format' = 'raw', 'key.fields' = 'k', "
        "'value.format' = 'raw', 'value.fields-include' = 'EXCEPT_KEY'"
    )
