"""Jobs over a log that is there: what they have committed, second by second, from start to end."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from deploy.bench.jobs_site import JobsSite
from deploy.bench.on_flink import FlinkJob
from deploy.errors import UserError
from deploy.progress import Ends, Follower
from jobs.catalogue import JOBS

PATIENCE_S = 600.0
_EVERY_S, _SAID_S = 0.2, 10.0


@dataclass
class Progress:
    """Records that a job has committed, by the second since it was submitted."""

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
    def records(self) -> int:
        """How many it committed between the first commit and the last."""
        return self.seen[-1][1] - self.seen[0][1]

    @property
    def rate(self) -> float:
        """Records a second between the first commit and the last.

        Raises:
            UserError: All came in one commit.
        """
        first, last = self.seen[0][0], self.seen[-1][0]
        if last == first:
            raise UserError(f"{self.job} was done in one commit; give it more to do")
        return self.records / (last - first)


def followed(
    site: JobsSite,
    jobs: Sequence[str],
    log: str,
    out: str,
    echo: Callable[[str], None],
    beside: Callable[[float], None] = lambda now: None,
) -> list[Progress]:
    """Jobs, at once, from the start of a log to its end.

    Args:
        site: Where they run.
        jobs: Which.
        log: Prefix of the topics they read.
        out: Prefix of the topics they write, which are there.
        echo: Hears how far they are.
        beside: Is called at every look with the seconds since they were submitted.

    Raises:
        UserError: They were not done in time.
    """
    found = []
    for name in jobs:
        spec = JOBS[name](site.config)
        wanted = site.ends(log, [feed.topic for feed in spec.feeds])
        found.append(Progress(name, Follower(site.brokers, spec, out), wanted))
    began = said = time.monotonic()
    running: list[FlinkJob] = []
    try:
        with ThreadPoolExecutor(len(jobs)) as pool:
            running += pool.map(lambda name: site.submit(name, log, out, bounded=True), jobs)
        while not all([one.look(time.monotonic() - began) for one in found]):
            now = time.monotonic()
            beside(now - began)
            if now - began > PATIENCE_S:
                raise UserError(f"{' and '.join(jobs)} were not done in time; give them less to do")
            if now - said > _SAID_S:
                said = now
                echo("; ".join(f"{one.job}: {one.follower.counts['records']:,}" for one in found))
            time.sleep(_EVERY_S)
        beside(time.monotonic() - began)
    finally:
        for one in found:
            one.follower.close()
        for job in running:
            job.stop()
    return found
