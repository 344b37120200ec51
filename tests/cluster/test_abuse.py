"""Market abuse on the real stack: a killed TaskManager, a restored state, bad messages."""

import uuid
from collections import Counter
from collections.abc import Iterator
from functools import cache

import polars as pl
import pytest

from connectors.generators.feed import Chunk
from connectors.producer import KafkaEnd, deliver
from connectors.topics import TOPICS
from deploy.drills.rig import Rig
from deploy.drills.waiting import until
from deploy.stack import Stack
from jobs.catalogue import JOBS, Config
from tests import on_stack
from tests.surveillance import JOBS_OF_IT, STRANGE, Checks, Sent, strange_events

ORDERS, RATE = 20_000, 2_000
"""Two days of business, sent within some 35 seconds: longer than a recovery."""
PARALLELISM = {"matching": 2, "abuse": 2, "crossing": 1}


class Live:
    """The three jobs at work."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.config = rig.config
        self.sent = Sent(ORDERS, rig.config.partitions)

    @cache  # noqa: B019
    def frame(self, topic: str) -> pl.DataFrame:
        return on_stack.frame(self.rig, topic, TOPICS[topic].record)

    def counts(self, job: str) -> Counter[str]:
        with self.rig.follower(job) as follower:
            follower.poll()
            return follower.counts

    def send(self, chunks: list[Chunk]) -> None:
        """Send chunks one after the other, what a venue sets by itself."""
        deliver(chunks, KafkaEnd(self.rig.settings.brokers, prefix=self.rig.prefix))

    def wait(self, job: str) -> None:
        """Until a job has read all that there is now."""
        self.rig.wait(job, self.rig.ends(*(feed.topic for feed in JOBS[job](self.config).feeds)))


@pytest.fixture(scope="module")
def run(stack: Stack) -> Iterator[Live]:
    """Two days of an exchange; a kill, and a stop and a restore of `abuse`, in the middle of it."""
    config = Config(partitions=stack.settings.partitions)
    with Rig(stack, f"x{uuid.uuid4().hex[:6]}.", config) as rig:
        run = Live(rig)
        orders = run.sent.records("orders")
        for job, parallelism in PARALLELISM.items():
            rig.submit(job, parallelism)
        run.send(run.sent.by_hand())
        sending = rig.feed(run.sent.world, run.sent.plan(RATE // 20), rate=RATE)
        read(run, "matching", orders // 4)
        stack.kill("taskmanager-0")
        stack.start_taskmanager()
        read(run, "abuse", orders // 2)
        rig.submit("abuse", PARALLELISM["abuse"], savepoint=rig.stop("abuse"))
        sending.result()
        for job in JOBS_OF_IT:
            run.wait(job)
        yield run


def read(run: Live, job: str, least: int) -> None:
    """Wait until a job has committed so many records."""
    until(lambda: run.counts(job)["records"] >= least, f"{job} has not read {least}", 180, 0.5)


class TestOnStack(Checks):
    pass


@pytest.mark.parametrize("job", JOBS_OF_IT)
def test_neither_a_killed_taskmanager_nor_a_restored_savepoint_changes_a_byte(
    run: Live, job: str
) -> None:
    comparison = run.rig.compare(job)
    assert comparison.differences == []
    assert comparison.records > 0
    rest = run.rig.stack.flink.rest
    assert rest.late_records(rest.find(f"{run.rig.prefix}{job}").id) == 0


def test_the_kill_was_felt(run: Live) -> None:
    rest = run.rig.stack.flink.rest
    assert rest.exceptions(rest.find(f"{run.rig.prefix}matching").id), "the kill went unnoticed"


def test_order_events_that_no_book_has_said_are_refused_and_the_rest_goes_on(run: Live) -> None:
    before = run.counts("abuse")["used"]
    strange = strange_events(run)
    run.send([[strange]])
    run.wait("abuse")
    assert run.counts("abuse")["used"] == before + len(strange.values)
    run.frame.cache_clear()
    told = run.frame("abuse.refused").select("record_id", "reason")
    assert dict(told.rows()) == STRANGE
