"""What waits for the watermark, and the one order in which it is taken."""

from typing import Any

import polars as pl

from connectors.state import ColumnTable
from udfs.aml.held import HELD, POSTING, due

State = dict[str, ColumnTable]
FILLED: dict[str, Any] = {
    "posting_id": "", "owner": "A", "account": "A-1", "direction": "CREDIT", "channel": "CASH",
    "amount": 1, "scale": 2, "currency": "USD", "counterparty": "", "counterparty_name": "",
    "counterparty_account": "X", "counterparty_country": "US", "country": "", "area": "",
    "latitude": 0, "longitude": 0, "card_present": False, "late": False, "offset": 0,
}  # fmt: skip
ACTION = {"subject": "A", "rule": "", "kind": "SNOOZE", "until": 9}
SET = {
    "name": "aml", "mode": "LIVE", "body": "{}", "hash": "h", "key_id": "k", "signature": b"s",
}  # fmt: skip


def state() -> State:
    return {name: ColumnTable(spec) for name, spec in HELD.items()}


def postings(*rows: tuple[str, int, int, int]) -> dict[str, pl.DataFrame]:
    """Rows of id, time, watermark before, offset."""
    names = ("posting_id", "time", "watermark", "offset")
    return {"postings": pl.DataFrame([FILLED | dict(zip(names, row, strict=True)) for row in rows])}


def test_what_counts_up_to_the_moment_comes_out_and_the_rest_stays() -> None:
    held = state()
    batch = postings(("p1", 9, 0, 0), ("p2", 10, 0, 1), ("p3", 11, 0, 2))
    assert due(held, batch, "postings", 10)["posting_id"].to_list() == ["p1", "p2"]
    assert held["aml.due"].frame()["posting_id"].to_list() == ["p3"]
    assert due(held, {}, "postings", 10).is_empty()
    assert due(held, {}, "postings", 11)["posting_id"].to_list() == ["p3"]
    assert len(held["aml.due"]) == 0


def test_a_late_record_counts_at_the_watermark_before_it() -> None:
    found = due(state(), postings(("late", 3, 7, 1), ("on-time", 7, 7, 0)), "postings", 10)
    assert found.select("posting_id", "at").rows() == [("late", 7), ("on-time", 7)]


def test_postings_come_by_time_then_id_then_offset_whatever_was_held() -> None:
    rows = [("b", 5, 0, 0), ("a", 5, 0, 3), ("a", 5, 0, 1), ("c", 4, 0, 2)]
    at_once = due(state(), postings(*rows), "postings", 9)
    held = state()
    for row in reversed(rows):
        assert due(held, postings(row), "postings", 3).is_empty()
    assert at_once.equals(due(held, {}, "postings", 9))
    assert at_once["offset"].to_list() == [2, 1, 3, 0]
    assert at_once.columns == list(POSTING.columns)


def test_actions_of_one_moment_come_by_offset() -> None:
    rows = [ACTION | {"time": time, "watermark": 7, "offset": 7 - time} for time in (1, 2, 3)]
    held = state()
    due(held, {"alert.actions": pl.DataFrame(rows)}, "alert.actions", 6)
    assert due(held, {}, "alert.actions", 7)["offset"].to_list() == [4, 5, 6]


def test_rule_sets_count_from_their_effective_time_and_come_by_epoch() -> None:
    rows = [
        SET | {"epoch": epoch, "time": 1, "effective_time": time, "watermark": 0, "offset": offset}
        for epoch, time, offset in ((3, 5, 0), (2, 5, 1), (1, 6, 2))
    ]
    found = due(state(), {"rules": pl.DataFrame(rows)}, "rules", 6)
    assert found.select("at", "epoch").rows() == [(5, 2), (5, 3), (6, 1)]
    assert found["signature"].to_list() == [b"s"] * 3
