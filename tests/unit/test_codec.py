"""A frame, its messages and its rows are three forms of the same records."""

import struct
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import (
    CodecError,
    decode,
    decode_batch,
    decode_block,
    encode,
    encode_frame,
)
from schemas.frames import FEW, encode_lanes
from schemas.records import Record, names, record, versions
from tests import everything as every_type
from tests.strategies import frame, frames

EVERY = [rec for name in names() for rec in versions(name)]
ROW: dict[str, Any] = {
    "event_id": "E1",
    "producer": "p",
    "sequence": 64,
    "time": 0,
    "topic": "fills",
    "partition": -1,
    "kind": "late",
    "event_sequence": 2**62,
    "note": "é",
}


@pytest.fixture(scope="module")
def everything() -> Iterator[Record]:
    with every_type.in_the_tree() as rec:
        yield rec


@pytest.mark.parametrize("rec", EVERY, ids=lambda rec: f"{rec.name}.v{rec.version}")
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_frame_and_rows_have_the_same_messages_and_come_back(
    rec: Record, data: st.DataObject
) -> None:
    given_frame = data.draw(frames(rec))
    messages = encode_frame(rec, given_frame)
    assert messages == [encode(rec, row) for row in given_frame.rows(named=True)]
    assert decode_block(rec, messages).equals(given_frame)
    for message, row in zip(messages, given_frame.rows(named=True), strict=True):
        assert decode(message) == (rec, row)


@pytest.mark.parametrize("name", names())
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_batch_of_newest_messages_comes_back_whole(name: str, data: st.DataObject) -> None:
    rec = record(name)
    given_frame = data.draw(frames(rec))
    decoded, places, rejected = decode_batch(rec, list(encode_frame(rec, given_frame)))
    assert decoded.equals(given_frame)
    assert dict(decoded.schema) == rec.columns
    assert places.tolist() == list(range(given_frame.height))
    assert rejected == []


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_every_avro_type_comes_back(everything: Record, data: st.DataObject) -> None:
    given_frame = data.draw(frames(everything))
    messages = encode_frame(everything, given_frame)
    assert messages == [encode(everything, row) for row in given_frame.rows(named=True)]
    if messages:
        assert encode_lanes(everything, given_frame.get_columns()) == messages
    assert decode_block(everything, messages).equals(given_frame)
    assert [decode(message)[1] for message in messages] == given_frame.rows(named=True)


def test_message_is_header_and_avro_body_as_the_specification_has_them() -> None:
    rec = record("Label")
    header = b"\x00" + struct.pack(">I", rec.schema_id)
    body = b"\x04E1\x02p\x80\x01\x00\x0afills\x01\x08late" + b"\x80" * 8 + b"\x80\x01\x04\xc3\xa9"
    assert encode(rec, ROW) == header + body


def test_frame_may_have_more_columns_and_wider_integers() -> None:
    rec = record("Label")
    wide = frame(rec, [ROW]).with_columns(pl.col("partition").cast(pl.Int64), offset=pl.lit(7))
    assert encode_frame(rec, wide) == [encode(rec, ROW)]


def test_sliced_frame_encodes_its_own_rows_only() -> None:
    rec = record("Label")
    whole = frame(rec, [ROW | {"note": "x" * size} for size in range(9)])
    assert encode_frame(rec, whole[3:7]) == encode_frame(rec, whole)[3:7]
    chunked = pl.concat([whole[5:], whole[:2]], rechunk=False)
    assert encode_frame(rec, chunked) == encode_frame(rec, whole)[5:] + encode_frame(rec, whole)[:2]


def test_few_rows_and_many_give_the_same_messages() -> None:
    rec = record("Label")
    many = frame(rec, [ROW | {"note": "x" * size} for size in range(FEW + 1)])
    assert encode_frame(rec, many) == encode_frame(rec, many[:FEW]) + encode_frame(rec, many[FEW:])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("note", None),
        ("note", 7),
        ("sequence", "seven"),
        ("sequence", 2**63),
        ("partition", 2**31),
        ("surprise", 1),
    ],
)
def test_row_that_is_not_of_the_schema_is_refused(field: str, value: object) -> None:
    with pytest.raises(CodecError, match="not a Label"):
        encode(record("Label"), ROW | {field: value})


def test_missing_field_is_refused() -> None:
    with pytest.raises(CodecError, match="not a Label"):
        encode(record("Label"), {name: ROW[name] for name in ROW if name != "note"})


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pl.lit(None, dtype=pl.String).alias("text"), "null"),
        (pl.lit(2**31).alias("number"), "number"),
        (pl.lit("GREEN").alias("colour"), "colour"),
        (pl.lit(b"123").alias("four"), "4 bytes"),
    ],
)
def test_frame_that_is_not_of_the_schema_is_refused(
    everything: Record, column: pl.Expr, words: str
) -> None:
    good = frame(everything, [every_type.ROW])
    with pytest.raises(CodecError, match=words):
        encode_frame(everything, good.with_columns(column))
    with pytest.raises(CodecError, match="text"):
        encode_frame(everything, good.drop("text"))
