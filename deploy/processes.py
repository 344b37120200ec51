"""Processes of one stack: started in their own session, found again, never mistaken for others.

A process is ours if its pid file says so and its start time agrees, or if it carries our mark in
its environment. The mark is inherited, so it also finds Python workers that outlived their
TaskManager.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

from deploy.services.base import Command
from deploy.settings import Settings

MARK = "TIDEMARK_SERVICE"
_GONE = (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied)

_children: list[subprocess.Popen[bytes]] = []
"""Keeps our own children, so that their end is collected here and not reported as a leak."""


class Processes:
    """The processes of the stack whose state lives in `settings.home`."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is started or looked up yet."""
        self._logs = settings.logs
        self._neutral = settings.run / "cwd"
        self._pids = settings.run / "pids"
        self._owner = str(settings.home)

    def log(self, name: str) -> Path:
        """The file a service's output goes to."""
        return self._logs / f"{name}.log"

    def start(self, name: str, command: Command) -> None:
        """Start a service in its own session, with the command's environment over ours.

        It works in an empty folder and without PYTHONPATH: `python -m` looks into both before
        anything else, and a worker must find the code of its job's archive, not what lies where
        we were called.
        """
        for folder in (self._logs, self._pids, self._neutral):
            folder.mkdir(parents=True, exist_ok=True)
        log = self.log(name)
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        environment = clean_environment() | dict(command.env) | {MARK: f"{self._owner}#{name}"}
        supervisor = [python(), "-m", "deploy.supervise"] if command.supervised else []
        with log.open("wb") as output:
            child = subprocess.Popen(
                [str(part) for part in [*supervisor, *command.argv]],
                env=environment,
                cwd=self._neutral,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _children.append(child)
        created = psutil.Process(child.pid).create_time()
        record = {"pid": child.pid, "created": created, "supervised": command.supervised}
        _write(self._pids / f"{name}.json", record)

    def main(self, name: str) -> psutil.Process | None:
        """The process started for a service (its supervisor if it has one) while it lives."""
        record = self._record(name)
        with contextlib.suppress(KeyError, *_GONE):
            process = psutil.Process(record["pid"])
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and abs(process.create_time() - record["created"]) < 1:
                return process
        _collect()
        return None

    def own(self, name: str) -> psutil.Process | None:
        """The service itself, below its supervisor if it has one, while it lives."""
        main = self.main(name)
        if main is None or not self._record(name).get("supervised"):
            return main
        with contextlib.suppress(*_GONE):
            return next(iter(main.children()), None)
        return None

    def started(self) -> list[str]:
        """Names of the services that were started and not stopped, alive or not."""
        return sorted(path.stem for path in self._pids.glob("*.json"))

    def family(self, name: str) -> list[psutil.Process]:
        """The process that was started first, then all others that carry its mark."""
        main = self.main(name)
        others = [
            process
            for process in self.owned().get(name, [])
            if main is None or process.pid != main.pid
        ]
        return [main, *others] if main else others

    def owned(self) -> dict[str, list[psutil.Process]]:
        """Every living process that carries this stack's mark, by service."""
        found: dict[str, list[psutil.Process]] = {}
        for process in psutil.process_iter():
            with contextlib.suppress(*_GONE):
                owner, _, name = process.environ().get(MARK, "").rpartition("#")
                if owner == self._owner and process.status() != psutil.STATUS_ZOMBIE:
                    found.setdefault(name, []).append(process)
        return found

    def stop(self, names: Iterable[str], grace: float = 20.0) -> None:
        """Ask services to end, all at once, wait, then end them and all they left behind."""
        names = list(names)
        mains = [main for name in names if (main := self.main(name))]
        for main in mains:
            with contextlib.suppress(*_GONE):
                main.terminate()
        psutil.wait_procs(mains, timeout=grace)
        for name in names:
            self.kill(name)

    def kill(self, name: str) -> None:
        """End a service at once, with every process that carries its mark."""
        for _ in range(3):
            family = self.family(name)
            for process in family:
                with contextlib.suppress(*_GONE):
                    process.send_signal(signal.SIGKILL)
            psutil.wait_procs(family, timeout=5)
            if not family:
                break
        _collect()
        (self._pids / f"{name}.json").unlink(missing_ok=True)

    def _record(self, name: str) -> dict[str, Any]:
        try:
            return dict(json.loads((self._pids / f"{name}.json").read_text()))
        except (OSError, ValueError):
            return {}


def clean_environment() -> dict[str, str]:
    """Our environment without what would let Python find other code than it should."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def python() -> Path:
    """The Python that runs this code, which the workers run too."""
    return Path(sys.executable)


def _collect() -> None:
    _children[:] = [child for child in _children if child.poll() is None]


def _write(path: Path, record: Mapping[str, object]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(record))
    part.replace(path)
