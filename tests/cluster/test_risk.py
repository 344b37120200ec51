"""Market risk on the real stack: late and bad quotes, a killed TaskManager, a restored state."""

import uuid
from collections.abc import Iterator

import polars as pl
import pytest

from connectors.reader import LogReader
from connectors.topics import TICK_KEY
from deploy.drills import risk
from deploy.drills.rig import Rig
from deploy.stack import Stack
from jobs.catalogue import JOBS, Config
from tests.on_stack import frame, values

RUN = risk.Run(ticks=50_000, rate=2_000, density=200)
"""A slice is two and a half seconds of business."""


@pytest.fixture(scope="module")
def rig(stack: Stack) -> Iterator[Rig]:
    """Four minutes of a market through the three jobs; a kill, and a restore from a savepoint."""
    config = Config(partitions=stack.settings.partitions, lateness_ms=risk.LATENESS_MS)
    with Rig(stack, f"r{uuid.uuid4().hex[:6]}.", config) as rig:
        risk.interrupted(rig, 5, RUN)
        yield rig


@pytest.mark.parametrize("job", risk.PARALLELISM)
def test_neither_a_killed_taskmanager_nor_a_restored_savepoint_changes_a_byte(
    rig: Rig, job: str
) -> None:
    comparison = rig.compare(job)
    assert comparison.differences == []
    assert comparison.records > 0
    assert (
        rig.stack.flink.rest.late_records(rig.stack.flink.rest.find(f"{rig.prefix}{job}").id) == 0
    )


@pytest.mark.parametrize("job", risk.PARALLELISM)
def test_what_went_in_was_used_or_refused_or_a_repeat(rig: Rig, job: str) -> None:
    with rig.follower(job) as follower:
        follower.poll()
        counts = follower.counts
    feeds = [feed.topic for feed in JOBS[job](rig.config).feeds]
    refused = counts["dead"] + counts["duplicates"] + counts["duplicates_unchecked"]
    assert 0 < counts["records"] == counts["used"] + refused <= records(rig, feeds)
    dead = height_of_all(rig, f"{job}.dead")
    assert counts["dead"] == dead
    assert (dead > 0) == (job != "firm")


def height_of_all(rig: Rig, topic: str) -> int:
    return sum(len(shard) for shard in values(rig, topic))


def records(rig: Rig, topics: list[str]) -> int:
    """How many messages that are no ticks the topics hold, tombstones too."""
    reader = LogReader(rig.settings.brokers, rig.prefix)
    try:
        spans = [reader.read(t, p) for t in topics for p in range(rig.config.partitions)]
    finally:
        reader.close()
    return sum(key != TICK_KEY for span in spans for key in span.keys)


def test_the_kill_was_felt(rig: Rig) -> None:
    job = rig.stack.flink.rest.find(f"{rig.prefix}marks")
    assert rig.stack.flink.rest.exceptions(job.id), "the kill went unnoticed"


def test_every_partition_has_the_same_marks(rig: Rig) -> None:
    copies = [sorted(shard) for shard in values(rig, "marks")]
    assert copies[0]
    assert all(copy == copies[0] for copy in copies)


def test_bad_quotes_are_counted_and_never_a_mark(rig: Rig) -> None:
    marks = frame(rig, "marks", "Mark", (0,))
    assert marks["refused"].sum() > 0
    assert set(marks.filter(pl.col("refused") > 0)["last_refused"]) >= {"NOT_POSITIVE", "CROSSED"}
    good = marks.filter(quality="GOOD")
    assert good.filter((pl.col("bid") <= 0) | (pl.col("bid") > pl.col("ask"))).is_empty()


def test_late_ticks_are_corrections_and_points_stay(rig: Rig) -> None:
    corrections = frame(rig, "pnl.corrections", "PnlCorrection")
    assert set(corrections["cause"]) >= {"LATE_MARK"}
    assert (corrections["after"] - corrections["before"]).equals(
        corrections["difference"], check_names=False
    )
    points = frame(rig, "pnl", "BookPnl", (0,)).filter(kind="POINT")
    assert points.select("name", "time").is_unique().all()


def test_the_firm_is_the_sum_of_its_books_where_all_had_told(rig: Rig) -> None:
    books = frame(rig, "pnl", "BookPnl", (0,)).filter(kind="POINT")
    firm = frame(rig, "firm.pnl", "BookPnl").filter(kind="POINT").sort("sequence")
    firm = firm.unique("time", keep="last")
    sums = books.group_by("time").agg(pl.col("total", "stale", "unvalued").sum())
    both = firm.join(sums, on="time", suffix="_books")
    assert both.height == firm.height >= 3
    told = both.filter(pl.col("stale") == pl.col("stale_books"))
    assert not told.is_empty()
    assert told["total"].equals(told["total_books"], check_names=False)
    assert told["unvalued"].equals(told["unvalued_books"], check_names=False)


def test_measures_name_their_scenarios(rig: Rig) -> None:
    for topic, scenarios in (("var", risk.BOOK_SCENARIOS), ("firm.var", risk.FIRM_SCENARIOS)):
        last = frame(rig, topic, "RiskMeasure").sort("slice_end").tail(1).row(0, named=True)
        assert last["scenario_set"].startswith("market")
        assert last["scenarios"] == scenarios
        assert last["es_fractional"] >= last["var"] > 0
