"""What a schema asks of a field is asked of every row; the first broken rule is the reason."""

import re
from typing import Any

import polars as pl
import pytest

from schemas.checks import violations
from schemas.codec import Rejected
from schemas.records import names, record
from tests.strategies import frame

OBLIGATION: dict[str, Any] = {
    "obligation_id": "O1",
    "trade_id": "T1",
    "producer": "ccp/0",
    "sequence": 0,
    "trade_time": 1_700_000_000_000_000,
    "netting_set": "529900T8BM49AURSDO55|EUR",
    "ccp": "529900T8BM49AURSDO55",
    "payer": "HWUPKR0MPOU8FGXBT394",
    "receiver": "5493001KJTIIGC8Y1R12",
    "asset": "EUR",
    "amount": 1,
    "scale": 2,
    "settlement_date": 19_700,
    "mic": "XETR",
}


def found(*changes: dict[str, Any]) -> list[Rejected]:
    rec = record("Obligation")
    return violations(rec, frame(rec, [OBLIGATION | change for change in changes]))


def test_good_rows_have_no_violations() -> None:
    assert found({}, {"asset": "US0378331005"}, {"amount": 10**12}) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": -5}, "amount is -5, at least 1 is asked"),
        ({"amount": 10**12 + 1}, f"amount is {10**12 + 1}, at most {10**12} is asked"),
        ({"scale": 10}, "scale is 10, at most 9 is asked"),
        ({"sequence": -1}, "sequence is -1, at least 0 is asked"),
        ({"sequence": 2**63 - 1}, f"sequence is {2**63 - 1}, at most {10**15} is asked"),
        ({"payer": "HWUPKR0MPOU8FGXBT395"}, "payer is 'HWUPKR0MPOU8FGXBT395', an LEI is asked"),
        ({"payer": ""}, "payer is '', an LEI is asked"),
        ({"mic": "xetr"}, "mic is 'xetr', a MIC is asked"),
        ({"asset": "DEM"}, "asset is 'DEM', a currency or an ISIN is asked"),
        ({"obligation_id": ""}, "obligation_id is '', the pattern [!-~]+ is asked"),
        ({"obligation_id": "a\n"}, r"obligation_id is 'a\n', the pattern [!-~]+ is asked"),
        ({"mic": "é" * 3}, r"mic is '\xe9\xe9\xe9', at most 4 bytes is asked"),
        ({"trade_id": "x" * 999}, f"trade_id is '{'x' * 40}...', at most 64 bytes is asked"),
    ],
)
def test_broken_rule_is_the_reason(change: dict[str, Any], reason: str) -> None:
    assert found({}, change, {}) == [Rejected(1, f"out-of-range: {reason}")]


def test_first_broken_rule_in_field_order_counts_and_rows_come_in_order() -> None:
    rejected = found({"mic": "?"}, {}, {"mic": "?", "amount": 0, "trade_id": " "})
    assert [(bad.index, bad.reason.split()[1]) for bad in rejected] == [(0, "mic"), (2, "trade_id")]


def test_free_text_may_be_anything_but_control_characters() -> None:
    rec = record("Label")
    label = {name: 0 if dtype.is_integer() else "late" for name, dtype in rec.columns.items()}
    good = frame(rec, [label | {"note": "Grüße 😀"}, label | {"note": ""}])
    assert violations(rec, good) == []
    bad = frame(rec, [label | {"note": note} for note in ("a\x00", "\x7f", "\u0085", "\n")])
    assert [found.index for found in violations(rec, bad)] == [0, 1, 2, 3]


def test_frame_may_have_more_columns_and_no_rows() -> None:
    rec = record("Obligation")
    assert violations(rec, frame(rec, [])) == []
    more = frame(rec, [OBLIGATION]).with_columns(offset=pl.lit(1), watermark=pl.lit(None))
    assert violations(rec, more) == []


@pytest.mark.parametrize("name", names())
def test_rules_of_every_record_can_be_evaluated(name: str) -> None:
    rec = record(name)
    zero = {pl.Boolean(): False, pl.String(): "", pl.Binary(): b""}
    zeros = {field: zero.get(dtype, 0) for field, dtype in rec.columns.items()}
    assert len(violations(rec, frame(rec, [zeros]))) <= 1


def test_octets_have_a_length_too() -> None:
    rec = record("ScenarioRow")
    text = {
        "name": "market",
        "row_id": "r",
        "producer": "p",
        "author": "ann",
        "isin": "US0378331005",
    }
    row = {
        "time": 0,
        "epoch": 1,
        "parts": 1,
        "decay_ppm": 1,
        "book_scenarios": 1,
        "firm_scenarios": 1,
    }
    row |= text | {"set_digest": "0" * 64, "approver": "", "reason": "", "method": "HISTORICAL"}
    row |= {"part": 0, "seed": 0, "sequence": 0}
    rows = [row | {"returns": b"x" * size} for size in (40_000, 40_001)]
    reason = "out-of-range: returns is 40001 bytes, at most 40000 bytes is asked"
    assert violations(rec, frame(rec, rows)) == [Rejected(1, reason)]


@pytest.mark.parametrize("name", names())
def test_pattern_is_written_in_what_both_engines_read_alike(name: str) -> None:
    patterns = [
        f["check"]["pattern"] for f in record(name).fields if "pattern" in f.get("check", ())
    ]
    for pattern in patterns:
        assert re.fullmatch(r"[][A-Za-z0-9(){}|!~*+?._-]*", pattern.replace(r"\|", "|"))
        assert not any(special in pattern for special in ("(?", "[[", "&&", "--", "~~"))


@pytest.mark.parametrize(
    "change",
    [{}, {"payer": ""}, {"trade_id": "a\n"}, {"mic": "\xe9" * 3}, {"scale": 10}, {"amount": 0}],
)
def test_many_rows_are_judged_as_few_are(change: dict[str, Any]) -> None:
    few = found({}, change)
    rec = record("Obligation")
    many = violations(rec, frame(rec, [OBLIGATION | change] + [OBLIGATION] * 300))
    assert [bad.reason for bad in many] == [bad.reason for bad in few]
