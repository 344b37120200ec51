"""Tells repeats from new events by producer and sequence, in bounded memory and by the log alone.

A producer numbers what it sends to one topic partition 0, 1, 2, ... Kept for each producer: the
highest number seen, the body hash of each of the last `window` numbers, and the gaps before them as
ranges. Then

    number > highest                   fresh
    within the window, not yet seen    fresh (it came out of order)
    within the window, seen            repeat if the body is the same, else a conflict
    before the window, in a gap        fresh
    before the window, no gap          repeat whose body can no longer be checked

Each verdict depends on the records before it in the log and not on how the log is cut into batches.
A number that would need more than `MAX_GAPS` ranges to be remembered, or a producer beyond
`MAX_PRODUCERS`, is refused: it becomes a dead letter, so that no sender can make the state grow
without bound. So is a number more than `MAX_JUMP` above the highest: one such record would leave
the numbers that really follow before the window, where bodies can no longer be compared. The first
number of a producer may be any.
"""

import struct
from bisect import bisect_right
from collections.abc import Mapping

import numpy as np

from connectors.layout import Array
from connectors.state import ColumnTable
from schemas.step import TableSpec

FRESH, REPEAT, UNCHECKED, CONFLICT, GAPS_FULL, PRODUCERS_FULL, JUMP = range(7)
WINDOW = 16_384
MAX_GAPS = 1_024
MAX_PRODUCERS = 1_024
MAX_JUMP = 1_048_576
_BLOCK = 4_096

TABLES: Mapping[str, TableSpec] = {
    "engine.producers": TableSpec(
        {"producer": "str", "highest": "int", "gaps": "bytes"}, "producer"
    ),
    "engine.bodies": TableSpec({"body": "int"}),
}


class Duplicates:
    """The verdicts of one partition, kept in the two engine tables named above."""

    def __init__(
        self, tables: Mapping[str, ColumnTable], window: int = WINDOW, max_gaps: int = MAX_GAPS
    ):
        """Use the partition's tables; `window` is a power of two and part of the state's layout."""
        self.producers = tables["engine.producers"]
        self.bodies = tables["engine.bodies"]
        self.window = window
        self.max_gaps = max_gaps

    def judge(self, producer: str, numbers: Array, bodies: Array) -> Array:
        """Verdict of each record of one producer, in log order.

        Args:
            producer: Topic and producer, the scope in which numbers are unique.
            numbers: Producer sequence, int64 >= 0, shape (n,).
            bodies: 64 bits of each body's hash, int64, shape (n,).

        Returns:
            One of the seven verdicts each, int8, shape (n,).
        """
        if producer not in self.producers.index and len(self.producers) >= MAX_PRODUCERS:
            return np.full(len(numbers), PRODUCERS_FULL, dtype=np.int8)
        line = _Line(self, producer)
        bodies = np.where(bodies == 0, 1, bodies)
        blocks = [
            line.judge(numbers[start : start + _BLOCK], bodies[start : start + _BLOCK])
            for start in range(0, len(numbers), _BLOCK)
        ]
        line.save()
        return np.concatenate(blocks) if blocks else np.empty(0, dtype=np.int8)


