"""Times: what a person wrote, and how far the stream has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.topics import TICK_KEY, TOPICS
from deploy.errors import UserError
from deploy.proofs.sources import Source
from deploy.reports.form import at
from schemas.codec import decode_batch
from schemas.records import record

AHEAD_US = 3_600_000_000
"""A record further ahead of the stream is refused at the edge of a job (connectors/spec.py)."""
TOPICS_OF_TIME, TOPICS_OF_VENUES = ("postings", "rules"), ("orders",)
_FIRST, _MOST = 1_000, 200_000
_ENOUGH = 20_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class StreamTime:
    """The business time a stream has reached, microseconds UTC, and where it says so."""

    time: int
    place: str


def time_of(option: str, text: str) -> int:
    """The moment a person wrote, microseconds UTC; UserError if it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise UserError(
            f"{option} {text[:60]!r} is no time with its zone; write it as in 2026-03-02T10:00:00Z"
        )
    span = found - _EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def stream_time(
    source: Source, partitions: int, topics: Sequence[str] = TOPICS_OF_TIME
) -> StreamTime | None:
    """The greatest of the last dated ticks of the partitions; None if there was no time yet.

    Where no tick of a partition is dated, its last record's time counts.
    """
    found = [
        StreamTime(time, f"{topic} partition {partition}")
        for topic in topics
        for partition in range(partitions)
        if (time := _last(source, topic, partition)) is not None
    ]
    return max(found, key=lambda one: one.time, default=None)


def dated(source: Source, partitions: int, now: int | None) -> int:
    """The business time of what a person does: as told, else where the stream is.

    The stream is that of a bank; where there is none, that of venues.

    Raises:
        UserError: There is no time, or it is too far ahead of the stream.
    """
    reached = stream_time(source, partitions)
    if reached is None:
        reached = stream_time(source, partitions, TOPICS_OF_VENUES)
    if now is None:
        if reached is None:
            raise UserError("the stream has shown no time yet; give --now TIME")
        return reached.time
    if reached is not None and now > reached.time + AHEAD_US:
        raise UserError(
            f"--now {at(now)} is over an hour ahead of the stream, which is at "
            f"{at(reached.time)}: a job would refuse it; give an earlier time"
        )
    return now


def _last(source: Source, topic: str, partition: int) -> int | None:
    """The last dated tick, looked for from the end; else the time of the last good record."""
    first, end = source.ends(topic, partition)
    size, records, newest = _FIRST, 0, None
    while end > first and records < _ENOUGH:
        start = max(first, end - size)
        span = source.read(topic, partition, start, end)
        rows = list(zip(span.keys, span.values, strict=True))
        for key, value in reversed(rows):
            if key == TICK_KEY and value and len(value) == 8:
                return int.from_bytes(value, "big", signed=True)
        values = [value for key, value in rows if key != TICK_KEY]
        records += len(values)
        if newest is None and values:
            newest = _time_of_last(topic, values)
        end, size = start, min(_MOST, size * 2)
    return newest


def _time_of_last(topic: str, values: list[bytes | None]) -> int | None:
    rec = record(TOPICS[topic].record)
    frame, _, _ = decode_batch(rec, values)
    return int(frame[rec.time or ""][-1]) if frame.height else None
