"""Measures the engine: a rolling count and sum an entity, an alert out for each large event.

    bench.events ─▶ micro-batch ─▶ rolling ─▶ bench.alerts, bench.dead, bench.batches

Key: the partition. State: two numbers an entity. Guarantee: exactly once, as for every other job.
With --every each event becomes a result, to measure what output costs.
"""

import argparse
import sys
from collections.abc import Sequence

from connectors.kafka import KafkaEnds
from connectors.microbatch import assemble, environment
from connectors.spec import Feed, JobSpec
from udfs.rolling import TABLES, VERSION, RollingStep


def job(threshold: int, partitions: int, slice_ms: int, every: bool) -> JobSpec:
    """The job without its ends."""
    return JobSpec(
        name="bench",
        feeds=(Feed("bench.events", order="log"),),
        step=RollingStep(threshold, every=every),
        tables=TABLES,
        results=("bench.alerts",),
        version=VERSION,
        slice_ms=slice_ms,
        partitions=partitions,
    )


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    parser = argparse.ArgumentParser(prog="jobs.bench")
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--prefix", default="")
    parser.add_argument("--out-prefix", default="")
    parser.add_argument("--name", default="bench")
    parser.add_argument("--partitions", type=int, default=2)
    parser.add_argument("--slice-ms", type=int, default=1_000)
    parser.add_argument("--threshold", type=int, required=True)
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--bounded", action="store_true")
    a = parser.parse_args(argv)
    env, tables = environment()
    ends = KafkaEnds(a.brokers, a.prefix, a.out_prefix, a.bounded)
    assemble(tables, job(a.threshold, a.partitions, a.slice_ms, a.every), ends)
    env.execute(a.name)


if __name__ == "__main__":
    main(sys.argv[1:])
