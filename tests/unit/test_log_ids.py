"""Ids that a person types: which of the three kinds they are, by their shape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import UserError
from deploy.log_ids import EventId, RecordId, ResultId, parse_id

NET = "999900CCP00000000012|EUR|EUR|2|1772456400000000|BILATERAL|A|B"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("3:12345", EventId(3, 12345)),
        (" 0:0\n", EventId(0, 0)),
        ("obligations/2/77", RecordId("obligations", 2, 77)),
        ("netting.dead/0/0", RecordId("netting.dead", 0, 0)),
        (NET, ResultId(NET)),
        ("P7-000000001", ResultId("P7-000000001")),
        ("-1:5", ResultId("-1:5")),
        ("3:", ResultId("3:")),
        ("a b/1/2", ResultId("a b/1/2")),
        ("/1/2", ResultId("/1/2")),
        ("obligations/2", ResultId("obligations/2")),
        ("\u0663:1", ResultId("\u0663:1")),  # a digit, but none of a log
    ],
)
def test_the_shape_says_what_is_meant(text: str, meant: EventId | RecordId | ResultId) -> None:
    assert parse_id(text) == meant


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1))
def test_what_is_written_is_read_again(shard: int, place: int) -> None:
    assert parse_id(str(EventId(shard, place))) == EventId(shard, place)
    record = RecordId("graph.edges", shard, place)
    assert parse_id(str(record)) == record
    assert str(ResultId(NET)) == NET


@pytest.mark.parametrize(
    "text",
    ["", "  ", f"0:{2**63}", f"{2**31}:0", f"a/0/{2**63}", f"a/{2**31}/0", "0:" + "9" * 9999],
)
def test_nonsense_is_told_in_one_line(text: str) -> None:
    with pytest.raises(UserError) as told:
        parse_id(text)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 120
