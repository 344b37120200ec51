"""Every batch is in the stack's Neo4j once, whatever is repeated, broken off or racing."""

import threading
import uuid

import polars as pl
import pytest

from connectors import neo4j
from connectors.graph_summary import summary_of
from connectors.neo4j import Connection, GraphError, GraphReader, GraphWriter
from tests.naive.graph_edges import edges_of_shard


@pytest.fixture(scope="module")
def connection(stack):
    settings = stack.settings
    return Connection(settings.bolt_url, settings.neo4j_password_file, retry_s=20.0)


@pytest.fixture
def writer(connection):
    made = GraphWriter(connection)
    made.open()
    yield made
    made.close()


@pytest.fixture
def shard(connection):
    """A shard number of this test alone; what it wrote is taken away afterwards."""
    number = 10**9 + uuid.uuid4().int % 10**9
    yield number
    with connection.open() as driver:
        driver.execute_query("MATCH ()-[r {source_partition: $n}]->() DELETE r", n=number)
        driver.execute_query("MATCH (n) WHERE n.id STARTS WITH $p DETACH DELETE n", p=f"{number}-")
        driver.execute_query("MATCH (c:TidemarkCursor {shard: $n}) DELETE c", n=number)


def stored(connection, shard):
    return GraphReader(connection).edges().filter(pl.col("source_partition") == shard)


def test_a_batch_is_added_once(writer, connection, shard):
    batches = [edges_of_shard(shard, batch, 40) for batch in range(3)]
    assert [writer.apply(shard, n, f"r{n}", edges) for n, edges in enumerate(batches)] == [True] * 3
    assert [writer.apply(shard, n, f"r{n}", edges) for n, edges in enumerate(batches)] == [
        False
    ] * 3
    assert summary_of(stored(connection, shard)) == summary_of(pl.concat(batches))
    assert GraphReader(connection).cursors()[shard] == 2


def test_a_batch_without_edges_moves_the_cursor(writer, connection, shard):
    assert writer.apply(shard, 0, "r", edges_of_shard(shard, 0, 0))
    assert not writer.apply(shard, 0, "r", edges_of_shard(shard, 0, 0))
    assert GraphReader(connection).cursors()[shard] == 0


def test_a_missing_batch_is_named_with_the_mend(writer, connection, shard):
    writer.apply(shard, 0, "r", edges_of_shard(shard, 0, 5))
    with pytest.raises(GraphError, match=r"batch 2 comes after batch 0.*savepoint not newer"):
        writer.apply(shard, 2, "r", edges_of_shard(shard, 2, 5))
    assert stored(connection, shard).height == 5
    assert GraphReader(connection).cursors()[shard] == 0


def test_a_large_batch_that_was_broken_off_goes_on(writer, connection, shard, monkeypatch):
    edges, take, calls = edges_of_shard(shard, 0, 50), neo4j._take, []

    def breaking(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyError("broken off")
        return take(*arguments)

    monkeypatch.setattr(neo4j, "EDGES_A_TRANSACTION", 20)
    monkeypatch.setattr(neo4j, "_take", breaking)
    with pytest.raises(KeyError):
        writer.apply(shard, 0, "r", edges)
    assert stored(connection, shard).height == 40
    assert GraphReader(connection).cursors()[shard] == -1
    monkeypatch.setattr(neo4j, "EDGES_A_TRANSACTION", 7)
    assert writer.apply(shard, 0, "r", edges)
    assert summary_of(stored(connection, shard)) == summary_of(edges)


def test_writers_that_race_add_a_batch_once(connection, shard):
    edges, results = edges_of_shard(shard, 0, 200), []

    def write():
        writer = GraphWriter(connection)
        writer.open()
        results.append(writer.apply(shard, 0, "r", edges))
        writer.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, False, False, True]
    assert summary_of(stored(connection, shard)) == summary_of(edges)


def test_a_wrong_password_is_said(connection, tmp_path):
    wrong = tmp_path / "password"
    wrong.write_text("not the password", encoding="utf-8")
    wrong.chmod(0o600)
    with pytest.raises(GraphError, match=r"refuses user neo4j: put the right password into"):
        Connection(connection.uri, wrong).open()
