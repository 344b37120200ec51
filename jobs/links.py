"""Draws who sent money to whom, who owns which account, and whom alerts are about.

    transfers ┐                       ┌▶ graph.links      a link for each record that says a new one
    postings  ┼▶ micro-batch ─▶ links ┼▶ Neo4j            one transaction a batch, with its cursor
    alerts    ┘                       ├▶ links.dead       refused input, with reason and place
                                      └▶ links.batches    counts, offsets, roots of each batch

Key: the partition. State: which customer owns which account. Guarantee: exactly once into Kafka,
and by the cursor in the same transaction an exactly-once effect in Neo4j. Late records are linked
like all others.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyflink.table import StreamTableEnvironment

from connectors.graph_layout import LINKS
from connectors.kafka import KafkaEnds
from connectors.microbatch import Effect, assemble, environment
from connectors.neo4j import Connection, GraphWriter
from jobs.arguments import parse
from jobs.catalogue import Config, links_job


def build(
    tables: StreamTableEnvironment, ends: KafkaEnds, config: Config, writer: Effect | None
) -> None:
    """Put the job together; nothing runs yet. Without a writer links go to Kafka alone."""
    assemble(tables, links_job(config), ends, writer)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    arguments = parse("links", argv)
    env, tables = environment()
    writer = None
    if arguments.neo4j and arguments.neo4j_password_file:
        password_file = Path(arguments.neo4j_password_file)
        writer = GraphWriter(Connection(arguments.neo4j, password_file), LINKS)
    build(tables, arguments.ends, arguments.config, writer)
    env.execute(arguments.name)


if __name__ == "__main__":
    main(sys.argv[1:])
