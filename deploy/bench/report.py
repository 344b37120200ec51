"""How long reports over a long regulatory log take: an archive on disk in, the report's files out.

The log is made up (deploy/bench/made_events), with links that hold. Each report is the command a
person would type, in a process of its own, start-up included.
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
}
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
        results = [Result("events in the log", made, "events")]
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
    """Write the log as an archive; how many events it has."""
    folder.mkdir()
    began = perf_counter()
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        made = list(pool.map(_partition, *zip(*_work(seed, events, folder), strict=True)))
    count = sum(file.rows for files in made for file in files)
    parts = {
        str(shard): summed(0, sum(file.rows for file in files), [(file, 0) for file in files])
        for shard, files in enumerate(made)
    }
    store(folder, Manifest(prefix="", partitions=PARTITIONS, topics={TOPIC: parts}))
    echo(f"{count:,} events made in {perf_counter() - began:.0f} s")
    return count


def _work(seed: int, events: int, folder: Path) -> list[tuple[int, int, Path, int]]:
    return [(seed, events, folder, shard) for shard in range(PARTITIONS)]


def _partition(seed: int, events: int, folder: Path, shard: int) -> list[File]:
    """Write one partition: events in order, each linked to the one before."""
    log, head, files = MadeLog(seed, events), GENESIS, []
    step = CHUNK // BLOCK
    for first in range(0, log.blocks, step):
        blocks = np.arange(first, min(first + step, log.blocks))
        frame = log.made(blocks, shard)
        values = []
        sequences = frame["sequence"]
        for sequence, message in zip(
            sequences, encode_frame(record("RegulatoryEvent"), frame), strict=True
        ):
            body = message[:-_LINK_SIZE]
            head = link(head, sequence, leaf_hash(body))
            values.append(body + head)
        rows = pl.DataFrame(
            {
                "offset": sequences,
                "appended": START // 1_000 + sequences * APART_MS,
                "key": pl.repeat(b"p0.0", len(values), eager=True, dtype=pl.Binary),
                "value": pl.Series(values, dtype=pl.Binary),
            }
        )
        files.append(write(folder, TOPIC, shard, rows))
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
