"""Postings by hand, and the AML job folded over them without Flink."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from connectors.batches import Folded
from connectors.log import MemoryLog, fold_shard
from connectors.spec import JobSpec
from schemas.codec import encode
from schemas.records import record

DAY = 86_400_000_000
HOUR = 3_600_000_000
START = 1_772_438_400_000_000
"""2 March 2026, 08:00 UTC, microseconds."""
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

    def customer(self, change_id: str, customer: str, time: int, **fields: Any) -> None:
        """Append what is known of a customer from then on."""
        row = {**CUSTOMER, "change_id": change_id, "customer": customer, "time": time, **fields}
        self.put("customers", "Customer", row)

    def fold(self, job: JobSpec) -> list[Folded]:
        """All batches of the shard."""
        return list(fold_shard(job, 0, self.log.partition(FEEDS, 0)))


def outputs(folded: Sequence[Folded], topic: str) -> pl.DataFrame:
    """Everything written to a topic, as the step said it."""
    frames = [one.outputs[topic] for one in folded if topic in one.outputs]
    return pl.concat(frames) if frames else pl.DataFrame()
