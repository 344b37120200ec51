"""Watches order books for market abuse: rules, a model, and why.

    order.events     ┐                        ┌▶ alerts             what a person has to look at
    owner.links      ┼▶ micro-batch ─▶ abuse ─┼▶ alerts.evidence    orders, trades, book, features
    instrument.links ┘                        ├▶ abuse.challenger   what another model would say
    (events by isin; links                    ├▶ abuse.drift        features against training
     in every partition)                      ├▶ episodes           for abuse over several books
                                              ├▶ abuse.refused      events that cannot be used
                                              ├▶ abuse.dead         refused input and why
                                              └▶ abuse.batches      counts, offsets, roots

Key: the partition, in which all orders of an instrument are. State: open orders, sums of owners in
books over windows of at most a day, trades and withdrawn orders of an hour. Guarantee: exactly once
from Kafka to Kafka. An event dated before its book's newest counts at that time.
"""

import sys
from collections.abc import Sequence

from pyflink.table import StreamTableEnvironment

from connectors.kafka import KafkaEnds
from connectors.microbatch import assemble, environment
from jobs.arguments import parse
from jobs.catalogue import Config, abuse_job


def build(tables: StreamTableEnvironment, ends: KafkaEnds, config: Config) -> None:
    """Put the job together on `tables`; nothing runs yet."""
    assemble(tables, abuse_job(config), ends)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    arguments = parse("abuse", argv)
    env, tables = environment()
    build(tables, arguments.ends, arguments.config)
    env.execute(arguments.name)


if __name__ == "__main__":
    main(sys.argv[1:])
