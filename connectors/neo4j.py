"""Graph edges to Neo4j and back: exactly-once effect, one transaction a shard and batch.

A cursor node a shard keeps the last batch it took and is read, locked and moved in the transaction
that adds the batch's edges. So a batch that comes again is skipped, a batch that is missing is
noticed, and edges can be created without looking for them first. Accounts and members are merged
on their one constrained key, because several shards name the same ones.

Neo4j holds a transaction in memory, so a batch of more than EDGES_A_TRANSACTION edges takes
several: the cursor counts the edges that are in, and a broken off batch goes on from there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from neo4j import Driver, GraphDatabase, ManagedTransaction, unit_of_work
from neo4j.exceptions import AuthError, DriverError, Neo4jError

from connectors.graph_layout import CURSOR, FLOWS, Layout
from connectors.graph_layout import cypher as _cypher
from connectors.graph_summary import COLUMNS, Summary, summary_of
from schemas.records import record

EDGES_A_TRANSACTION = 5_000
"""Some 20 MB of Neo4j's transaction memory, which all shards share: 70 % of its heap."""


class GraphError(RuntimeError):
    """Neo4j did not take or give what was asked; says what to do."""


@dataclass(frozen=True)
class Connection:
    """Where Neo4j is and how long to wait for it.

    Attributes:
        uri: Bolt address.
        password_file: File with the password and nothing else, readable by its owner only.
        user: Name to log in with.
        timeout_s: Longest time for one attempt of a transaction.
        retry_s: How long an attempt that failed for a passing reason is tried again.
    """

    uri: str
    password_file: Path
    user: str = "neo4j"
    timeout_s: float = 60.0
    retry_s: float = 120.0

    def open(self) -> Driver:
        """A driver that has been let in.

        Raises:
            GraphError: The password file is unfit, Neo4j does not answer, or it refuses the login.
        """
        driver = GraphDatabase.driver(
            self.uri,
            auth=(self.user, self._password()),
            connection_timeout=10.0,
            max_transaction_retry_time=self.retry_s,
            notifications_min_severity="OFF",
        )
        try:
            driver.verify_connectivity()
        except AuthError as error:
            driver.close()
            raise GraphError(
                f"Neo4j at {self.uri} refuses user {self.user}: "
                f"put the right password into {self.password_file}"
            ) from error
        except (DriverError, Neo4jError) as error:
            driver.close()
            raise GraphError(f"Neo4j at {self.uri} does not answer: start it ({error})") from error
        return driver

    def _password(self) -> str:
        try:
            mode = self.password_file.stat().st_mode
            password = self.password_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise GraphError(
                f"no Neo4j password: {error.strerror}: {self.password_file}"
            ) from error
        if mode & 0o077:
            raise GraphError(f"others can read the Neo4j password: chmod 600 {self.password_file}")
        return password


MAX_ENDS = 1_000_000
"""So many nodes a writer remembers to have merged, about 200 bytes each."""


