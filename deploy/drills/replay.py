"""A recorded day of obligations, replayed at another parallelism; then once more, one record short.

The day is netted as it comes in. Replayed from the same topics it must give the same bytes. Then
one record is taken out of an archive of the input, the archive is put back under another prefix and
replayed against the first run: the difference must be named, with the offset that was taken out.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from connectors import kafka_admin
from connectors.generators import Plan, Trades
from connectors.topics import TICK_KEY
from deploy.archive import files
from deploy.archive.export import export
from deploy.archive.manifest import store
from deploy.archive.reading import Archive
from deploy.archive.restore import restore
from deploy.bench.harness import Report, Result
from deploy.drills.rig import Rig
from deploy.drills.waiting import MONOTONIC
from deploy.errors import UserError
from deploy.replay.audit import replay
from deploy.replay.bounds import Edge
from deploy.replay.order import Order
from deploy.replay.report import Report as Replayed
from deploy.stack import Stack
from jobs.catalogue import Config

JOB, TOPIC = "netting", "obligations"
COUNT = 5_000_000
RATE = 50_000
LONGEST_S = 1_800.0
_DAY = date(2026, 3, 2)

Echo = Callable[[str], None]


class Obligations(Trades):
    """The feed of trades less what netting does not read."""

    topics: tuple[str, ...] = (TOPIC,)

    def records(self, units: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
        """Two obligations for each trade."""
        return {TOPIC: super().records(units)[TOPIC]}


@dataclass(frozen=True)
class Taken:
    """The record that was taken out."""

    partition: int
    offset: int

    def __str__(self) -> str:
        """Topic, partition and offset."""
        return f"{TOPIC}/{self.partition}/{self.offset}"


def run(
    stack: Stack,
    prefix: str,
    seed: int = 1,
    count: int = COUNT,
    rate: float = RATE,
    parallelism: tuple[int, int] = (2, 4),
    echo: Echo = lambda line: None,
) -> Report:
    """Run the drill on the netting job: are bytes equal, how fast, and is a missing record named.

    Args:
        stack: The running stack.
        prefix: Names the drill's topics; must be new.
        seed: Seed of the generated day, and of which record is taken out.
        count: How many obligations are sent, at least.
        rate: Records a second while the day is recorded.
        parallelism: Of the recorded run and of the replays.
        echo: Hears what is happening.

    Raises:
        UserError: A replay failed, differs where it must not, or does not name what was taken out.
    """
    before, after = (min(p, stack.settings.partitions) for p in parallelism)
    config = Config(partitions=stack.settings.partitions)
    with Rig(stack, prefix, config) as rig:
        recorded = _record(rig, Plan(-(-count // 2), seed, config.partitions), rate, before, echo)
        order = Order(JOB, Edge(False), Edge(True), after, prefix, prefix)
        echo(f"replaying at parallelism {after}")
        same = replay(stack, order, echo)
        if not same.equal:
            raise UserError(f"the replay differs: {' '.join(same.verdict())}")
        taken, seconds, less = _one_short(rig, seed, after, echo)
    return Report(
        "drill-replay",
        seed,
        [
            Result("obligations of the recorded day", same.plan.records, "records"),
            Result(f"recorded at parallelism {before} in", round(recorded, 1), "s"),
            *_results(f"replay at parallelism {after}", same),
            Result("records that differ", _differing(same), "topic shards", 0, True),
            Result("export of the input", round(seconds[0], 1), "s"),
            Result("import of it, one record short", round(seconds[1], 1), "s"),
            *_results("replay one record short", less),
            Result("topic shards that differ", _differing(less), "topic shards", 1),
            Result(
                f"{TOPIC}/{taken.partition}/{taken.offset} is named",
                int(_names(less, taken)),
                "",
                1,
            ),
        ],
    )


def take_out(folder: Path, seed: int) -> Taken:
    """Replace one seeded record of an archive's `obligations` by an empty tick; which one."""
    archive = Archive(folder)
    rng = np.random.default_rng(seed)
    parts = [p for p in archive.partitions(TOPIC) if archive.manifest.topics[TOPIC][str(p)].records]
    partition = int(rng.choice(parts))
    part = archive.manifest.topics[TOPIC][str(partition)]
    number = int(rng.integers(len(part.files)))
    frame = pl.read_parquet(folder / part.files[number].name)
    records = frame.filter(pl.col("key") != TICK_KEY)["offset"]
    offset = int(records[int(rng.integers(len(records)))])
    at = pl.col("offset") == offset
    frame = frame.with_columns(
        key=pl.when(at).then(pl.lit(TICK_KEY)).otherwise("key"),
        value=pl.when(at).then(pl.lit(b"")).otherwise("value"),
    )
    written = list(part.files)
    written[number] = files.write(folder, TOPIC, partition, frame)
    counts = {"records": part.records - 1, "ticks": part.ticks + 1, "files": written}
    changed = {**archive.manifest.topics[TOPIC], str(partition): part.model_copy(update=counts)}
    topics = {**archive.manifest.topics, TOPIC: changed}
    store(folder, archive.manifest.model_copy(update={"topics": topics}))
    return Taken(partition, offset)


