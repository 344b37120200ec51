"""Puts an archive back into topics: same partitions, same offsets, same append times."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

from connectors import kafka_admin
from connectors.restore import PartitionWriter, Recorded, RestoreError
from connectors.topics import TOPIC_CONFIG
from deploy import terminal
from deploy.archive.reading import Archive
from deploy.errors import UserError

CONFIG = {**TOPIC_CONFIG, "message.timestamp.type": "CreateTime"}
"""As the live topics, but the time of a record is the recorded one."""

WRITERS = 4
"""Partitions that are written side by side: gaps cost a transaction each, which is waiting."""


def restore(brokers: str, archive: Archive, prefix: str, topics: Sequence[str] = ()) -> list[str]:
    """Make topics `prefix` + name and write what the archive holds; the names of the topics.

    All of the archive's files are checked first. Jobs may read the topics once this is over.

    Raises:
        UserError: A file is damaged, the archive lacks a topic, a topic exists already, or offsets
            cannot be kept.
    """
    chosen = list(dict.fromkeys(topics)) or archive.topics
    for topic in chosen:
        if topic not in archive.topics:
            raise UserError(
                f"archive {archive.path} does not hold {topic}; it has: {', '.join(archive.topics)}"
            )
    if not prefix:
        raise UserError("--prefix is empty: the live topics are not written to; name a new prefix")
    names = [prefix + topic for topic in chosen]
    known = kafka_admin.describe(brokers)
    if taken := [name for name in names if name in known]:
        raise UserError(f"topic {taken[0]} exists already; take another --prefix")
    archive.check()
    kafka_admin.create_topics(brokers, archive.manifest.partitions, names, CONFIG)
    try:
        _write(brokers, archive, prefix, chosen)
    except BaseException:
        kafka_admin.delete_topics(brokers, names)
        raise
    return names


def _write(brokers: str, archive: Archive, prefix: str, topics: Sequence[str]) -> None:
    places = [(topic, number) for topic in topics for number in archive.partitions(topic)]
    total = sum(archive.ends(*place)[1] for place in places)
    lock, stop = Lock(), Event()
    with terminal.bar(f"import as {prefix}", total) as advance, ThreadPoolExecutor(WRITERS) as pool:

        def wrote(records: int) -> None:
            if stop.is_set():
                raise RestoreError("another partition failed")
            with lock:
                advance(records)

        done = [pool.submit(_partition, brokers, archive, prefix, place, wrote) for place in places]
        try:
            for one in done:
                one.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _partition(
    brokers: str,
    archive: Archive,
    prefix: str,
    place: tuple[str, int],
    wrote: Callable[[int], None],
) -> None:
    topic, number = place
    writer = PartitionWriter(brokers, prefix + topic, number)
    try:
        writer.write(_records(archive, topic, number), archive.ends(topic, number)[1], wrote)
    except RestoreError as error:
        raise UserError(str(error)) from None
    finally:
        writer.close()


def _records(archive: Archive, topic: str, number: int) -> Iterator[Recorded]:
    for frame in archive.frames(topic, number):
        for row in frame.iter_rows():
            yield Recorded(*row)
