"""Where a lineage question reads the log: a broker, or an archive that `tidemark export` wrote."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from connectors.log import Span
from deploy.archive.reading import Archive
from deploy.settings import Settings

EVENTS = "regulatory.events"


@dataclass(frozen=True)
class Origin:
    """Which log: an archive's folder, or topics with a prefix at a broker."""

    file: Path | None = None
    brokers: str | None = None
    prefix: str = ""


class Log(Protocol):
    """A log that knows its ends: connectors.reader.LogReader, or an archive."""

    def read(
        self, topic: str, partition: int, start: int | None = None, end: int | None = None
    ) -> Span:
        """The records with start <= offset < end."""

    def ends(self, topic: str, partition: int) -> tuple[int, int]:
        """First and next offset."""


@contextmanager
def opened(origin: Origin, settings: Settings) -> Iterator[tuple[Log, Sequence[int]]]:
    """The log, and its partitions; UserError if it is a damaged archive."""
    if origin.file is not None:
        archive = Archive(origin.file)
        yield archive, archive.partitions(EVENTS) or range(settings.partitions)
        return
    from connectors.reader import LogReader

    reader = LogReader(origin.brokers or settings.brokers, origin.prefix)
    try:
        yield reader, range(settings.partitions)
    finally:
        reader.close()
