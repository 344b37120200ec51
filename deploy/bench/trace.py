"""How long a trace takes on an index over 10,000,000 regulatory events."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from deploy.bench.harness import Result
from deploy.bench.made_events import (
    APART_MS,
    BLOCK,
    OBLIGATIONS,
    PAIRS,
    PARTITIONS,
    START,
    VISITORS,
    MadeLog,
)
from deploy.lineage.answer import trace
from deploy.lineage.asof import as_of
from deploy.lineage.build import build
from deploy.lineage.index import Index
from deploy.lineage.points import Point
from deploy.lineage.source import EVENTS
from deploy.lineage.trace import Tracer
from deploy.log_ids import EventId, RecordId, ResultId


def run(seed: int, count: int, repeats: int, told: Callable[[str], None]) -> list[Result]:
    """Build the index over `count` events, and ask it: medians and worst of `repeats` questions."""
    with TemporaryDirectory(prefix="tidemark-bench-") as folder:
        log, path = MadeLog(seed, count), Path(folder) / "lineage.duckdb"
        told(f"indexing {log.events:,} events")
        began, read = perf_counter(), 0

        def progress(offsets: int) -> None:
            nonlocal read
            read += offsets
            if read % 1_000_000 < offsets:
                told(f"{read:,} events indexed, {perf_counter() - began:.0f} s")

        built = build(log, path, {EVENTS: PARTITIONS}, told=progress)
        seconds = perf_counter() - began - log.making
        results = [
            Result("events indexed", built.rows["events"], "events"),
            Result("index time, making the events left out", round(seconds, 1), "s"),
            Result("indexing rate", round(log.events / seconds), "events/s"),
            Result("size of the index", round(path.stat().st_size / 2**20), "MiB"),
        ]
        return results + _asked(log, path, seed, repeats, told)


def _asked(
    log: MadeLog, path: Path, seed: int, repeats: int, told: Callable[[str], None]
) -> list[Result]:
    rng = np.random.default_rng(seed + 1)
    results = []
    places = {"bilateral net": 5, "multilateral net": PAIRS + 3, "cycle": 220, "batch": 230}
    for what, place in places.items():
        asked = [
            EventId(int(rng.integers(PARTITIONS)), int(rng.integers(log.blocks)) * BLOCK + place)
            for _ in range(repeats)
        ]
        results += _timed(f"backward from a {what}", path, asked)
        told(f"backward from a {what}: done")
    records = [
        RecordId(
            "obligations",
            int(rng.integers(PARTITIONS)),
            int(rng.integers(log.blocks)) * OBLIGATIONS,
        )
        for _ in range(repeats)
    ]
    results += _timed("forward from a raw record", path, records)
    names = []
    with Index(path) as index:
        for at in records:
            names += [e.result_id for e in index.listing(at.partition, at.offset)]
    results += _timed("backward from a result's own id", path, [ResultId(name) for name in names])
    results += _as_of(log, path, rng.integers(VISITORS, size=repeats).tolist())
    return [*results, _command(path, records[0])]


def _timed(what: str, path: Path, asked: Sequence[EventId | RecordId | ResultId]) -> list[Result]:
    """Opening the index, the trace, and its text; raw records are named, not read."""
    seconds = []
    for wanted in asked:
        began = perf_counter()
        with Index(path) as index:
            lines = [line for node in trace(Tracer(index), wanted) for line in node.lines()]
        seconds.append(perf_counter() - began)
        assert len(lines) > 1
    return _results(what, seconds)


def _as_of(log: MadeLog, path: Path, visitors: Sequence[int]) -> list[Result]:
    seconds = []
    end = START // 1_000 + log.blocks * BLOCK * APART_MS
    for number in visitors:
        began = perf_counter()
        with Index(path) as index:
            as_of(index, Point(end, {}), log.visitors[number])
        seconds.append(perf_counter() - began)
    return _results("as-of the end, a member with few nets", seconds)


def _results(what: str, seconds: Sequence[float]) -> list[Result]:
    return [
        Result(f"{what}, median of {len(seconds)}", round(median(seconds), 3), "s", 1.0, True),
        Result(f"{what}, worst", round(max(seconds), 3), "s", 1.0, True),
    ]


def _command(path: Path, wanted: RecordId) -> Result:
    """The whole command, Python's start included."""
    command = [sys.executable, "-m", "deploy.cli", "trace", str(wanted), "--records", "0"]
    began = perf_counter()
    subprocess.run([*command, "--index", str(path)], check=True, capture_output=True)
    seconds = round(perf_counter() - began, 2)
    return Result("the command `tidemark trace`, its start included", seconds, "s")
