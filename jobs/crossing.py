"""Watches for abuse over several books: pressure in one, the trade in another.

    episodes         ┐                           ┌▶ alerts             what a person has to look at
    instrument.links ┴▶ micro-batch ─▶ crossing ─┼▶ alerts.evidence    the two halves
                                                 ├▶ crossing.dead      refused input and why
                                                 └▶ crossing.batches   counts, offsets, roots

Key: none, episodes of all shards are in the partition of shard 0; the other shards do nothing.
State: episodes of half an hour of business time, links. Guarantee: exactly once from Kafka to
Kafka. The halves may come in any order; the one that comes second raises the alert.
"""

import sys
from collections.abc import Sequence

from pyflink.table import StreamTableEnvironment

from connectors.kafka import KafkaEnds
from connectors.microbatch import assemble, environment
from jobs.arguments import parse
from jobs.catalogue import Config, crossing_job


def build(tables: StreamTableEnvironment, ends: KafkaEnds, config: Config) -> None:
    """Put the job together on `tables`; nothing runs yet."""
    assemble(tables, crossing_job(config), ends)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    arguments = parse("crossing", argv)
    env, tables = environment()
    build(tables, arguments.ends, arguments.config)
    env.execute(arguments.name)


if __name__ == "__main__":
    main(sys.argv[1:])
