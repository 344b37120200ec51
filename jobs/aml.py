"""Monitors transactions: rules and typologies over customers' postings, alerts with reasons.

    postings      ┐                      ┌▶ alerts           of the live rule set
    customers     │                      ├▶ alerts.shadow    of a draft that runs beside it
    rules         ├▶ micro-batch ─▶ aml ─┼▶ transfers        edges above a floor, for motifs
    alert.actions ┘                      ├▶ aml.dead         refused input, with reason and place
                                         └▶ aml.batches      counts, offsets, roots of each batch

Key: the partition, and so the owner. State: postings that are not yet due, the windows of each
rule, what is known of customers, open alerts. Guarantee: exactly once from Kafka to Kafka. Late
postings are marked and count at their place in the log.
"""

import sys
from collections.abc import Sequence

from pyflink.table import StreamTableEnvironment

from connectors.kafka import KafkaEnds
from connectors.microbatch import assemble, environment
from jobs.arguments import parse
from jobs.catalogue import Config, aml_job


def build(tables: StreamTableEnvironment, ends: KafkaEnds, config: Config) -> None:
    """Put the job together on `tables`; nothing runs yet."""
    assemble(tables, aml_job(config), ends)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    arguments = parse("aml", argv)
    env, tables = environment()
    build(tables, arguments.ends, arguments.config)
    env.execute(arguments.name)


if __name__ == "__main__":
    main(sys.argv[1:])
