"""Sums the books of all shards up to the firm: P&L, value at risk, limits.

    positions, pnl ┐                       ┌▶ firm.pnl       of slices, valuation points, days
    marks          ┼▶ micro-batch ─▶ firm ─┼▶ firm.var       VaR and ES, once a second
    scenarios      │                       ├▶ firm.limits    when a status changes, and at points
    limits         │                       ├▶ firm.dead      refused input, with reason and place
    corporate.…    ┘                       └▶ firm.batches   counts, offsets, roots of each batch

Key: none, positions and P&L of all books are in the partition of shard 0; the other shards do
nothing. State: quantities, newest marks, last P&L of each book, the scenario set and limits in
force. Guarantee: exactly once from Kafka to Kafka. A book that tells a valuation point late makes a
new record of it; the old one stays in the log.
"""

import sys
from collections.abc import Sequence

from pyflink.table import StreamTableEnvironment

from connectors.kafka import KafkaEnds
from connectors.microbatch import assemble, environment
from jobs.arguments import parse
from jobs.catalogue import Config, firm_job


def build(tables: StreamTableEnvironment, ends: KafkaEnds, config: Config) -> None:
    """Put the job together on `tables`; nothing runs yet."""
    assemble(tables, firm_job(config), ends)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    arguments = parse("firm", argv)
    env, tables = environment()
    build(tables, arguments.ends, arguments.config)
    env.execute(arguments.name)


if __name__ == "__main__":
    main(sys.argv[1:])
