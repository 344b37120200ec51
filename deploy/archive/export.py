"""Copies topics from a broker into an archive: committed records only, ticks included.

How far each partition is read is fixed before the first record is: what chains or results rest on
is asked for after them, so that an archive of a running system holds their input.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from connectors import kafka_admin
from connectors.reader import LogReader
from connectors.topics import KNOWN, TOPICS
from deploy import terminal
from deploy.archive.files import CHUNK, frame_of, summed, ticks_in, write
from deploy.archive.manifest import Manifest, Partition, store
from deploy.errors import UserError

Place = tuple[str, int]
Ends = dict[Place, tuple[int, int]]


def export(brokers: str, folder: Path, topics: Sequence[str] = (), prefix: str = "") -> Manifest:
    """Write `topics` (logical names; all of the live system if none are given) into `folder`.

    Raises:
        UserError: A topic is not there, or the folder is not empty.
    """
    chosen = list(dict.fromkeys(topics)) or list(TOPICS)
    partitions = _check(brokers, chosen, prefix)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not an empty folder; name a new one")
    folder.mkdir(parents=True, exist_ok=True)
    reader = LogReader(brokers, prefix)
    try:
        ends = _ends(reader, chosen, partitions)
        total = sum(high - low for low, high in ends.values())
        with terminal.bar(f"export to {folder}", total) as advance:
            parts = {
                place: _partition(reader, folder, place, bounds, advance)
                for place, bounds in ends.items()
            }
    finally:
        reader.close()
    manifest = Manifest(
        prefix=prefix,
        partitions=partitions,
        topics={t: {str(p): parts[t, p] for p in range(partitions)} for t in chosen},
    )
    store(folder, manifest)
    return manifest


def _check(brokers: str, topics: Sequence[str], prefix: str) -> int:
    """The one partition count of the topics."""
    known = kafka_admin.describe(brokers)
    for topic in topics:
        if topic not in KNOWN:
            raise UserError(f"there is no topic {topic}; topics: {', '.join(TOPICS)}")
        if prefix + topic not in known:
            raise UserError(
                f"the broker has no topic {prefix + topic}; mend --prefix, name others with "
                "--topic, or create it: tidemark up"
            )
    counts = {known[prefix + topic].partitions for topic in topics}
    if len(counts) != 1:
        raise UserError(
            f"the topics have {sorted(counts)} partitions; export those of one count with --topic"
        )
    return counts.pop()


def _ends(reader: LogReader, topics: Sequence[str], partitions: int) -> Ends:
    """First and next offset of each partition; chains are asked first, inputs last."""
    rank = sorted(topics, key=lambda t: (not t.startswith("regulatory."), KNOWN[t].key is not None))
    found = {(t, p): reader.ends(t, p) for t in rank for p in range(partitions)}
    return {(t, p): found[t, p] for t in topics for p in range(partitions)}


def _partition(
    reader: LogReader,
    folder: Path,
    place: Place,
    bounds: tuple[int, int],
    advance: Callable[[int], None],
) -> Partition:
    low, high = bounds
    parts = []
    for start, end in _windows(low, high):
        frame = frame_of(reader.read(*place, start, end))
        if frame.height:
            parts.append((write(folder, *place, frame), ticks_in(frame)))
        advance(end - start)
    return summed(low, high, parts)


def _windows(low: int, high: int) -> Iterator[tuple[int, int]]:
    for start in range(low, high, CHUNK):
        yield start, min(start + CHUNK, high)
