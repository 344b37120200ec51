"""A version of a list on its way into every partition of the topic, in parts that fit a message.

Whoever publishes numbers the parts on from what the log has, so one publishes at a time. Sending
the same version again is harmless: a partition that has it takes no notice, one that lacks parts
takes them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from connectors.generators.feed import Batch
from connectors.generators.files import SCHEMA
from connectors.log import Span
from connectors.topics import TICK_KEY
from deploy.errors import UserError
from schemas.checks import violations
from schemas.codec import decode_batch, encode
from schemas.records import record
from udfs.screening.listed import Rows, canonical, digest

TOPIC = "lists"
PART_BYTES = 200_000


@dataclass(frozen=True)
class Publication:
    """One version of a list, as it is published; `time` in microseconds UTC."""

    name: str
    kind: str
    epoch: int
    author: str
    time: int
    parts: tuple[str, ...]
    hash: str

    @staticmethod
    def of(name: str, kind: str, epoch: int, author: str, time: int, rows: Rows) -> "Publication":
        """The publication of `rows`, which are in canonical order."""
        return Publication(name, kind, epoch, author, time, cut(rows), digest(canonical(rows)))


@dataclass
class Published:
    """What a partition's log holds already: the next number a producer gives, versions by list."""

    following: dict[str, int] = field(default_factory=dict)
    versions: dict[str, dict[int, str]] = field(default_factory=dict)

    @staticmethod
    def of(span: Span) -> "Published":
        """What the records of a partition say."""
        rows = zip(span.keys, span.values, strict=True)
        values = [value for key, value in rows if key != TICK_KEY and value is not None]
        frame = decode_batch(record("ListChunk"), values)[0] if values else pl.DataFrame()
        found = Published()
        for row in frame.to_dicts():
            producer = row["producer"]
            following = max(found.following.get(producer, 0), row["sequence"] + 1)
            found.following[producer] = following
            found.versions.setdefault(row["name"], {})[row["epoch"]] = row["hash"]
        return found


def cut(rows: Rows, most: int = PART_BYTES) -> tuple[str, ...]:
    """The rows as canonical JSON arrays of at most `most` bytes; a row alone may be longer."""
    parts: list[list[str]] = [[]]
    size = 0
    for row in rows:
        text = row.canonical
        octets = len(text.encode()) + 1
        if parts[-1] and size + octets > most:
            parts.append([])
            size = 0
        parts[-1].append(text)
        size += octets
    return tuple("[" + ",".join(part) + "]" for part in parts)


def next_epoch(name: str, epoch: int | None, hash_: str, partitions: Iterable[Published]) -> int:
    """The epoch to publish under: as asked, or one more than the greatest.

    Raises:
        UserError: That epoch, or a greater one, is another version already.
    """
    known: dict[int, str] = {}
    for one in partitions:
        known |= one.versions.get(name, {})
    greatest = max(known, default=0)
    if epoch is None:
        return greatest if known.get(greatest) == hash_ else greatest + 1
    if epoch < greatest or known.get(epoch, hash_) != hash_:
        raise UserError(
            f"list {name} has epoch {greatest} already; give a greater --epoch than that"
        )
    return epoch


def messages(publication: Publication, first: int) -> list[bytes]:
    """The messages of a version for one partition, numbered from `first`.

    Raises:
        UserError: The name, the author or a part is not what its record allows.
    """
    rec = record("ListChunk")
    rows = [
        {
            "chunk_id": f"{publication.name}-{publication.epoch}-{number}",
            "producer": producer(publication.name),
            "sequence": first + number,
            "time": publication.time,
            "name": publication.name,
            "kind": publication.kind,
            "epoch": publication.epoch,
            "hash": publication.hash,
            "chunk": number,
            "chunks": len(publication.parts),
            "rows": part,
            "author": publication.author,
        }
        for number, part in enumerate(publication.parts)
    ]
    values = [encode(rec, row) for row in rows]
    if broken := violations(rec, decode_batch(rec, values)[0]):
        raise UserError(f"the list cannot be published: {broken[0].reason}; mend the option")
    return values


def batches(publication: Publication, published: Sequence[Published]) -> list[Batch]:
    """What is to be sent to each partition."""
    key = publication.name.encode()
    return [
        Batch(TOPIC, partition, [key] * len(publication.parts), list(values))
        for partition, one in enumerate(published)
        for values in [messages(publication, one.following.get(producer(publication.name), 0))]
    ]


def producer(name: str) -> str:
    """Who numbers the parts of a list."""
    return f"lists:{name}"


def append(path: Path, sent: Sequence[Batch], appended: int) -> None:
    """Add the messages to a recorded log of the topic, as `tidemark backtest` reads it."""
    before = pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=SCHEMA)
    rows = []
    for batch in sent:
        offset = before.filter(partition=batch.partition).height
        for number, value in enumerate(batch.values):
            rows.append((TOPIC, batch.partition, offset + number, appended, batch.keys[0], value))
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.concat([before, pl.DataFrame(rows, schema=SCHEMA, orient="row")]).write_parquet(path)


def recorded(path: Path, partitions: int) -> list[Published]:
    """What a recorded log holds, by partition."""
    found = []
    frame = pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=SCHEMA)
    for partition in range(partitions):
        part = frame.filter(partition=partition)
        columns = (part[name].to_list() for name in ("offset", "appended", "key", "value"))
        found.append(Published.of(Span(*columns)))
    return found
