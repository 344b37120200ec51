"""The whole path on the real stack: kill, cut otherwise, chain, draw; all as the oracle has it."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from connectors.generators import Faults, Plan, Trades, expected_counts
from connectors.graph_summary import summary_of
from connectors.neo4j import Connection, GraphReader
from deploy.drills import savepoint
from deploy.drills.rig import Rig
from deploy.drills.waiting import until
from deploy.stack import Stack
from deploy.verification import TOPIC, verify_log
from jobs.catalogue import JOBS, Config
from tests.naive.chain import chain_holds, read
from tests.on_stack import frame, values

TRADES = 40_000
OBLIGATIONS = 2 * TRADES
FINAL = ("nets", "nets.provenance", "cycles", "netting.dead")


@pytest.fixture(scope="module")
def rig(stack: Stack) -> Iterator[Rig]:
    """A feed of trades with faults, and netting run over it while its TaskManager is killed."""
    config = Config(partitions=stack.settings.partitions)
    with Rig(stack, f"p{uuid.uuid4().hex[:6]}.", config) as rig:
        sending = rig.feed(
            Trades(11, date(2026, 3, 2)), Plan(TRADES, 11, 4, Faults.total(0.02)), rate=8_000
        )
        rig.submit("netting", 2)
        until(lambda: rig.batches("netting") >= 12, "no 12 batches", 120, 0.2)
        stack.kill("taskmanager-0")
        stack.start_taskmanager()
        sending.result()
        rig.wait("netting", rig.ends("obligations"))
        yield rig


def test_a_killed_taskmanager_changes_no_byte(rig: Rig) -> None:
    job = rig.stack.flink.rest.find(f"{rig.prefix}netting")
    assert rig.stack.flink.rest.exceptions(job.id), "the kill went unnoticed"
    comparison = rig.compare("netting")
    assert comparison.differences == []
    assert comparison.records > 10_000
    assert rig.stack.flink.rest.late_records(job.id) == 0


def test_inputs_are_used_refused_or_repeated_as_the_labels_say(rig: Rig) -> None:
    rig.wait("netting", rig.ends("obligations"))
    sent = sum(len(shard) for shard in values(rig, "obligations"))
    tombstones = (
        frame(rig, "netting.dead", "DeadLetter")["reason"].str.starts_with("tombstone").sum()
    )
    expected = expected_counts(frame(rig, "labels", "Label"))["obligations"]
    with rig.follower("netting") as follower:
        follower.poll()
        counts = follower.counts
    assert counts["used"] == OBLIGATIONS
    assert counts["duplicates"] == expected.duplicates
    assert counts["late"] == expected.late
    assert counts["dead"] == sum(expected.dead.values())
    assert counts["records"] == sent + tombstones
    assert counts["records"] == counts["used"] + counts["duplicates"] + counts["dead"]


def test_other_slices_and_another_parallelism_change_nothing_final(rig: Rig) -> None:
    config = replace(rig.config, slice_ms=250)
    other = f"{rig.prefix}s."
    rig.submit("netting", 4, config, out_prefix=other)
    rig.wait("netting", rig.ends("obligations"), out_prefix=other)
    assert rig.compare("netting", config, other).differences == []
    for topic in FINAL:
        assert values(rig, topic, other) == values(rig, topic), topic
    late = [sum_of(rig, prefix, "late") for prefix in (rig.prefix, other)]
    assert late[0] == late[1] > 0


def sum_of(rig: Rig, prefix: str, count: str) -> int:
    with rig.follower("netting", prefix) as follower:
        follower.poll()
        return follower.counts[count]


def test_the_graph_in_neo4j_is_the_one_in_the_topic(rig: Rig) -> None:
    connection = Connection(rig.settings.bolt_url, rig.settings.neo4j_password_file)
    with connection.open() as driver:
        driver.execute_query("MATCH (n) DETACH DELETE n")
    rig.submit(
        "graph",
        2,
        neo4j=rig.settings.bolt_url,
        neo4j_password_file=rig.settings.neo4j_password_file,
    )
    rig.wait("graph", rig.ends("payments", "obligations"))
    rig.stop("graph")
    assert rig.compare("graph").differences == []
    edges = frame(rig, "graph.edges", "GraphEdge")
    assert edges.height > 10_000
    assert GraphReader(connection).summary() == summary_of(edges)


def test_every_result_is_in_one_whole_chain_a_partition(rig: Rig) -> None:
    rig.stop("netting")
    rig.submit("regulatory", 2)
    topics = tuple(feed.topic for feed in JOBS["regulatory"](rig.config).feeds)
    rig.wait("regulatory", rig.ends(*topics))
    assert rig.compare("regulatory").differences == []
    verdict = verify_log(rig.settings.brokers, rig.config.partitions, rig.prefix)
    assert verdict.ok
    assert verdict.length == sum(len(shard) for topic in topics for shard in values(rig, topic))
    for shard, messages in enumerate(values(rig, TOPIC)):
        assert chain_holds(messages)
        assert read(messages[-1])["link"] == verdict.chains[shard].head


def test_savepoint_under_load_restores_at_another_parallelism(stack: Stack) -> None:
    report = savepoint.run(stack, f"d{uuid.uuid4().hex[:6]}.", seed=5, count=20_000, rate=6_000)
    found = {result.what: result.value for result in report.results}
    assert found["records that differ"] == 0
    assert found["records Flink dropped as late"] == 0
