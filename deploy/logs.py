"""The services' logs on disk."""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from deploy.errors import UserError


def find(folder: Path, service: str) -> Path:
    """The log of a service: Flink's own file where there is one, else the process's output."""
    for name in (f"{service}.flink.log", f"{service}.log"):
        path = folder / name
        if path.is_file() and path.stat().st_size > 0 and path.parent == folder:
            return path
    known = sorted(
        {path.name.removesuffix(".log").removesuffix(".flink") for path in folder.glob("*.log")}
    )
    raise UserError(
        f"there is no log of {service}; logs: {', '.join(known) or 'none yet, run: tidemark up'}"
    )


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a file."""
    with path.open(errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=lines)]


def follow(path: Path) -> Iterator[str]:
    """Lines that are written from now on, without end."""
    with path.open(errors="replace") as file:
        file.seek(0, 2)
        while True:
            line = file.readline()
            if line:
                yield line.rstrip("\n")
            else:
                time.sleep(0.3)
