"""Transaction monitoring on the real stack: killed in mid-run, it says what the oracle says."""

import uuid
from collections.abc import Iterator
from datetime import date

import polars as pl
import pytest

from connectors.generators import AmlWorld, Plan, Wanted
from connectors.generators.aml import KINDS
from connectors.reader import LogReader
from deploy.drills.rig import Rig
from deploy.drills.waiting import MONOTONIC, SLEEP
from deploy.oracle import data
from deploy.stack import Stack
from jobs.catalogue import Config
from schemas.codec import decode_batch
from schemas.records import record

PAYMENTS = 20_000
KINDS_OF_A_MONTH = dict.fromkeys((kind for kind in KINDS if kind != "dormant-wake-up"), 1)
"""Falling asleep takes longer."""
FEEDS = ("postings", "customers", "rules", "alert.actions")


@pytest.fixture(scope="module")
def rig(stack: Stack) -> Iterator[Rig]:
    """A laundering world of 30 days, monitored while the TaskManager is killed."""
    config = Config(partitions=stack.settings.partitions, lateness_ms=1_000)
    world = AmlWorld(5, date(2026, 3, 2), 30, PAYMENTS, wanted=Wanted(counts=KINDS_OF_A_MONTH))
    with Rig(stack, f"a{uuid.uuid4().hex[:6]}.", config) as rig:
        sending = rig.feed(world, Plan(world.count, 5, config.partitions), rate=4_000)
        rig.submit("aml", 2)
        until(lambda: batches(rig, "aml") >= 12)
        stack.kill("taskmanager-0")
        stack.start_taskmanager()
        sending.result()
        rig.wait("aml", rig.ends(*FEEDS))
        yield rig


def until(true, timeout: float = 120) -> None:
    deadline = MONOTONIC() + timeout
    while not true():
        assert MONOTONIC() < deadline, "waited too long"
        SLEEP(0.2)


def batches(rig: Rig, job: str) -> int:
    with rig.follower(job) as follower:
        follower.poll()
        return follower.batches


def frame(rig: Rig, topic: str, name: str) -> pl.DataFrame:
    reader = LogReader(rig.settings.brokers, rig.prefix)
    try:
        messages = [
            value
            for shard in range(rig.config.partitions)
            for value in data(reader.read(topic, shard))
        ]
    finally:
        reader.close()
    return decode_batch(record(name), messages)[0]


def test_a_killed_taskmanager_changes_no_alert(rig: Rig) -> None:
    job = rig.stack.flink.rest.find(f"{rig.prefix}aml")
    assert rig.stack.flink.rest.exceptions(job.id), "the kill went unnoticed"
    comparison = rig.compare("aml")
    assert comparison.differences == []
    assert rig.stack.flink.rest.late_records(job.id) == 0


def test_alerts_rest_on_the_schemes_that_were_planted(rig: Rig) -> None:
    labels = frame(rig, "schemes", "SchemeLabel")
    alerts = frame(rig, "alerts", "Alert")
    planted = labels.select("kind", posting=pl.col("postings").str.split(";")).explode("posting")
    behind = alerts.select("rule", posting=pl.col("events").str.split(";")).explode("posting")
    found = set(planted.join(behind, on="posting").filter(rule=pl.col("kind"))["kind"])
    assert found >= {"micro-structuring", "smurfing", "funnel-account", "pass-through"}


def test_what_went_in_was_used(rig: Rig) -> None:
    fed = [("postings", "Posting"), ("customers", "Customer")]
    sent = sum(frame(rig, *one).height for one in fed)
    with rig.follower("aml") as follower:
        follower.poll()
        counts = follower.counts
    assert counts["used"] == counts["records"] == sent
