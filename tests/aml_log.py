"""Postings by hand, and the AML job folded over them without Flink."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from connectors.batches import Folded
from connectors.log import MemoryLog, fold_shard
from connectors.spec import JobSpec
from jobs.catalogue import Config, aml_job
from schemas.codec import encode
from schemas.records import record
from tests.rule_sets import PUBLIC, signed
from udfs.aml.catalogue import PARAMS
from udfs.aml.ruleset import canonical, parse

DAY = 86_400_000_000
HOUR = 3_600_000_000
START = 1_772_438_400_000_000
"""2 March 2026, 08:00 UTC, microseconds."""
SECOND = 1_000_000
FEEDS = ("postings", "customers", "rules", "alert.actions")

POSTING: Mapping[str, Any] = {
    "producer": "bank",
    "owner": "A",
    "account": "A-1",
    "counterparty_account": "X-1",
    "counterparty_country": "US",
    "direction": "CREDIT",
    "amount": 100_00,
    "scale": 2,
    "currency": "USD",
    "channel": "TRANSFER",
    "counterparty": "",
    "counterparty_name": "",
    "country": "US",
    "area": "",
    "latitude": 0,
    "longitude": 0,
    "card_present": False,
}
CUSTOMER: Mapping[str, Any] = {
    "producer": "kyc",
    "kind": "PERSON",
    "name": "somebody",
    "country": "US",
    "area": "US-NY",
    "zone": "America/New_York",
    "opened": START - 400 * DAY,
    "industry": "",
    "identity": "PASSED",
    "pep": False,
    "rating": "LOW",
    "reasons": "",
    "due_diligence": "STANDARD",
    "author": "officer",
}


class Log:
    """One shard's feeds; every record is appended at its own business time plus a second."""

    def __init__(self) -> None:
        """Nothing yet but a tick at the start in each feed."""
        self.log = MemoryLog()
        self._numbers = dict.fromkeys(FEEDS, 0)
        self.tick(START)

    def tick(self, time: int) -> None:
        """The business clock of every feed."""
        for topic in FEEDS:
            self.log.tick(topic, 0, time // 1_000 + 1_000, time)

    def put(
        self, topic: str, name: str, row: Mapping[str, Any], appended: int | None = None
    ) -> None:
        """Append a record, numbered by its producer."""
        number = self._numbers[topic]
        self._numbers[topic] += 1
        at = (row["time"] if appended is None else appended) // 1_000 + 1_000
        self.log.append(topic, 0, at, encode(record(name), {"sequence": number, **row}), b"k")

    def post(self, posting_id: str, time: int, appended: int | None = None, **fields: Any) -> None:
        """Append a posting."""
        row = {
            **POSTING,
            "posting_id": posting_id,
            "payment_id": posting_id,
            "time": time,
            **fields,
        }
        self.put("postings", "Posting", row, appended)

    def customer(
        self,
        change_id: str,
        customer: str,
        time: int,
        appended: int | None = None,
        **fields: Any,
    ) -> None:
        """Append what is known of a customer from then on."""
        row = {**CUSTOMER, "change_id": change_id, "customer": customer, "time": time, **fields}
        self.put("customers", "Customer", row, appended)

    def repeat(self, topic: str) -> None:
        """Append the newest record of a topic once more."""
        span = self.log.spans[topic, 0]
        self.log.append(topic, 0, span.appended[-1], span.values[-1], span.keys[-1])

    def rules(
        self, epoch: int, effective: int, body: str, mode: str = "LIVE", **fields: Any
    ) -> None:
        """Append a rule set that is signed, at its `time`."""
        row = signed(epoch, effective, body, mode, **fields)
        self.put("rules", "RuleSet", row)

    def action(self, kind: str, subject: str, time: int, **fields: Any) -> None:
        """Append what a person did."""
        row = {
            "action_id": f"{kind}-{subject}-{time}",
            "producer": "desk",
            "subject": subject,
            "alert_id": "",
            "rule": "",
            "kind": kind,
            "until": 0,
            "disposition": "",
            "user": "ada",
            "reason": "because",
            "time": time,
        }
        appended = fields.pop("appended", None)
        self.put("alert.actions", "AlertAction", row | fields, appended)

    def fold(self, job: JobSpec) -> list[Folded]:
        """All batches of the shard."""
        return list(fold_shard(job, 0, self.log.partition(FEEDS, 0)))


def job(slice_ms: int = 1_000, lateness_ms: int = 1_000) -> JobSpec:
    """The job over one partition that takes rule sets of the test key."""
    return aml_job(Config(1, slice_ms, lateness_ms, rule_keys=PUBLIC.hex()))


def cash_counted(**params: Any) -> str:
    """A rule set in which each cash-in of a day is an outcome: 1 LOW, 2 MEDIUM, 3 and more HIGH."""
    bands = [
        {"name": name, "at_least": number, "score": 300_000 * number}
        for number, name in enumerate(("LOW", "MEDIUM", "HIGH"), 1)
    ]
    chosen = {"limit": 1, "below": 100_000_00, "window_days": 1, "bands": bands, **params}
    return canonical(parse(json.dumps({"rules": {"micro-structuring": chosen}}), PARAMS))


def outputs(folded: Sequence[Folded], topic: str) -> pl.DataFrame:
    """Everything written to a topic, as the step said it."""
    frames = [one.outputs[topic] for one in folded if topic in one.outputs]
    return pl.concat(frames) if frames else pl.DataFrame()
