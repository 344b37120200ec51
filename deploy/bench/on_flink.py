"""The systems on the bench's Flink cluster: our engine, its limit, PyFlink's per-record idiom."""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from deploy.bench.fill import Form
from deploy.bench.site import PEERS, Site
from deploy.bench.systems import Running, Task
from deploy.bench.work import THRESHOLD
from deploy.errors import UserError
from deploy.flink.client import reason
from deploy.flink.rest import GONE
from deploy.processes import python
from deploy.services.flink import environment, package

SLICE_MS = 250
_SUBMITTED = re.compile(r"JobID ([0-9a-f]{32})")


@dataclass(frozen=True)
class Engine:
    """Our engine, exactly once; with `every` each event becomes a result."""

    every: bool = False
    slice_ms: int = SLICE_MS
    form: Form = "wire"

    @property
    def name(self) -> str:
        """As in the results."""
        return "tidemark"

    @property
    def alerts(self) -> Form | None:
        """Alerts are read back; one result an event would be too much to."""
        return None if self.every else "wire"

    def prepare(self, site: Site) -> None:
        """Nothing to install."""

    def start(self, site: Site, task: Task) -> Running:
        """Submit `jobs.bench`, bounded."""
        arguments = [*_ours(site, task, self.slice_ms, self.every), "--threshold", str(THRESHOLD)]
        return submit(site, _module(site, "jobs.bench"), arguments, task.work.partitions)


@dataclass(frozen=True)
class Limit:
    """The JVM half of the engine alone: the same source and batches into nothing."""

    every: bool = False
    slice_ms: int = SLICE_MS
    form: Form = "wire"
    alerts: Form | None = None
    name: str = "limit, JVM only"

    def prepare(self, site: Site) -> None:
        """Nothing to install."""

    def start(self, site: Site, task: Task) -> Running:
        """Submit `jobs.bench_limit`, bounded."""
        arguments = _ours(site, task, self.slice_ms, self.every)
        return submit(site, _module(site, "jobs.bench_limit"), arguments, task.work.partitions)


@dataclass(frozen=True)
class Idiom:
    """PyFlink's per-record idiom, on the same cluster, backend and checkpoints; exactly once."""

    form: Form = "json"
    alerts: Form | None = "json"
    name: str = "PyFlink ValueState"

    def prepare(self, site: Site) -> None:
        """Nothing to install."""

    def start(self, site: Site, task: Task) -> Running:
        """Submit its script, bounded."""
        arguments = ["--brokers", site.brokers, "--source", task.source, "--alerts", task.alerts]
        arguments += ["--threshold", str(THRESHOLD)]
        return submit(site, ["-py", str(PEERS / "pyflink_job.py")], arguments, task.work.partitions)


class FlinkJob:
    """A job at work."""

    def __init__(self, site: Site, job_id: str) -> None:
        """Watch this job."""
        self.id = job_id
        self._site = site
        self._rest = site.stack.flink.rest

    def processes(self) -> list[psutil.Process]:
        """The TaskManager, whose children are the Python workers."""
        return [self._site.process("taskmanager-0")]

    def ended(self) -> bool:
        """Whether the job is FINISHED."""
        state = self._rest.state(self.id)
        if state in GONE and state != "FINISHED":
            causes = self._rest.exceptions(self.id) or ["no cause recorded"]
            raise UserError(f"the job is {state}: {causes[0]}")
        return state == "FINISHED"

    def stop(self) -> None:
        """Wait until it is over, which it is soon after its last alert; cancel it otherwise."""
        try:
            self._rest.wait_for(self.id, "FINISHED", timeout_s=30)
        except UserError:
            if self._rest.state(self.id) not in GONE:
                self._site.stack.flink.cancel(self.id)


def submit(
    site: Site, target: Sequence[str], arguments: Sequence[str], parallelism: int
) -> FlinkJob:
    """Let `flink run` start a module of ours or a file; the job."""
    settings = site.settings
    argv = [str(package() / "bin" / "flink"), "run", "-d", "-p", str(parallelism)]
    argv += ["-m", settings.rest_url.removeprefix("http://"), *target]
    argv += ["-pyexec", str(python()), "-pyclientexec", str(python()), *arguments]
    env = os.environ | environment(settings, "submit")
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=300, check=False)
    log = settings.logs / "submit.log"
    log.write_text(done.stdout + done.stderr)
    if found := _SUBMITTED.search(done.stdout):
        return FlinkJob(site, found[1])
    raise UserError(f"not submitted: {reason(done.stdout + done.stderr)}; see {log}")


def _module(site: Site, module: str) -> list[str]:
    return ["-pym", module, "-pyfs", str(site.stack.flink.archive())]


def _ours(site: Site, task: Task, slice_ms: int, every: bool) -> list[str]:
    arguments = [
        "--brokers",
        site.brokers,
        "--prefix",
        task.prefix,
        "--out-prefix",
        task.out,
        "--bounded",
    ]
    arguments += ["--slice-ms", str(slice_ms), "--partitions", str(task.work.partitions)]
    return [*arguments, "--every"] if every else arguments
