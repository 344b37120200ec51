"""On the real stack: a replay gives the recorded bytes; a missing record is named by offset."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from connectors import kafka_admin
from connectors.generators import Faults, Plan, Trades
from connectors.log import Span
from connectors.reader import LogReader
from deploy.archive import files
from deploy.archive import manifest as manifests
from deploy.archive.export import export
from deploy.archive.reading import Archive
from deploy.archive.restore import restore
from deploy.drills.replay import take_out
from deploy.drills.rig import Rig
from deploy.errors import UserError
from deploy.replay.audit import replay
from deploy.replay.bounds import Edge, Moment, Named
from deploy.replay.order import Order
from deploy.replay.recorded import load
from deploy.replay.report import Report
from deploy.stack import Stack
from jobs.catalogue import JOBS, Config
from tests.on_stack import shown

TRADES = 15_000


@pytest.fixture(scope="module")
def rig(stack: Stack) -> Iterator[Rig]:
    """A feed of trades with faults; netting at parallelism 2, stopped, and its results chained."""
    config = Config(partitions=stack.settings.partitions, slice_ms=500)
    with Rig(stack, f"r{uuid.uuid4().hex[:6]}.", config) as rig:
        rig.submit("netting", 2)
        plan = Plan(TRADES, 13, config.partitions, Faults.total(0.02))
        rig.feed(Trades(13, date(2026, 3, 2)), plan, rate=6_000).result()
        rig.wait("netting", rig.ends("obligations"))
        rig.stop("netting")
        rig.submit("regulatory", 2)
        topics = [feed.topic for feed in JOBS["regulatory"](config).feeds]
        rig.wait("regulatory", rig.ends(*topics))
        rig.stop("regulatory")
        yield rig


def order(rig: Rig, job: str = "netting", parallelism: int = 4) -> Order:
    return Order(job, Edge(False), Edge(True), parallelism, rig.prefix, rig.prefix)


def topics(rig: Rig) -> set[str]:
    return set(kafka_admin.describe(rig.settings.brokers))


def total(report: Report, topic: str) -> int:
    return sum(one.records for one in report.compared if one.topic == topic)


@pytest.mark.parametrize("parallelism", [1, 4])
def test_another_parallelism_gives_the_same_bytes(rig: Rig, parallelism: int) -> None:
    before = topics(rig)
    report = replay(rig.stack, order(rig, parallelism=parallelism))
    assert report.equal, report.verdict()
    assert report.records > 1_000
    assert report.plan.records > 2 * TRADES
    assert [one.recorded for one in report.compared] == [one.replayed for one in report.compared]
    assert topics(rig) == before


def test_several_topics_with_transactions_give_the_same_chain(rig: Rig) -> None:
    report = replay(rig.stack, order(rig, "regulatory", 3))
    assert report.equal, report.verdict()
    assert total(report, "regulatory.events") == report.plan.records > 1_000


def test_the_fold_without_flink_gives_the_same_bytes(rig: Rig) -> None:
    folded = replay(rig.stack, replace(order(rig), oracle=True))
    assert folded.equal
    assert folded.parallelism is None
    assert [one.recorded for one in folded.compared] == [one.replayed for one in folded.compared]


def test_a_stretch_of_time_is_whole_batches_of_each_shard(rig: Rig) -> None:
    whole = replay(rig.stack, replace(order(rig), oracle=True))
    reader = LogReader(rig.settings.brokers, rig.prefix)
    first = load("netting", reader, rig.config.partitions).shards[0]
    reader.close()
    begin, end = (first[part * len(first) // 4].slice_end // 1_000 + 100 for part in (1, 3))
    stretch = replace(order(rig, parallelism=2), begin=Moment(begin), end=Moment(end))
    for oracle in (True, False):
        report = replay(rig.stack, replace(stretch, oracle=oracle))
        assert report.equal
        assert 0 < report.records < whole.records
        assert all(0 < a < b for a, b in report.plan.batches)
        assert all(
            report.plan.until[place] <= offset < whole.plan.until[place]
            for place, offset in report.plan.end.items()
        )


def test_an_archive_holds_the_log_and_gives_it_back(rig: Rig, tmp_path: Path) -> None:
    """Every topic: same offsets, times, keys and values, however transactions cut the log."""
    brokers, names = rig.settings.brokers, ("obligations", "nets", "netting.batches")
    manifest = export(brokers, tmp_path / "a", names, rig.prefix)
    archive = Archive(tmp_path / "a")
    assert archive.check() == sum(len(part.files) for _, _, part in manifest.places())
    back = f"{rig.prefix}back."
    made = restore(brokers, archive, back)
    reader, other = LogReader(brokers, rig.prefix), LogReader(brokers, back)
    gaps = 0
    try:
        for topic, number, part in manifest.places():
            recorded = reader.read(topic, number, part.first, part.next)
            assert archive.read(topic, number) == recorded
            assert other.read(topic, number) == recorded
            assert other.ends(topic, number) == (part.first, part.next)
            gaps += part.next - part.first - len(recorded)
            assert count(recorded) == (part.records, part.ticks)
    finally:
        reader.close()
        other.close()
        kafka_admin.delete_topics(brokers, made)
    assert gaps > 10


def count(span: Span) -> tuple[int, int]:
    ticks = sum(key == b"tick" for key in span.keys)
    return len(span) - ticks, ticks


def test_a_chain_replayed_from_an_archive_is_the_same(rig: Rig, tmp_path: Path) -> None:
    brokers, back = rig.settings.brokers, f"{rig.prefix}all."
    feeds = [feed.topic for feed in JOBS["regulatory"](rig.config).feeds]
    export(brokers, tmp_path / "a", feeds, rig.prefix)
    made = restore(brokers, Archive(tmp_path / "a"), back)
    try:
        report = replay(rig.stack, replace(order(rig, "regulatory"), prefix=back))
    finally:
        kafka_admin.delete_topics(brokers, made)
    assert report.equal, report.verdict()


def test_one_missing_record_is_named_with_its_offsets(rig: Rig, tmp_path: Path) -> None:
    brokers, short, folder = rig.settings.brokers, f"{rig.prefix}short.", tmp_path / "a"
    export(brokers, folder, ("obligations",), rig.prefix)
    taken = take_out(folder, seed=7)
    made = restore(brokers, Archive(folder), short)
    try:
        report = replay(rig.stack, replace(order(rig), prefix=short))
        argv = ["--prefix", short, "--against", rig.prefix, "--oracle", "--json"]
        told = shown(rig, "replay", "netting", *argv)
    finally:
        kafka_admin.delete_topics(brokers, made)
    first, cause = report.first, report.cause
    assert first is not None
    assert first.batch is not None
    assert first.shard == taken.partition
    low, high = first.batch.offsets()["obligations"]
    assert low <= taken.offset <= high
    assert cause is not None
    assert cause.first is not None
    assert (cause.first.topic, cause.first.partition, cause.first.offset) == (
        "obligations",
        taken.partition,
        taken.offset,
    )
    assert {one.shard for one in report.compared if not one.equal} == {taken.partition}
    document = json.loads(told.stdout)
    assert told.returncode == 1
    assert document["first_difference"] == report.document()["first_difference"]
    assert document["input"]["first_difference"]["offset"] == taken.offset


def test_what_is_wrong_is_one_line(rig: Rig, tmp_path: Path) -> None:
    good = order(rig)
    beyond = Named({("obligations", 0): rig.ends("obligations")["obligations", 0] + 1_000_000})
    for wrong, told in [
        (replace(good, job="nets"), "there is no job nets"),
        (replace(good, parallelism=5), r"parallelism 5 is not in 1\.\.4"),
        (replace(good, prefix="none."), "no topic none.obligations; mend --prefix"),
        (replace(good, against="none."), "mend --against"),
        (replace(good, out_prefix=rig.prefix), "is taken by topic"),
        (replace(good, end=beyond), "lies beyond the end"),
        (replace(good, begin=Edge(True)), "no whole batch of netting lies between"),
        (replace(good, begin=Edge(True), end=Edge(False)), "swap them"),
    ]:
        with pytest.raises(UserError, match=told):
            replay(rig.stack, wrong)
    brokers = rig.settings.brokers
    with pytest.raises(UserError, match=r"no topic none\.obligations"):
        export(brokers, tmp_path / "none", ["obligations"], "none.")
    with pytest.raises(UserError, match="there is no topic trades"):
        export(brokers, tmp_path / "none", ["trades"])
    export(brokers, tmp_path / "a", ["cycles"], rig.prefix)
    with pytest.raises(UserError, match="not an empty folder"):
        export(brokers, tmp_path / "a", ["cycles"], rig.prefix)
    with pytest.raises(UserError, match="exists already; take another --prefix"):
        restore(brokers, Archive(tmp_path / "a"), rig.prefix)
    with pytest.raises(UserError, match="does not hold nets; it has: cycles"):
        restore(brokers, Archive(tmp_path / "a"), "new.", ["nets"])


def later(folder: Path) -> Archive:
    """The archive, its partition 0 without what lies before offset 50."""
    manifest = manifests.load(folder)
    part = manifest.topics["obligations"]["0"]
    rest = pl.concat(Archive(folder).frames("obligations", 0)).filter(pl.col("offset") >= 50)
    written = files.write(folder, "obligations", 0, rest)
    changed = files.summed(50, part.next, [(written, files.ticks_in(rest))])
    topics = {"obligations": {**manifest.topics["obligations"], "0": changed}}
    manifests.store(folder, manifest.model_copy(update={"topics": topics}))
    return Archive(folder)


def test_input_that_is_gone_is_one_line(rig: Rig, tmp_path: Path) -> None:
    """Retention has taken the first records of a partition: an archive that begins later."""
    brokers, late, folder = rig.settings.brokers, f"{rig.prefix}late.", tmp_path / "a"
    export(brokers, folder, ("obligations",), rig.prefix)
    made = restore(brokers, later(folder), late)
    reader = LogReader(brokers, late)
    try:
        low, _ = reader.ends("obligations", 0)
        assert low == reader.read("obligations", 0).offsets[0] == 50
        with pytest.raises(UserError, match="obligations/0 begins at offset 50, the recorded run"):
            replay(rig.stack, replace(order(rig), prefix=late))
        early = Named({("obligations", 0): 49})
        with pytest.raises(UserError, match="obligations/0:49 lies before 50"):
            replay(rig.stack, replace(order(rig), prefix=late, begin=early))
    finally:
        reader.close()
        kafka_admin.delete_topics(brokers, made)
