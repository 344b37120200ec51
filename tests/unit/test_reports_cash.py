"""Drafts of CTR and SAR from alerts, postings and customers; compared with files read by eye."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.topics import partition_of
from deploy.alerts.states import Status
from deploy.errors import UserError
from deploy.reports.background import Background, backgrounds
from deploy.reports.cases import Case, cases
from deploy.reports.ctr import CashDay, ctr, days
from deploy.reports.drafts import Draft, write
from deploy.reports.sar import sar
from deploy.reports.walk import Window, joined, walk
from schemas.codec import encode
from schemas.records import record
from tests.made_log import MadeLog, filled
from udfs.aml.ruleset import digest

GOLDEN = Path(__file__).parents[1] / "golden" / "reports"
MIDNIGHT = 1_772_427_600_000_000  # 2026-03-02T05:00:00Z, 2 March 00:00 in New York
HOUR = 3_600_000_000
DAY = 24 * HOUR
SHARD = partition_of(b"C-77", 2)
BODY = '{"base":"USD","rates":{"EUR":1080000,"USD":1000000}}'
"""As much of a rule set as amounts need."""
POSTING = {
    "producer": "bank",
    "owner": "C-77",
    "account": "ACC1",
    "counterparty_account": "X",
    "counterparty_country": "US",
    "direction": "CREDIT",
    "scale": 2,
    "currency": "USD",
    "channel": "CASH",
    "country": "US",
    "area": "US-NY",
}


class Bank:
    """A log with one customer's record, cash postings and alerts."""

    def __init__(self) -> None:
        self.log = MadeLog()
        self.number = 0
        named = {"ruleset_id": "r1", "producer": "rules", "name": "aml", "epoch": 1, "body": BODY}
        said = {**named, "hash": digest(BODY), "author": "ada", "key_id": "0" * 16}
        self.put("rules", "RuleSet", **said)

    def put(self, topic: str, name: str, /, **given: Any) -> None:
        rec, values = record(name), filled(name, {"sequence": self.number, **given})
        self.log.append(topic, SHARD, 1_000 + self.number, encode(rec, values), b"k")
        self.number += 1

    def post(self, name: str, time: int, amount: int, /, **given: Any) -> None:
        said = {"posting_id": name, "payment_id": name, "time": time, "amount": amount}
        self.put("postings", "Posting", **{**POSTING, **said, **given})

    def customer(self, time: int = 0, **given: Any) -> None:
        usual = {"change_id": f"k{time}", "producer": "kyc", "customer": "C-77", "kind": "BUSINESS"}
        usual |= {"name": "Corner Shop", "country": "US", "area": "US-NY", "author": "ada"}
        usual |= {"zone": "America/New_York", "industry": "retail", "identity": "PASSED"}
        self.put("customers", "Customer", **{**usual, "time": time, **given})

    def alert(self, name: str, **given: Any) -> None:
        usual = {
            "domain": "AML",
            "rule": "ctr-aggregation",
            "rule_version": "aml/1",
            "decided_by": f"rules:{digest(BODY)}",
            "subject": "C-77",
            "subject_kind": "CUSTOMER",
            "band": "LOW",
            "score": 100_000,
            "amount": 10_100_10,
            "currency": "USD",
            "scale": 2,
            "measured": "10100.10 USD of cash-in in 3 transactions on 2026-03-02",
            "limit": "more than 10000.00 USD a business day",
            "reason": "The cash-in of one person in one business day exceeds the limit.",
            "events": "p1;p2;p3",
            "event_count": 3,
            "time": MIDNIGHT + 22 * HOUR,
            "first_time": MIDNIGHT + 9 * HOUR,
            "last_time": MIDNIGHT + 22 * HOUR,
        }
        said = {**usual, "alert_id": name, **given}
        lineage = f"postings/{SHARD}:1-6"
        self.log.result(SHARD, 5_000, "alerts", "Alert", lineage=lineage, **said)

    def case(self) -> Case:
        logs = [walk(self.log.source(), shard, Window(), ["Alert"]) for shard in range(2)]
        (case,) = cases(joined(logs, ["Alert"]).results["Alert"], "AML")
        return case

    def background(self) -> Background:
        return backgrounds(self.log.source(), range(2), [self.case()])["C-77"]

    def days(self) -> list[CashDay]:
        return days(self.case(), self.background())


