"""Records of market risk with every field, what is not said being empty or 0."""

import polars as pl

from schemas.records import record


def row(name, **said):
    """A row of that record; a symbol is the first of its enum unless said."""
    rec = record(name)
    empty = {pl.String: "", pl.Boolean: False, pl.Binary: b""}
    symbols = {
        one["name"]: one["type"]["symbols"][0]
        for one in rec.schema["fields"]
        if isinstance(one["type"], dict) and one["type"].get("type") == "enum"
    }
    plain = {column: empty.get(kind, 0) for column, kind in rec.columns.items()}
    return plain | symbols | said
