"""The native stack: Kafka, Flink, Neo4j and the ticker as processes of this machine.

`up` starts what is not running, waits until each answers, and takes down again what it started if
it cannot finish. `down` ends everything that carries this stack's mark, and nothing else.
"""

import contextlib
import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil

from deploy import jars, ports
from deploy.errors import UserError
from deploy.flink import Flink
from deploy.processes import Processes
from deploy.services.base import Service
from deploy.services.flink import JobManager, TaskManager
from deploy.services.kafka import Kafka
from deploy.services.neo4j import Neo4j
from deploy.services.ticker import Ticker
from deploy.settings import Settings

START_TIMEOUT_S = 240.0
WORKER_MIB = 220
"""A Python worker with polars and the job's code loaded; each busy slot has one."""

Echo = Callable[[str], None]


@dataclass(frozen=True)
class Status:
    """One service as it is now; `trouble` is None when it serves."""

    name: str
    pid: int | None
    rss_mib: int
    address: str
    trouble: str | None


class Stack:
    """The services of one checkout."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is started or looked up yet."""
        self.settings = settings
        self.processes = Processes(settings)
        self.flink = Flink(settings)

    def services(self) -> list[Service]:
        """Every service, in the order of starting."""
        settings = self.settings
        taskmanagers = [TaskManager(settings, index) for index in range(settings.taskmanagers)]
        first: list[Service] = [Kafka(settings), Neo4j(settings), JobManager(settings)]
        return [*first, *taskmanagers, Ticker(settings)]

    def up(self, echo: Echo) -> None:
        """Start what is not running; on any failure take down again what this call started."""
        with self._locked():
            todo = [one for one in self.services() if self.processes.main(one.name) is None]
            if not todo:
                echo("everything is running already")
                return
            self._check_surroundings(todo)
            begun: list[str] = []
            try:
                self._start(todo, begun, echo)
            except BaseException:
                self.processes.stop(begun, grace=5)
                raise

    def down(self, echo: Echo = lambda line: None) -> None:
        """Stop every service, Kafka last, and end every process that carries this stack's mark."""
        with self._locked():
            found = {*self.processes.started(), *self.processes.owned()}
            for wave in (sorted(found - {Kafka.name}), sorted(found & {Kafka.name})):
                self.processes.stop(wave)
                for name in wave:
                    echo(f"{name}: stopped")

    def status(self) -> list[Status]:
        """Each service as it is now."""
        owned = self.processes.owned()
        rows = []
        for one in self.services():
            own = self.processes.own(one.name)
            trouble = one.trouble() if own else "not running"
            rss = sum(_rss(process) for process in owned.get(one.name, []))
            rows.append(
                Status(one.name, own.pid if own else None, rss // 2**20, one.address(), trouble)
            )
        return rows

    def pids(self, name: str) -> list[int]:
        """The service's own process, then what it started, such as Python workers."""
        self._service(name)
        own = self.processes.own(name)
        return [own.pid, *(child.pid for child in own.children(recursive=True))] if own else []

    def kill(self, name: str) -> None:
        """End a service as a crash would (SIGKILL), with what it started; it stays down."""
        self._service(name)
        self.processes.kill(name)

    def start(self, name: str) -> None:
        """Start one service unless it is running, and wait until it serves."""
        service = self._service(name)
        if self.processes.main(name) is not None:
            self._await(service)
            return
        self.processes.kill(name)
        ports.check_free(service.ports())
        self._start([service], [], lambda line: None)

    def start_taskmanager(self, index: int = 0) -> None:
        """Start TaskManager `index` again after a kill."""
        self.start(f"taskmanager-{index}")

    def memory_budget_mib(self) -> int:
        """The most memory the whole stack is meant to use, Python workers included."""
        workers = self.settings.taskmanagers * self.settings.slots * WORKER_MIB
        return sum(one.budget_mib for one in self.services()) + workers

    def _service(self, name: str) -> Service:
        known = {one.name: one for one in self.services()}
        if name not in known:
            raise UserError(f"there is no service {name}; services: {', '.join(known)}")
        return known[name]

    def _check_surroundings(self, todo: list[Service]) -> None:
        if absent := jars.missing(self.settings.jar_home):
            raise UserError(
                f"{len(absent)} jars are missing ({absent[0].filename}); run: tidemark jars fetch"
            )
        self.settings.home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.settings.home).free / 2**30
        if free < self.settings.min_free_gib:
            raise UserError(
                f"{free:.1f} GiB free at {self.settings.home}, {self.settings.min_free_gib:.1f} "
                "wanted; free some space or point TIDEMARK_HOME at another disk"
            )
        for service in todo:
            self.processes.kill(service.name)
        ports.check_free({name: port for one in todo for name, port in one.ports().items()})

    def _start(self, todo: list[Service], begun: list[str], echo: Echo) -> None:
        """Start services side by side, then wait for each; the ticker needs topics."""
        began = time.monotonic()
        tickers = [one for one in todo if isinstance(one, Ticker)]
        for wave in ([one for one in todo if one not in tickers], tickers):
            for service in wave:
                command = service.prepare()
                begun.append(service.name)
                self.processes.start(service.name, command)
            for service in wave:
                self._await(service)
                service.finish()
                echo(f"{service.name}: {service.address()} ({time.monotonic() - began:.1f} s)")

    def _await(self, service: Service) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while trouble := service.trouble():
            if self.processes.main(service.name) is None:
                raise UserError(
                    f"{service.name} ended while starting: {self._last_words(service.name)}"
                )
            if time.monotonic() > deadline:
                raise UserError(
                    f"{service.name} {trouble} after {START_TIMEOUT_S:.0f} s; "
                    f"see: tidemark logs {service.name}"
                )
            time.sleep(0.2)

    def _last_words(self, name: str) -> str:
        lines = self.processes.log(name).read_text(errors="replace").splitlines()
        telling = [
            line for line in lines if "ERROR" in line or "Exception" in line or "rror:" in line
        ]
        last = (telling or lines or ["no output"])[-1].strip()
        return f"{last[:200]}; see: tidemark logs {name}"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One `up` or `down` at a time for a checkout."""
        self.settings.run.mkdir(parents=True, exist_ok=True)
        with (self.settings.run / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    "another tidemark up or down is at work here; wait for it"
                ) from None
            yield


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
