"""How long reports over a long log take: an archive on disk in, the report's files out.

The log is made up (deploy/bench/made_events, with links that hold, and made_fills). Each report is
the command a person would type, in a process of its own, start-up included.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl
import psutil

from deploy.archive.files import CHUNK, summed, write
from deploy.archive.manifest import File, Manifest, store
from deploy.bench import made_fills
from deploy.bench.harness import Result
from deploy.bench.made_events import APART_MS, BLOCK, PARTITIONS, START, MadeLog
from deploy.errors import UserError
from deploy.proofs.sources import TOPIC
from schemas.codec import encode_frame
from schemas.merkle import GENESIS, leaf_hash, link
from schemas.records import record

DAY = "2026-03-02"
BAR_S = 300.0
REPORTS = {
    "operations": ["--day", DAY],
    "controls": [],
    "emir": ["--day", DAY, "--clock", "log", "--no-obligations"],
    "transactions": ["--day", DAY],
}
FILLS = "fills"
_LINK_SIZE = 32
_POLL_S = 0.2


def run(
    seed: int, events: int, folder: Path, echo: Callable[[str], None] = lambda line: None
) -> list[Result]:
    """Make the archive below `folder`, run each report on it, and remove both."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        made = _archive(seed, events, folder / "archive", echo)
        results = [
            Result("events in the log", made, "events"),
            Result("fills in the log", made, "records"),
        ]
        for name, options in REPORTS.items():
            seconds, peak = _measured(name, options, folder)
            echo(f"{name}: {seconds:.1f} s, {peak:.0f} MiB")
            what = f"report {name} over {made:,} events"
            results.append(Result(what, round(seconds, 2), "s", BAR_S, at_most=True))
            results.append(Result(f"{what}, rate", round(made / seconds), "events/s"))
            results.append(Result(f"{what}, peak memory", round(peak), "MiB"))
        return results
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _archive(seed: int, events: int, folder: Path, echo: Callable[[str], None]) -> int:
    """Write the log as an archive, with as many fills as events; how many these are."""
    folder.mkdir()
    began = perf_counter()
    shards = range(PARTITIONS)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        running = {
            TOPIC: [pool.submit(_events, seed, events, folder, shard) for shard in shards],
            FILLS: [pool.submit(_fills, seed, events, folder, shard) for shard in shards],
        }
        made = {topic: [one.result() for one in parts] for topic, parts in running.items()}
    topics = {
        topic: {
            str(shard): summed(0, sum(file.rows for file in files), [(file, 0) for file in files])
            for shard, files in enumerate(parts)
        }
        for topic, parts in made.items()
    }
    store(folder, Manifest(prefix="", partitions=PARTITIONS, topics=topics))
    count = sum(file.rows for files in made[TOPIC] for file in files)
    echo(f"{count:,} events and as many fills made in {perf_counter() - began:.0f} s")
    return count


def _fills(seed: int, events: int, folder: Path, shard: int) -> list[File]:
    """Write one partition of fills."""
    count = MadeLog(seed, events).blocks * BLOCK
    files = []
    for first in range(0, count, CHUNK):
        end = min(first + CHUNK, count)
        files.append(_written(folder, FILLS, shard, first, made_fills.made(first, end, shard)))
    return files


def _written(folder: Path, topic: str, shard: int, first: int, values: list[bytes]) -> File:
    """Write messages as one file, from offset `first` on."""
    offsets = pl.Series(np.arange(first, first + len(values)))
    rows = pl.DataFrame(
        {
            "offset": offsets,
            "appended": START // 1_000 + offsets * APART_MS,
            "key": pl.repeat(b"p0.0", len(values), eager=True, dtype=pl.Binary),
            "value": pl.Series(values, dtype=pl.Binary),
        }
    )
    return write(folder, topic, shard, rows)


def _events(seed: int, events: int, folder: Path, shard: int) -> list[File]:
    """Write one partition of events, in order, each linked to the one before."""
    log, head, files = MadeLog(seed, events), GENESIS, []
    step = CHUNK // BLOCK
    for first in range(0, log.blocks, step):
        frame = log.made(np.arange(first, min(first + step, log.blocks)), shard)
        values = []
        sequence = first * BLOCK
        for number, message in enumerate(encode_frame(record("RegulatoryEvent"), frame), sequence):
            body = message[:-_LINK_SIZE]
            head = link(head, number, leaf_hash(body))
            values.append(body + head)
        files.append(_written(folder, TOPIC, shard, sequence, values))
    return files


def _measured(name: str, options: list[str], folder: Path) -> tuple[float, float]:
    """Seconds and greatest memory (MiB, of all its processes together) of one report."""
    out = folder / name
    command = [sys.executable, "-m", "deploy.cli", "report", name, *options]
    command += ["--file", str(folder / "archive"), "--out", str(out), "--json"]
    began = perf_counter()
    peak = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        while running.poll() is None:
            peak = max(peak, _memory(running.pid))
            try:
                running.wait(_POLL_S)
            except subprocess.TimeoutExpired:
                continue
        seconds = perf_counter() - began
        told = running.stderr.read().decode() if running.stderr else ""
    if running.returncode:
        raise UserError(f"report {name} failed: {told.strip().splitlines()[-1]}")
    shutil.rmtree(out)
    return seconds, peak


def _memory(pid: int) -> float:
    """Resident memory of a process and its children, MiB."""
    try:
        parent = psutil.Process(pid)
        return (
            sum(one.memory_info().rss for one in [parent, *parent.children(recursive=True)]) / 2**20
        )
    except psutil.Error:
        return 0.0
