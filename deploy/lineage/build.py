"""Builds the lineage index from the log, and takes it further from where it was left.

Guarantee: each run of records and how far the log has been read are written in one transaction, so
an index that was interrupted goes on where it stopped. The last record known is read again first:
an index is never taken further with another log than its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from connectors.log import Span
from deploy.errors import UserError
from deploy.lineage.layout import open_to_extend, remember
from deploy.lineage.rows import Rows, edge_rows, event_rows
from deploy.lineage.source import EVENTS, Log, Origin

CHUNK = 100_000
"""Offsets read at one go."""
READERS: dict[str, Callable[[Span, int], Rows | None]] = {
    EVENTS: event_rows,
    "graph.edges": edge_rows,
}
"""What is indexed: topic -> how its records become rows."""
_HASHED = {
    "events": {
        "id_key": "result_id",
        "subject_key": "subject",
        "party_key": "party",
        "scope_key": "scope",
    },
    "edges": {"id_key": "edge_id"},
}


@dataclass
class Built:
    """What a run of `build` added: rows by table, and offsets read."""

    rows: dict[str, int]
    offsets: int = 0


def build(
    source: Log,
    path: Path,
    partitions: Mapping[str, int],
    again: bool = False,
    told: Callable[[int], None] = lambda offsets: None,
    origin: Origin | None = None,
) -> Built:
    """Index what the log holds beyond what is indexed.

    Args:
        source: The log.
        path: The index; made if it is not there.
        partitions: How many partitions each topic has; topics that are not there are left out.
        again: Whether to start anew.
        told: Hears how many offsets have been read.
        origin: Where `source` is to be found again, kept for later questions.

    Raises:
        UserError: The index is one of another log, or an event does not decode.
    """
    connection = open_to_extend(path, again)
    built = Built({})
    try:
        if origin is not None:
            remember(connection, origin)
        for topic, partition in _places(partitions):
            _extend(connection, source, topic, partition, built, told)
        connection.execute("CHECKPOINT")
    finally:
        connection.close()
    return built


def missing(source: Log, path: Path, partitions: Mapping[str, int], again: bool) -> int:
    """How many offsets are to be read."""
    known: dict[tuple[str, int], int] = {}
    if path.exists() and not again:
        connection = open_to_extend(path)
        rows = connection.execute("SELECT topic, partition, next FROM progress").fetchall()
        known = {(topic, partition): following for topic, partition, following in rows}
        connection.close()
    bounds = {place: source.ends(*place) for place in _places(partitions)}
    return sum(max(0, end - known.get(at, start)) for at, (start, end) in bounds.items())


def _places(partitions: Mapping[str, int]) -> list[tuple[str, int]]:
    """The topic partitions that are indexed."""
    return [(topic, shard) for topic in READERS for shard in range(partitions.get(topic, 0))]


def _extend(
    connection: duckdb.DuckDBPyConnection,
    source: Log,
    topic: str,
    partition: int,
    built: Built,
    told: Callable[[int], None],
) -> None:
    """Read one topic partition from where it was left to its end."""
    start, end = source.ends(topic, partition)
    known = connection.execute(
        "SELECT next, last, mark FROM progress WHERE topic = ? AND partition = ?",
        [topic, partition],
    ).fetchone()
    if known:
        start, last, mark = known
        if mark is not None:
            _same_log(source, topic, partition, last, mark)
    elif topic == EVENTS and start > 0:
        raise UserError(
            f"{topic} partition {partition} begins at offset {start}, not 0: what came before "
            "was removed; index an archive that has it with: tidemark index --file DIR"
        )
    while start < end:
        stop = min(start + CHUNK, end)
        span = source.read(topic, partition, start, stop)
        following = stop if stop < end else max([start, *(at + 1 for at in span.offsets[-1:])])
        rows = READERS[topic](span, partition) if len(span) else None
        _store(connection, topic, partition, following, span.appended[-1:], rows)
        for name, frame in rows.tables.items() if rows else ():
            built.rows[name] = built.rows.get(name, 0) + frame.height
        built.offsets += following - start
        told(stop - start)
        start = stop


def _same_log(source: Log, topic: str, partition: int, last: int, mark: bytes) -> None:
    """UserError if the last record indexed does not stand where it stood."""
    span = source.read(topic, partition, last, last + 1)
    rows = READERS[topic](span, partition) if len(span) else None
    if rows is None or (rows.last, rows.mark) != (last, mark):
        raise UserError(
            f"{topic}/{partition}/{last} is not what was indexed there: the index is one of "
            "another log; run: tidemark index --again"
        )


def _store(
    connection: duckdb.DuckDBPyConnection,
    topic: str,
    partition: int,
    following: int,
    appended: list[int],
    rows: Rows | None,
) -> None:
    """Add rows and progress in one transaction; `appended` holds the last append time, if any."""
    seen = appended[0] if appended else None
    found = (seen, rows.last, rows.mark) if rows else (seen, None, None)
    connection.begin()
    for name, frame in rows.tables.items() if rows else ():
        insert(connection, name, frame)
    place = [topic, partition]
    before = connection.execute(
        "DELETE FROM progress WHERE topic = ? AND partition = ? RETURNING appended, last, mark",
        place,
    ).fetchone() or (None, None, None)
    said = [old if new is None else new for old, new in zip(before, found, strict=True)]
    connection.execute("INSERT INTO progress VALUES (?, ?, ?, ?, ?, ?)", [*place, following, *said])
    connection.commit()


def insert(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Add a frame to a table by the names of its columns; ids and names get their hash."""
    names = ", ".join(f'"{name}"' for name in frame.columns)
    keys = _HASHED.get(table, {})
    values = ", ".join([names, *(f"md5_number_lower({text})" for text in keys.values())])
    names = ", ".join([names, *keys])
    connection.register("new_rows", frame.to_arrow(compat_level=pl.CompatLevel.oldest()))
    connection.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM new_rows")
    connection.unregister("new_rows")
