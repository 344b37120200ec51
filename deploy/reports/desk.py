"""What a submission needs of the surroundings: the file, the address, and the one writer's lock."""

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from connectors.generators.feed import Batch
from connectors.producer import DeliveryError, KafkaEnd
from connectors.reader import LogReader
from deploy.errors import UserError
from deploy.reports.submission import TOPIC, KafkaJournal
from deploy.settings import Settings

MOST_BYTES = 256 * 2**20


def content_of(path: Path) -> bytes:
    """The bytes of a report's file; UserError if there are none to be had, or too many."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise UserError(f"{path} has {size:,} bytes, at most {MOST_BYTES:,} are sent; split it")
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise UserError(f"{path} is no file; give the report's file") from None


def kind_of(path: Path, kind: str | None, kinds: Sequence[str]) -> str:
    """The kind of a report: as given, or by the beginning of its file's name."""
    found = kind or next((one for one in kinds if path.name.startswith(one)), None)
    if found not in kinds:
        told = f"there is no kind {kind}" if kind else f"{path.name} does not say what it is"
        raise UserError(f"{told}; give --kind, one of: {', '.join(kinds)}")
    return str(found)


def checked_url(url: str) -> str:
    """The address if it is one of HTTP; it becomes part of a record."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
        parts.port  # noqa: B018  it is judged when it is asked for
    except ValueError:
        good = False
    if not good or len(url) > 256 or not url.isascii() or not url.isprintable() or " " in url:
        raise UserError(f"--endpoint {url[:80]!r} is no address; write http://HOST:PORT/PATH")
    return url


@contextmanager
def journal(settings: Settings, brokers: str, prefix: str = "") -> Iterator[KafkaJournal]:
    """The steps in Kafka, with nobody else of this checkout writing meanwhile."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "submissions.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        end = KafkaEnd(brokers, prefix=prefix)
        try:
            end.check([TOPIC], settings.partitions)
        except DeliveryError as error:
            raise UserError(str(error)) from None
        reader = LogReader(brokers, prefix)
        try:

            def send(partition: int, key: bytes, value: bytes) -> None:
                try:
                    end.send(Batch(TOPIC, partition, [key], [value]))
                    end.close()
                except DeliveryError as error:
                    raise UserError(f"a step could not be recorded: {error}") from None

            yield KafkaJournal(reader, send, settings.partitions, lambda: time.time_ns() // 1_000)
        finally:
            reader.close()
