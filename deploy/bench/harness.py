"""What every bench has in common: its results, and the file they are kept in."""

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

_SOURCE = Path(__file__).parents[2]
RESULTS = _SOURCE / "docs" / "bench"


@dataclass(frozen=True)
class Result:
    """One measured figure.

    `bar` is the least it should be (the most, if `at_most`); None where there is none.
    """

    what: str
    value: float | int | str
    unit: str
    bar: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the bar is reached; None without one, False where nothing could be measured."""
        if self.bar is None:
            return None
        if isinstance(self.value, str):
            return False
        return self.value <= self.bar if self.at_most else self.value >= self.bar

    def row(self) -> dict[str, Any]:
        """As in the file."""
        row = asdict(self) | {"met": self.met}
        del row["at_most"]
        return row


@dataclass
class Report:
    """All results of one run of a bench, and where and on what they were measured."""

    name: str
    seed: int
    results: list[Result] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The shape of `docs/bench/NAME.json`; `when` is the only reading of the clock in it."""
        return {
            "name": self.name,
            "commit": commit(),
            "machine": machine(),
            "seed": self.seed,
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "results": [result.row() for result in self.results],
        }

    def write(self, path: Path | None = None) -> Path:
        """Write the document to `path`, by default into `RESULTS`."""
        path = path or RESULTS / f"{self.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.document(), indent=1) + "\n")
        return path

    def rows(self) -> list[tuple[str, ...]]:
        """The same for people: what, value, unit, bar, met."""
        return [_cells(result) for result in self.results]


def _cells(result: Result) -> tuple[str, ...]:
    sign = "<= " if result.at_most else ">= "
    bar = "" if result.bar is None else f"{sign}{shown(result.bar)}"
    met = {None: "", True: "yes", False: "no"}[result.met]
    return result.what, shown(result.value), result.unit, bar, met


def shown(value: float | int | str) -> str:
    """A figure with as many digits as it deserves."""
    if isinstance(value, str):
        return value
    if abs(value) >= 1_000 or isinstance(value, int):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def commit() -> str:
    """The commit measured; with `+` if the tree holds changes beside it."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine() -> str:
    """Cores, memory, kind of processor and system, without any name of the machine."""
    memory = psutil.virtual_memory().total / 2**30
    cores = len(os.sched_getaffinity(0))
    python = f"Python {platform.python_version()}"
    return f"{cores} cores, {memory:.0f} GiB, {_processor()}, {platform.system()}, {python}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", _SOURCE, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
