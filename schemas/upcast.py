"""Frames of an older version of a record -> frames of a newer one, version by version.

From each version to the next as Avro resolves schemas: a field is found by its name or by an alias;
a field the older version does not have takes its default; a field the newer version does not have
is dropped. Because no version is skipped, a version may take a default back once every message has
passed the version that had it.
"""

from itertools import pairwise
from typing import Any

import polars as pl

from schemas.faults import CodecError
from schemas.records import Record, kind, versions


def upcast(frame: pl.DataFrame, old: Record, new: Record) -> pl.DataFrame:
    """`frame`, which has the columns of `old`, in the columns of `new`.

    Raises:
        CodecError: A version adds a field that has no default.
    """
    if old is new:
        return frame
    between = [rec for rec in versions(new.name) if old.version <= rec.version <= new.version]
    for before, after in pairwise(between):
        frame = frame.select(_column(field, before, after) for field in after.fields)
    return frame


def _column(field: dict[str, Any], old: Record, new: Record) -> pl.Expr:
    name = field["name"]
    for known in (name, *field.get("aliases", ())):
        if known in old.columns:
            return pl.col(known).cast(new.columns[name]).alias(name)
    if "default" not in field:
        raise CodecError(f"{new.name}.{name} is not in version {old.version} and has no default")
    default = field["default"]
    if kind(field) in ("bytes", "fixed"):
        default = default.encode("latin-1")
    return pl.lit(default, dtype=new.columns[name]).alias(name)
