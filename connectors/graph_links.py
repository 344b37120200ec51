"""Rings written to Neo4j, and paths between two customers or accounts read from it.

Rings are merged: writing one again changes nothing, and a member once written stays.
"""

from collections.abc import Sequence
from typing import Any

from connectors.graph_layout import LINKS, cypher
from connectors.neo4j import Connection

MOST_HOPS = 6
SHOWN = 10
"""Paths that are shown; they differ in the customers and accounts on the way."""
LOOKED_AT = 1_000
"""Shortest paths looked at: parallel transfers make many of the same way."""


class LinkGraph:
    """The graph of links as commands use it."""

    def __init__(self, connection: Connection) -> None:
        """Nothing is opened yet."""
        self.connection = connection

    def put_rings(self, rings: Sequence[dict[str, Any]]) -> None:
        """Write rings with their members.

        Args:
            rings: Each with `id`, `sink`, `score`, `amount`, `time`, `version`, and `members`: maps
                of `id`, `role` and `centrality`; `outside` is the sink if it is an account that is
                not ours, else an empty text.

        Raises:
            GraphError: Neo4j does not answer, or refuses.
        """
        with self.connection.open() as driver, driver.session() as session:
            for statement in cypher(LINKS.constraints).split(";"):
                if statement.strip():
                    session.run(statement).consume()
            for ring in rings:
                session.execute_write(lambda tx, one: tx.run(cypher("rings"), one).consume(), ring)

    def rings(self) -> dict[str, dict[str, str]]:
        """All rings: id -> member -> role."""
        with self.connection.open() as driver:
            found = driver.execute_query(cypher("rings.read")).records
        return {row["id"]: dict(row["members"]) for row in found}

    def counts(self) -> dict[str, int]:
        """How many nodes and links of each kind there are; asks the store, reads none."""
        with self.connection.open() as driver:
            row = driver.execute_query(cypher("links.counts")).records[0]
            return {str(name): int(row[name]) for name in row.keys()}  # noqa: SIM118

    def paths(self, a: str, b: str, hops: int = 3) -> list[dict[str, Any]] | None:
        """The shortest paths between two customers or accounts, over transfers and ownership.

        Direction does not matter. Of paths over the same nodes one is given.

        Returns:
            Each with `nodes`, as [kind, id], and `links`: type, source, target and what else the
            link says. None if the graph does not know one of the two.

        Raises:
            ValueError: The two are the same, or `hops` is not in 1 to MOST_HOPS.
            GraphError: Neo4j does not answer, or refuses.
        """
        if a == b:
            raise ValueError("the two are the same; name two")
        if not 1 <= hops <= MOST_HOPS:
            raise ValueError(f"{hops} hops: 1 to {MOST_HOPS} are possible")
        with self.connection.open() as driver:
            return paths(driver, a, b, hops)


def paths(driver: Any, a: str, b: str, hops: int) -> list[dict[str, Any]] | None:
    """As `LinkGraph.paths`, by a driver that is open."""
    known = driver.execute_query(cypher("links.ends"), a=a, b=b).records[0]
    if not (known["a"] and known["b"]):
        return None
    # A limit of hops cannot be a parameter of the statement.
    statement = cypher("links.paths").replace("..3]", f"..{hops}]")
    found = driver.execute_query(statement, a=a, b=b, most=LOOKED_AT, shown=SHOWN).records
    return [{"nodes": row["nodes"], "links": row["links"]} for row in found]
