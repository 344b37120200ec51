"""The market: books that match orders by price and time, and say all that happens in them.

    instruments    ┐                           ┌▶ order.events      every event of an order (L3)
    venue.controls ┼▶ micro-batch ─▶ matching ─┼▶ executions        trades
    orders         ┘                           ├▶ depth             levels (L2)
    (orders and instruments by isin,           ├▶ best              best prices (L1)
     controls in every partition)              ├▶ orders.refused    what was not followed, and why
                                               ├▶ matching.dead     refused input and why
                                               └▶ matching.batches  counts, offsets, roots

Key: the partition; all orders of an instrument are in one. State: resting orders, phases and
counters of every book, settings of venues, terms of instruments, ids of orders that have just
ended. Guarantee: exactly once from Kafka to Kafka, so that no order is filled twice. Nothing is
late: a message counts from its place in the log on.
"""

import sys
from collections.abc import Sequence

from pyflink.table import StreamTableEnvironment

from connectors.kafka import KafkaEnds
from connectors.microbatch import assemble, environment
from jobs.arguments import parse
from jobs.catalogue import Config, matching_job


def build(tables: StreamTableEnvironment, ends: KafkaEnds, config: Config) -> None:
    """Put the job together on `tables`; nothing runs yet."""
    assemble(tables, matching_job(config), ends)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    arguments = parse("matching", argv)
    env, tables = environment()
    build(tables, arguments.ends, arguments.config)
    env.execute(arguments.name)


if __name__ == "__main__":
    main(sys.argv[1:])
