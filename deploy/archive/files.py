"""The files of an archive: how records become rows, and what a file is known by."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from connectors.log import Span
from connectors.topics import TICK_KEY
from deploy.archive.manifest import File, Partition

CHUNK = 200_000
"""Records of a file at most."""

COLUMNS = {"offset": pl.Int64, "appended": pl.Int64, "key": pl.Binary, "value": pl.Binary}


def frame_of(span: Span) -> pl.DataFrame:
    """A span as the rows of a file."""
    return pl.DataFrame(
        [span.offsets, span.appended, span.keys, span.values], schema=COLUMNS, orient="col"
    )


def write(folder: Path, topic: str, partition: int, frame: pl.DataFrame) -> File:
    """Write the rows of `frame` (COLUMNS, by offset) as one file of the archive `folder`."""
    name = f"{topic}/{partition}/{frame['offset'][0]:020d}.parquet"
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path, compression="zstd", statistics=False)
    return File(name=name, rows=frame.height, sha256=digest(path))


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ticks_in(frame: pl.DataFrame) -> int:
    """How many rows are ticks."""
    return int(frame.select((pl.col("key") == TICK_KEY).sum()).item())


def summed(first: int, following: int, parts: Sequence[tuple[File, int]]) -> Partition:
    """What the manifest says of a partition made up of (file, its ticks)."""
    ticks = sum(ticks for _, ticks in parts)
    rows = sum(file.rows for file, _ in parts)
    return Partition(
        first=first,
        next=following,
        records=rows - ticks,
        ticks=ticks,
        files=[file for file, _ in parts],
    )
