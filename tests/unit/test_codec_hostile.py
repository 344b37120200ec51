"""Whatever bytes a batch holds: each message is judged as if it were alone, and nothing dies."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import block, codec
from schemas.codec import (
    CodecError,
    Rejected,
    decode,
    decode_batch,
    decode_block,
    encode,
    encode_frame,
)
from schemas.records import Record, record
from schemas.structure import well_formed
from tests import everything as every_type
from tests.naive.codec import Malformed
from tests.naive.codec import decode as naive_decode
from tests.strategies import OCTETS, frame, rows

HUGE = b"\x80" * 8 + b"\x20"
"""Zigzag of 2^60."""

LENGTHS = [HUGE, b"\x01", b"\xff" * 9 + b"\x01", b"\xfe\xff\xff\xff\x0f", b"\x80" * 10, b"\x7f"]
LABEL: dict[str, Any] = {
    "event_id": "E1",
    "producer": "p",
    "sequence": 1,
    "time": 2,
    "topic": "fills",
    "partition": 0,
    "kind": "late",
    "event_sequence": 3,
    "note": "n",
}


@pytest.fixture(scope="module", autouse=True)
def short_panics() -> Iterator[None]:
    """Polars writes a line to stderr for each panic; without this, a stack trace each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUST_BACKTRACE", "0")
        yield


@pytest.fixture(scope="module")
def everything() -> Iterator[Record]:
    with every_type.in_the_tree() as rec:
        yield rec


def verdict(rec: Record, message: bytes) -> dict[str, Any] | None:
    """What a strict reader of the specification makes of a message."""
    try:
        return naive_decode(rec, message)
    except Malformed:
        return None


def judged_alone(rec: Record, messages: list[bytes]) -> None:
    """Assert that the batch holds exactly what the strict reader finds message by message."""
    expected = [verdict(rec, message) for message in messages]
    good = [row for row in expected if row is not None]
    decoded, places, rejected = decode_batch(rec, messages)
    assert decoded.equals(frame(rec, good))
    assert places.tolist() == [index for index, row in enumerate(expected) if row is not None]
    assert [bad.index for bad in rejected] == [i for i, row in enumerate(expected) if row is None]
    assert all(bad.reason.startswith(("undecodable: ", "unknown-schema: ")) for bad in rejected)
    for message, row in zip(messages, expected, strict=True):
        if row is None:
            with pytest.raises(CodecError):
                decode(message)
        else:
            assert decode(message) == (rec, row)
    if len(good) < len(messages):
        with pytest.raises(CodecError):
            decode_block(rec, messages)


def damaged(message: bytes) -> st.SearchStrategy[bytes]:
    """The message, or what a bug or an attacker could make of it."""
    place = st.integers(0, len(message))
    return st.one_of(
        st.just(message),
        place.map(lambda at: message[:at]),
        OCTETS.map(lambda more: message + more),
        st.tuples(place, st.integers(0, 255)).map(
            lambda hit: message[: hit[0]] + bytes([hit[1]]) + message[hit[0] + 1 :]
        ),
        st.tuples(place, st.sampled_from(LENGTHS)).map(
            lambda hit: message[: hit[0]] + hit[1] + message[hit[0] + 1 :]
        ),
        OCTETS.map(lambda body: message[:5] + body),
    )


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_messages_are_found_whatever_their_company(
    everything: Record, data: st.DataObject
) -> None:
    found = data.draw(st.lists(rows(everything), min_size=1, max_size=5))
    whole = encode_frame(everything, frame(everything, found))
    judged_alone(everything, [data.draw(damaged(message)) for message in whole])


@settings(max_examples=100, deadline=None)
@given(bodies=st.lists(OCTETS, max_size=5))
def test_noise_behind_a_good_header_is_judged_as_by_the_specification(bodies: list[bytes]) -> None:
    rec = record("Label")
    judged_alone(rec, [block.wire_header(rec) + body for body in bodies])