class GraphWriter:
    """Adds batches of edges to Neo4j, each once."""

    def __init__(self, connection: Connection, layout: Layout = FLOWS) -> None:
        """Nothing is opened yet, so that a writer can travel to the worker that uses it."""
        self.connection = connection
        self.layout = layout
        self._driver: Driver | None = None
        self._ends: set[tuple[str, str]] = set()

    def open(self) -> None:
        """Log in and make sure that the constraints are there.

        Raises:
            GraphError: Neo4j does not answer, or refuses.
        """
        self._driver = self.connection.open()
        with self._driver.session() as session:
            for statement in _cypher(self.layout.constraints).split(";"):
                if statement.strip():
                    session.execute_write(_run, statement)  # two that open at once may deadlock

    def apply(self, shard: int, sequence: int, ranges: str, edges: pl.DataFrame) -> bool:
        """Add batch `sequence` of `shard`: all of its edges and the cursor, or nothing.

        Args:
            shard: Partition the batch belongs to.
            sequence: Its number in the shard, from 0, without gaps.
            ranges: Offsets it was made of, kept at the cursor.
            edges: The batch's records, as the layout has them.

        Returns:
            False if the graph has had this batch before.

        Raises:
            GraphError: Batches before this one are missing, or Neo4j did not take it in time.
        """
        if self._driver is None:
            raise GraphError("the graph writer is not open: call open() first")
        work = unit_of_work(timeout=self.connection.timeout_s)(_take)
        columns = ("kind", *self.layout.columns)
        batch = (self.layout, shard, sequence, ranges, edges.select(columns).sort(columns))
        try:
            with self._driver.session() as session:
                left, ends = session.execute_write(work, *batch, self._ends)
                added = left is not None
                self._remember(ends)
                while left:
                    left, ends = session.execute_write(work, *batch, self._ends)
                    self._remember(ends)
        except (DriverError, Neo4jError) as error:
            raise GraphError(
                f"Neo4j at {self.connection.uri} did not take batch {sequence} of shard {shard}: "
                f"see that it runs and has memory and disk left, then restart the job ({error})"
            ) from error
        return added

    def _remember(self, ends: set[tuple[str, str]]) -> None:
        """Ends that stand in the graph need not be merged again: nodes are never taken away."""
        if len(self._ends) > MAX_ENDS:
            self._ends.clear()
        self._ends |= ends

    def close(self) -> None:
        """Log out; may be called again."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None


class GraphReader:
    """Reads back what stands in Neo4j, to compare it with what should."""

    def __init__(self, connection: Connection) -> None:
        """Nothing is opened yet."""
        self.connection = connection

    def cursors(self) -> dict[int, int]:
        """The last batch that the graph has of each shard."""
        with self.connection.open() as driver:
            found = driver.execute_query(_cypher("cursors"))
            return {row["shard"]: row["sequence"] for row in found.records}

    def counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """How many nodes and how many edges there are of each kind; asks the store, reads none."""
        with self.connection.open() as driver:
            row = driver.execute_query(_cypher("counts")).records[0]
        nodes = {kind: row[kind] for kind in ("accounts", "members")}
        return nodes, {kind: row[kind] for kind in ("payments", "obligations")}

    def edges(self) -> pl.DataFrame:
        """All edges, by id: `kind` and COLUMNS."""
        with self.connection.open() as driver, driver.session() as session:
            frames = [
                _frame(kind, session.run(_cypher(f"{of.edges}.read")).values())
                for kind, of in FLOWS.kinds.items()
            ]
        return pl.concat(frames).sort("edge_id")

    def summary(self) -> Summary:
        """Figures and digest of the whole graph; its nodes are counted, not inferred from edges."""
        with self.connection.open() as driver:
            row = driver.execute_query(_cypher("nodes")).records[0]
        return replace(summary_of(self.edges()), nodes={kind: row[kind] for kind in FLOWS.kinds})


def _run(transaction: ManagedTransaction, statement: str) -> None:
    transaction.run(statement).consume()


def _take(
    transaction: ManagedTransaction,
    layout: Layout,
    shard: int,
    sequence: int,
    ranges: str,
    edges: pl.DataFrame,
    known: set[tuple[str, str]],
) -> tuple[int | None, set[tuple[str, str]]]:
    """Add what comes next of a batch and move the cursor.

    A transaction whose answer was lost on the way is tried again by the driver and lands here, too.

    Returns:
        How many edges are left to add, None if the batch is in as a whole; and the ends merged.
    """
    cursor = transaction.run(
        _cypher("cursor").replace(CURSOR, layout.cursor),
        shard=shard,
        sequence=sequence,
        ranges=ranges,
        edges=edges.height,
        most=EDGES_A_TRANSACTION,
    )
    applied, taken = map(int, cursor.single(strict=True).values())
    if applied + 1 < sequence:
        raise GraphError(
            f"shard {shard}: batch {sequence} comes after batch {applied}, the graph lacks those "
            f"between: restart the job from a savepoint not newer than batch {applied}, or empty "
            "the graph and run the job from the start of its topics"
        )
    if applied >= sequence:
        return None, set()
    part = edges.slice(taken, EDGES_A_TRANSACTION)
    new = _ends(part, layout) - known
    for statement, parameters in _statements(part, new, layout):
        transaction.run(statement, parameters).consume()
    return max(0, edges.height - taken - EDGES_A_TRANSACTION), new


def _ends(edges: pl.DataFrame, layout: Layout = FLOWS) -> set[tuple[str, str]]:
    """The nodes that edges join, each with the statement that merges it."""
    return {
        (statement, name)
        for kind, of in layout.kinds.items()
        for statement, side in ((of.source, "source"), (of.target, "target"))
        for name in edges.filter(pl.col("kind") == kind)[side].to_list()
    }


def _statements(
    edges: pl.DataFrame, new: set[tuple[str, str]], layout: Layout = FLOWS
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a transaction writes: new ends before edges, all in order, so that shards lock alike."""
    for ends in sorted({statement for statement, _ in new}):
        yield _cypher(ends), {"ids": sorted(name for of, name in new if of == ends)}
    for kind, of in layout.kinds.items():
        rows = edges.filter(pl.col("kind") == kind).drop("kind")
        if rows.height:
            yield _cypher(of.edges), {"rows": rows.rows()}


def _frame(kind: str, rows: list[list[Any]]) -> pl.DataFrame:
    types = record("GraphEdge").columns
    schema = {name: types[name] for name in COLUMNS}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(kind=pl.lit(kind))
