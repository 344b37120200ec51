"""Traces over a run folded in memory: what a result rests on, what a record caused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.generators import Faults, Payments, Plan, Trades, chunks
from connectors.log import MemoryLog
from connectors.topics import TICK_KEY
from deploy.errors import UserError
from deploy.lineage.answer import trace
from deploy.lineage.build import build, missing
from deploy.lineage.index import Index
from deploy.lineage.nodes import Node, moment
from deploy.lineage.trace import Tracer
from deploy.log_ids import EventId, RecordId, ResultId, parse_id
from jobs.catalogue import Config
from schemas.codec import CodecError, decode, encode
from schemas.records import record
from tests.chained import (
    HOUR,
    NET_AB,
    NOON,
    ONE,
    SHARD,
    A,
    B,
    MemorySource,
    by_hand,
    folded,
    logged,
)


@pytest.fixture(scope="module")
def log() -> MemoryLog:
    return folded(by_hand(), ONE)


@pytest.fixture(scope="module")
def tracer(log: MemoryLog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracer]:
    path = tmp_path_factory.mktemp("index") / "lineage.duckdb"
    build(MemorySource(log), path, SHARD)
    with Index(path) as index:
        yield Tracer(index, MemorySource(log))


def walk(nodes: list[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from walk(node.children)


def raw(nodes: list[Node]) -> list[str]:
    """The raw records under some nodes."""
    return [node.id for node in walk(nodes) if node.what == "raw record"]


def test_a_bilateral_net_rests_on_its_own_obligations_only(tracer: Tracer) -> None:
    (node,) = trace(tracer, ResultId(NET_AB))
    assert raw([node]) == ["obligations/0/5", "obligations/0/7"]  # 6 is a repeat, dropped
    assert node.what == "NetPosition"
    assert node.facts["fields"]["net"] == -40  # 30 received, 70 delivered
    amounts = [n.facts["fields"]["amount"] for n in walk([node]) if n.what == "raw record"]
    assert amounts == [70, 30]


def test_a_multilateral_net_rests_on_its_pairs(tracer: Tracer) -> None:
    net = NET_AB.replace(f"BILATERAL|{A}|{B}", f"MULTILATERAL|{B}|").replace(
        str(NOON + 2 * HOUR), str(NOON + HOUR)
    )
    (node,) = trace(tracer, ResultId(net))
    assert raw([node]) == ["obligations/0/1", "obligations/0/2"]  # A owes B, B owes C
    pairs = [n for n in node.children if n.what == "NetPosition"]
    assert len(pairs) == 2


def test_a_cycle_rests_on_all_of_its_obligations(tracer: Tracer) -> None:
    (node,) = trace(tracer, ResultId(NET_AB.rsplit("|", 3)[0]))
    assert raw([node]) == ["obligations/0/5", "obligations/0/7"]


def test_an_event_is_found_by_each_of_its_names(tracer: Tracer) -> None:
    (event,) = tracer.index.results([NET_AB])
    names = [event.id, event.source, RecordId("regulatory.events", 0, event.log_offset)]
    documents = [[n.document() for n in trace(tracer, name)] for name in (*names, ResultId(NET_AB))]
    assert all(found == documents[0] for found in documents)
    assert parse_id(documents[0][0]["id"]) == event.id


def test_a_record_leads_forward_to_all_it_caused(tracer: Tracer) -> None:
    (node,) = trace(tracer, RecordId("obligations", 0, 5))
    assert node.facts["fields"]["obligation_id"] == "O4"
    graph, netting = node.children
    assert (netting.what, graph.what) == ("read by netting", "read by graph")
    (net,) = netting.children
    assert net.facts["result"] == NET_AB
    assert [child.what for child in net.children] == [
        "listed by NetProvenance",
        "NetPosition",
        "NetPosition",
        "NettingCycle",
    ]
    assert [child.facts["result"].rsplit("|", 3)[1:] for child in net.children[1:3]] == [
        ["MULTILATERAL", A, ""],
        ["MULTILATERAL", B, ""],
    ]
    (edge,) = graph.children
    assert (edge.what, edge.facts["count"]) == ("GraphEdge", 1)
    assert edge.facts["edge"].startswith(f"OBLIGATION|{A}|{B}|EUR|2|{NOON + HOUR}|")
    assert edge.children[0].what == "written by graph"


def test_a_refused_record_leads_to_the_dead_letter_of_each_job(tracer: Tracer) -> None:
    (node,) = trace(tracer, RecordId("obligations", 0, 3))
    assert node.facts["problem"].startswith("undecodable: ")
    for job in node.children:
        (letter,) = job.children
        assert letter.what == "DeadLetter"
        assert letter.facts["fields"]["reason"] == "undecodable"
        assert "payload" not in letter.facts["fields"]
        assert f"appended {moment(NOON)}" in "\n".join(letter.lines())
        (back,) = trace(tracer, parse_id(letter.id))
        assert raw([back]) == ["obligations/0/3"]


def test_a_repeat_was_read_and_caused_nothing(tracer: Tracer) -> None:
    (node,) = trace(tracer, RecordId("obligations", 0, 6))
    assert [child.children for child in node.children] == [[], []]
    assert all(child.facts["duplicates"] == 1 for child in node.children)


def test_an_edge_is_made_of_the_payments_between_its_ends(tracer: Tracer) -> None:
    (edge,) = tracer.index.edges("source = 'X' AND target = 'Y'")
    (node,) = trace(tracer, RecordId("graph.edges", 0, edge.log_offset))
    assert raw([node]) == ["payments/0/1", "payments/0/2"]
    assert node.children[-1].what == "made of"
    assert trace(tracer, ResultId(edge.edge_id))[0].document() == node.document()
    (ahead,) = trace(tracer, RecordId("payments", 0, 2))
    (job,) = ahead.children
    assert [child.facts["edge"] for child in job.children] == [edge.edge_id]


def test_a_batch_rests_on_the_ranges_it_read(tracer: Tracer) -> None:
    (row,) = tracer.index.reading(RecordId("payments", 0, 1))
    (node,) = trace(tracer, row.event)
    assert raw([node]) == ["payments/0/1"]
    assert node.what == "BatchIndex"


def test_without_a_log_records_are_named(tracer: Tracer) -> None:
    (node,) = trace(Tracer(tracer.index), ResultId(NET_AB))
    assert raw([node]) == ["obligations/0/5", "obligations/0/7"]
    assert all(not n.facts for n in walk([node]) if n.what == "raw record")
    assert raw(trace(Tracer(tracer.index), RecordId("obligations", 0, 5)))


def test_what_is_not_shown_is_counted(tracer: Tracer) -> None:
    (node,) = trace(Tracer(tracer.index, tracer.source, records=1), ResultId(NET_AB))
    assert raw([node]) == ["obligations/0/5"]
    assert "and 1 more" in "\n".join(node.lines())
    (listed,) = [n for n in walk([node]) if n.what == "listed by"]
    assert listed.document()["offsets"] == [5, 7]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (EventId(0, 10**6), "nothing in the index has the id 0:1000000"),
        (ResultId("P1"), "nothing in the index has the id P1"),
        (RecordId("obligations", 0, 999), "there is no record obligations/0/999"),
        (RecordId("fills", 0, 0), "there is no record fills/0/0"),
        (RecordId("nets", 0, 999), "nothing in the index has the id nets/0/999"),
        (RecordId("obligation", 0, 1), "there is no topic obligation; topics: "),
    ],
)
def test_what_is_not_there_is_told_in_a_line(
    tracer: Tracer, wanted: EventId | ResultId | RecordId, told: str
) -> None:
    with pytest.raises(UserError, match="^" + told) as error:
        trace(tracer, wanted)
    assert "\n" not in str(error.value)


def test_a_record_nobody_has_read_yet_is_told(tracer: Tracer, log: MemoryLog) -> None:
    later = MemoryLog()
    later.spans |= log.spans
    later.spans["payments", 0] = MemorySource(log).read("payments", 0)
    later.append("payments", 0, 2**42, b"new")
    with pytest.raises(UserError, match="nothing that is indexed has read payments/0/5"):
        trace(Tracer(tracer.index, MemorySource(later)), RecordId("payments", 0, 5))


def test_no_index_yet_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run: tidemark index"):
        Index(tmp_path / "lineage.duckdb")


def test_a_file_that_is_no_index_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lineage.duckdb"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(UserError, match="is not an index"):
        Index(path)


def test_an_index_built_in_steps_equals_one_built_at_once(log: MemoryLog, tmp_path: Path) -> None:
    whole, steps = tmp_path / "whole.duckdb", tmp_path / "steps.duckdb"
    build(MemorySource(log), whole, SHARD)
    events = log.spans["regulatory.events", 0]
    for end in (1, 5, 6, len(events)):
        part = MemoryLog()
        part.spans |= log.spans
        part.spans["regulatory.events", 0] = MemorySource(log).read("regulatory.events", 0, 0, end)
        build(MemorySource(part), steps, SHARD)
    assert missing(MemorySource(log), steps, SHARD, again=False) == 0
    assert build(MemorySource(log), steps, SHARD).offsets == 0
    tables = ("events", "lineage", "behind", "batches", "reads", "edges", "progress")
    with Index(whole) as one, Index(steps) as other:
        for table in tables:
            query = f"SELECT * FROM {table} ORDER BY ALL"
            assert one.rows(query) == other.rows(query), table


def test_an_index_is_not_taken_further_with_another_log(log: MemoryLog, tmp_path: Path) -> None:
    path = tmp_path / "lineage.duckdb"
    build(MemorySource(log), path, SHARD)
    other = folded(by_hand(), Config(partitions=1, cycle_s=60))
    with pytest.raises(UserError, match="the index is one of another log"):
        build(MemorySource(other), path, SHARD)
    assert build(MemorySource(other), path, SHARD, again=True).rows["events"] > 0


def test_events_of_the_first_version_are_indexed_from_their_payload(
    log: MemoryLog, tmp_path: Path
) -> None:
    older, newer = record("RegulatoryEvent", 1), MemoryLog()
    for row in log.spans["regulatory.events", 0].values:
        fields = decode(row or b"")[1]
        old = encode(older, {name: fields[name] for name in older.columns})
        newer.append("regulatory.events", 0, 0, old, b"p0.0")
    build(MemorySource(log), tmp_path / "new.duckdb", SHARD)
    build(MemorySource(newer), tmp_path / "old.duckdb", SHARD)
    with Index(tmp_path / "new.duckdb") as new, Index(tmp_path / "old.duckdb") as old_index:
        for query in (
            "SELECT sequence, kind, result_id, result_version, subject FROM events ORDER BY ALL",
            "SELECT * FROM lineage ORDER BY ALL",
            "SELECT * FROM reads ORDER BY ALL",
        ):
            assert new.rows(query) == old_index.rows(query)


def decoded(log: MemoryLog, topic: str, partition: int, offset: int) -> dict[str, Any]:
    return decode(log.spans[topic, partition].values[offset] or b"")[1]


@pytest.mark.parametrize("seed", [3])
def test_on_a_generated_day_traces_add_up_to_the_results(tmp_path: Path, seed: int) -> None:
    """Sums over the raw records a trace names are the figures of nets and edges, one by one."""
    plan = Plan(count=400, seed=seed, partitions=2, faults=Faults.total(0.05))
    log = MemoryLog()
    for feed in (Trades(seed), Payments(seed, days=1)):
        log.spans |= logged(chunks(feed, plan), feed.start).spans
    folded(log, Config(partitions=2))
    build(MemorySource(log), tmp_path / "i.duckdb", {topic: 2 for topic in SHARD})
    listed: dict[int, list[int]] = {0: [], 1: []}
    with Index(tmp_path / "i.duckdb") as index:
        tracer = Tracer(index, MemorySource(log), records=10**6)
        nets = index.events("kind = 'NetPosition' AND contains(result_id, '|BILATERAL|')")
        assert len(nets) > 100
        for net in nets:
            found = index.listed(tracer.chunks([net]))
            offsets = [offset for part in found.values() for offset in part.tolist()]
            rows = [decoded(log, "obligations", net.shard, offset) for offset in offsets]
            received = sum(r["amount"] for r in rows if r["receiver"] == net.fields["member"])
            assert received == net.fields["receives"]
            assert sum(r["amount"] for r in rows) == received + net.fields["delivers"]
            listed[net.shard] += offsets
        for shard, offsets in listed.items():
            assert len(offsets) == len(set(offsets))
            used = index.rows(
                "SELECT sum(used)::BIGINT FROM batches WHERE job = 'netting' AND shard = ?", shard
            )
            assert used == [(len(offsets),)]
        for edge in index.edges("TRUE")[::50]:
            (node,) = trace(tracer, RecordId("graph.edges", edge.shard, edge.log_offset))
            fields = decoded(log, "graph.edges", edge.shard, edge.log_offset)
            found = [parse_id(name) for name in raw([node])]
            rows = [decoded(log, r.topic, r.partition, r.offset) for r in found]  # type: ignore[union-attr]
            if node.children[-1].what == "made of":
                assert sum(r["amount"] for r in rows) == fields["amount"]
            assert len(rows) >= edge.count
        for shard in (0, 1):
            _letters_are_found(log, index, tracer, shard)


def _letters_are_found(log: MemoryLog, index: Index, tracer: Tracer, shard: int) -> None:
    """Each record of the feed that no schema fits has a dead letter, and the other way round."""
    span = log.spans["obligations", shard]
    for offset, key, value in zip(span.offsets, span.keys, span.values, strict=True):
        if key == TICK_KEY:
            continue
        try:
            decode(value or b"")
        except CodecError:
            (node,) = trace(tracer, RecordId("obligations", shard, offset))
            letters = [n for n in walk([node]) if n.what == "DeadLetter"]
            assert len(letters) == 2  # netting and graph
