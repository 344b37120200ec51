"""Offsets of topic partitions as one text, as people write them: TOPIC/PARTITION:OFFSET,..."""

import re
from collections.abc import Mapping

Offsets = Mapping[tuple[str, int], int]
"""(logical topic, partition) -> offset."""

_ONE = re.compile(r"([A-Za-z0-9._-]+)/(\d{1,10}):(\d{1,18})", re.ASCII)


def parse_offsets(text: str) -> dict[tuple[str, int], int]:
    """The offsets that `text` names; ValueError if it is not written so or names one twice."""
    found: dict[tuple[str, int], int] = {}
    for part in text.split(","):
        one = _ONE.fullmatch(part.strip())
        if one is None:
            raise ValueError(f"{part.strip()[:60]!r} is not TOPIC/PARTITION:OFFSET")
        place = one[1], int(one[2])
        if place in found:
            raise ValueError(f"{one[1]}/{one[2]} is named twice")
        found[place] = int(one[3])
    return found


def format_offsets(offsets: Offsets) -> str:
    """The text for `parse_offsets`, by topic and partition."""
    return ",".join(f"{topic}/{number}:{at}" for (topic, number), at in sorted(offsets.items()))
