"""Drafts of CTR from alerts, postings and customers; compared with files read by eye."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from deploy.errors import UserError
from deploy.reports.ctr import ctr
from deploy.reports.drafts import write
from schemas.codec import encode
from schemas.records import record
from tests.made_bank import DAY, HOUR, MIDNIGHT, POSTING, SHARD, Bank, fields, shop
from tests.made_log import filled

GOLDEN = Path(__file__).parents[1] / "golden" / "reports"


@pytest.fixture
def bank() -> Bank:
    return shop()


def test_a_ctr_is_the_file_read_by_eye(bank: Bank, tmp_path: Path) -> None:
    (path,) = write(tmp_path, [ctr(day) for day in bank.days()])
    assert path.name.startswith("ctr-C-77-")
    assert path.stem.endswith("-2026-03-02")
    assert path.read_text() == (GOLDEN / "ctr.md").read_text()
    assert path.with_suffix(".json").read_text() == (GOLDEN / "ctr.json").read_text()


def test_all_cash_of_the_business_day_counts_each_way_by_itself(bank: Bank) -> None:
    (day,) = bank.days()
    assert day.day == date(2026, 3, 2)
    known = fields(ctr(day))
    # 4,000.00 + 5,400.00 + 700.10 USD; FinCEN's form takes whole dollars, rounded up
    assert known["Total cash in"] == (
        "10100.10 USD in 3 transactions; 10101 in whole dollars, rounded up"
    )
    assert known["Total cash out"] == (
        "2000.00 USD in 1 transaction: not more than 10000.00 USD, not reported"
    )
    assert known["Foreign currency"] == ["in 5000.00 EUR"]
    assert known["Latest day of filing"] == "2026-03-17"  # 31 CFR 1010.306(a)(1): 15 days after


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (0, "10000.00 USD in 1 transaction: not more than 10000.00 USD, not reported"),
        (-1, "9999.99 USD in 1 transaction: not more than 10000.00 USD, not reported"),
        (1, "10000.01 USD in 1 transaction; 10001 in whole dollars, rounded up"),
    ],
)
def test_ten_thousand_itself_is_not_reported(more: int, said: str) -> None:
    bank = Bank()
    bank.customer()
    bank.post("p1", MIDNIGHT, 10_000_00 + more)
    bank.alert("ctr-1", events="p1")
    assert fields(ctr(bank.days()[0]))["Total cash in"] == said


@pytest.mark.parametrize(
    ("time", "day"),
    [
        (MIDNIGHT - 1, date(2026, 3, 1)),
        (MIDNIGHT, date(2026, 3, 2)),
        (MIDNIGHT + DAY - 1, date(2026, 3, 2)),
        (MIDNIGHT + DAY, date(2026, 3, 3)),
    ],
)
def test_the_day_is_that_of_the_customers_zone(time: int, day: date) -> None:
    bank = Bank()
    bank.customer()
    bank.post("p1", time, 20_000_00)
    bank.alert("ctr-1", events="p1")
    assert [one.day for one in bank.days()] == [day]


def test_the_zone_is_the_one_known_then() -> None:
    bank = Bank()
    bank.customer()
    bank.customer(MIDNIGHT - HOUR, zone="Asia/Tokyo")  # 2 March 13:00 there an hour after
    bank.post("p0", MIDNIGHT - 2 * HOUR, 20_000_00)  # still 1 March in New York
    bank.post("p1", MIDNIGHT, 20_000_00)
    bank.alert("ctr-1", events="p0;p1")
    assert [one.day for one in bank.days()] == [date(2026, 3, 1), date(2026, 3, 2)]


def test_a_repeated_or_broken_posting_counts_for_nothing(bank: Bank) -> None:
    rec = record("Posting")
    spans = bank.log.spans["postings", SHARD]
    bank.log.append("postings", SHARD, 9_000, spans.values[1], b"k")
    broken = filled("Posting", {**POSTING, "posting_id": "p9", "amount": -1, "sequence": 99})
    bank.log.append("postings", SHARD, 9_001, encode(rec, broken), b"k")
    bank.log.append("postings", SHARD, 9_002, b"no posting", b"k")
    assert bank.days()[0].cash["posting_id"].to_list() == ["p1", "p2", "p4", "p3"]


def without_rules(bank: Bank) -> None:
    bank.alert("ctr-2", decided_by=f"rules:{'0' * 64}")


def without_postings(bank: Bank) -> None:
    bank.alert("ctr-2", events="p77")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without_rules, "the rule set behind the alerts on C-77 is not in `rules`"),
        (without_postings, "no posting behind alert ctr-2 is in `postings`"),
    ],
)
def test_what_a_ctr_is_made_from_must_be_there(
    bank: Bank, spoil: Callable[[Bank], None], says: str
) -> None:
    spoil(bank)
    with pytest.raises(UserError, match=says):
        bank.days()


def test_a_committed_name_stays_a_commitment(bank: Bank) -> None:
    bank.customer(5, name="c1:" + "a" * 43)
    person = dict(ctr(bank.days()[0]).parts[0].fields)
    assert person["Name"] == "c1:" + "a" * 43
