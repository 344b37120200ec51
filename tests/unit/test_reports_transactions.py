"""Transaction reports in the shape of RTS 22: what is given, what is missing, what is refused."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import UserError
from deploy.reports import fields, transactions
from deploy.reports.transactions import fills, report
from deploy.reports.walk import Window
from schemas.codec import encode
from schemas.records import record
from tests.made_log import MadeLog, filled

GOLDEN = Path(__file__).parents[1] / "golden" / "reports"
OWN, OTHER = "5493001KJTIIGC8Y1R12", "7LTWFZYICNSX8D621K86"
APPLE = "US0378331005"
DAY = 1_772_409_600_000_000  # 2026-03-02T00:00:00Z
TEN = DAY + 36_000_000_000
ALL = Window()


def fill(**given: Any) -> bytes:
    usual = {
        "fill_id": "F1",
        "trade_id": "T1",
        "producer": "oms/fills/0",
        "sequence": 0,
        "trade_time": TEN,
        "book": "EQ1",
        "account": "A1",
        "member": OWN,
        "counterparty": OTHER,
        "isin": APPLE,
        "mic": "XNAS",
        "side": "BUY",
        "quantity": 100,
        "price": 1_875_050,
        "price_scale": 4,
        "currency": "USD",
        "fee": 0,
    }
    return encode(record("Fill"), filled("Fill", usual | given))


def log_of(*values: bytes | None) -> MadeLog:
    log = MadeLog()
    for value in values:
        log.append("fills", 0, 1_800_000_000_000, value, b"EQ1")
    return log


@pytest.fixture
def two() -> MadeLog:
    """A purchase and a sale, a tick between them, and the purchase sent once more."""
    log = log_of(fill())
    log.tick("fills", 0, 1_800_000_000_000)
    sale = {"fill_id": "F2", "side": "SELL", "quantity": 7, "price": 5, "price_scale": 0}
    log.append("fills", 0, 1_800_000_000_000, fill(sequence=1, trade_time=TEN + 1, **sale))
    log.append("fills", 0, 1_800_000_000_000, fill())
    return log


def test_the_files_are_those_written_by_hand(two: MadeLog, tmp_path: Path) -> None:
    transactions.write(tmp_path, fills(two.source(), [0], ALL), submitter=OWN)
    for name in ("transactions", "lineage", "open", "refused"):
        written = (tmp_path / f"{name}.csv").read_bytes()
        assert written == (GOLDEN / f"rts22-{name}.csv").read_bytes(), name


def test_every_field_of_the_annex_is_there_once_and_in_order(two: MadeLog) -> None:
    tables = report(fills(two.source(), [0], ALL))
    assert [name.split()[0] for name in tables["transactions"].columns] == [
        str(number) for number in range(1, 66)
    ]
    assert tables["fields"]["field"].to_list() == [str(number) for number in range(1, 66)]


def test_a_field_without_a_source_is_missing_and_empty(two: MadeLog) -> None:
    tables = report(fills(two.source(), [0], ALL))
    for field, name, status in tables["fields"].select("field", "name", "status").rows():
        values = set(tables["transactions"][f"{field} {name}"])
        assert (values == {""}) == (status == "missing"), field
    given = {"1", "2", "4", "7", "16", "28", "30", "33", "34", "36", "41"}
    assert {
        f for f, s in tables["fields"].select("field", "status").rows() if s == "given"
    } == given


def test_the_day_is_that_of_the_trade_time() -> None:
    log = log_of(
        fill(trade_time=DAY - 1),
        fill(fill_id="F2", sequence=1, trade_time=DAY),
        fill(fill_id="F3", sequence=2, trade_time=DAY + 86_400_000_000 - 1),
        fill(fill_id="F4", sequence=3, trade_time=DAY + 86_400_000_000),
    )
    day = Window(DAY, DAY + 86_400_000_000, "business")
    assert fills(log.source(), [0], day).frame["fill_id"].to_list() == ["F2", "F3"]


def test_what_is_no_fill_is_listed_with_its_place() -> None:
    log = log_of(None, b"nonsense", fill(quantity=0), fill(), fill(quantity=1), fill())
    found = fills(log.source(), [0], ALL)
    assert found.frame["place"].to_list() == ["fills/0/3"]
    assert found.repeats == 1
    reasons = {place: reason.split(":")[0] for place, reason in found.refused.rows()}
    assert reasons == {
        "fills/0/0": "tombstone",
        "fills/0/1": "undecodable",
        "fills/0/2": "out-of-range",
        "fills/0/4": "conflicting-duplicate",
    }


def test_a_reference_that_the_field_cannot_hold_is_left_open() -> None:
    ids = ["F/1", "x" * 53, "F1", "G-2", "//"]
    log = log_of(*(fill(fill_id=one, sequence=number) for number, one in enumerate(ids)))
    tables = report(fills(log.source(), [0], ALL))
    found = tables["transactions"]["2 Transaction Reference Number"].to_list()
    assert found == ["", "", "", "G2", ""]
    assert tables["open"].select("line", "found").rows() == [
        (1, "F/1"),
        (2, "x" * 53),
        (3, "F1"),
        (5, "//"),
    ]


def test_the_submitter_must_be_an_lei() -> None:
    assert [transactions.checked(one) for one in ("", OWN)] == ["", OWN]
    with pytest.raises(UserError, match="is no LEI"):
        transactions.checked("5493001KJTIIGC8Y1R13")


def test_no_fills_give_a_heading_alone(tmp_path: Path) -> None:
    transactions.write(tmp_path, fills(MadeLog().source(), [0, 1], ALL))
    (heading,) = csv.reader((tmp_path / "transactions.csv").read_text().splitlines())
    assert len(heading) == 65


@pytest.mark.parametrize("name", ["rts22", "emir"])
def test_field_lists_name_each_field_once_and_say_something_of_each(name: str) -> None:
    found = fields.load(name)
    assert len({one.field for one in found}) == len(found)
    assert all(one.name for one in found)
    assert all(one.note or one.source for one in found)
    assert json.dumps([one.note for one in found]).isascii()
