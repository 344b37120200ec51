"""Transaction monitoring on the real stack: a killed job, a changed rule set, a replay."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from connectors.generators import AmlWorld, Plan, Wanted
from connectors.generators.aml import KINDS
from connectors.graph_links import LinkGraph
from connectors.neo4j import Connection
from connectors.producer import KafkaEnd
from connectors.reader import LogReader
from deploy.drills.rig import Rig
from deploy.drills.waiting import until
from deploy.proofs.keys import SigningKey
from deploy.replay.audit import replay
from deploy.replay.bounds import Edge
from deploy.replay.order import Order as Replay
from deploy.rules.known import NAME
from deploy.rules.publishing import Order, publish
from deploy.rules.recorded import Ends
from deploy.stack import Stack
from jobs.catalogue import JOBS, Config
from tests.on_stack import frame, shown
from udfs.aml.catalogue import PARAMS
from udfs.aml.ruleset import canonical, default, digest
from udfs.aml.slots import DEFAULT_BODY

PAYMENTS = 20_000
DAYS = 30
KINDS_OF_A_MONTH = dict.fromkeys((kind for kind in KINDS if kind != "dormant-wake-up"), 1)
"""Falling asleep takes longer."""
FEEDS = ("postings", "customers", "rules", "alert.actions")
KEY = SigningKey.make()


@pytest.fixture(scope="module")
def rig(stack: Stack) -> Iterator[Rig]:
    """A laundering world; another rule set in the middle of it, and a kill of the TaskManager."""
    config = Config(
        partitions=stack.settings.partitions,
        lateness_ms=1_000,
        rule_keys=KEY.public(NAME).octets.hex(),
    )
    world = AmlWorld(5, date(2026, 3, 2), DAYS, PAYMENTS, wanted=Wanted(counts=KINDS_OF_A_MONTH))
    with Rig(stack, f"a{uuid.uuid4().hex[:6]}.", config) as rig:
        rig.submit("aml", 2)
        change_rules(rig, (world.start + world.end) // 2)
        sending = rig.feed(world, Plan(world.count, 5, config.partitions), rate=4_000)
        until(lambda: frame(rig, "alerts", "Alert").height > 0, "no alert", 120, 0.5)
        stack.kill("taskmanager-0")
        stack.start_taskmanager()
        sending.result()
        rig.wait("aml", rig.ends(*FEEDS))
        yield rig


def change_rules(rig: Rig, effective: int) -> None:
    """Publish a set without the velocity rule."""
    rules = default(PARAMS)
    velocity = rules.rules["velocity"].model_copy(update={"enabled": False})
    body = canonical(rules.model_copy(update={"rules": {**rules.rules, "velocity": velocity}}))
    rig.ensure("control.changes")
    reader = LogReader(rig.settings.brokers, rig.prefix)
    end = KafkaEnd(rig.settings.brokers, prefix=rig.prefix)

    def send(batches) -> None:
        for batch in batches:
            end.send(batch)
        end.close()

    try:
        order = Order(body, "LIVE", effective, "ada", "velocity is tuned elsewhere", "bob")
        publish(Ends(reader, send, rig.config.partitions), order, KEY)
    finally:
        reader.close()


def test_a_killed_taskmanager_changes_no_alert(rig: Rig) -> None:
    job = rig.stack.flink.rest.find(f"{rig.prefix}aml")
    assert rig.stack.flink.rest.exceptions(job.id), "the kill went unnoticed"
    comparison = rig.compare("aml")
    assert comparison.differences == []
    assert rig.stack.flink.rest.late_records(job.id) == 0


def test_a_rule_set_counts_from_its_moment_on_and_every_alert_names_its_own(rig: Rig) -> None:
    alerts = frame(rig, "alerts", "Alert").filter(pl.col("source_topic") == "postings")
    (change,) = frame(rig, "rules", "RuleSet").unique("ruleset_id").iter_rows(named=True)
    sets = {f"rules:{digest(DEFAULT_BODY)}": False, f"rules:{change['hash']}": True}
    assert set(alerts["decided_by"]) == sets.keys()
    after = alerts["time"] >= change["effective_time"]
    assert alerts["decided_by"].replace_strict(sets).equals(after, check_names=False)
    assert (alerts.filter(~after)["rule"] == "velocity").any()
    assert not (alerts.filter(after)["rule"] == "velocity").any()


def test_alerts_rest_on_the_schemes_that_were_planted(rig: Rig) -> None:
    labels = frame(rig, "schemes", "SchemeLabel")
    alerts = frame(rig, "alerts", "Alert")
    planted = labels.select("kind", posting=pl.col("postings").str.split(";")).explode("posting")
    behind = alerts.select("rule", posting=pl.col("events").str.split(";")).explode("posting")
    found = planted.join(behind, on="posting").filter(pl.col("kind") == pl.col("rule"))
    assert set(found["kind"]) >= {"micro-structuring", "smurfing", "funnel-account", "pass-through"}


def test_what_went_in_was_used(rig: Rig) -> None:
    fed = [("postings", "Posting"), ("customers", "Customer"), ("rules", "RuleSet")]
    sent = sum(frame(rig, *one).height for one in fed)
    with rig.follower("aml") as follower:
        follower.poll()
        counts = follower.counts
    assert counts["used"] == counts["records"] == sent


def test_a_replay_of_the_month_with_the_change_in_it_gives_the_same_bytes(rig: Rig) -> None:
    rig.stop("aml")
    order = Replay("aml", Edge(False), Edge(True), 4, rig.prefix, rig.prefix)
    report = replay(rig.stack, order)
    assert report.equal, report.verdict()
    alerts = sum(one.records for one in report.compared if one.topic == "alerts")
    assert alerts == frame(rig, "alerts", "Alert").height > 0


def test_shapes_in_the_graph_of_transfers_are_alerts_in_the_same_log(rig: Rig) -> None:
    before = frame(rig, "alerts", "Alert").height
    rig.submit("motifs", 1)
    rig.wait("motifs", rig.ends("transfers", "rules"))
    assert rig.compare("motifs").differences == []
    rig.stop("motifs")
    alerts = frame(rig, "alerts", "Alert")
    motifs = alerts.filter(pl.col("producer").str.starts_with("motifs/"))
    assert alerts.height - motifs.height == before
    assert set(motifs["rule"]) & {"fan-in", "fan-out", "cycle", "scatter-gather", "gather-scatter"}


def test_a_customer_on_a_published_list_is_found(rig: Rig, tmp_path: Path) -> None:
    customers = frame(rig, "customers", "Customer")
    listed = customers.sort("customer")["name"][0]
    names = tmp_path / "list.csv"
    heading = "id,name,aliases,kind,birth_year,countries,programme,category"
    names.write_text(f"{heading}\nL-1,{listed},,PERSON,1970,ZZ,MADE-UP,SANCTION\n")
    rig.ensure("lists")
    given = (names, "--name", "ours", "--author", "ann", "--prefix", rig.prefix)
    done = shown(rig, "screening", "publish", *given)
    assert done.returncode == 0, done.stderr
    rig.submit("screening", 2)
    rig.wait("screening", rig.ends("lists", "customers", "postings"))
    rig.stop("screening")
    assert rig.compare("screening").differences == []
    alerts = frame(rig, "alerts", "Alert").filter(pl.col("producer").str.starts_with("screening/"))
    assert customers.sort("customer")["customer"][0] in alerts["subject"]
    runs = frame(rig, "screening.runs", "ScreeningRun")
    assert runs.height == rig.config.partitions
    assert runs["known"].sum() == runs["screened"].sum() + runs["unreadable"].sum()


def test_customers_and_alerts_are_in_the_graph(rig: Rig) -> None:
    settings = rig.settings
    connection = Connection(settings.bolt_url, settings.neo4j_password_file)
    with connection.open() as driver:
        driver.execute_query("MATCH (n) DETACH DELETE n")
    rig.submit(
        "links", 2, neo4j=settings.bolt_url, neo4j_password_file=settings.neo4j_password_file
    )
    rig.wait("links", rig.ends("transfers", "alerts"))
    rig.stop("links")
    assert rig.compare("links").differences == []
    found = LinkGraph(connection).counts()
    assert found["sent"] == frame(rig, "transfers", "Transfer").height
    assert found["alerts"] > 0


def test_every_alert_is_in_the_chain(rig: Rig) -> None:
    config = replace(rig.config, slice_ms=10_000)
    rig.submit("regulatory", 2, config)
    topics = [feed.topic for feed in JOBS["regulatory"](config).feeds]
    rig.wait("regulatory", rig.ends(*topics))
    assert rig.compare("regulatory", config).differences == []
    chained = frame(rig, "regulatory.events", "RegulatoryEvent")
    assert (chained["kind"] == "Alert").sum() == frame(rig, "alerts", "Alert").height
    rig.stop("regulatory")
