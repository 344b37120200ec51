"""One run of one system on one load: start it, watch it, check what came out."""

import contextlib
import time
from dataclasses import dataclass

import polars as pl

from deploy.bench import meter
from deploy.bench.site import Site
from deploy.bench.systems import Running, System, Task
from deploy.bench.work import Work, expected
from deploy.errors import UserError

LOOK_S = 0.2
_DECODERS = {"json": meter.decode_json, "wire": meter.decode_wire}


@dataclass(frozen=True)
class Run:
    """What one run took.

    Attributes:
        system: Its name.
        events: How many it worked on.
        seconds: From its start until its last alert could be read, or until it ended.
        cpu: CPU seconds of its processes.
        alerts: Alerts it wrote; None if it writes none.
        wanted: Alerts it had to write.
        same: Share of them whose count and sum are exactly those after their event.
    """

    system: str
    events: int
    seconds: float
    cpu: float
    alerts: int | None
    wanted: int
    same: float | None


def run(site: Site, system: System, work: Work, patience: float) -> Run:
    """Let `system` do `work`.

    Raises:
        UserError: It failed, was not done after `patience` seconds, or wrote wrong alerts.
    """
    system.prepare(site)
    task = Task(work, site.filled(work, system.form), site.outputs(work.partitions))
    wanted = expected(work)
    with contextlib.closing(_Watch(site, system, task, wanted.height)) as watch:
        began = time.monotonic()
        running = system.start(site, task)
        try:
            ended = watch.until_done(running, began + patience)
        finally:
            running.stop()
        alerts, same = watch.check(wanted)
        cpu = watch.cpu.seconds
    return Run(system.name, work.events, ended - began, cpu, alerts, wanted.height, same)


class _Watch:
    """All the meters on one run."""

    def __init__(self, site: Site, system: System, task: Task, wanted: int) -> None:
        before = site.process("taskmanager-0")
        self.name = system.name
        self.wanted = wanted
        self.cpu = meter.Cpu([before, *before.children(recursive=True)])
        self.alerts = None
        if system.alerts is not None:
            decode = _DECODERS[system.alerts]
            self.alerts = meter.Alerts(site.brokers, task.alerts, task.work.partitions, decode)

    def until_done(self, running: Running, deadline: float) -> float:
        """The moment it was done."""
        while True:
            ended = running.ended()
            self.cpu.sample(running.processes())
            now = time.monotonic()
            if ended if self.alerts is None else self.alerts.poll() >= self.wanted:
                return now
            found = (
                ""
                if self.alerts is None
                else f", {self.alerts.count} of {self.wanted} alerts written"
            )
            if ended:
                raise UserError(f"{self.name} ended early{found}")
            if now > deadline:
                raise UserError(f"{self.name} was not done in time{found}")
            time.sleep(LOOK_S)

    def check(self, wanted: pl.DataFrame) -> tuple[int | None, float | None]:
        """How many alerts there are, and which share has the right count and sum."""
        if self.alerts is None:
            return None, None
        self.alerts.poll()
        found = self.alerts.frame()
        if not found["event_id"].equals(wanted["event_id"]):
            missing = wanted.join(found, on="event_id", how="anti").height
            more = found.height - (wanted.height - missing)
            raise UserError(f"{self.name}: {missing} alerts are missing, {more} are too many")
        same = (found["count"] == wanted["count"]) & (found["total"] == wanted["total"])
        return found.height, int(same.sum()) / max(found.height, 1)

    def close(self) -> None:
        """Take the meters off."""
        if self.alerts is not None:
            self.alerts.close()
