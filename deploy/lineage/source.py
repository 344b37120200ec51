"""Where a lineage question reads the log: a broker, or an archive that `tidemark export` wrote."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from connectors.log import Span
from deploy.archive.reading import Archive
from deploy.errors import UserError
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
def opened(origin: Origin, settings: Settings) -> Iterator[Log]:
    """The log; UserError if it is a damaged archive."""
    if origin.file is not None:
        yield Archive(origin.file)
        return
    from connectors.reader import LogReader

    reader = LogReader(origin.brokers or settings.brokers, origin.prefix)
    try:
        yield reader
    finally:
        reader.close()


def partitions(origin: Origin, settings: Settings) -> dict[str, int]:
    """How many partitions each topic of the log has, by logical name.

    Raises:
        UserError: It holds no regulatory log.
    """
    if origin.file is not None:
        archive = Archive(origin.file)
        found = {topic: len(archive.partitions(topic)) for topic in archive.topics}
        mend = f"export it with: tidemark export DIR --topic {EVENTS}"
    else:
        from connectors import kafka_admin

        known = kafka_admin.describe(origin.brokers or settings.brokers)
        found = {
            name.removeprefix(origin.prefix): info.partitions
            for name, info in known.items()
            if name.startswith(origin.prefix)
        }
        mend = "mend --prefix, or start the stack: tidemark up"
    if EVENTS not in found:
        raise UserError(f"there is no topic {origin.prefix}{EVENTS} to read; {mend}")
    return found
