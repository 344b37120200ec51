"""A stack for some jobs of the catalogue: topics, ticks in them, submission, how far they are."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from connectors import kafka_admin, ticker
from connectors.generators.feed import Batch
from connectors.producer import KafkaEnd, Pace, deliver
from deploy.bench.on_flink import FlinkJob, submit
from deploy.bench.site import Site
from deploy.progress import Ends
from deploy.settings import Settings
from jobs.catalogue import JOBS, Config

TICK_MS = 100


class JobsSite:
    """A broker and a cluster with room for the jobs, and one of them a second time."""

    def __init__(
        self,
        settings: Settings,
        echo: Callable[[str], None],
        jobs: Mapping[str, int],
        config: Config,
        checkpoint_ms: int,
    ) -> None:
        """Nothing is started yet.

        Args:
            settings: Of the checkout.
            echo: Hears what is happening.
            jobs: Their parallelism.
            config: As they are submitted.
            checkpoint_ms: From one checkpoint to the next.
        """
        slots = sum(jobs.values()) + min(jobs.values())
        self.site = Site(settings, echo, config.partitions, checkpoint_ms, slots)
        self.jobs = jobs
        self.config = config
        self.echo = echo

    @property
    def brokers(self) -> str:
        """Kafka's bootstrap servers."""
        return self.site.brokers

    def topics(self) -> list[str]:
        """Every topic that the jobs read or write."""
        specs = [JOBS[job](self.config) for job in self.jobs]
        written = {name for spec in specs for name in spec.outputs}
        return sorted(written | set(self.read()))

    def read(self) -> list[str]:
        """Every topic that the jobs read."""
        return sorted({feed.topic for job in self.jobs for feed in JOBS[job](self.config).feeds})

    def make(self, prefix: str, beside: Iterable[str] = ()) -> None:
        """Make all topics of the jobs, and some beside."""
        names = sorted({*self.topics(), *beside})
        self.site.create([prefix + name for name in names], self.config.partitions)

    def outputs(self, prefix: str, jobs: Sequence[str]) -> None:
        """Make the topics that some jobs write, under another prefix."""
        names = {name for job in jobs for name in JOBS[job](self.config).outputs}
        self.site.create([prefix + name for name in sorted(names)], self.config.partitions)

    def send(self, run: Iterable[list[Batch]], prefix: str, rate: float | None = None) -> None:
        """Send chunks, at a rate or as fast as possible."""
        pace = None if rate is None else Pace(rate, time.monotonic, time.sleep)
        deliver(run, KafkaEnd(self.brokers, prefix=prefix), pace)

    def ends(self, prefix: str, names: Sequence[str]) -> Ends:
        """The offset after the last record of each partition of topics, as of now."""
        found = kafka_admin.end_offsets(self.brokers, [prefix + name for name in names])
        return {(name.removeprefix(prefix), p): end for (name, p), end in found.items()}

    def submit(self, job: str, prefix: str, out: str, bounded: bool) -> FlinkJob:
        """Submit one of the jobs."""
        config = self.config
        arguments = ["--brokers", self.brokers, "--prefix", prefix, "--out-prefix", out]
        arguments += ["--partitions", str(config.partitions), "--slice-ms", str(config.slice_ms)]
        arguments += ["--lateness-ms", str(config.lateness_ms), "--name", f"{out}{job}"]
        target = ["-pym", f"jobs.{job}", "-pyfs", str(self.site.stack.flink.archive())]
        arguments += ["--bounded"] if bounded else []
        return submit(self.site, target, arguments, self.jobs[job])

    @contextmanager
    def ticking(self, prefix: str) -> Iterator[None]:
        """Ticks in all topics that jobs read, so that log time moves in those without records."""
        stop = threading.Event()
        names = [prefix + name for name in self.read()]
        given = (self.brokers, names, self.config.partitions, TICK_MS, stop)
        thread = threading.Thread(target=ticker.run, args=given, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
