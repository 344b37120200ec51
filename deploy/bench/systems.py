"""What a system of the bench is, and the peers that run as programs of their own."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from deploy.bench.fill import Form
from deploy.bench.site import PEERS, Site
from deploy.bench.work import THRESHOLD, Work
from deploy.errors import UserError


@dataclass(frozen=True)
class Task:
    """One run: the load, the topic it is in, and the prefix of the topics to write to."""

    work: Work
    source: str
    out: str

    @property
    def prefix(self) -> str:
        """The prefix of the source topic."""
        return f"{self.work.name}."

    @property
    def alerts(self) -> str:
        """The topic for alerts."""
        return f"{self.out}bench.alerts"


class Running(Protocol):
    """A system at work."""

    def processes(self) -> list[psutil.Process]:
        """Those whose CPU time counts, without their children."""

    def ended(self) -> bool:
        """Whether it came to its end by itself; UserError if that was a failure."""

    def stop(self) -> None:
        """End it, if it has not, and clean up."""


class System(Protocol):
    """Something that can do the work."""

    @property
    def name(self) -> str:
        """As in the results."""

    @property
    def form(self) -> Form:
        """The form of its input."""

    @property
    def alerts(self) -> Form | None:
        """The form of its alerts; None if it is done when it ends by itself, whatever it writes."""

    def prepare(self, site: Site) -> None:
        """Install what it needs, before any clock runs."""

    def start(self, site: Site, task: Task) -> Running:
        """Start it on a task."""


class Programs:
    """Operating system processes that are one system together."""

    def __init__(
        self, argvs: Sequence[Sequence[str]], env: Mapping[str, str], log: Path, scratch: Path
    ):
        """Start them, in sessions of their own, their output in `log`; `scratch` goes with them."""
        self._log, self._scratch = log, scratch
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            self._children = [
                subprocess.Popen(
                    argv,
                    env=os.environ | env,
                    cwd=PEERS,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                for argv in argvs
            ]

    def processes(self) -> list[psutil.Process]:
        """Those still alive."""
        return [psutil.Process(child.pid) for child in self._children if child.poll() is None]

    def ended(self) -> bool:
        """Whether all have ended."""
        codes = [child.poll() for child in self._children]
        if any(codes):
            last = [
                line for line in self._log.read_text(errors="replace").splitlines() if line.strip()
            ]
            raise UserError(
                f"ended with code {max(c or 0 for c in codes)}: {last[-1] if last else ''}"
            )
        return all(code is not None for code in codes)

    def stop(self) -> None:
        """Terminate, then kill, the sessions; remove the scratch folder."""
        for ending, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
            for child in self._children:
                if child.poll() is None:
                    os.killpg(child.pid, ending)
            for child in self._children:
                try:
                    child.wait(patience)
                except subprocess.TimeoutExpired:
                    continue
        shutil.rmtree(self._scratch, ignore_errors=True)


@dataclass(frozen=True)
class Bytewax:
    """bytewax, as one process or a cluster; with `recovery` its state is stored every 10 s."""

    processes: int = 2
    tuned: bool = False
    recovery: bool = False
    form: Form = "json"
    alerts: Form | None = "json"

    @property
    def name(self) -> str:
        """Says how it is written, how many processes there are, and whether it recovers."""
        how = f"{', tuned' if self.tuned else ''}, {_counted(self.processes, 'process', 'es')}"
        return f"bytewax{how}{', recovery' if self.recovery else ''}"

    def prepare(self, site: Site) -> None:
        """Install it."""
        site.python("bytewax")

    def start(self, site: Site, task: Task) -> Running:
        """Start the cluster; the processes find each other by address."""
        python, scratch = str(site.python("bytewax")), site.home / "scratch" / task.out
        form = "tuned" if self.tuned else "documented"
        ends = f"{site.brokers!r}, {task.source!r}, {task.alerts!r}"
        flow = f"bytewax_job:flow({ends}, {THRESHOLD}, {form!r})"
        argv = [python, "-m", "bytewax.run", flow]
        if self.recovery:
            scratch.mkdir(parents=True)
            store = [python, "-m", "bytewax.recovery", str(scratch), str(self.processes)]
            subprocess.run(store, check=True, capture_output=True)
            argv += ["-r", str(scratch), "-s", "10", "-b", "0"]
        first = site.settings.port("flink-rest") + 100
        hosts = ";".join(f"127.0.0.1:{first + i}" for i in range(self.processes))
        argvs = [argv]
        if self.processes > 1:
            argvs = [[*argv, "-i", str(i), "-a", hosts] for i in range(self.processes)]
        return Programs(argvs, {}, site.home / "logs" / "bytewax.log", scratch)


@dataclass(frozen=True)
class Quixstreams:
    """quixstreams, processes in one consumer group; state in RocksDB, changelog topics on."""

    processes: int = 2
    form: Form = "json"
    alerts: Form | None = "json"

    @property
    def name(self) -> str:
        """Says how many processes."""
        return f"quixstreams, {_counted(self.processes, 'process', 'es')}"

    def prepare(self, site: Site) -> None:
        """Install it."""
        site.python("quixstreams")

    def start(self, site: Site, task: Task) -> Running:
        """Start the processes, each with a state directory of its own."""
        scratch = site.home / "scratch" / task.out
        common = [
            str(site.python("quixstreams")),
            "quixstreams_job.py",
            site.brokers,
            task.source,
            task.alerts,
        ]
        argvs = [[*common, str(THRESHOLD), str(scratch / str(i))] for i in range(self.processes)]
        return Programs(argvs, {}, site.home / "logs" / "quixstreams.log", scratch)


@dataclass(frozen=True)
class Pathway:
    """pathway, one process with a thread a core; with `recovery` its state is stored every 10 s."""

    threads: int = 2
    recovery: bool = False
    form: Form = "json"
    alerts: Form | None = "json"

    @property
    def name(self) -> str:
        """Says how many threads, and whether it recovers."""
        threads = _counted(self.threads, "thread", "s")
        return f"pathway, {threads}" + (", recovery" if self.recovery else "")

    def prepare(self, site: Site) -> None:
        """Install it."""
        site.python("pathway")

    def start(self, site: Site, task: Task) -> Running:
        """Start the process."""
        scratch = site.home / "scratch" / task.out
        argv = [
            str(site.python("pathway")),
            "pathway_job.py",
            site.brokers,
            task.source,
            task.alerts,
        ]
        argv += [str(THRESHOLD), *([str(scratch)] if self.recovery else [])]
        env = {"PATHWAY_THREADS": str(self.threads)}
        return Programs([argv], env, site.home / "logs" / "pathway.log", scratch)


def _counted(number: int, one: str, plural: str) -> str:
    return f"{number} {one}{plural if number > 1 else ''}"
