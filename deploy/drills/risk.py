"""Kill the TaskManager under the market-risk jobs, stop and restore one of them: nothing changes.

A generated market runs through `marks`, `risk` and `firm`: quotes and fills, some late, some twice,
some damaged. All that the jobs wrote is compared with the oracle byte for byte.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from connectors.generators import Faults, Plan
from connectors.generators.feed import Batch
from connectors.producer import KafkaEnd
from deploy.bench import risk_feed
from deploy.bench.harness import Report, Result
from deploy.bench.risk_controls import CONTROLS, controls
from deploy.drills.rig import Rig
from deploy.drills.waiting import until
from deploy.errors import UserError
from deploy.oracle import Comparison
from deploy.stack import Stack
from jobs.catalogue import JOBS, Config

PARALLELISM = {"marks": 2, "risk": 2, "firm": 1}
LATENESS_MS = 10_000
"""How late an event may be without being marked; the generator's late ones are later."""
FAULTS = "late=0.004,duplicate=0.002,conflicting-duplicate=0.001,malformed=0.001"
BOOK_SCENARIOS, FIRM_SCENARIOS = 1_000, 5_000
WAIT_S = 1_800.0


class Run(NamedTuple):
    """What is sent: how many quotes and fills, how many a second, how many a second of business."""

    ticks: int
    rate: float
    density: int


def run(
    stack: Stack,
    prefix: str,
    seed: int = 1,
    count: int = 2_000_000,
    rate: float = 6_000,
    echo: Callable[[str], None] = lambda line: None,
) -> Report:
    """Run the drill: how many records are compared, and how many differ.

    Args:
        stack: The running stack.
        prefix: Names the drill's topics; must be new.
        seed: Seed of the generated market.
        count: How many quotes and fills are sent.
        rate: How many of them a second.
        echo: Hears what is happening.
    """
    config = Config(partitions=stack.settings.partitions, lateness_ms=LATENESS_MS)
    results = []
    with Rig(stack, prefix, config) as rig:
        interrupted(rig, seed, Run(count, rate, round(rate)), echo)
        for job in PARALLELISM:
            comparison = rig.compare(job)
            _require_equal(job, comparison)
            echo(f"{job}: {comparison.records:,} records as the oracle has them")
            results += _results(rig, job, comparison)
    return Report("drill-risk", seed, results)


def interrupted(
    rig: Rig, seed: int, run: Run, echo: Callable[[str], None] = lambda line: None
) -> None:
    """Run a market through the three jobs: a kill in mid-run, then a stop and a restore of `risk`.

    The TaskManager is killed when a third of the batches that the feed will make are committed, the
    job is stopped when two thirds are.
    """
    world = risk_feed.market(seed, run.density)
    opened = world.count - world.amount.count
    partitions = rig.config.partitions
    plan = Plan(
        opened + run.ticks, seed, partitions, Faults.parse(FAULTS), lateness=LATENESS_MS * 1_000
    )
    rig.ensure(*CONTROLS)
    publish(rig, controls(world, partitions, BOOK_SCENARIOS, FIRM_SCENARIOS))
    for job, parallelism in PARALLELISM.items():
        rig.submit(job, parallelism)
    sending = rig.feed(world, plan, rate=run.rate)
    slices = int(run.ticks / run.rate * 1_000 / JOBS["risk"](rig.config).slice_ms) * partitions
    began = rig.batches("risk")
    _until_committed(rig, began + slices // 3)
    echo("a third is committed; killing the TaskManager")
    rig.stack.kill("taskmanager-0")
    rig.stack.start_taskmanager()
    _until_committed(rig, began + slices * 2 // 3)
    echo("two thirds are committed; stopping and restoring risk")
    rig.submit("risk", PARALLELISM["risk"], savepoint=rig.stop("risk"))
    sending.result()
    for job in PARALLELISM:
        ends = rig.ends(*(feed.topic for feed in JOBS[job](rig.config).feeds))
        rig.wait(job, ends, timeout=WAIT_S)


def publish(rig: Rig, sent: Iterable[Batch]) -> None:
    """Write control records into the run's topics."""
    end = KafkaEnd(rig.settings.brokers, prefix=rig.prefix)
    for batch in sent:
        end.send(batch)
    end.close()


def _until_committed(rig: Rig, batches: int) -> None:
    until(lambda: rig.batches("risk") >= batches, f"no {batches} batches", WAIT_S, 1.0)


def _require_equal(job: str, comparison: Comparison) -> None:
    if not comparison.equal:
        raise UserError(f"{job} differs from the oracle: {comparison.differences[0]}")


def _results(rig: Rig, job: str, comparison: Comparison) -> list[Result]:
    with rig.follower(job) as follower:
        follower.poll()
        counts = follower.counts
    return [
        Result(f"{job}: records equal to the oracle", comparison.records, "records"),
        Result(f"{job}: records read", counts["records"], "records"),
        Result(f"{job}: used", counts["used"], "records"),
        Result(f"{job}: of them late", counts["late"], "records"),
        Result(f"{job}: dead letters", counts["dead"], "records"),
    ]
