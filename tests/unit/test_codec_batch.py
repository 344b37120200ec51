"""A batch of a topic may hold anything: old versions, tombstones, other schemas."""

from typing import Any

import pytest

from schemas.codec import Rejected, decode_batch, encode
from schemas.records import record

OLD, MIDDLE, NEW = record("Payment", 1), record("Payment", 2), record("Payment", 3)
PAYMENT: dict[str, Any] = {
    "payment_id": "P1",
    "producer": "bank/0",
    "sequence": 1,
    "time": 1_700_000_000_000_000,
    "debtor": "D",
    "debtor_account": "DA",
    "creditor": "C",
    "creditor_account": "CA",
    "debtor_country": "DE",
    "creditor_country": "FR",
    "amount": 100,
    "scale": 2,
    "currency": "EUR",
}
OLDER_NAMES = {
    {"debtor": "debtor_owner", "creditor": "creditor_owner"}.get(name, name): value
    for name, value in PAYMENT.items()
}
OLD_MESSAGE = encode(OLD, OLDER_NAMES)
MIDDLE_MESSAGE = encode(MIDDLE, OLDER_NAMES | {"channel": "CARD"})
NEW_MESSAGE = encode(NEW, PAYMENT | {"channel": "WIRE", "end_to_end_id": "INV-7"})


def test_older_versions_are_brought_up_in_their_place() -> None:
    """Payment 2 gave `channel` a default, 3 took it back and renamed both owners by alias."""
    found, places, rejected = decode_batch(
        NEW, [NEW_MESSAGE, OLD_MESSAGE, MIDDLE_MESSAGE, OLD_MESSAGE]
    )
    assert found["channel"].to_list() == ["WIRE", "TRANSFER", "CARD", "TRANSFER"]
    assert found["end_to_end_id"].to_list() == ["INV-7"] + ["NOTPROVIDED"] * 3
    assert found.drop("channel", "end_to_end_id").rows(named=True) == [PAYMENT] * 4
    assert dict(found.schema) == NEW.columns
    assert places.tolist() == [0, 1, 2, 3]
    assert rejected == []


def test_newer_version_than_asked_for_is_unknown() -> None:
    _, places, rejected = decode_batch(OLD, [OLD_MESSAGE, NEW_MESSAGE])
    assert places.tolist() == [0]
    assert rejected == [Rejected(1, "unknown-schema: Payment 3 is not a Payment up to 1")]


def test_each_message_that_is_no_row_has_its_reason() -> None:
    fill = b"\x00" + record("Fill").schema_id.to_bytes(4, "big")
    messages = [
        None,
        b"",
        b"\x00\x00",
        NEW_MESSAGE,
        b"\x01" + NEW_MESSAGE[1:],
        b"\x00\x00\x0f\x42\x40x",
    ]
    found, places, rejected = decode_batch(
        NEW, [*messages, fill, NEW_MESSAGE[:-1], b"\x00" + b"\xff" * 9]
    )
    assert found.height == 1
    assert places.tolist() == [3]
    no_header = "undecodable: no wire header (0 and a schema id of 4 bytes)"
    assert rejected == [
        Rejected(0, "tombstone: the record has no value"),
        Rejected(1, no_header),
        Rejected(2, no_header),
        Rejected(4, no_header),
        Rejected(5, "unknown-schema: no schema has the id 1000000"),
        Rejected(6, "unknown-schema: Fill 1 is not a Payment up to 3"),
        Rejected(7, "undecodable: not exactly one Payment of version 3"),
        Rejected(8, "unknown-schema: no schema has the id 4294967295"),
    ]


@pytest.mark.parametrize("messages", [[], [None], [None, None], [b""], [b"\x00" * 5]])
def test_batch_without_rows_is_an_empty_frame(messages: list[bytes | None]) -> None:
    found, places, rejected = decode_batch(NEW, messages)
    assert found.height == 0
    assert dict(found.schema) == NEW.columns
    assert places.tolist() == []
    assert len(rejected) == len(messages)


def test_tombstone_between_good_messages_spoils_none() -> None:
    found, places, rejected = decode_batch(NEW, [NEW_MESSAGE, None, NEW_MESSAGE])
    assert found.height == 2
    assert places.tolist() == [0, 2]
    assert [bad.index for bad in rejected] == [1]
