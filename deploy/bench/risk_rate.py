"""How many ticks a second go through `marks` and `risk`, over a log that is there.

The log is filled at a steady rate while `marks` runs, so that quotes, fills and marks lie in it as
in live business. Then both jobs read it again from the start, at once on the same machine: `marks`
the quotes, `risk` the fills and the marks that are there. The rate is that of ticks, quotes and
fills, from the first commit of either to the last of both.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from connectors import kafka_admin
from deploy.bench import risk_feed
from deploy.bench.harness import Result
from deploy.bench.on_flink import FlinkJob
from deploy.bench.risk_site import CONFIG, PARTITIONS, RiskSite
from deploy.errors import UserError
from deploy.progress import Ends, Follower
from jobs.catalogue import JOBS

FILL_RATE = 60_000
"""Ticks a second while the log is filled; log time cuts it into slices."""
BUSINESS = 4
"""So much faster than log time business runs, for valuation points enough."""
BAR = 50_000
PATIENCE_S = 600.0
_LAST_TICKS_S = 1.0
"""A topic must end with a tick, not with the mark of a transaction, which no job covers."""
LOG, AGAIN = "log.", "again."
BOTH = ("marks", "risk")


@dataclass
class Progress:
    """Records that a job has committed, by the second since both were submitted."""

    job: str
    follower: Follower
    wanted: Ends
    seen: list[tuple[float, int]] = field(default_factory=list)

    def look(self, now: float) -> bool:
        """Take in what is committed; whether all of it is."""
        if self.seen and not self.follower.missing(self.wanted):
            return True
        self.follower.poll()
        done = self.follower.counts["records"]
        if done and (not self.seen or done > self.seen[-1][1]):
            self.seen.append((now, done))
        return not self.follower.missing(self.wanted)

    @property
    def rate(self) -> float:
        """Records a second between the first commit and the last.

        Raises:
            UserError: All came in one commit.
        """
        (first, some), (last, whole) = self.seen[0], self.seen[-1]
        if last == first:
            raise UserError(f"{self.job} was done in one commit; give more --ticks")
        return (whole - some) / (last - first)


def run(site: RiskSite, seed: int, ticks: int, echo: Callable[[str], None]) -> list[Result]:
    """Fill the log, then both jobs over it."""
    world = risk_feed.market(seed, FILL_RATE / BUSINESS)
    site.prepare(LOG, world)
    echo(f"making {ticks:,} ticks")
    made = list(risk_feed.run(world, ticks, FILL_RATE, PARTITIONS))
    told = risk_feed.ticks_of(made)
    with site.ticking(LOG):
        job = site.submit("marks", LOG, LOG, bounded=False)
        site.site.stack.flink.wait_for(job.id, "RUNNING")
        echo(f"filling the log at {FILL_RATE:,} ticks/s, marks beside it")
        began = time.monotonic()
        site.send(made, LOG, FILL_RATE)
        took = time.monotonic() - began
        _covered(site, "marks", LOG, _ends(site, LOG, ["quotes", "instruments"]))
        site.site.stack.flink.stop_with_savepoint(job.id)
        time.sleep(_LAST_TICKS_S)
    del made
    site.outputs(AGAIN, BOTH)
    followed = _both(site, echo)
    each = [
        Result(f"{one.job} beside the other: its own input", round(one.rate), "records/s")
        for one in followed
    ]
    first = min(one.seen[0][0] for one in followed)
    last = max(one.seen[-1][0] for one in followed)
    head = sum(one.seen[0][1] for one in followed) / sum(one.seen[-1][1] for one in followed)
    rate = told * (1 - head) / (last - first)
    size = f"{told:,} ticks, 775 instruments, 60 books, {PARTITIONS} partitions"
    return [
        Result(f"ticks through marks and risk at once, {size}", round(rate), "ticks/s", BAR),
        *each,
        Result("first commit after submission", round(first, 1), "s"),
        Result("log: ticks a second while it was filled", round(told / took), "ticks/s"),
        Result("log: business time by log time", BUSINESS, "times"),
    ]


def _both(site: RiskSite, echo: Callable[[str], None]) -> list[Progress]:
    """Both jobs from the start of the log to its end."""
    followed = []
    for name in BOTH:
        spec = JOBS[name](CONFIG)
        wanted = _ends(site, LOG, [feed.topic for feed in spec.feeds])
        followed.append(Progress(name, Follower(site.brokers, spec, AGAIN), wanted))
    began = time.monotonic()
    jobs: list[FlinkJob] = []
    try:
        with ThreadPoolExecutor(len(BOTH)) as pool:
            jobs += pool.map(lambda name: site.submit(name, LOG, AGAIN, bounded=True), BOTH)
        said = began
        while not all([one.look(time.monotonic() - began) for one in followed]):
            now = time.monotonic()
            if now - began > PATIENCE_S:
                raise UserError("marks and risk were not done in time; give fewer --ticks")
            if now - said > 10:
                said = now
                echo("; ".join(f"{o.job}: {o.follower.counts['records']:,}" for o in followed))
            time.sleep(0.2)
    finally:
        for one in followed:
            one.follower.close()
        for job in jobs:
            job.stop()
    return followed


def _ends(site: RiskSite, prefix: str, names: list[str]) -> dict[tuple[str, int], int]:
    found = kafka_admin.end_offsets(site.brokers, [prefix + name for name in names])
    return {(name.removeprefix(prefix), p): end for (name, p), end in found.items()}


def _covered(site: RiskSite, job: str, prefix: str, wanted: Ends) -> None:
    follower = Follower(site.brokers, JOBS[job](CONFIG), prefix)
    try:
        follower.wait(wanted, PATIENCE_S)
    finally:
        follower.close()
