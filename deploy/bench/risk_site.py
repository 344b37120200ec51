"""A stack for the jobs `marks`, `risk` and `firm`: topics, ticks, control records, submission."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from connectors import ticker
from connectors.generators.feed import Batch
from connectors.generators.market.world import MarketWorld
from connectors.producer import KafkaEnd, Pace, deliver
from deploy.bench.on_flink import FlinkJob, submit
from deploy.bench.risk_controls import controls
from deploy.bench.risk_feed import TOPICS
from deploy.bench.site import Site
from deploy.settings import Settings
from jobs.catalogue import JOBS, Config

PARTITIONS = 2
PARALLELISM = {"marks": 1, "risk": 2, "firm": 1}
CHECKPOINT_MS = 500
CONFIG = Config(partitions=PARTITIONS, slice_ms=250)
BOOK_SCENARIOS, FIRM_SCENARIOS = 5_000, 100_000
TICK_MS = 100


class RiskSite:
    """A broker and a cluster with room for the three jobs."""

    def __init__(self, settings: Settings, echo: Callable[[str], None]) -> None:
        """Nothing is started yet."""
        slots = sum(PARALLELISM.values()) + PARALLELISM["marks"]
        self.site = Site(settings, echo, PARTITIONS, CHECKPOINT_MS, slots)
        self.echo = echo

    @property
    def brokers(self) -> str:
        """Kafka's bootstrap servers."""
        return self.site.brokers

    def prepare(self, prefix: str, world: MarketWorld) -> None:
        """Make all topics of the three jobs, and write the control records."""
        self.site.create([prefix + name for name in topics(("marks", "risk", "firm"))], PARTITIONS)
        sent = controls(world, PARTITIONS, BOOK_SCENARIOS, FIRM_SCENARIOS)
        self.send([sent], prefix)

    def outputs(self, prefix: str, jobs: Sequence[str]) -> None:
        """Make the topics that the jobs write, under another prefix."""
        names = {name for job in jobs for name in JOBS[job](CONFIG).outputs}
        self.site.create([prefix + name for name in sorted(names)], PARTITIONS)

    def send(self, run: Iterable[list[Batch]], prefix: str, rate: float | None = None) -> None:
        """Send chunks, at a rate or as fast as possible."""
        pace = None if rate is None else Pace(rate, time.monotonic, time.sleep)
        deliver(run, KafkaEnd(self.brokers, prefix=prefix), pace)

    def submit(self, job: str, prefix: str, out: str, bounded: bool) -> FlinkJob:
        """Submit one of the jobs."""
        arguments = ["--brokers", self.brokers, "--prefix", prefix, "--out-prefix", out]
        arguments += ["--partitions", str(PARTITIONS), "--slice-ms", str(CONFIG.slice_ms)]
        arguments += ["--lateness-ms", str(CONFIG.lateness_ms), "--name", f"{out}{job}"]
        target = ["-pym", f"jobs.{job}", "-pyfs", str(self.site.stack.flink.archive())]
        arguments += ["--bounded"] if bounded else []
        return submit(self.site, target, arguments, PARALLELISM[job])

    @contextmanager
    def ticking(self, prefix: str) -> Iterator[None]:
        """Ticks in all topics that jobs read, so that log time moves in those without records."""
        stop = threading.Event()
        names = [prefix + name for name in topics(("marks", "risk", "firm")) if _read(name)]
        given = (self.brokers, names, PARTITIONS, TICK_MS, stop)
        thread = threading.Thread(target=ticker.run, args=given, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def topics(jobs: Sequence[str]) -> list[str]:
    """Every topic that jobs read or write."""
    specs = [JOBS[job](CONFIG) for job in jobs]
    read = {feed.topic for spec in specs for feed in spec.feeds}
    return sorted(read | {name for spec in specs for name in spec.outputs} | set(TOPICS))


def _read(name: str) -> bool:
    return any(name == feed.topic for job in PARALLELISM for feed in JOBS[job](CONFIG).feeds)
