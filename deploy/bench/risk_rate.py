"""How many ticks a second go through `marks` and `risk`, over a log that is there.

The log is filled at a steady rate while `marks` runs, so that quotes, fills and marks lie in it as
in live business. Then both jobs read it again from the start, at once on the same machine: `marks`
the quotes, `risk` the fills and the marks that are there. The rate is that of ticks, quotes and
fills, from the first commit of either to the last of both.
"""

import time
from collections.abc import Callable

from deploy.bench import risk_feed
from deploy.bench.followed import PATIENCE_S, followed
from deploy.bench.harness import Result
from deploy.bench.risk_site import CONFIG, PARTITIONS, RiskSite
from deploy.progress import Ends, Follower
from jobs.catalogue import JOBS

FILL_RATE = 60_000
"""Ticks a second while the log is filled; log time cuts it into slices."""
BUSINESS = 4
"""So much faster than log time business runs, for valuation points enough."""
BAR = 50_000
_LAST_TICKS_S = 1.0
"""A topic must end with a tick, not with the mark of a transaction, which no job covers."""
LOG, AGAIN = "log.", "again."
BOTH = ("marks", "risk")


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
        _covered(site, "marks", LOG, site.ends(LOG, ["quotes", "instruments"]))
        site.site.stack.flink.stop_with_savepoint(job.id)
        time.sleep(_LAST_TICKS_S)
    del made
    site.outputs(AGAIN, BOTH)
    done = followed(site, BOTH, LOG, AGAIN, echo)
    each = [
        Result(f"{one.job} beside the other: its own input", round(one.rate), "records/s")
        for one in done
    ]
    first = min(one.seen[0][0] for one in done)
    last = max(one.seen[-1][0] for one in done)
    head = sum(one.seen[0][1] for one in done) / sum(one.seen[-1][1] for one in done)
    rate = told * (1 - head) / (last - first)
    size = f"{told:,} ticks, 775 instruments, 60 books, {PARTITIONS} partitions"
    return [
        Result(f"ticks through marks and risk at once, {size}", round(rate), "ticks/s", BAR),
        *each,
        Result("first commit after submission", round(first, 1), "s"),
        Result("log: ticks a second while it was filled", round(told / took), "ticks/s"),
        Result("log: business time by log time", BUSINESS, "times"),
    ]


def _covered(site: RiskSite, job: str, prefix: str, wanted: Ends) -> None:
    follower = Follower(site.brokers, JOBS[job](CONFIG), prefix)
    try:
        follower.wait(wanted, PATIENCE_S)
    finally:
        follower.close()
