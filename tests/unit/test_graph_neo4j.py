import pickle

import polars as pl
import pytest

from connectors.graph_summary import COLUMNS, summary_of
from connectors.neo4j import (
    Connection,
    GraphError,
    GraphReader,
    GraphWriter,
    _cypher,
    _ends,
    _statements,
)
from tests.naive.graph_edges import edges_of_shard


@pytest.fixture
def password(tmp_path):
    made = tmp_path / "password"
    made.write_text("secret of the test\n", encoding="utf-8")
    made.chmod(0o600)
    return made


def test_summary_does_not_depend_on_the_order_or_on_who_wrote_the_edges():
    edges = edges_of_shard(3, 0, 20)
    summary = summary_of(edges)
    assert summary_of(edges.reverse().select("kind", *COLUMNS)) == summary
    assert summary.edges == {"PAYMENT": 13, "OBLIGATION": 7}
    assert summary.nodes == {"PAYMENT": 7, "OBLIGATION": 7}
    assert summary.amounts == {
        "OBLIGATION|EUR|2": 7 * 10**15 + sum(range(0, 20, 3)),
        "PAYMENT|EUR|2": 13 * 10**15 + sum(n for n in range(20) if n % 3),
    }


@pytest.mark.parametrize("name", COLUMNS)
def test_a_change_in_any_column_changes_the_digest(name):
    edges = edges_of_shard(3, 0, 4)
    changed = edges[name] + ("x" if edges[name].dtype == pl.String else 1)
    assert summary_of(edges.with_columns(changed)).digest != summary_of(edges).digest


def test_an_empty_graph_has_a_summary():
    assert summary_of(edges_of_shard(3, 0, 0)).edges == {"PAYMENT": 0, "OBLIGATION": 0}


def test_statements_take_the_columns_in_order():
    for statement in ("payments", "obligations"):
        text = _cypher(statement)
        places = [text.index(f"row[{place}]") for place in range(len(COLUMNS))]
        assert places == sorted(places)
        named = [line.split(":")[0].strip() for line in text.splitlines() if ": row[" in line]
        assert named[2:] == list(COLUMNS[2:])
        read = _cypher(f"{statement}.read")
        assert [
            line.split(" AS ")[1].rstrip(",") for line in read.splitlines() if " AS " in line
        ] == (list(COLUMNS))


def test_ends_are_written_before_their_edges():
    edges = edges_of_shard(3, 0, 4)
    written = [statement.split("\n")[1] for statement, _ in _statements(edges, _ends(edges))]
    assert written == [
        "MERGE (:Account {id: id})",
        "MERGE (:Member {id: id})",
        "MATCH (a:Account {id: row[0]})",
        "MATCH (a:Member {id: row[0]})",
    ]


def test_a_password_that_others_can_read_is_refused(password):
    password.chmod(0o640)
    with pytest.raises(GraphError, match=r"chmod 600 .*password"):
        GraphWriter(Connection("bolt://127.0.0.1:1", password)).open()


def test_a_missing_password_is_said(tmp_path):
    with pytest.raises(GraphError, match="no Neo4j password: No such file"):
        GraphReader(Connection("bolt://127.0.0.1:1", tmp_path / "none")).cursors()


def test_a_neo4j_that_is_not_there_is_said_without_the_password(password):
    with pytest.raises(GraphError, match=r"bolt://127.0.0.1:1 does not answer: start it") as caught:
        Connection("bolt://127.0.0.1:1", password).open()
    assert "secret" not in f"{caught.value!r} {Connection('bolt://127.0.0.1:1', password)!r}"


def test_writer_travels_to_a_worker_and_must_be_opened_there(password):
    writer = pickle.loads(pickle.dumps(GraphWriter(Connection("bolt://127.0.0.1:1", password))))
    with pytest.raises(GraphError, match="call open"):
        writer.apply(0, 0, "", edges_of_shard(0, 0, 1))
    writer.close()
