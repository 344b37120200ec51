"""Frames of an older version of a record -> frames of a newer one, as Avro resolves schemas.

A field is found by its name or by an alias; a field the old version does not have takes its
default; a field the new version does not have is dropped.
"""

from typing import Any

import polars as pl

from schemas.faults import CodecError
from schemas.records import Record, kind


def upcast(frame: pl.DataFrame, old: Record, new: Record) -> pl.DataFrame:
    """`frame`, which has the columns of `old`, in the columns of `new`.

    Raises:
        CodecError: A field of `new` is neither in `old` nor has a default.
    """
    if old is new:
        return frame
    return frame.select(_column(field, old, new) for field in new.fields)


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
