"""Finds shapes that money takes through several hands: fans, cycles, layers among transfers.

    transfers ┐                        ┌▶ alerts           of the live rule set's motifs
    rules     ┴▶ micro-batch ─▶ motifs ┼▶ motifs.dead      refused input, with reason and place
                                       └▶ motifs.batches   counts, offsets, roots of each batch

Key: none, all transfers are in the partition of shard 0, as a shape does not end at a partition;
the other shards only read rules. State: the newest edges of each party, who has had dealings with
whom, what was reported. Guarantee: exactly once from Kafka to Kafka. Late transfers are marked and
count at their place in the log.
"""

import sys
from collections.abc import Sequence

from pyflink.table import StreamTableEnvironment

from connectors.kafka import KafkaEnds
from connectors.microbatch import assemble, environment
from jobs.arguments import parse
from jobs.catalogue import Config, motifs_job


def build(tables: StreamTableEnvironment, ends: KafkaEnds, config: Config) -> None:
    """Put the job together on `tables`; nothing runs yet."""
    assemble(tables, motifs_job(config), ends)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    arguments = parse("motifs", argv)
    env, tables = environment()
    build(tables, arguments.ends, arguments.config)
    env.execute(arguments.name)


if __name__ == "__main__":
    main(sys.argv[1:])
