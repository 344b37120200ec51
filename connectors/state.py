"""Columnar state: a partition's tables as numpy columns, and what changed since the last batch.

A row keeps its number for life, a freed number is taken again from the next batch on. `delta()`
says what a batch changed, `chunk()` what a range of rows holds now; both are absolute values per
row number, so that applying chunks first and then all deltas since the oldest chunk gives the table
again (connectors.store).
"""

from collections.abc import Mapping, Sequence
from itertools import repeat

import numpy as np
import polars as pl

from connectors.layout import DTYPES, EMPTY, Array, Reader, number, pack
from connectors.rows import Arrivals, DenseIndex
from schemas.step import ColumnKind, TableSpec

_POLARS = {
    "int": pl.Int64,
    "float": pl.Float64,
    "bool": pl.Boolean,
    "str": pl.String,
    "bytes": pl.Binary,
}
_ORDER = "\0order"
_NO_ROWS: Array = np.empty(0, dtype=np.int64)


class ColumnTable:
    """One state table; `schemas.step.Table` says what each call means for a step."""

    def __init__(self, spec: TableSpec) -> None:
        """An empty table of this layout."""
        self.spec = spec
        self.kinds: dict[str, ColumnKind] = dict(spec.columns)
        if spec.key is None:
            self.kinds[_ORDER] = "int"
        self._keys = [name for name in self.kinds if name == spec.key]
        self._others = [name for name in self.kinds if name != spec.key]
        self.columns = {n: np.empty(0, dtype=DTYPES[k]) for n, k in self.kinds.items()}
        self.alive = np.empty(0, dtype=bool)
        self.rows = 0  # row numbers in use or freed; capacity is len(self.alive)
        self.count = 0
        self.next_order = 0
        self.index: dict[object, int] = {}
        self.dense = DenseIndex() if self._key_kind == "int" else None  # instead of the index
        self.arrivals: Arrivals | None = None  # from the first question about arrival on
        self.free = np.empty(0, dtype=np.int64)  # ascending
        self._sorted: Array | None = None  # the rows by key, until a key comes or goes
        self._set: list[Array] = []
        self._made: list[Array] = []
        self._freed: list[Array] = []

    def __len__(self) -> int:
        """Number of rows that are alive."""
        return self.count

    @property
    def nbytes(self) -> int:
        """Memory of the columns, octets estimated at 64 bytes a value."""
        fixed = sum(c.nbytes for c in self.columns.values())
        octets = sum(64 * self.count for k in self.kinds.values() if k in ("str", "bytes"))
        dense = 0 if self.dense is None else self.dense.rows.nbytes
        return fixed + octets + dense + 100 * len(self.index)

    # -- what a step calls ---------------------------------------------------------------------

    def lookup(self, keys: pl.Series) -> pl.DataFrame:
        """Rows of `keys`, aligned; zero, empty or false where absent, and column `known`."""
        rows = self._find(self._wanted(keys))
        known = rows >= 0
        whole = bool(known.all())
        out = [keys.alias(self._key)]
        for name, kind in self.spec.columns.items():
            if name != self.spec.key:
                column = self.columns[name]
                if whole:
                    values = column[rows]
                else:
                    values = np.full(len(rows), EMPTY[kind], dtype=DTYPES[kind])
                    values[known] = column[rows[known]]
                out.append(_series(name, kind, values))
        return pl.DataFrame([*out, pl.Series("known", known, dtype=pl.Boolean)])

    def upsert(self, frame: pl.DataFrame) -> None:
        """Set the columns of each key of `frame` (unique); a new key starts from zero values."""
        rows = self._find_or_make(self._wanted(frame[self._key]))
        for name in frame.columns:
            if name != self.spec.key:
                self.columns[name][rows] = _values(frame[name], self.kinds[name])
        self._set.append(rows)

    def add(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the numbers of `frame` to the rows of its keys (unique); the new values, aligned."""
        rows = self._find_or_make(self._wanted(frame[self._key]))
        out = {self._key: frame[self._key]}
        for name in frame.columns:
            if name != self.spec.key:
                values = self.columns[name][rows] + frame[name].to_numpy()
                self.columns[name][rows] = values
                out[name] = _series(name, self.kinds[name], values)
        self._set.append(rows)
        return pl.DataFrame(out)

    def append(self, frame: pl.DataFrame) -> None:
        """Add rows to a table without a key."""
        if self.spec.key is not None:
            raise TypeError("append is for tables without a key")
        rows = self._make(frame.height)
        for name in self.spec.columns:
            self.columns[name][rows] = _values(frame[name], self.kinds[name])
        self.columns[_ORDER][rows] = np.arange(self.next_order, self.next_order + frame.height)
        self.next_order += frame.height
        self._set.append(rows)
        if self.arrivals is not None:
            self.arrivals.append(rows)

    def between(
        self, column: str, low: int, high: int, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Rows with low < `column` <= high in the order of arrival; `columns` of them."""
        rows = self._arrived().between(column, self.columns[column], low, high)
        return self._frame_of(rows, columns)

    def having(
        self, column: str, values: pl.Series, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Rows whose `column` is one of `values` in the order of arrival; `columns` of them."""
        wanted = values.unique().to_numpy()
        rows = self._arrived().having(column, self.columns[column], wanted)
        return self._frame_of(rows, columns)

    def due(self, frame: pl.DataFrame | None, column: str, below: int) -> pl.DataFrame:
        """Take out all rows, stored or in `frame`, whose `column` is <= `below`; keep the rest."""
        rows = np.flatnonzero(
            self.alive[: self.rows] & (self.columns[column][: self.rows] <= below)
        )
        rows = self._in_order(rows)
        taken = self._frame_of(rows)
        self._release(rows)
        if frame is None or frame.is_empty():
            return taken
        frame = frame.select(taken.columns)
        now = pl.col(column) <= below
        self.append(frame.filter(~now))
        return pl.concat([taken, frame.filter(now)])

    def expire(self, column: str, below: int) -> int:
        """Drop the rows whose `column` is < `below`; how many they were."""
        if self.arrivals is not None:
            rows = self.arrivals.between(column, self.columns[column], None, below - 1)
        else:
            early = self.columns[column][: self.rows] < below
            rows = np.flatnonzero(self.alive[: self.rows] & early)
        self._release(rows)
        return len(rows)

    def clear(self) -> None:
        """Drop all rows."""
        self._release(np.flatnonzero(self.alive[: self.rows]))

    def frame(self) -> pl.DataFrame:
        """All rows: in the order of arrival without a key, else in order of the key."""
        if self.spec.key is None:
            return self._frame_of(self._in_order(np.flatnonzero(self.alive[: self.rows])))
        if self._sorted is None:
            rows = np.flatnonzero(self.alive[: self.rows])
            keys = self._frame_of(rows, [self.spec.key])[self.spec.key]
            self._sorted = rows[keys.arg_sort().to_numpy()]
        return self._frame_of(self._sorted)

    # -- rows addressed by number, for the engine's own tables ---------------------------------

    def set_rows(self, rows: Array, values: Mapping[str, Array]) -> None:
        """Set columns of the given row numbers, which come into being where they were not."""
        if not len(rows):
            return
        self._grow(int(rows.max()) + 1)
        self.count += int((~self.alive[rows]).sum())
        self.alive[rows] = True
        for name, column in values.items():
            self.columns[name][rows] = column
        self._set.append(rows)
        self.arrivals = self._sorted = None

    def row_of(self, key: object) -> int:
        """The row number of `key`, made when absent."""
        row = self._row(key)
        return int(self._find_or_make([key])[0]) if row < 0 else row

    def get(self, key: object, column: str, default: int) -> int:
        """One number of one row, without the cost of a frame."""
        row = self._row(key)
        return default if row < 0 else int(self.columns[column][row])

    def put(self, key: object, **values: object) -> None:
        """Set columns of one row, made when absent."""
        row = self.row_of(key)
        for name, value in values.items():
            self.columns[name][row] = value
        self._set.append(np.array([row]))

    # -- what the store calls ------------------------------------------------------------------

    def delta(self) -> bytes:
        """What changed since the last call: rows set, rows freed. Starts a new batch."""
        head = number(self.rows) + number(self.next_order)
        if not (self._freed or self._made or self._set):
            return head + 3 * _pack_rows(_NO_ROWS)
        freed, made, changed = (_distinct(g) for g in (self._freed, self._made, self._set))
        self._freed, self._made, self._set = [], [], []
        self.free = np.union1d(self.free, freed) if len(freed) else self.free
        return (
            head
            + _pack_rows(freed)
            + self._pack(made[self.alive[made]], self._keys)
            + self._pack(changed[self.alive[changed]], self._others)
        )

    def apply(self, reader: Reader) -> None:
        """Take in one `delta()`; the index by key is stale until `settle()`."""
        self._grow(reader.number())
        self.next_order = reader.number()
        self.alive[_unpack_rows(reader)] = False
        self._unpack(reader, self._keys)
        self._unpack(reader, self._others)

    def chunk(self, start: int, stop: int) -> bytes:
        """All rows with numbers in [start, stop)."""
        stop = min(stop, self.rows)
        return self._pack(start + np.flatnonzero(self.alive[start:stop]), list(self.kinds))

    def apply_chunk(self, reader: Reader) -> None:
        """Take in one `chunk()`; the index by key is stale until `settle()`."""
        self._unpack(reader, list(self.kinds))

    def settle(self) -> None:
        """End loading: index, count and free row numbers follow from the rows alive."""
        alive = self.alive[: self.rows]
        rows = np.flatnonzero(alive)
        self.free = np.flatnonzero(~alive)
        self.count = len(rows)
        for name, kind in self.kinds.items():
            self.columns[name][self.free] = EMPTY[kind]
        self.arrivals = self._sorted = None
        if self.dense is not None:
            self.dense = DenseIndex()
            self.dense.set(self.columns[self._key][rows], rows)
        elif self.spec.key is not None:
            keys = self.columns[self.spec.key][rows].tolist()
            self.index = dict(zip(keys, rows.tolist(), strict=True))

    # -- inside --------------------------------------------------------------------------------

    @property
    def _key(self) -> str:
        if self.spec.key is None:
            raise TypeError("this table has no key")
        return self.spec.key

    @property
    def _key_kind(self) -> ColumnKind | None:
        return None if self.spec.key is None else self.kinds[self.spec.key]

    def _wanted(self, keys: pl.Series) -> list[object] | Array:
        return keys.to_list() if self.dense is None else keys.to_numpy()

    def _row(self, key: object) -> int:
        return self.index.get(key, -1) if self.dense is None else int(self._find([key])[0])

    def _find(self, keys: list[object] | Array) -> Array:
        if self.dense is not None:
            return self.dense.find(np.asarray(keys, dtype=np.int64))
        found = map(self.index.get, keys, repeat(-1))
        return np.fromiter(found, dtype=np.int64, count=len(keys))

    def _find_or_make(self, wanted: list[object] | Array) -> Array:
        rows = self._find(wanted)
        absent = np.flatnonzero(rows < 0)
        if len(absent) and self.dense is not None:
            keys = np.asarray(wanted, dtype=np.int64)[absent]
            self.dense.check(keys)
            rows[absent] = made = self._make(len(absent))
            self.columns[self._key][made] = keys
            self.dense.set(keys, made)
        elif len(absent):
            made = self._make(len(absent))
            rows[absent] = made
            column = self.columns[self._key]
            for position, row in zip(absent.tolist(), made.tolist(), strict=True):
                self.index[wanted[position]] = row
                column[row] = wanted[position]
        return rows

    def _make(self, count: int) -> Array:
        reused, self.free = self.free[:count], self.free[count:]
        fresh = np.arange(self.rows, self.rows + count - len(reused))
        self._grow(self.rows + len(fresh))
        rows: Array = np.concatenate([reused, fresh])
        self.alive[rows] = True
        self.count += count
        self._sorted = None
        self._made.append(rows)
        return rows

    def _release(self, rows: Array) -> None:
        if not len(rows):
            return
        self._freed.append(rows)
        self._sorted = None
        if self.arrivals is not None:
            self.arrivals.release(rows)
            if self.arrivals.sparse:
                self.arrivals = Arrivals(self.arrivals.alive())
        if self.dense is not None:
            self.dense.remove(self.columns[self._key][rows])
        elif self.spec.key is not None:
            for key in self.columns[self.spec.key][rows].tolist():
                del self.index[key]
        self.alive[rows] = False
        self.count -= len(rows)
        for name, kind in self.kinds.items():
            self.columns[name][rows] = EMPTY[kind]

    def _grow(self, rows: int) -> None:
        if rows > len(self.alive):
            more = max(rows, 2 * len(self.alive), 1024) - len(self.alive)
            self.alive = np.concatenate([self.alive, np.zeros(more, dtype=bool)])
            for name, kind in self.kinds.items():
                tail = np.full(more, EMPTY[kind], dtype=DTYPES[kind])
                self.columns[name] = np.concatenate([self.columns[name], tail])
        self.rows = max(self.rows, rows)

    def _arrived(self) -> Arrivals:
        if self.spec.key is not None:
            raise TypeError("a table with a key has no order of arrival")
        if self.arrivals is None:
            self.arrivals = Arrivals(self._in_order(np.flatnonzero(self.alive[: self.rows])))
        return self.arrivals

    def _in_order(self, rows: Array) -> Array:
        return np.asarray(rows[np.argsort(self.columns[_ORDER][rows], kind="stable")])

    def _frame_of(self, rows: Array, names: Sequence[str] | None = None) -> pl.DataFrame:
        kinds = self.spec.columns
        return pl.DataFrame([_series(n, kinds[n], self.columns[n][rows]) for n in names or kinds])

    def _pack(self, rows: Array, names: list[str]) -> bytes:
        if not len(rows):
            return _pack_rows(rows)
        columns = (pack(self.kinds[name], self.columns[name][rows]) for name in names)
        return _pack_rows(rows) + b"".join(columns)

    def _unpack(self, reader: Reader, names: list[str]) -> None:
        rows = _unpack_rows(reader)
        if len(rows):
            self._grow(int(rows.max()) + 1)
        self.alive[rows] = True
        for name in names:
            self.columns[name][rows] = reader.column(self.kinds[name], len(rows))


def _pack_rows(rows: Array) -> bytes:
    return number(len(rows)) + rows.astype("<u4").tobytes()


def _unpack_rows(reader: Reader) -> Array:
    return np.frombuffer(reader.octets(4 * reader.number()), dtype="<u4").astype(np.int64)


def _distinct(groups: list[Array]) -> Array:
    if not groups:
        return _NO_ROWS
    return np.unique(np.concatenate(groups)) if len(groups) > 1 else np.unique(groups[0])


def _values(series: pl.Series, kind: ColumnKind) -> Array:
    if kind in ("str", "bytes"):
        out = np.empty(len(series), dtype=object)
        out[:] = series.to_list()
        return out
    return series.to_numpy()


def _series(name: str, kind: ColumnKind, values: Array) -> pl.Series:
    if kind in ("str", "bytes"):
        return pl.Series(name, values.tolist(), dtype=_POLARS[kind])
    return pl.Series(name, values, dtype=_POLARS[kind])
