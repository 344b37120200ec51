"""Links, rings and ways between customers in the stack's Neo4j."""

import uuid

import polars as pl
import pytest

from connectors.graph_layout import LINKS
from connectors.graph_links import LinkGraph
from connectors.neo4j import Connection, GraphReader, GraphWriter
from schemas.records import record


@pytest.fixture(scope="module")
def connection(stack):
    settings = stack.settings
    return Connection(settings.bolt_url, settings.neo4j_password_file, retry_s=20.0)


@pytest.fixture
def mine(connection):
    """A prefix of all names of this test, and a shard number; taken away afterwards."""
    number = 10**9 + uuid.uuid4().int % 10**9
    yield number
    with connection.open() as driver:
        driver.execute_query("MATCH (n) WHERE n.id STARTS WITH $p DETACH DELETE n", p=f"{number}-")
        driver.execute_query("MATCH (c:TidemarkLinksCursor {shard: $n}) DELETE c", n=number)


def links(mine, *rows):
    """Links of (kind, from, to); each rests on its own place in the log."""
    empty = {c: "" if t == pl.String else 0 for c, t in record("GraphLink").columns.items()}
    made = [
        {
            **empty,
            "kind": kind,
            "link_id": f"{mine}-{number}",
            "source": f"{mine}-{a}",
            "target": f"{mine}-{b}",
            "event": f"t{number}",
            "amount": 100 + number,
            "currency": "USD",
            "scale": 2,
        }
        for number, (kind, a, b) in enumerate(rows)
    ]
    return pl.DataFrame(made, schema=record("GraphLink").columns)


def written(connection, mine, *batches):
    """What each batch of links was answered with."""
    writer = GraphWriter(connection, LINKS)
    writer.open()
    try:
        return [writer.apply(mine, n, "", links(mine, *rows)) for n, rows in enumerate(batches)]
    finally:
        writer.close()


def test_links_are_added_once_and_lead_from_one_customer_to_another(connection, mine):
    rows = [
        ("SENT", "a", "b"),
        ("SENT", "a", "b"),
        ("SENT", "c", "b"),
        ("SENT_AWAY", "c", "x"),
        ("OWNS", "d", "x"),
        ("ABOUT", "alert", "a"),
        ("ABOUT_ACCOUNT", "alert", "x"),
    ]
    before, cursors = LinkGraph(connection).counts(), GraphReader(connection).cursors()
    assert written(connection, mine, rows) == [True]
    assert written(connection, mine, rows) == [False]
    after = LinkGraph(connection).counts()
    more = {name: after[name] - before[name] for name in after}
    assert more == {
        "customers": 4,
        "accounts": 1,
        "alerts": 1,
        "rings": 0,
        "sent": 4,
        "owns": 1,
        "about": 2,
    }
    assert GraphReader(connection).cursors() == cursors  # the other job's
    graph = LinkGraph(connection)
    (way,) = graph.paths(f"{mine}-a", f"{mine}-c", 3)
    assert way["nodes"] == [["Customer", f"{mine}-{name}"] for name in "abc"]
    assert [(link["type"], link["source"][-1], link["target"][-1]) for link in way["links"]] == [
        ("SENT", "a", "b"),
        ("SENT", "c", "b"),
    ]
    assert way["links"][1]["amount"] == 102
    assert graph.paths(f"{mine}-a", f"{mine}-d", 3) == []  # a - b - c - x - d are four steps
    (way,) = graph.paths(f"{mine}-a", f"{mine}-d", 4)
    assert [kind for kind, _ in way["nodes"]] == ["Customer"] * 3 + ["Account", "Customer"]
    assert graph.paths(f"{mine}-a", f"{mine}-nobody", 3) is None


def test_a_ring_is_written_once_and_grows(connection, mine):
    def ring(*members):
        rows = [{"id": f"{mine}-{n}", "role": r, "centrality": 1} for n, r in members]
        said = {"id": f"{mine}-ring", "sink": f"{mine}-s", "outside": "", "score": 900_000}
        return said | {"amount": 5, "time": 7, "version": "rings/1", "members": rows}

    graph = LinkGraph(connection)
    first = ring(("s", "sink"), ("c", "collector"), ("d", "depositor"))
    for _ in range(2):
        graph.put_rings([first])
    assert graph.rings()[f"{mine}-ring"] == {
        f"{mine}-s": "sink",
        f"{mine}-c": "collector",
        f"{mine}-d": "depositor",
    }
    graph.put_rings([ring(("s", "sink"), ("e", "depositor"))])
    assert len(graph.rings()[f"{mine}-ring"]) == 4
    elsewhere = ring(("x", "sink"), ("d", "depositor")) | {"outside": f"{mine}-x"}
    before = graph.counts()
    graph.put_rings([elsewhere | {"id": f"{mine}-other", "sink": f"{mine}-x"}])
    assert graph.counts() == before | {
        "accounts": before["accounts"] + 1,
        "rings": before["rings"] + 1,
    }