class _Line:
    """One producer's numbers while a batch is judged."""

    def __init__(self, owner: Duplicates, producer: str) -> None:
        self.owner = owner
        self.row = owner.producers.row_of(producer)
        fresh = not owner.producers.columns["gaps"][self.row]
        packed = owner.producers.columns["gaps"][self.row]
        self.highest = -1 if fresh else int(owner.producers.columns["highest"][self.row])
        self.gaps = [] if fresh else [(a, b) for a, b in struct.iter_unpack("<qq", packed[1:])]
        self.mask = owner.window - 1
        self.base = self.row * owner.window
        stored = owner.bodies.columns["body"][self.base : self.base + owner.window]
        self.ring = np.zeros(owner.window, dtype=np.int64)
        self.ring[: len(stored)] = stored
        self.before = self.ring.copy()

    def save(self) -> None:
        gaps = b"\x01" + b"".join(struct.pack("<qq", a, b) for a, b in self.gaps)
        rows = np.array([self.row])
        packed = np.empty(1, dtype=object)
        packed[0] = gaps
        self.owner.producers.set_rows(rows, {"highest": np.array([self.highest]), "gaps": packed})
        changed = np.flatnonzero(self.ring != self.before)
        self.owner.bodies.set_rows(self.base + changed, {"body": self.ring[changed]})

    def judge(self, numbers: Array, bodies: Array) -> Array:
        out = np.empty(len(numbers), dtype=np.int8)
        start = 0
        while start < len(numbers):
            rest = numbers[start:]
            reach = np.maximum.accumulate(np.concatenate([[self.highest], rest]))[:-1]
            apart = (rest <= reach - self.owner.window) | ((reach >= 0) & (rest > reach + MAX_JUMP))
            stop = start + (int(apart.argmax()) if apart.any() else len(rest))
            if stop > start:
                start = self._inside(numbers, bodies, start, stop, out)
                continue
            jumped = int(numbers[start]) > self.highest
            out[start] = JUMP if jumped else self._old(int(numbers[start]))
            start += 1
        return out

    def _inside(self, numbers: Array, bodies: Array, start: int, stop: int, out: Array) -> int:
        """Judge records of which none falls before the window; returns where it stopped."""
        while True:
            gaps = self._gaps_after(numbers[start:stop])
            if len(gaps) <= self.owner.max_gaps:
                out[start:stop] = self._fill(numbers[start:stop], bodies[start:stop])
                self.gaps = gaps
                return stop
            if stop == start + 1:
                out[start] = GAPS_FULL
                return stop
            stop = start + (stop - start) // 2

    def _fill(self, numbers: Array, bodies: Array) -> Array:
        unique, first = np.unique(numbers, return_index=True)
        first_at = first[np.searchsorted(unique, numbers)]
        stored = np.where(numbers <= self.highest, self.ring[numbers & self.mask], 0)
        fresh = (stored == 0) & (first_at == np.arange(len(numbers)))
        same = bodies == np.where(stored != 0, stored, bodies[first_at])
        top = max(self.highest, int(unique[-1]))
        entering = np.arange(max(self.highest, top - self.owner.window) + 1, top + 1)
        self.ring[entering & self.mask] = 0
        kept = fresh & (numbers > top - self.owner.window)
        self.ring[numbers[kept] & self.mask] = bodies[kept]
        self.highest = top
        return np.where(fresh, FRESH, np.where(same, REPEAT, CONFLICT)).astype(np.int8)

    def _gaps_after(self, numbers: Array) -> list[tuple[int, int]]:
        """The gaps once `numbers` have been seen: what leaves the window unseen joins them."""
        top = max(self.highest, int(numbers.max()))
        start = max(self.highest - self.owner.window + 1, 0)
        stop = top - self.owner.window + 1  # numbers in [start, stop) leave the window
        if stop <= start:
            return self.gaps
        held = np.arange(start, min(stop, self.highest + 1))
        held = held[self.ring[held & self.mask] != 0]
        seen = np.union1d(held, numbers[(numbers >= start) & (numbers < stop)])
        edges = np.concatenate([[start - 1], seen, [stop]])
        holes = np.flatnonzero(np.diff(edges) > 1)
        new = [(int(edges[i]) + 1, int(edges[i + 1]) - 1) for i in holes]
        if self.gaps and new and self.gaps[-1][1] + 1 == new[0][0]:
            new[0] = (self.gaps[-1][0], new[0][1])
            return self.gaps[:-1] + new
        return self.gaps + new

    def _old(self, number: int) -> int:
        """Verdict of a number before the window."""
        at = bisect_right(self.gaps, (number, 2**63)) - 1
        if at < 0 or self.gaps[at][1] < number:
            return UNCHECKED
        low, high = self.gaps[at]
        parts = [(a, b) for a, b in ((low, number - 1), (number + 1, high)) if a <= b]
        if len(self.gaps) - 1 + len(parts) > self.owner.max_gaps:
            return GAPS_FULL
        self.gaps[at : at + 1] = parts
        return FRESH
