"""Chains the results of the other jobs: none can be changed, left out or moved unseen.

Edges of the graph are not events of their own: `output_root` in their batch index covers them.

    nets, nets.provenance, cycles    ┐
    alerts, screening.runs           │
    pnl, var, limits.used, ...       │
    executions, alerts.evidence, ... │
    rules, alert.actions, customers  ├▶ micro-batch ─▶ regulatory ─┬▶ regulatory.events
    limits, venue.controls, ...      │  (in log order)             ├▶ regulatory.dead
    control.changes, submissions     │                             └▶ regulatory.batches
    dead letters, batch indexes      ┘

Names of persons are left out: udfs/regulatory/said.py.

Key: the partition. State: next sequence and last link of the chain. Guarantee: exactly once, so
that the chain neither forks nor has a gap after a restart. Order: append time, topic, offset;
nothing is late here.
"""

import sys
from collections.abc import Sequence

from pyflink.table import StreamTableEnvironment

from connectors.kafka import KafkaEnds
from connectors.microbatch import assemble, environment
from jobs.arguments import parse
from jobs.catalogue import Config, regulatory_job


def build(tables: StreamTableEnvironment, ends: KafkaEnds, config: Config) -> None:
    """Put the job together on `tables`; nothing runs yet."""
    assemble(tables, regulatory_job(config), ends)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    arguments = parse("regulatory", argv)
    env, tables = environment()
    build(tables, arguments.ends, arguments.config)
    env.execute(arguments.name)


if __name__ == "__main__":
    main(sys.argv[1:])
