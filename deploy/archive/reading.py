"""An archive as a source of recorded topics: reads by offset as from a broker, without one."""

import bisect
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from connectors.log import Span
from deploy.archive.files import COLUMNS, digest, ticks_in
from deploy.archive.manifest import File, Manifest, Partition, load
from deploy.errors import UserError


class Archive:
    """Recorded topics in a folder; wherever a LogReader is read, this can be."""

    def __init__(self, path: Path) -> None:
        """Open an archive: its manifest is checked, its files are there.

        Raises:
            UserError: It is no archive, its manifest is damaged, or a file is missing.
        """
        self.path = Path(path)
        self.manifest: Manifest = load(self.path)
        for _, _, part in self.manifest.places():
            for file in part.files:
                if not (self.path / file.name).is_file():
                    raise _damaged(self.path / file.name, "it is missing")

    @property
    def topics(self) -> list[str]:
        """The topics it holds."""
        return list(self.manifest.topics)

    def partitions(self, topic: str) -> list[int]:
        """The partitions of a topic; none if the archive does not hold it."""
        return sorted(int(number) for number in self.manifest.topics.get(topic, {}))

    def ends(self, topic: str, partition: int) -> tuple[int, int]:
        """First and next offset of a topic partition."""
        part = self._part(topic, partition)
        return part.first, part.next

    def read(
        self, topic: str, partition: int, start: int | None = None, end: int | None = None
    ) -> Span:
        """The records with start <= offset < end; without bounds, all there are.

        Raises:
            UserError: The archive does not hold the partition, or a file is damaged.
        """
        part = self._part(topic, partition)
        start = part.first if start is None else start
        end = part.next if end is None else end
        span = Span()
        firsts = [file.first for file in part.files]
        begin = max(0, bisect.bisect_right(firsts, start) - 1)
        for file in part.files[begin : bisect.bisect_left(firsts, end)]:
            frame = self._frame(file)
            if file.first < start or frame["offset"][-1] >= end:
                frame = frame.filter(pl.col("offset").is_between(start, end, closed="left"))
            span.offsets += frame["offset"].to_list()
            span.appended += frame["appended"].to_list()
            span.keys += frame["key"].to_list()
            span.values += frame["value"].to_list()
        return span

    def frames(self, topic: str, partition: int) -> Iterator[pl.DataFrame]:
        """Its records file by file: offset, appended (ms UTC), key, value; ticks included."""
        for file in self._part(topic, partition).files:
            yield self._frame(file)

    def check(self) -> int:
        """Hash each file and look at its rows; how many files there are.

        Raises:
            UserError: A file is not the one that was written, by name.
        """
        files = 0
        for topic, number, part in self.manifest.places():
            ticks, before = 0, part.first - 1
            for file in part.files:
                path = self.path / file.name
                if digest(path) != file.sha256:
                    raise _damaged(path, "its SHA-256 is not the manifest's")
                frame = self._frame(file)
                offsets = frame["offset"]
                rising = offsets[0] > before and bool((offsets.diff().drop_nulls() > 0).all())
                if not rising or offsets[-1] >= part.next:
                    raise _damaged(path, "its offsets are not in order")
                before = int(offsets[-1])
                ticks += ticks_in(frame)
                files += 1
            if ticks != part.ticks:
                raise UserError(
                    f"{self.path}: {topic}/{number} has {ticks} ticks, the manifest says "
                    f"{part.ticks}; take another copy of the archive"
                )
        return files

    def _part(self, topic: str, partition: int) -> Partition:
        found = self.manifest.topics.get(topic, {}).get(str(partition))
        if found is None:
            raise UserError(
                f"archive {self.path} does not hold {topic} partition {partition}; it has: "
                f"{', '.join(self.topics)}, {self.manifest.partitions} partitions each"
            )
        return found

    def _frame(self, file: File) -> pl.DataFrame:
        path = self.path / file.name
        try:
            frame = pl.read_parquet(path)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
            raise _damaged(path, "it cannot be read") from None
        if dict(frame.schema) != COLUMNS:
            raise _damaged(path, "it has other columns than an archive's file")
        if frame.height != file.rows or frame["offset"][0] != file.first:
            raise _damaged(path, "its rows are not the manifest's")
        return frame


def _damaged(path: Path, why: str) -> UserError:
    return UserError(f"{path} is damaged: {why}; take another copy of the archive")
