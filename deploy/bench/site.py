"""Where the bench runs: a Kafka broker and a Flink cluster of its own, and an environment a peer.

All of it lies in `.tidemark/bench`, on ports of its own, so that a running stack is not disturbed.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from tenacity import Retrying, stop_after_delay, wait_fixed

from connectors import kafka_admin
from connectors.producer import KafkaEnd, Pace, deliver
from connectors.topics import TOPIC_CONFIG
from deploy.bench.fill import RATE, Form, messages, topic
from deploy.bench.work import Work
from deploy.errors import UserError
from deploy.settings import Settings
from deploy.stack import Stack

PORT_OFFSET = 400
CHECKPOINT_MS = 10_000
PARTITIONS = 8
PEERS = Path(__file__).parent / "peers"
SERVICES = ("kafka", "jobmanager", "taskmanager-0")

Echo = Callable[[str], None]


class Site:
    """The bench's own broker, cluster and environments."""

    def __init__(
        self,
        settings: Settings,
        echo: Echo,
        partitions: int = PARTITIONS,
        checkpoint_ms: int = CHECKPOINT_MS,
        slots: int | None = None,
    ) -> None:
        """Nothing is started yet; without `slots` there is one a partition."""
        self.home = settings.home / "bench"
        self.echo = echo
        self.settings = Settings(
            home=self.home / "stack",
            jars=settings.jar_home,
            port_offset=settings.port_offset + PORT_OFFSET,
            partitions=partitions,
            slots=partitions if slots is None else slots,
            taskmanagers=1,
            checkpoint_ms=checkpoint_ms,
        )
        self.stack = Stack(self.settings)
        self._filled: set[str] = set()
        self._runs = 0

    @property
    def brokers(self) -> str:
        """Kafka's bootstrap servers."""
        return self.settings.brokers

    def up(self) -> None:
        """Start the broker and the cluster, both empty."""
        self.down()
        for service in SERVICES:
            self.stack.start(service)
            self.echo(f"{service}: up")

    def down(self) -> None:
        """Stop both and remove what they stored."""
        if self.settings.home.exists():
            self.stack.down()
            shutil.rmtree(self.settings.home)

    def process(self, service: str) -> psutil.Process:
        """The main process of a service."""
        found = self.stack.processes.main(service)
        if found is None:
            raise UserError(
                f"{service} of the bench has ended; see its log in {self.settings.logs}"
            )
        return found

    def filled(self, work: Work, form: Form) -> str:
        """The topic that holds this load in this form, filled at the first call."""
        name = topic(work, form)
        if name not in self._filled:
            self.echo(f"filling {name}")
            self.create([name], work.partitions)
            sent = deliver(messages(work, form), KafkaEnd(self.brokers), self._pace(form))
            assert sent.records.total() == work.events
            self._filled.add(name)
        return name

    def drop(self, work: Work) -> None:
        """Delete the topics of a load that is no longer needed."""
        mine = [name for name in self._filled if name.startswith(f"{work.name}.")]
        if mine:
            kafka_admin.delete_topics(self.brokers, mine)
            self._filled.difference_update(mine)

    def outputs(self, partitions: int) -> str:
        """A new prefix under which the topics that a run writes are there and empty."""
        self._runs += 1
        prefix = f"r{self._runs}."
        names = [prefix + name for name in ("bench.alerts", "bench.dead", "bench.batches")]
        self.create(names, partitions)
        return prefix

    def python(self, peer: str) -> Path:
        """The interpreter of a peer's own environment, made and filled at the first call."""
        folder, pins = self.home / "venvs" / peer, PEERS / f"{peer}.txt"
        done = folder / "pins.txt"
        if not done.exists() or done.read_bytes() != pins.read_bytes():
            self.echo(f"installing {peer}")
            shutil.rmtree(folder, ignore_errors=True)
            _run(sys.executable, "-m", "venv", folder)
            _run(folder / "bin" / "python", "-m", "pip", "install", "-q", "-r", pins)
            done.write_bytes(pins.read_bytes())
        return folder / "bin" / "python"

    def create(self, names: list[str], partitions: int) -> None:
        """Make topics, and wait until each partition has a leader."""
        kafka_admin.create_topics(self.brokers, partitions, names, TOPIC_CONFIG)
        led = Retrying(stop=stop_after_delay(20), wait=wait_fixed(0.1), reraise=True)
        led(kafka_admin.end_offsets, self.brokers, names)

    def _pace(self, form: Form) -> Pace | None:
        return Pace(RATE, time.monotonic, time.sleep) if form == "wire" else None


def _run(*argv: str | Path) -> None:
    done = subprocess.run([str(part) for part in argv], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise UserError(
            f"{Path(argv[0]).name} failed: {lines[-1] if lines else 'no message'}; try it by hand"
        )
