"""Keeps positions, P&L and risk of books current, and final at valuation points.

    fills             ┐                       ┌▶ positions        quantities, cost, value
    marks             │                       ├▶ pnl              of slices, points and days
    scenarios         ├▶ micro-batch ─▶ risk ─┼▶ pnl.corrections  what came late changes
    limits            │                       ├▶ var              VaR and ES
    margin.terms      │                       ├▶ limits.used, margin.calls
    corporate.actions ┘                       └▶ risk.dead, risk.batches

Key: the partition, and so the book; marks and controls are in every partition. State: marks,
positions with their lots, what was known at the points of the last hour, control records in force.
Guarantee: exactly once from Kafka to Kafka. A late fill or mark corrects the points it is late for.
"""

import sys
from collections.abc import Sequence

from pyflink.table import StreamTableEnvironment

from connectors.kafka import KafkaEnds
from connectors.microbatch import assemble, environment
from jobs.arguments import parse
from jobs.catalogue import Config, risk_job


def build(tables: StreamTableEnvironment, ends: KafkaEnds, config: Config) -> None:
    """Put the job together on `tables`; nothing runs yet."""
    assemble(tables, risk_job(config), ends)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    arguments = parse("risk", argv)
    env, tables = environment()
    build(tables, arguments.ends, arguments.config)
    env.execute(arguments.name)


if __name__ == "__main__":
    main(sys.argv[1:])
