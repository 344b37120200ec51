"""Looks at a system from outside while it runs, the same way for all: its alerts, its CPU time.

Alerts are read back, committed ones only: a run is over when the last expected one can be read. CPU
is user and system time of the system's processes; broker and bench are not counted.
"""

import contextlib
import json
from collections.abc import Callable, Iterable

import polars as pl
import psutil

from connectors.reader import LogReader
from schemas.codec import decode_block
from schemas.records import record

_GONE = (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied)


class Cpu:
    """CPU seconds of processes that come and go, as far as they were seen alive."""

    def __init__(self, before: Iterable[psutil.Process] = ()) -> None:
        """`before`: processes that run already; only what they use from now on counts."""
        self._used: dict[int, float] = {}
        self._base = {process.pid: _seconds(process) for process in before}

    def sample(self, processes: Iterable[psutil.Process]) -> None:
        """Look at these processes and their children."""
        for process in processes:
            with contextlib.suppress(*_GONE):
                for one in (process, *process.children(recursive=True)):
                    with contextlib.suppress(*_GONE):
                        self._used[one.pid] = _seconds(one)

    @property
    def seconds(self) -> float:
        """CPU time used so far."""
        return sum(used - self._base.get(pid, 0.0) for pid, used in self._used.items())


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


class Alerts:
    """The alerts in a topic, read on from where the last look ended."""

    def __init__(
        self,
        brokers: str,
        topic: str,
        partitions: int,
        decode: Callable[[list[bytes]], pl.DataFrame],
    ):
        """Begin at the topic's start."""
        self.topic = topic
        self.count = 0
        self._reader = LogReader(brokers)
        self._next = dict.fromkeys(range(partitions), 0)
        self._values: list[bytes] = []
        self._decode = decode

    def poll(self) -> int:
        """How many can be read by now."""
        for partition, start in self._next.items():
            _, end = self._reader.ends(self.topic, partition)
            if end > start:
                span = self._reader.read(self.topic, partition, start, end)
                self._values += [value for value in span.values if value is not None]
                self._next[partition] = end
        self.count = len(self._values)
        return self.count

    def frame(self) -> pl.DataFrame:
        """All of them: event_id, entity, count, total."""
        return (
            self._decode(self._values)
            .select("event_id", "count", "total", "entity")
            .sort("event_id")
        )

    def close(self) -> None:
        """Disconnect."""
        self._reader.close()


def decode_json(values: list[bytes]) -> pl.DataFrame:
    """Alerts written as JSON objects."""
    schema = {"event_id": pl.Int64, "count": pl.Int64, "total": pl.Int64, "entity": pl.String}
    return pl.DataFrame([json.loads(value) for value in values], schema=schema)


def decode_wire(values: list[bytes]) -> pl.DataFrame:
    """Alerts written as `BenchAlert`."""
    return decode_block(record("BenchAlert"), values)
