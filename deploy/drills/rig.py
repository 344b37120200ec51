"""A run kept apart from the live system: prefixed topics, a feed into them, ticks in all."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict

from connectors import kafka_admin, ticker
from connectors.generators import Feed, Plan, chunks, topics
from connectors.producer import KafkaEnd, Pace, Sent, deliver
from deploy.drills.waiting import MONOTONIC, SLEEP
from deploy.errors import UserError
from deploy.oracle import Comparison, compare
from deploy.progress import Ends, Follower
from deploy.stack import Stack
from jobs.catalogue import JOBS, Config


def free_prefix(brokers: str, name: str) -> str:
    """The first of `name`1., `name`2., ... that no topic has."""
    known = kafka_admin.describe(brokers)
    number = 1
    while any(topic.startswith(f"{name}{number}.") for topic in known):
        number += 1
    return f"{name}{number}."


class Rig:
    """One such run; use it as a context, so that nothing of it is left."""

    def __init__(self, stack: Stack, prefix: str, config: Config) -> None:
        """Nothing is made yet; `prefix` names the topics, transactions and jobs of this run."""
        self.stack = stack
        self.settings = stack.settings
        self.prefix = prefix
        self.config = config
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=16)
        self._topics: set[str] = set()

    def __enter__(self) -> "Rig":
        """Nothing is made before something is fed or submitted."""
        return self

    def __exit__(self, *error: object) -> None:
        """Cancel this run's jobs, stop ticks and feeds, delete the topics."""
        for job in self.stack.flink.jobs():
            if job.alive and job.name.startswith(self.prefix):
                with contextlib.suppress(UserError):
                    self.stack.flink.cancel(job.id)
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)
        kafka_admin.delete_topics(self.settings.brokers, sorted(self._topics))

    def ensure(self, *names: str) -> None:
        """Make topics of this run that are not there yet, and tick in them from now on."""
        self._ensure(self.prefix, names)

    def _ensure(self, prefix: str, topics: Iterable[str]) -> None:
        """Make those of the topics that are not there yet, and tick in them from now on."""
        names = sorted({prefix + topic for topic in topics} - self._topics)
        if not names:
            return
        kafka_admin.create_topics(self.settings.brokers, self.config.partitions, names)
        self._topics.update(names)
        self._pool.submit(
            ticker.run, self.settings.brokers, names, self.config.partitions, 100, self._stop
        )

    def feed(self, feed: Feed, plan: Plan, rate: float | None = None) -> "Future[Sent]":
        """Send a feed in the background, at `rate` records a second."""
        self._ensure(self.prefix, topics(feed, plan))
        end = KafkaEnd(self.settings.brokers, prefix=self.prefix)
        end.check(topics(feed, plan), plan.partitions)
        pace = None if rate is None else Pace(rate, MONOTONIC, SLEEP)
        return self._pool.submit(deliver, chunks(feed, plan), end, pace)

    def submit(
        self,
        job: str,
        parallelism: int,
        config: Config | None = None,
        out_prefix: str | None = None,
        savepoint: str | None = None,
        **options: object,
    ) -> str:
        """Submit a job of this run and wait until all of it runs; its id."""
        out_prefix = self.prefix if out_prefix is None else out_prefix
        spec = JOBS[job](config or self.config)
        self._ensure(self.prefix, [feed.topic for feed in spec.feeds])
        self._ensure(out_prefix, spec.outputs)
        given = {
            "prefix": self.prefix,
            "out_prefix": out_prefix,
            "name": f"{out_prefix}{job}",
            **asdict(config or self.config),
            **options,
        }
        job_id = self.stack.flink.submit(job, parallelism, given, savepoint)
        self.stack.flink.wait_for(job_id, "RUNNING")
        return job_id

    def stop(self, job: str, out_prefix: str | None = None) -> str:
        """Stop a job with a savepoint, so that no transaction is left open; its path.

        All of it has to run for that: one that recovers from a kill is waited for.
        """
        name = f"{self.prefix if out_prefix is None else out_prefix}{job}"
        job_id = self.stack.flink.rest.find(name).id
        self.stack.flink.wait_for(job_id, "RUNNING")
        return self.stack.flink.stop_with_savepoint(job_id)

    def ends(self, *names: str) -> dict[tuple[str, int], int]:
        """The offset after the last record of each partition of the topics, as of now."""
        found = kafka_admin.end_offsets(
            self.settings.brokers, [self.prefix + name for name in names]
        )
        return {(topic.removeprefix(self.prefix), p): end for (topic, p), end in found.items()}

    @contextlib.contextmanager
    def follower(self, job: str, out_prefix: str | None = None) -> Iterator[Follower]:
        """What tells how far a job of this run has got."""
        spec = JOBS[job](self.config)
        prefix = self.prefix if out_prefix is None else out_prefix
        follower = Follower(self.settings.brokers, spec, prefix)
        try:
            yield follower
        finally:
            follower.close()

    def batches(self, job: str) -> int:
        """How many batches of a job are committed."""
        with self.follower(job) as follower:
            follower.poll()
            return follower.batches

    def wait(
        self,
        job: str,
        ends: Ends,
        timeout: float = 300,
        out_prefix: str | None = None,
        report: Callable[[int], None] = lambda left: None,
    ) -> None:
        """Wait until a job has committed batches that cover `ends`."""
        with self.follower(job, out_prefix) as follower:
            follower.wait(ends, timeout, report=report)

    def compare(
        self, job: str, config: Config | None = None, out_prefix: str | None = None
    ) -> Comparison:
        """Compare what a job has written with the oracle."""
        spec = JOBS[job](config or self.config)
        return compare(spec, self.settings.brokers, self.prefix, out_prefix)
