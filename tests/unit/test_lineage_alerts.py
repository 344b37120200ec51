"""Alerts through the regulatory job: known by subject, account and instrument, amended, traced."""

from pathlib import Path
from typing import Any

import pytest

from connectors.log import MemoryLog
from deploy.lineage.answer import trace
from deploy.lineage.asof import as_of
from deploy.lineage.build import build
from deploy.lineage.index import Index
from deploy.lineage.points import Point
from deploy.lineage.trace import Tracer
from deploy.log_ids import RecordId, ResultId
from jobs.catalogue import regulatory_job
from schemas.codec import encode
from schemas.records import record
from tests.chained import NOON, ONE, SECOND, SHARD, MemorySource, fold_into, payment

AT = NOON // 1_000


def alert(number: int, **changes: Any) -> bytes:
    row: dict[str, Any] = {
        "alert_id": f"alert-{number}",
        "producer": "aml/0",
        "sequence": number,
        "time": NOON + number,
        "domain": "AML",
        "rule": "structuring",
        "rule_version": "1",
        "decided_by": "rules:" + "ab" * 32,
        "subject": "C-X",
        "subject_kind": "CUSTOMER",
        "account": "X",
        "instrument": "",
        "venue": "",
        "band": "high",
        "score": 900_000,
        "amount": 500,
        "currency": "EUR",
        "scale": 2,
        "measured": "3 payments",
        "limit": "2 payments",
        "reason": "many small payments",
        "events": "P1;P2",
        "event_count": 2,
        "first_time": NOON,
        "last_time": NOON,
        "corrects": "",
        "source_topic": "payments",
        "source_partition": 0,
        "first_offset": 1,
        "last_offset": 2,
        "version": "aml/1",
    }
    return encode(record("Alert"), row | changes)


@pytest.fixture(scope="module")
def log() -> MemoryLog:
    """Three payments, an alert on the first two, and 10 s later one that amends it."""
    log = MemoryLog()
    for number in range(3):
        log.append("payments", 0, AT, payment(number, "X", "Y", 100, NOON + number * SECOND))
    log.append("alerts", 0, AT + 1_000, alert(0, first_offset=0, last_offset=1))
    amended = alert(1, corrects="alert-0", band="low", first_offset=1, last_offset=1)
    log.append("alerts", 0, AT + 11_000, amended)
    log.tick("alerts", 0, AT + 20_000)
    fold_into(log, regulatory_job(ONE))
    return log


@pytest.fixture(scope="module")
def path(log: MemoryLog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alerts") / "lineage.duckdb"
    build(MemorySource(log), path, SHARD)
    return path


@pytest.mark.parametrize("subject", ["C-X", "X"])
@pytest.mark.parametrize(
    ("at", "band", "versions"), [(AT + 5_000, "high", 1), (AT + 15_000, "low", 2)]
)
def test_an_amendment_counts_from_when_it_was_known(
    path: Path, subject: str, at: int, band: str, versions: int
) -> None:
    with Index(path) as index:
        (known,) = as_of(index, Point(at, {}), subject).results
    assert (known.latest.fields["band"], len(known.versions)) == (band, versions)
    assert known.latest.root == "alert-0"
    assert known.latest.decided_by == "rules:" + "ab" * 32


def test_an_alert_is_traced_to_its_payments_and_to_what_amends_it(
    log: MemoryLog, path: Path
) -> None:
    with Index(path) as index:
        tracer = Tracer(index, MemorySource(log))
        (first,) = trace(tracer, ResultId("alert-0"))
        (second,) = trace(tracer, ResultId("alert-1"))
    amended, rests = first.children
    assert (amended.what, amended.facts["result"]) == ("corrected by Alert", "alert-1")
    assert [child.id for child in rests.children] == ["payments/0/0", "payments/0/1"]
    corrects, only = second.children
    assert (corrects.what, corrects.facts["result"]) == ("corrects Alert", "alert-0")
    assert only.id == "payments/0/1"


def test_a_payment_leads_to_the_alerts_that_rest_on_it(log: MemoryLog, path: Path) -> None:
    with Index(path) as index:
        (node,) = trace(Tracer(index, MemorySource(log)), RecordId("payments", 0, 1))
    assert [(child.what, child.facts["result"]) for child in node.children] == [
        ("rests on a range with it: Alert", "alert-0"),
        ("Alert", "alert-1"),
    ]
