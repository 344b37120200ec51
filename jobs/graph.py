"""Draws who pays and who owes whom: edges between accounts and between members.

    payments    ┐                       ┌▶ graph.edges      edges of 10 s of business time
    obligations ┴▶ micro-batch ─▶ graph ┼▶ Neo4j            one transaction a batch, with its cursor
                                        ├▶ graph.dead       refused input, with reason and place
                                        └▶ graph.batches    counts, offsets, roots of each batch

Key: the partition. State: payments and obligations of open windows. Guarantee: exactly once into
Kafka, and by the cursor in the same transaction an exactly-once effect in Neo4j. Late events are
marked and counted in the window that is open at their place in the log.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from pyflink.table import StreamTableEnvironment

from connectors.kafka import KafkaEnds
from connectors.microbatch import Effect, assemble, environment
from connectors.neo4j import Connection, GraphWriter
from jobs.arguments import parse
from jobs.catalogue import Config, graph_job


def build(
    tables: StreamTableEnvironment, ends: KafkaEnds, config: Config, writer: Effect | None
) -> None:
    """Put the job together; nothing runs yet. Without a writer edges go to Kafka alone."""
    assemble(tables, graph_job(config), ends, writer)


def main(argv: Sequence[str]) -> None:
    """Submit the job."""
    arguments = parse("graph", argv)
    env, tables = environment()
    writer = None
    if arguments.neo4j and arguments.neo4j_password_file:
        password_file = Path(arguments.neo4j_password_file)
        writer = GraphWriter(Connection(arguments.neo4j, password_file))
    build(tables, arguments.ends, arguments.config, writer)
    env.execute(arguments.name)


if __name__ == "__main__":
    main(sys.argv[1:])
