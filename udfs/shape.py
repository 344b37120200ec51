"""Results in the shape of the record they travel as."""

from collections.abc import Sequence

import polars as pl

from schemas.records import record

ENGINE = ("producer", "sequence")
"""Fields that the engine fills: who emitted a result, and as which of its results."""


def as_record(frame: pl.DataFrame, name: str, without: Sequence[str] = ENGINE) -> pl.DataFrame:
    """Exactly the columns of the record `name`, in its order and types, less those in `without`."""
    columns = {c: t for c, t in record(name).columns.items() if c not in without}
    given = frame.schema
    other = [pl.col(c).cast(t) for c, t in columns.items() if given[c] != t]
    return (frame.with_columns(other) if other else frame).select(*columns)
