"""A bank's log made by hand: one customer, postings and alerts, for drafts of CTR and SAR."""

from typing import Any

from connectors.topics import partition_of
from deploy.reports.background import Background, backgrounds
from deploy.reports.cases import Case, cases
from deploy.reports.ctr import CashDay, days
from deploy.reports.drafts import Draft
from deploy.reports.walk import Window, joined, walk
from schemas.codec import encode
from schemas.records import record
from tests.made_log import MadeLog, filled
from udfs.aml.ruleset import digest

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


def fields(draft: Draft) -> dict[str, Any]:
    return {name: value for part in draft.parts for name, value in part.fields}
