"""How long alerts take: from the broker's time of the last event behind one to its commit.

An alert names the offsets it rests on, so the last of them is the event that decided it. The moment
of its commit is the one at which a reader of committed records has it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from connectors.log import Span
from deploy.oracle import data
from schemas.codec import decode_batch
from schemas.records import record

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]
ALERTS = "alerts"
QUIET_S = 10.0
_EVERY_S = 0.05


class Reader(Protocol):
    """Where topics are read: connectors.reader.LogReader."""

    def read(
        self, topic: str, partition: int, start: int | None = None, end: int | None = None
    ) -> Span:
        """The committed records with start <= offset < end."""


@dataclass
class Seen:
    """Alerts as a reader of committed records got them, each with the moment, milliseconds UTC."""

    values: list[bytes] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)


def watched(reader: Reader, partitions: int, over: Callable[[], bool]) -> Seen:
    """Read alerts as they are committed, until a feed is over and nothing comes any more."""
    seen, next_of = Seen(), dict.fromkeys(range(partitions), 0)
    quiet_since = time.monotonic()
    while not over() or time.monotonic() - quiet_since < QUIET_S:
        if _look(reader, next_of, seen) or not over():
            quiet_since = time.monotonic()
        time.sleep(_EVERY_S)
    return seen


def _look(reader: Reader, next_of: dict[int, int], seen: Seen) -> int:
    """Take in the alerts committed since the last look; how many."""
    before = len(seen.values)
    for partition, start in next_of.items():
        span = reader.read(ALERTS, partition, start)
        now = round(time.time() * 1_000)
        if len(span):
            next_of[partition] = span.offsets[-1] + 1
            seen.values += data(span)
            seen.moments += [now] * (len(seen.values) - len(seen.moments))
    return len(seen.values) - before


def waited(reader: Reader, seen: Seen, source: str, partitions: int, warm_s: float = 0.0) -> Floats:
    """Seconds from the last event behind an alert to the alert, shortest first.

    Args:
        reader: Where the events are.
        seen: The alerts.
        source: Their topic; alerts that rest on another are left out.
        partitions: Of it.
        warm_s: Alerts decided so soon after the topic's first record are left out, seconds.
    """
    alerts, places, _ = decode_batch(record("Alert"), seen.values)
    moments = np.array(seen.moments)[places]
    spans = {partition: reader.read(source, partition) for partition in range(partitions)}
    began = min((span.appended[0] for span in spans.values() if len(span)), default=0)
    found = [np.empty(0)]
    for partition, span in spans.items():
        sent: Mapping[int, int] = dict(zip(span.offsets, span.appended, strict=True))
        mine = (
            (alerts["source_topic"] == source) & (alerts["source_partition"] == partition)
        ).to_numpy()
        decided = np.array([sent[offset] for offset in alerts["last_offset"].to_numpy()[mine]])
        warm = decided >= began + warm_s * 1_000
        found.append((moments[mine] - decided)[warm] / 1_000)
    return np.sort(np.concatenate(found))
