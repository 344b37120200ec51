"""How many input records each job read, by topic partition and hour of log time.

They come from the batch indexes in the chain, and stand in the signed checkpoint as lines

    inputs JOB TOPIC/PARTITION HOUR RECORDS       2026-03-02T13: the hour so far, log time, UTC
    inputs JOB TOPIC/PARTITION total RECORDS      since the log began

so that whoever sent the input can see whether all of it was read. Ticks are left out.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from deploy.proofs.events import BatchIndex

_HOUR_US = 3_600_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,249}")


class Counts:
    """Running totals, and the records of each hour that is still of interest."""

    def __init__(self) -> None:
        """Nothing was read."""
        self.totals: dict[str, int] = {}
        self.hours: dict[str, dict[int, int]] = {}
        self.changed: set[tuple[str, int]] = set()

    def add(self, index: BatchIndex) -> None:
        """Take in one batch; a name that no topic or job can have is passed over."""
        hour = (index.slice_end - 1) // _HOUR_US
        for part in index.parts:
            if part.records and plain(index.job) and plain(part.topic):
                key = f"{index.job} {part.topic}/{index.shard}"
                self.totals[key] = self.totals.get(key, 0) + part.records
                hours = self.hours.setdefault(key, {})
                hours[hour] = hours.get(hour, 0) + part.records
                self.changed.add((key, hour))

    def signed(self) -> None:
        """The lines so far are in a checkpoint: forget all hours but the last of each."""
        self.changed.clear()
        for key, hours in self.hours.items():
            last = max(hours)
            self.hours[key] = {last: hours[last]}

    def lines(self) -> tuple[str, ...]:
        """The lines of a checkpoint: the hours that changed since the last one, and all totals."""
        return tuple(self._lines())

    def _lines(self) -> Iterator[str]:
        for key, total in sorted(self.totals.items()):
            for hour in sorted(hour for name, hour in self.changed if name == key):
                yield f"inputs {key} {_text(hour)} {self.hours[key][hour]}"
            yield f"inputs {key} total {total}"

    def agrees(self, line: str) -> bool:
        """Whether a checkpoint's line says what was counted; needs the hours of all the log."""
        key, _, told = line.removeprefix("inputs ").rpartition(" ")
        key, _, when = key.rpartition(" ")
        if not line.startswith("inputs ") or key not in self.totals:
            return False
        counts = {_text(hour): count for hour, count in self.hours[key].items()}
        return told == str((counts | {"total": self.totals[key]}).get(when))

    def document(self) -> dict[str, Any]:
        """As the state file has it."""
        return {
            key: {
                "total": total,
                "hours": {str(hour): count for hour, count in sorted(self.hours[key].items())},
                "changed": sorted(hour for name, hour in self.changed if name == key),
            }
            for key, total in sorted(self.totals.items())
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """What `document` gave."""
        counts = cls()
        for key, found in document.items():
            counts.totals[key] = found["total"]
            counts.hours[key] = {int(hour): count for hour, count in found["hours"].items()}
            counts.changed |= {(key, hour) for hour in found["changed"]}
        return counts


def plain(name: str) -> bool:
    """Whether a job or topic may be called so: it becomes part of a line and of a file name."""
    return _NAME.fullmatch(name) is not None


def _text(hour: int) -> str:
    return (_EPOCH + timedelta(hours=hour)).strftime("%Y-%m-%dT%H")
