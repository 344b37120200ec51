"""Transaction monitoring: postings a second through all rules, time to an alert, growth of state.

The rate is that of a job on a broker and a cluster of their own, over a log that is there already:
records covered by committed batches, from the first commit to the last. The latency is that of a
feed which is sent meanwhile: from the broker's time of the last posting an alert rests on, to the
moment a reader of committed records has the alert. Business runs faster in that feed than the
clock, so that the allowance for late events passes at once: add it (`lateness_ms`).
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from time import process_time

import numpy as np

from connectors import kafka_admin
from connectors.batches import Shard
from connectors.generators import AmlWorld, Plan, chunks, topics
from connectors.log import slices
from connectors.producer import KafkaEnd, Pace, deliver
from connectors.reader import LogReader
from deploy.bench.alerted import waited, watched
from deploy.bench.harness import Result
from deploy.bench.on_flink import FlinkJob, submit
from deploy.bench.site import Site
from deploy.errors import UserError
from deploy.evaluate.world import recorded
from deploy.progress import Follower
from deploy.settings import Settings
from jobs.catalogue import Config, aml_job

ACCOUNTS = 200_000
ACCOUNTS_OF_A_PERSON = 1.4
DAYS = 10
DAY = date(2026, 3, 2)
PARTITIONS = 2
CHECKPOINT_MS = 2_000
CONFIG = Config(partitions=PARTITIONS, lateness_ms=1_000)
FILL_RATE = 120_000
"""Records a second while a log is filled; log time cuts it into slices."""
PATIENCE_S = 600.0
BAR_RATE, BAR_LATENCY_S = 100_000, 5.0
GROWTH = (20_000, 200_000)
GROWTH_PAYMENTS = 250_000


def run(settings: Settings, seed: int, payments: int, echo: Callable[[str], None]) -> list[Result]:
    """Fill a log, let the job loose on it; then a feed at half that rate; then growth."""
    site = Site(settings, echo, PARTITIONS, CHECKPOINT_MS)
    try:
        site.up()
        rate, results = _rate(site, seed, payments, echo)
        results += _latency(site, seed, payments, rate / 2, echo)
    finally:
        site.down()
    for accounts in GROWTH:
        echo(f"fold over {accounts:,} accounts")
        results += _grown(seed, accounts)
    return results


def world(seed: int, accounts: int, payments: int) -> AmlWorld:
    """A bank of about so many accounts; schemes at a tenth of a per cent of them."""
    return AmlWorld(seed, DAY, DAYS, payments, round(accounts / ACCOUNTS_OF_A_PERSON))


def _rate(
    site: Site, seed: int, payments: int, echo: Callable[[str], None]
) -> tuple[float, list[Result]]:
    """Postings a second of the job over a log that is there."""
    feed, prefix = world(seed, ACCOUNTS, payments), "rate."
    _fill(site, feed, prefix, FILL_RATE, echo)
    spec = aml_job(CONFIG)
    names = [prefix + one.topic for one in spec.feeds]
    wanted = {
        (name.removeprefix(prefix), p): end
        for (name, p), end in kafka_admin.end_offsets(site.brokers, names).items()
    }
    follower = Follower(site.brokers, spec, prefix)
    job = _submit(site, prefix, bounded=True)
    began, marks = time.monotonic(), [(0.0, 0)]
    try:
        while follower.missing(wanted):
            follower.poll()
            done = follower.counts["records"]
            if done > marks[-1][1]:
                marks.append((time.monotonic() - began, done))
                echo(f"{done:,} records committed after {marks[-1][0]:.0f} s")
            if time.monotonic() - began > PATIENCE_S:
                raise UserError("aml was not done in time; give fewer --payments")
            time.sleep(0.2)
    finally:
        follower.close()
        job.stop()
    (first, some), (last, all_of_it) = marks[1], marks[-1]
    rate = (all_of_it - some) / (last - first) if last > first else all_of_it / last
    what = f"aml job, {ACCOUNTS:,} accounts, {PARTITIONS} partitions, all rules"
    return rate, [
        Result(what, round(rate), "postings/s", BAR_RATE),
        Result(f"{what}: postings", all_of_it, "postings"),
        Result(f"{what}: first commit after submission", round(first, 1), "s"),
    ]


def _latency(
    site: Site, seed: int, payments: int, rate: float, echo: Callable[[str], None]
) -> list[Result]:
    """From a posting to the committed alert that rests on it, at a steady rate."""
    feed, prefix = world(seed + 1, ACCOUNTS, payments), "live."
    _topics(site, feed, prefix)
    job = _submit(site, prefix, bounded=False)
    site.stack.flink.wait_for(job.id, "RUNNING")
    reader = LogReader(site.brokers, prefix)
    echo(f"feeding {rate:,.0f} records/s")
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(_send, site, feed, prefix, rate)
        seen = watched(reader, PARTITIONS, sending.done)
        sending.result()
    site.stack.flink.cancel(job.id)
    try:
        waits = waited(reader, seen, "postings", PARTITIONS)
    finally:
        reader.close()
    what = f"posting to committed alert at {rate:,.0f} records/s"
    return [
        Result(f"p50 {what}", round(float(np.percentile(waits, 50)), 2), "s"),
        Result(f"p99 {what}", round(float(np.percentile(waits, 99)), 2), "s", BAR_LATENCY_S, True),
        Result(f"alerts {what}", len(waits), "alerts"),
    ]


def _grown(seed: int, accounts: int) -> list[Result]:
    """CPU and state of one shard's fold, without Flink."""
    feed = world(seed, accounts, GROWTH_PAYMENTS)
    log = recorded(feed, Plan(feed.count, seed, 1, chunk=20_000), frozenset(_read()))
    spec = aml_job(Config(partitions=1, lateness_ms=1_000))
    shard, postings, began = Shard(spec, 0, {}), 0, process_time()
    names = [one.topic for one in spec.feeds]
    for batch in slices(names, log.partition(names, 0), spec.slice_ms):
        postings += shard.fold(*batch).counts["used"]
    used = process_time() - began
    state = sum(table.nbytes for table in shard.store.tables.values())
    what = f"fold over {postings:,} records of {accounts:,} accounts, one process"
    return [
        Result(f"{what}: processor time", round(1e6 * used / postings, 1), "us/record"),
        Result(f"{what}: state", round(state / 2**20), "MiB"),
    ]