def shop() -> Bank:
    """Cash of 2 March in New York, and what stands beside it and does not count."""
    bank = Bank()
    bank.customer()
    bank.post("before", MIDNIGHT - 1, 50_000_00)
    bank.post("p1", MIDNIGHT + 9 * HOUR, 4_000_00)
    # 5,000.00 EUR at 1.08 are 5,400.00 USD
    bank.post("p2", MIDNIGHT + 13 * HOUR, 5_000_00, currency="EUR", account="ACC2", area="US-NJ")
    bank.post("wire", MIDNIGHT + 14 * HOUR, 90_000_00, channel="WIRE")
    bank.post("other", MIDNIGHT + 14 * HOUR, 90_000_00, owner="C-78")
    bank.post("p4", MIDNIGHT + 15 * HOUR, 2_000_00, direction="DEBIT")
    bank.post("p3", MIDNIGHT + 22 * HOUR, 700_10, counterparty="C-5", counterparty_name="A. Payer")
    bank.post("after", MIDNIGHT + DAY, 60_000_00)
    bank.alert("ctr-1")
    return bank


@pytest.fixture
def bank() -> Bank:
    return shop()


def fields(draft: Draft) -> dict[str, Any]:
    return {name: value for part in draft.parts for name, value in part.fields}


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


def suspicious() -> Bank:
    bank = Bank()
    bank.customer(pep=True)
    for number in (1, 2, 3):
        bank.post(f"p{number}", MIDNIGHT + number * HOUR, 9_500_00)
    bank.post("p4", MIDNIGHT + 5 * HOUR, 28_000_00, channel="WIRE", direction="DEBIT")
    usual = {"rule": "structuring", "amount": 28_500_00, "limit": "10000.00 USD a day"}
    usual |= {"reason": "deposits below the limit", "measured": "3 deposits of 9500.00 USD"}
    bank.alert("s-1", **usual, time=MIDNIGHT + 3 * HOUR)
    bank.alert("s-1.2", **usual, corrects="s-1", time=MIDNIGHT + 9 * DAY)
    bank.alert(
        "v-1", **{**usual, "rule": "velocity"}, events="p3;p4", event_count=2, time=MIDNIGHT + DAY
    )
    return bank


def test_a_sar_is_the_file_read_by_eye(tmp_path: Path) -> None:
    bank = suspicious()
    draft = sar(bank.case(), bank.background(), {"s-1": Status(), "v-1": Status()})
    (path,) = write(tmp_path, [draft])
    assert path.read_text() == (GOLDEN / "sar.md").read_text()
    assert path.with_suffix(".json").read_text() == (GOLDEN / "sar.json").read_text()
    known = fields(draft)
    # each posting once: 3 x 9,500.00 in; 28,000.00 out
    assert known["Amount: distinct postings behind the alerts"] == [
        "in 28500.00 USD in 3",
        "out 28000.00 USD in 1",
    ]
    assert known["Product types and payment mechanisms"] == ["CASH", "WIRE"]


@pytest.mark.parametrize(
    ("suspects", "day"),
    [
        ({}, "2026-04-01"),  # 30 days after 2 March, the first form of s-1
        ({"s-1": "suspect-unknown"}, "2026-04-02"),  # then v-1 of 3 March comes first
        ({"s-1": "suspect-unknown", "v-1": "suspect-unknown"}, "2026-05-01"),  # 60 days
    ],
)
def test_a_sar_is_due_30_days_after_the_first_form_60_without_a_suspect(
    suspects: dict[str, str], day: str
) -> None:
    stands = {name: Status(suspect=said) for name, said in suspects.items()}
    known = fields(sar(suspicious().case(), stands=stands))
    assert known["Latest day of filing, if the first alert was initial detection"] == day
    assert known["Suspect identified at detection"] == (["suspect-unknown"] if suspects else None)


def test_a_committed_name_stays_a_commitment(bank: Bank) -> None:
    bank.customer(5, name="c1:" + "a" * 43)
    person = dict(ctr(bank.days()[0]).parts[0].fields)
    assert person["Name"] == "c1:" + "a" * 43


def test_a_draft_names_its_alerts_for_the_check_before_filing(tmp_path: Path) -> None:
    (path,) = write(tmp_path, [sar(suspicious().case())])
    assert json.loads(path.with_suffix(".json").read_text())["alerts"] == ["v-1", "s-1"]
