"""The most the JVM half of the engine can do: the same micro-batches, no Python after them.

    bench.events ─▶ micro-batch ─▶ blackhole
    bench.events ─▶ bench.alerts                 with --every: one result an event, exactly once

Key: the partition. State: the open slices. Guarantee: exactly once. It stands as the limit in
`tidemark bench engine`; with --every no batch is made, as a plain copy is the least that one result
an event can cost.
"""

import argparse
import sys
from collections.abc import Sequence

from pyflink.table import Schema, StreamTableEnvironment, TableDescriptor

from connectors.kafka import KafkaEnds, declare_source, micro_batches, write_results
from connectors.keygroups import shard_keys
from connectors.microbatch import MAX_PARALLELISM, environment
from connectors.topics import TICK_KEY

SOURCE = "bench.events"
RESULT = "bench.alerts"


def discard_batches(
    tables: StreamTableEnvironment, ends: KafkaEnds, slice_ms: int, partitions: int
) -> None:
    """Make the micro-batches and drop them."""
    keys = shard_keys(partitions, MAX_PARALLELISM)
    batches = micro_batches(tables, [ends.prefix + SOURCE], slice_ms, keys)
    schema = Schema.new_builder().from_resolved_schema(batches.get_resolved_schema()).build()
    nowhere = TableDescriptor.for_connector("blackhole").schema(schema).build()
    tables.create_temporary_table("nowhere", nowhere)
    statements = tables.create_statement_set()
    statements.add_insert("nowhere", batches)
    statements.attach_as_datastream()


def copy_events(tables: StreamTableEnvironment, ends: KafkaEnds) -> None:
    """Write each event as it is."""
    copied = tables.sql_query(f"""
        SELECT '{ends.out_prefix}{RESULT}' AS f0, k AS f1, v AS f2 FROM source
        WHERE k IS DISTINCT FROM X'{TICK_KEY.hex()}'""")
    write_results(tables, ends, "bench-limit", [RESULT, "bench.dead"], copied)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    parser = argparse.ArgumentParser(prog="jobs.bench_limit")
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--prefix", default="")
    parser.add_argument("--out-prefix", default="")
    parser.add_argument("--name", default="bench-limit")
    parser.add_argument("--partitions", type=int, default=2)
    parser.add_argument("--slice-ms", type=int, default=1_000)
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--bounded", action="store_true")
    a = parser.parse_args(argv)
    env, tables = environment()
    ends = KafkaEnds(a.brokers, a.prefix, a.out_prefix, a.bounded)
    declare_source(tables, ends, [SOURCE])
    if a.every:
        copy_events(tables, ends)
    else:
        discard_batches(tables, ends, a.slice_ms, a.partitions)
    env.execute(a.name)


if __name__ == "__main__":
    main(sys.argv[1:])