@pytest.mark.parametrize("length", LENGTHS, ids=lambda length: length.hex())
@pytest.mark.parametrize("place", [0, 1, 2, 3, 4, 5, 8, 9, 14, 19, 24, 29, 34, 35])
def test_hostile_lengths_anywhere_kill_nothing(length: bytes, place: int) -> None:
    rec, good = record("Label"), encode(record("Label"), LABEL)
    judged_alone(rec, [good, good[: 5 + place] + length + good[6 + place :], good])


def test_two_records_in_one_message_are_none() -> None:
    rec, good = record("Label"), encode(record("Label"), LABEL)
    judged_alone(rec, [good + good, good])
    judged_alone(rec, [good + good[5:], good])


def test_record_cut_over_two_messages_is_none() -> None:
    rec, good = record("Label"), encode(record("Label"), LABEL)
    judged_alone(rec, [good[:9], good[9:], good])
    judged_alone(rec, [good, b"", good[:5], good])


def test_message_that_swallows_its_neighbour_is_found_even_with_the_salt_known() -> None:
    rec, good = record("Label"), encode(record("Label"), LABEL)
    between = block._SALT + block._PAD
    greedy = encode(rec, LABEL | {"note": "n" * (len(good) + len(between))})
    swallower = greedy[: -len(good) - len(between)]
    two_in_one = good + between + good
    assert swallower + between + good == greedy[: len(swallower)] + between + good
    judged_alone(rec, [swallower, good, two_in_one])


def test_message_with_the_salt_inside_is_as_good_as_any() -> None:
    rec = record("NetProvenance")
    row: dict[str, Any] = {field["name"]: 1 for field in rec.fields}
    row |= {name: "x" for name in ("chunk_id", "producer", "net_id", "version")}
    row |= {"offsets": block._SALT * 3, "leaves": block._SALT[1:], "root": bytes(32)}
    judged_alone(rec, [encode(rec, row)] * 3)


def test_structure_is_only_a_faster_way_to_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    rec, good = record("Label"), encode(record("Label"), LABEL)
    messages = [good, good[:-1], good, good + b"\x00", good[:5], good, good]
    expected = decode_batch(rec, messages)
    monkeypatch.setattr(
        codec, "well_formed", lambda _, found: well_formed(rec, [good] * len(found))
    )
    decoded, places, rejected = decode_batch(rec, messages)
    assert decoded.equals(expected[0])
    assert places.tolist() == expected[1].tolist()
    assert rejected == expected[2]


@pytest.mark.parametrize(
    ("at", "octets", "wrong"),
    [
        (5, b"\x02", "flag is not a valid boolean"),
        (5, b"\xff", "flag is not a valid boolean"),
        (7, b"\xff", "text is not a valid string"),
        (8, b"\x80\x80\x80\x80\x10", "number is not a valid int"),
        (8, b"\x81\x80\x80\x80\x10", "number is not a valid int"),
        (11, b"\x01", "colour is not a valid enum"),
        (11, b"\x04", "colour is not a valid enum"),
        (11, b"\x80\x80\x80\x80\x20", "colour is not a valid enum"),
        (17, b"\x02", "sure is not a valid boolean"),
        (19, b"\x80", "last is not a valid string"),
    ],
)
def test_value_outside_its_type_is_found_and_named(
    everything: Record, at: int, octets: bytes, wrong: str
) -> None:
    good = encode(everything, every_type.ROW)
    bad = good[:at] + octets + good[at + 1 :]
    judged_alone(everything, [good, bad])
    assert decode_batch(everything, [good, bad])[2] == [Rejected(1, f"undecodable: {wrong}")]


def test_first_wrong_field_is_the_reason(everything: Record) -> None:
    good = encode(everything, every_type.ROW)
    bad = good[:5] + b"\x07" + good[6:7] + b"\xff" + good[8:-1] + b"\xff"
    reasons = [found.reason for found in decode_batch(everything, [bad, good, bad])[2]]
    assert reasons == ["undecodable: flag is not a valid boolean"] * 2
