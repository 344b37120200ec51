"""Says what each instrument is worth, slice by slice, to all who value positions.

    quotes      ┐                        ┌▶ marks            a copy in every partition
    instruments ┴▶ micro-batch ─▶ marks ─┼▶ marks.dead       refused input and why
    (both by isin)                       └▶ marks.batches    counts, offsets, roots

Key: the partition. State: the terms and the standing quote of each instrument. Guarantee: exactly
once from Kafka to Kafka. A quote older than the one that stands replaces nothing: it goes out as a
mark of the past.
"""

import sys
from collections.abc import Sequence

from pyflink.table import StreamTableEnvironment

from connectors.kafka import KafkaEnds
from connectors.microbatch import assemble, environment
from jobs.arguments import parse
from jobs.catalogue import Config, marks_job


def build(tables: StreamTableEnvironment, ends: KafkaEnds, config: Config) -> None:
    """Put the job together on `tables`; nothing runs yet."""
    assemble(tables, marks_job(config), ends)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    arguments = parse("marks", argv)
    env, tables = environment()
    build(tables, arguments.ends, arguments.config)
    env.execute(arguments.name)


if __name__ == "__main__":
    main(sys.argv[1:])