def _record(rig: Rig, plan: Plan, rate: float, parallelism: int, echo: Echo) -> float:
    """Net the day as it comes in; seconds until all of it is netted."""
    echo(f"recording {2 * plan.count:,} obligations at {rate:,.0f}/s, parallelism {parallelism}")
    rig.submit(JOB, parallelism)
    began = MONOTONIC()
    rig.feed(Obligations(plan.seed, _DAY), plan, rate).result()
    rig.wait(JOB, rig.ends(TOPIC), LONGEST_S)
    seconds = MONOTONIC() - began
    rig.stop(JOB)
    return seconds


def _one_short(
    rig: Rig, seed: int, parallelism: int, echo: Echo
) -> tuple[Taken, tuple[float, float], Replayed]:
    """Take a record out of the input and replay that against the first run."""
    brokers, folder = rig.settings.brokers, rig.settings.run / f"{rig.prefix}archive"
    prefix = f"{rig.prefix}short."
    echo("exporting the input, taking one record out, importing it")
    try:
        began = MONOTONIC()
        export(brokers, folder, (TOPIC,), rig.prefix)
        exported = MONOTONIC()
        taken = take_out(folder, seed)
        changed = MONOTONIC()
        names = restore(brokers, Archive(folder), prefix)
        seconds = exported - began, MONOTONIC() - changed
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        echo(f"replaying without {taken}")
        order = Order(JOB, Edge(False), Edge(True), parallelism, prefix, rig.prefix)
        less = replay(rig.stack, order, echo)
    finally:
        kafka_admin.delete_topics(brokers, names)
    for line in less.verdict():
        echo(line)
    return taken, seconds, less


def _names(report: Replayed, taken: Taken) -> bool:
    """Whether the report names the record that was taken out, and a batch that covers it."""
    first, cause = report.first, report.cause
    if first is None or first.batch is None or cause is None or cause.first is None:
        return False
    low, high = first.batch.offsets()[TOPIC]
    place = cause.first.topic, cause.first.partition, cause.first.offset
    return (
        place == (TOPIC, taken.partition, taken.offset)
        and first.shard == taken.partition
        and low <= taken.offset <= high
        and not cause.same_root
    )


def _differing(report: Replayed) -> int:
    return sum(1 for one in report.compared if not one.equal)


def _results(what: str, report: Replayed) -> list[Result]:
    return [
        Result(f"{what}: from submission until finished", round(report.seconds, 1), "s"),
        Result(f"{what}: rate", report.rate, "records/s"),
        Result(f"{what}: records compared", report.records, "records"),
    ]
