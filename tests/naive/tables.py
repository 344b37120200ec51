"""State tables as lists of dicts: what each call of `schemas.step.Table` means, no more."""

import polars as pl

EMPTY = {"int": 0, "float": 0.0, "bool": False, "str": "", "bytes": b""}
DTYPES = {
    "int": pl.Int64,
    "float": pl.Float64,
    "bool": pl.Boolean,
    "str": pl.String,
    "bytes": pl.Binary,
}


class NaiveTable:
    def __init__(self, spec):
        self.spec = spec
        self.schema = {name: DTYPES[kind] for name, kind in spec.columns.items()}
        self.rows = []

    def __len__(self):
        return len(self.rows)

    def _row(self, key):
        found = [row for row in self.rows if row[self.spec.key] == key]
        return found[0] if found else None

    def _row_or_new(self, key):
        row = self._row(key)
        if row is None:
            row = {name: EMPTY[kind] for name, kind in self.spec.columns.items()}
            row[self.spec.key] = key
            self.rows.append(row)
        return row

    def lookup(self, keys):
        empty = {name: EMPTY[kind] for name, kind in self.spec.columns.items()}
        out = []
        for key in keys:
            row = self._row(key)
            out.append({**(row or empty), self.spec.key: key, "known": row is not None})
        return pl.DataFrame(out, schema={**self.schema, "known": pl.Boolean})

    def upsert(self, frame):
        for new in frame.iter_rows(named=True):
            self._row_or_new(new[self.spec.key]).update(new)

    def add(self, frame):
        out = []
        for new in frame.iter_rows(named=True):
            row = self._row_or_new(new[self.spec.key])
            for name, value in new.items():
                if name != self.spec.key:
                    row[name] += value
            out.append({name: row[name] for name in frame.columns})
        return pl.DataFrame(out, schema={name: self.schema[name] for name in frame.columns})

    def append(self, frame):
        self.rows += frame.select(*self.schema).to_dicts()

    def _rows_where(self, keep, columns):
        rows = [row for row in self.rows if keep(row)]
        return pl.DataFrame(rows, schema=self.schema).select(columns or list(self.schema))

    def between(self, column, low, high, columns=None):
        return self._rows_where(lambda row: low < row[column] <= high, columns)

    def having(self, column, values, columns=None):
        wanted = set(values)
        return self._rows_where(lambda row: row[column] in wanted, columns)

    def due(self, frame, column, below):
        if frame is not None:
            self.append(frame)
        taken = [row for row in self.rows if row[column] <= below]
        self.rows = [row for row in self.rows if row[column] > below]
        return pl.DataFrame(taken, schema=self.schema)

    def expire(self, column, below):
        before = len(self.rows)
        self.rows = [row for row in self.rows if row[column] >= below]
        return before - len(self.rows)

    def frame(self):
        rows = self.rows
        if self.spec.key is not None:
            rows = sorted(rows, key=lambda row: row[self.spec.key])
        return pl.DataFrame(rows, schema=self.schema)


def naive_state(specs):
    return {name: NaiveTable(spec) for name, spec in specs.items()}
