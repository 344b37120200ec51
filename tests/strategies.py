"""Hypothesis strategies for rows and frames of any record."""

from typing import Any

import polars as pl
from hypothesis import strategies as st

from schemas.records import Record, kind

LONGS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-130, 130),
    st.integers(0, 62).flatmap(lambda bits: st.integers(2**bits - 1, 2**bits + 1)),
)
INTS = st.one_of(st.integers(-(2**31), 2**31 - 1), st.integers(-130, 130))
TEXTS = st.one_of(st.text(max_size=40), st.text("aé€😀\x00", min_size=60, max_size=200))
OCTETS = st.one_of(st.binary(max_size=40), st.binary(min_size=60, max_size=200))


def values(field: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Any value the field's Avro type has, within its checks or not."""
    match kind(field):
        case "long":
            return LONGS
        case "int":
            return INTS
        case "string":
            return TEXTS
        case "bytes":
            return OCTETS
        case "boolean":
            return st.booleans()
        case "enum":
            return st.sampled_from(field["type"]["symbols"])
        case _:
            size = field["type"]["size"]
            return st.binary(min_size=size, max_size=size)


def rows(rec: Record) -> st.SearchStrategy[dict[str, Any]]:
    """Any row of `rec`."""
    return st.fixed_dictionaries({field["name"]: values(field) for field in rec.fields})


def frames(rec: Record, max_size: int = 6) -> st.SearchStrategy[pl.DataFrame]:
    """Any frame of `rec`, the empty one included."""
    return st.lists(rows(rec), max_size=max_size).map(lambda found: frame(rec, found))


def frame(rec: Record, found: list[dict[str, Any]]) -> pl.DataFrame:
    """The frame of these rows."""
    return pl.DataFrame(found, schema=rec.columns, orient="row")
