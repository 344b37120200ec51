"""Screens customers and payments against lists of sanctioned and politically exposed parties.

    lists         ┐                              ┌▶ alerts              who may be whom, and why
    customers     ┤                              ├▶ screening.runs      what each list version met
    alert.actions ┼▶ micro-batch ─▶ screening ───┤
    postings      ┘                              ├▶ screening.dead      refused input and why
    (lists in every partition, the rest by owner)└▶ screening.batches   counts, offsets, roots

Key: the partition. State: the lists in force, the customers' names, pairs raised and exceptions.
Guarantee: exactly once from Kafka to Kafka. Names are judged in the order of the log, so a late
record is judged like any other, by the lists in force at its place.
"""

import sys
from collections.abc import Sequence

from pyflink.table import StreamTableEnvironment

from connectors.kafka import KafkaEnds
from connectors.microbatch import assemble, environment
from jobs.arguments import parse
from jobs.catalogue import Config, screening_job


def build(tables: StreamTableEnvironment, ends: KafkaEnds, config: Config) -> None:
    """Put the job together on `tables`; nothing runs yet."""
    assemble(tables, screening_job(config), ends)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    arguments = parse("screening", argv)
    env, tables = environment()
    build(tables, arguments.ends, arguments.config)
    env.execute(arguments.name)


if __name__ == "__main__":
    main(sys.argv[1:])
