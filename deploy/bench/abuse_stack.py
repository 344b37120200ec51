"""Surveillance and matching on a stack of their own: rate, processor time, cost, time to an alert.

Rates are those of a job alone over a log that is there already, filled at the rate of the bar,
from the first commit to the last. Time to an alert is that of a feed which is sent meanwhile, at
half the rate: from the broker's time of the event that decided it to its commit.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import sleep

import numpy as np

from connectors.generators.feed import Chunk
from connectors.reader import LogReader
from deploy.bench import abuse_feed
from deploy.bench.abuse import HOURS, STEADY
from deploy.bench.alerted import Floats, waited, watched
from deploy.bench.followed import Progress, followed
from deploy.bench.harness import Result
from deploy.bench.jobs_site import JobsSite
from deploy.bench.used import Used
from deploy.exchange.simulate import Simulated
from deploy.settings import Settings
from jobs.catalogue import Config
from udfs.abuse.step import EVENTS

PARTITIONS, CHECKPOINT_MS = 2, 2_000
CONFIG = Config(partitions=PARTITIONS)
JOBS_OF_IT = {"matching": 2, "abuse": 2}
BAR = 25_000
SECONDS, WARM_S = 60, 15.0
"""How long the feed with alerts lasts, and its beginning, which does not count."""
_LAST_TICKS_S = 1.0


@dataclass(frozen=True)
class Asked:
    """What is measured: events and orders of the logs, and the price of a core for an hour, USD."""

    seed: int
    events: int
    orders: int
    core_hour: float


def run(settings: Settings, asked: Asked, echo: Callable[[str], None]) -> list[Result]:
    """`matching` over a log of orders, `abuse` over one of events, then alerts of a live feed."""
    echo(f"simulating a market of {abuse_feed.ORDERS_OF_IT:,} orders")
    made = abuse_feed.market(asked.seed)
    site = JobsSite(settings, echo, JOBS_OF_IT, CONFIG, CHECKPOINT_MS)
    try:
        site.site.up()
        matched = _matching(site, asked, echo)
        rate, results = _abuse(site, made, asked, echo)
        results += _alerts(site, made, rate / 2, echo)
    finally:
        site.site.down()
    return [*results, *matched]


def _matching(site: JobsSite, asked: Asked, echo: Callable[[str], None]) -> list[Result]:
    """Orders a second through the books, with all that is told of them."""
    prefix, rate = "orders.", float(BAR)
    first, orders = abuse_feed.order_chunks(asked.seed, asked.orders, rate, PARTITIONS)
    site.make(prefix)
    _fill(site, prefix, [first], None)
    _fill(site, prefix, orders, rate)
    progress, used = _through(site, "matching", prefix, echo)
    what = f"matching job, {PARTITIONS} partitions, L1 to L3 written"
    return [
        Result(f"{what}: orders", round(progress.rate), "orders/s"),
        *_spent(progress, used, what, "order"),
    ]


def _abuse(
    site: JobsSite, made: Simulated, asked: Asked, echo: Callable[[str], None]
) -> tuple[float, list[Result]]:
    """Events a second through features, rules and models; what a month of a steady rate costs."""
    prefix, rate = "events.", float(BAR)
    site.make(prefix)
    _fill(site, prefix, [abuse_feed.links(made, PARTITIONS)], None)
    echo(f"filling a log with {asked.events:,} order events")
    _fill(site, prefix, abuse_feed.event_chunks(made, asked.events, rate, PARTITIONS), rate)
    progress, used = _through(site, "abuse", prefix, echo)
    flink, broker = used.between(progress.seen[0][0], progress.seen[-1][0])
    cores = STEADY * (flink + broker) / progress.records
    month = cores * HOURS * asked.core_hour
    what = f"abuse job, {PARTITIONS} partitions, features, rules and models"
    steady = f"{STEADY:,} events/s, Flink and broker"
    return progress.rate, [
        Result(f"{what}: order events", round(progress.rate), "events/s", BAR),
        Result(f"{what}: events between first and last commit", progress.records, "events"),
        *_spent(progress, used, what, "event"),
        Result(f"cores for {steady}", round(cores, 2), "cores"),
        Result(f"a month of {steady}, {asked.core_hour:g} USD a core and hour", round(month, 2),
               "USD"),
    ]  # fmt: skip


def _spent(progress: Progress, used: Used, what: str, of: str) -> list[Result]:
    """Processor time of a record between first and last commit."""
    spent = used.between(progress.seen[0][0], progress.seen[-1][0])
    return [
        Result(f"{what}: processor time of {whose}", round(1e6 * one / progress.records, 1),
               f"us/{of}")
        for whose, one in zip(("Flink and Python", "the broker"), spent, strict=True)
    ]  # fmt: skip


def _through(
    site: JobsSite, job: str, prefix: str, echo: Callable[[str], None]
) -> tuple[Progress, Used]:
    """A job over a log, alone."""
    out = f"{job}.{prefix}"
    site.outputs(out, [job])
    used = Used(site.site)
    (progress,) = followed(site, [job], prefix, out, echo, used.look)
    return progress, used


def _fill(site: JobsSite, prefix: str, run: Iterable[Chunk], rate: float | None) -> None:
    """Send chunks with ticks beside them, the last ones after all records."""
    with site.ticking(prefix):
        site.send(run, prefix, rate)
        sleep(_LAST_TICKS_S)


def _alerts(
    site: JobsSite, made: Simulated, rate: float, echo: Callable[[str], None]
) -> list[Result]:
    """From an order event to the committed alert that it decided, at a steady rate."""
    prefix = "live."
    sent = list(abuse_feed.event_chunks(made, round(rate * SECONDS), rate, PARTITIONS))
    site.make(prefix)
    reader = LogReader(site.brokers, prefix)
    with site.ticking(prefix):
        site.send([abuse_feed.links(made, PARTITIONS)], prefix)
        job = site.submit("abuse", prefix, prefix, bounded=False)
        site.site.stack.flink.wait_for(job.id, "RUNNING")
        echo(f"feeding {rate:,.0f} order events/s for {SECONDS} s")
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(site.send, sent, prefix, rate)
            seen = watched(reader, PARTITIONS, sending.done)
            sending.result()
        site.site.stack.flink.cancel(job.id)
    try:
        return alert_times(waited(reader, seen, EVENTS, PARTITIONS, WARM_S), rate)
    finally:
        reader.close()


def alert_times(waits: Floats, rate: float) -> list[Result]:
    """Percentiles of the seconds from event to alert."""
    what = (
        f"order event to committed alert at {rate:,.0f} events/s, slice {CONFIG.slice_ms} ms, "
        f"checkpoints {CHECKPOINT_MS} ms"
    )
    return [
        *(
            Result(f"p{part} {what}", round(float(np.percentile(waits, part)), 2), "s")
            for part in (50, 99)
        ),
        Result("alerts behind these percentiles", len(waits), "alerts"),
    ]