def _read() -> list[str]:
    return [one.topic for one in aml_job(CONFIG).feeds]


def _topics(site: Site, feed: AmlWorld, prefix: str) -> None:
    spec = aml_job(CONFIG)
    plan = Plan(feed.count, feed.seed, PARTITIONS)
    names = sorted({*topics(feed, plan), *_read(), *spec.outputs})
    site.create([prefix + name for name in names], PARTITIONS)


def _fill(
    site: Site, feed: AmlWorld, prefix: str, rate: float, echo: Callable[[str], None]
) -> None:
    _topics(site, feed, prefix)
    echo(f"filling the log: {feed.count:,} payments and customers")
    _send(site, feed, prefix, rate)


def _send(site: Site, feed: AmlWorld, prefix: str, rate: float) -> None:
    """Only what the job reads; chunks of 50 ms."""
    plan = Plan(feed.count, feed.seed, PARTITIONS, chunk=max(1_000, int(rate / 20)))
    wanted = frozenset(_read())
    run = ([one for one in chunk if one.topic in wanted] for chunk in chunks(feed, plan))
    deliver(run, KafkaEnd(site.brokers, prefix=prefix), Pace(rate, time.monotonic, time.sleep))


def _submit(site: Site, prefix: str, bounded: bool) -> FlinkJob:
    arguments = ["--brokers", site.brokers, "--prefix", prefix, "--partitions", str(PARTITIONS)]
    arguments += ["--lateness-ms", str(CONFIG.lateness_ms)]
    target = ["-pym", "jobs.aml", "-pyfs", str(site.stack.flink.archive())]
    return submit(site, target, [*arguments, *(["--bounded"] if bounded else [])], PARTITIONS)
