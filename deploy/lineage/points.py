"""A point of the log, as a person writes it: a time, or an offset for each partition."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deploy.errors import UserError

_OFFSETS = re.compile(r"\d+:\d+(,\d+:\d+)*", re.ASCII)


@dataclass(frozen=True)
class Point:
    """What is known: events appended at or before `time`, or those below the given offsets.

    Attributes:
        time: Append time in `regulatory.events`, milliseconds UTC; None with offsets.
        offsets: By partition the first offset that is not known; empty with a time.
    """

    time: int | None
    offsets: Mapping[int, int]

    def __str__(self) -> str:
        """As a person writes it."""
        if self.time is None:
            return ",".join(f"{shard}:{offset}" for shard, offset in sorted(self.offsets.items()))
        at = datetime.fromtimestamp(self.time / 1_000, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_point(text: str) -> Point:
    """A time in ISO 8601 UTC, or `0:123,1:456`: offsets of `regulatory.events`, exclusive.

    Raises:
        UserError: It is neither.
    """
    text = text.strip()
    if _OFFSETS.fullmatch(text):
        pairs = [part.split(":") for part in text.split(",")]
        offsets = {int(shard): int(offset) for shard, offset in pairs}
        if len(offsets) < len(pairs):
            raise UserError(f"{text[:100]} names a partition twice; give each partition once")
        return Point(None, offsets)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"{text[:100]!r} is no time and no offsets; give a time as in 2026-03-02T10:00:00Z, "
            "or PARTITION:OFFSET,... for each partition"
        ) from None
    if at.utcoffset() != timedelta(0):
        raise UserError(f"{text[:100]} is not in UTC; give it as in 2026-03-02T10:00:00Z")
    return Point((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1), {})


def check(point: Point, indexed: Mapping[int, tuple[int, int | None]]) -> list[str]:
    """What limits the answer at a point, in words; empty if nothing does.

    Args:
        point: The point.
        indexed: By partition the next offset to be indexed, and the last append time.

    Raises:
        UserError: Offsets leave a partition out, or go beyond what is indexed.
    """
    if not indexed:
        raise UserError("the index holds no events yet; run: tidemark index")
    if point.time is None:
        if point.offsets.keys() != indexed.keys():
            asked = ", ".join(map(str, sorted(indexed)))
            raise UserError(f"offsets must name each partition of the log, and no other: {asked}")
        for shard, offset in sorted(point.offsets.items()):
            if offset > indexed[shard][0]:
                raise UserError(
                    f"offset {offset} of partition {shard} is beyond the {indexed[shard][0]} that "
                    "are indexed; run: tidemark index, or give a smaller one"
                )
        return []
    known = [at for _, at in indexed.values() if at is not None]
    if not known or min(known) < point.time:
        last = Point(min(known, default=0), {})
        return [f"the index knows the log up to {last} only; run: tidemark index"]
    return []
