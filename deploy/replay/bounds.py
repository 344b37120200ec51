"""From a person's words to offsets: `start`, `end`, a time, or offsets of topic partitions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from connectors.offsets import Offsets, parse_offsets
from deploy.errors import UserError

Place = tuple[str, int]


class Ends(Protocol):
    """Where topic partitions begin and end: a LogReader is one."""

    def ends(self, topic: str, partition: int) -> tuple[int, int]:
        """First and next offset."""

    def at(self, topic: str, partition: int, appended: int) -> int:
        """The first offset appended at this time or later, milliseconds UTC; else the next one."""


@dataclass(frozen=True)
class Edge:
    """`start` or `end` of the log."""

    end: bool


@dataclass(frozen=True)
class Moment:
    """A moment of log time, milliseconds UTC."""

    appended: int


@dataclass(frozen=True)
class Named:
    """Offsets of some topic partitions; the others are where the log begins or ends."""

    offsets: Offsets


Point = Edge | Moment | Named


def parse_point(option: str, text: str) -> Point:
    """What was given for `option`, such as --from; UserError if it is none of the three."""
    if text in ("start", "end"):
        return Edge(text == "end")
    if "/" in text:
        try:
            return Named(parse_offsets(text))
        except ValueError as error:
            raise UserError(f"{option} {text}: {error}") from None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"{option} {text[:60]!r} is not start, end, a time as in 2026-03-02T08:00:00Z, or "
            "TOPIC/PARTITION:OFFSET,..."
        ) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return Moment(int(moment.timestamp() * 1_000))


def resolve(
    begin: Point, end: Point, log: Ends, topics: Sequence[str], partitions: int
) -> tuple[dict[Place, int], dict[Place, int]]:
    """The offsets of both points in each partition of `topics`.

    Raises:
        UserError: An offset is not in the log, or `begin` lies behind `end`.
    """
    places = [(topic, partition) for topic in topics for partition in range(partitions)]
    held = {place: log.ends(*place) for place in places}
    first = {
        place: _offset("--from", begin, log, place, held[place], last=False) for place in places
    }
    following = {
        place: _offset("--to", end, log, place, held[place], last=True) for place in places
    }
    for option, point in (("--from", begin), ("--to", end)):
        if isinstance(point, Named) and (strange := [p for p in point.offsets if p not in held]):
            topic, partition = strange[0]
            raise UserError(
                f"{option} names {topic}/{partition}; the job reads {', '.join(topics)}, "
                f"partitions 0 to {partitions - 1}"
            )
    for (topic, partition), offset in first.items():
        if offset > following[topic, partition]:
            raise UserError(
                f"--from is offset {offset} of {topic}/{partition} and lies behind --to, which is "
                f"{following[topic, partition]}; swap them"
            )
    return first, following


def _offset(
    option: str,
    point: Point,
    log: Ends,
    place: Place,
    held: tuple[int, int],
    last: bool,
) -> int:
    low, high = held
    if isinstance(point, Edge):
        return high if point.end else low
    if isinstance(point, Moment):
        return log.at(*place, point.appended)
    offset = point.offsets.get(place, high if last else low)
    name = f"{place[0]}/{place[1]}"
    if offset > high:
        raise UserError(f"{option} {name}:{offset} lies beyond the end of {name}, which is {high}")
    if offset < low:
        raise UserError(
            f"{option} {name}:{offset} lies before {low}, where {name} begins: what was there is "
            "gone from the log"
        )
    return offset
