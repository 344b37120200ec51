"""Where rows are: by a small whole number as key, and in the order of arrival.

Nothing here is stored. Both are made from the rows that are alive, and say faster what a look at
every row would say.
"""

import numpy as np

from connectors.layout import Array

ZONE = 4_096
"""So many arrivals share one note of their least and greatest value."""
LARGEST_KEY = 2**26
"""Keys that are whole numbers lie below this: eight bytes are kept for each up to the largest."""
RUN = 65_536
"""So many arrivals are put in order of a small number together."""


class DenseIndex:
    """The row of each key, for keys that are whole numbers from 0 without large gaps."""

    def __init__(self) -> None:
        """No keys."""
        self.rows = np.empty(0, dtype=np.int64)

    def find(self, keys: Array) -> Array:
        """The row of each key, -1 where absent."""
        if not len(keys):
            return np.empty(0, dtype=np.int64)
        inside = (keys >= 0) & (keys < len(self.rows))
        if inside.all():
            return np.asarray(self.rows[keys])
        return np.where(inside, self.rows[np.where(inside, keys, 0)] if len(self.rows) else -1, -1)

    def set(self, keys: Array, rows: Array) -> None:
        """Put keys, which `check` has found right."""
        if not len(keys):
            return
        self.rows = grown(self.rows, int(keys.max()) + 1)
        self.rows[keys] = rows

    def check(self, keys: Array) -> None:
        """ValueError for a key that is negative or not below LARGEST_KEY."""
        if len(keys) and (keys.min() < 0 or keys.max() >= LARGEST_KEY):
            raise ValueError(f"a key lies outside 0..{LARGEST_KEY - 1}: {keys.min()}..{keys.max()}")

    def remove(self, keys: Array) -> None:
        """Take keys out."""
        self.rows[keys] = -1


class Arrivals:
    """The rows of a table without a key in the order of arrival.

    A row has a position for as long as it is alive; positions of rows that are gone stay empty
    until half of them are. `between` skips zones by their least and greatest value, so it is fast
    for a column that rises with arrival; `having` looks into runs that are in order of the value.
    Both give what a look at every row would give, for any column.
    """

    def __init__(self, rows: Array) -> None:
        """These rows, in the order of arrival."""
        self.rows = rows.copy()
        self.used, self.gone = len(rows), 0
        self.position = np.empty(int(rows.max()) + 1 if len(rows) else 0, dtype=np.int64)
        self.position[rows] = np.arange(len(rows))
        self.zones: dict[str, tuple[Array, Array]] = {}
        self.runs: dict[str, list[tuple[Array, Array]]] = {}

    def append(self, rows: Array) -> None:
        """Rows that arrive now."""
        end = self.used + len(rows)
        self.rows = grown(self.rows, end)
        self.rows[self.used : end] = rows
        if len(rows):
            self.position = grown(self.position, int(rows.max()) + 1)
        self.position[rows] = np.arange(self.used, end)
        self.used = end

    def release(self, rows: Array) -> None:
        """Rows that are gone."""
        self.rows[self.position[rows]] = -1
        self.gone += len(rows)

    def alive(self) -> Array:
        """The rows that are not gone, in the order of arrival."""
        rows = self.rows[: self.used]
        return np.asarray(rows[rows >= 0])

    @property
    def sparse(self) -> bool:
        """Whether most positions are empty, so that it pays to begin again with `alive`."""
        return self.gone > ZONE and 2 * self.gone > self.used

    def between(self, name: str, values: Array, low: int | None, high: int) -> Array:
        """Rows with low < value <= high in column `name`, whose values by row are `values`."""
        least, greatest = self._zones(name, values)
        zones = np.flatnonzero((greatest > low if low is not None else True) & (least <= high))
        tail = np.arange(len(least) * ZONE, self.used)
        inside = (zones[:, None] * ZONE + np.arange(ZONE)).ravel()
        rows = self.rows[np.concatenate([inside, tail])]
        rows = rows[rows >= 0]
        value = values[rows]
        fits = value <= high
        if low is not None:
            fits &= value > low
        return np.asarray(rows[fits])

    def having(self, name: str, values: Array, wanted: Array) -> Array:
        """Rows whose value in column `name`, a whole number from 0, is one of `wanted`."""
        found = [np.empty(0, dtype=np.int64)]
        for value, position in self._runs(name, values):
            start = np.searchsorted(value, wanted, side="left")
            length = np.searchsorted(value, wanted, side="right") - start
            found.append(position[_ranges(start, length)])
        done = self.used // RUN * RUN
        positions = np.concatenate([*found, self._tail(values, wanted, done)])
        rows = self.rows[np.sort(positions)]
        return np.asarray(rows[rows >= 0])

    def _zones(self, name: str, values: Array) -> tuple[Array, Array]:
        """Least and greatest value of each full zone; those of rows gone since may count."""
        empty = np.empty(0, dtype=np.int64)
        least, greatest = self.zones.get(name, (empty, empty))
        done, full = len(least), self.used // ZONE
        if done < full:
            rows = self.rows[done * ZONE : full * ZONE]
            value = values[rows]
            shape, ends = (full - done, ZONE), np.iinfo(np.int64)
            low = np.where(rows >= 0, value, ends.max).reshape(shape).min(axis=1)
            high = np.where(rows >= 0, value, ends.min).reshape(shape).max(axis=1)
            least, greatest = np.concatenate([least, low]), np.concatenate([greatest, high])
            self.zones[name] = least, greatest
        return least, greatest

    def _runs(self, name: str, values: Array) -> list[tuple[Array, Array]]:
        """Each full run of arrivals in order of the value: values, and positions."""
        runs = self.runs.setdefault(name, [])
        for start in range(len(runs) * RUN, self.used // RUN * RUN, RUN):
            alive = start + np.flatnonzero(self.rows[start : start + RUN] >= 0)
            value = values[self.rows[alive]]
            order = ordered(value)
            runs.append((value[order], alive[order]))
        return runs

    def _tail(self, values: Array, wanted: Array, start: int) -> Array:
        """Positions from `start` on whose value is one of `wanted`."""
        alive = start + np.flatnonzero(self.rows[start : self.used] >= 0)
        value = values[self.rows[alive]]
        if not len(value) or not len(wanted):
            return np.empty(0, dtype=np.int64)
        asked = np.zeros(int(max(value.max(), wanted.max())) + 1, dtype=bool)
        asked[wanted] = True
        return np.asarray(alive[asked[value]])


def _ranges(start: Array, length: Array) -> Array:
    """The numbers start, start + 1 ... of each range, one range after the other."""
    before = np.cumsum(length) - length
    return np.asarray(np.repeat(start - before, length) + np.arange(int(length.sum())))


def ordered(values: Array) -> Array:
    """The stable order of whole numbers from 0 below 2^32: two passes over sixteen bits."""
    low = np.argsort((values & 0xFFFF).astype(np.uint16), kind="stable")
    if not len(values) or values.max() <= 0xFFFF:
        return low
    return np.asarray(low[np.argsort((values >> 16).astype(np.uint16)[low], kind="stable")])


def grown(column: Array, size: int) -> Array:
    """`column` with room for `size` whole numbers; new places hold -1."""
    if size <= len(column):
        return column
    more = max(size, 2 * len(column), 1_024) - len(column)
    return np.concatenate([column, np.full(more, -1, dtype=np.int64)])
