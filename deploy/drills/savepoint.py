"""Stop a job with a savepoint under load, restore it at another parallelism, change nothing."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.parse import urlparse

from connectors.generators import Faults, Plan, Trades
from deploy.bench.harness import Report, Result
from deploy.drills.rig import Rig
from deploy.drills.waiting import MONOTONIC, until
from deploy.errors import UserError
from deploy.stack import Stack
from jobs.catalogue import Config

LONGEST_S = 60.0
"""The bar: from asking for the savepoint to the first batch committed after the restore."""


def run(
    stack: Stack,
    prefix: str,
    seed: int = 1,
    count: int = 100_000,
    rate: float = 12_000,
    parallelism: tuple[int, int] = (2, 4),
    echo: Callable[[str], None] = lambda line: None,
) -> Report:
    """Run the drill on the netting job: times, sizes, and whether bytes are equal.

    Args:
        stack: The running stack.
        prefix: Names the drill's topics; must be new.
        seed: Seed of the generated trades.
        count: How many trades are sent.
        rate: Records a second while the job is stopped and restored.
        parallelism: Before and after.
        echo: Hears what is happening.
    """
    before, after = (min(p, stack.settings.partitions) for p in parallelism)
    config = Config(partitions=stack.settings.partitions)
    plan = Plan(count, seed, config.partitions, Faults.total(0.01))
    with Rig(stack, prefix, config) as rig:
        sending = rig.feed(Trades(seed, date(2026, 3, 2)), plan, rate)
        job = rig.submit("netting", before)
        echo(f"netting runs at parallelism {before} under {rate:,.0f} records/s")
        _until_covered(rig, 4 * config.partitions)
        began = MONOTONIC()
        savepoint = stack.flink.stop_with_savepoint(job)
        stopped = MONOTONIC()
        covered = rig.batches("netting")
        echo(
            f"stopped with a savepoint in {stopped - began:.1f} s, restoring at parallelism {after}"
        )
        rig.submit("netting", after, savepoint=savepoint)
        _until_covered(rig, covered + 1)
        resumed = MONOTONIC()
        echo(f"first batch after the restore {resumed - began:.1f} s after the stop was asked for")
        sending.result()
        rig.wait("netting", rig.ends("obligations"))
        comparison = rig.compare("netting")
        late = _counter(stack, rig)
    if not comparison.equal:
        raise UserError(f"the output differs from the oracle: {comparison.differences[0]}")
    folder = Path(urlparse(savepoint).path)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Report(
        "drill-savepoint",
        seed,
        [
            Result("stop with savepoint", round(stopped - began, 2), "s"),
            Result(
                "stop to first batch after restore", round(resumed - began, 2), "s", LONGEST_S, True
            ),
            Result("savepoint size", size, "bytes"),
            Result(
                f"parallelism {before} to {after}: records equal to the oracle",
                comparison.records,
                "records",
            ),
            Result("records that differ", len(comparison.differences), "records", 0, True),
            Result("records Flink dropped as late", late, "records", 0, True),
        ],
    )


def _until_covered(rig: Rig, batches: int) -> None:
    until(lambda: rig.batches("netting") >= batches, f"no {batches} batches", 120, 0.2)


def _counter(stack: Stack, rig: Rig) -> int:
    job = stack.flink.rest.find(f"{rig.prefix}netting")
    return stack.flink.rest.late_records(job.id)
