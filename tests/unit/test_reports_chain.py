"""Alerts, changes and submissions as the regulatory job chains them, and the reports on them."""

from typing import Any

import pytest

from connectors.log import MemoryLog, fold_shard, results_by_topic
from deploy.proofs.sources import InMemory
from deploy.reports import controls
from deploy.reports.cases import cases
from deploy.reports.walk import Log, Window, walk
from jobs.catalogue import Config, regulatory_job
from schemas.codec import encode
from schemas.records import record
from tests.made_log import LOG, filled

APPENDED = 1_772_409_600_000  # 2026-03-02T00:00:00Z
HASH = "a" * 64
KINDS = ("Alert", "ControlChange", "ReportSubmission", "BatchIndex")


def message(name: str, /, **given: Any) -> bytes:
    return encode(record(name), filled(name, given))


ALERT = {
    "domain": "AML",
    "producer": "aml/0",
    "subject": "C1",
    "decided_by": f"rules:{HASH}",
    "version": "aml/1",
    "source_topic": "postings",
    "first_offset": 5,
    "last_offset": 90,
    "time": 1_000 * APPENDED + 1,
}
CHANGE = {
    "change_id": "c1",
    "producer": "desk/control.changes/0",
    "name": "aml",
    "to_hash": HASH,
    "author": "ann",
    "approver": "bob",
    "time": 1_000 * APPENDED,
    "effective_time": 1_000 * APPENDED,
}
SENT = {
    "step_id": "sar-1#0",
    "producer": "reports/submissions/0",
    "report_id": "sar-1",
    "kind": "sar",
    "content_hash": HASH,
    "time": 1_000 * APPENDED,
}


@pytest.fixture(scope="module")
def log() -> Log:
    made = MemoryLog()
    made.append("control.changes", 0, APPENDED, message("ControlChange", **CHANGE))
    made.append("alerts", 0, APPENDED + 1, message("Alert", **ALERT, alert_id="a1"))
    amended = {"alert_id": "a1.2", "corrects": "a1", "sequence": 1, "amount": 9}
    made.append("alerts", 0, APPENDED + 2, message("Alert", **(ALERT | amended)))
    made.append("submissions", 0, APPENDED + 3, message("ReportSubmission", **SENT))
    job = regulatory_job(Config(partitions=1))
    spans = made.partition([feed.topic for feed in job.feeds], 0)
    out = MemoryLog()
    for key, value in results_by_topic(fold_shard(job, 0, spans))[LOG]:
        out.append(LOG, 0, APPENDED + 2_000, value, key)
    return walk(InMemory(out), 0, Window(), KINDS)


def test_every_one_is_an_event_of_a_chain_that_holds(log: Log) -> None:
    assert log.ok
    assert log.chains[0].length == 4
    places = [log.results[kind]["event"].to_list() for kind in KINDS]
    assert places == [["0:1", "0:2"], ["0:0"], ["0:3"], []]


def test_an_alert_keeps_its_lineage_and_who_decided(log: Log) -> None:
    (case,) = cases(log.results["Alert"], "AML")
    (alert,) = case.alerts
    assert (alert["event"], alert["event_lineage"]) == ("0:2", "postings/0:5-90")
    assert case.amended == ("0:1",)
    decided = log.deciders.filter(kind="Alert").select("version", "decided_by", "events").rows()
    assert decided == [("aml/1", f"rules:{HASH}", 2)]


def test_the_rule_set_that_decided_was_brought_in(log: Log) -> None:
    tables = controls.report(log, Window())
    assert tables["findings"].is_empty()
    assert tables["changes"].select("event", "name", "author", "approver").rows() == [
        ("0:0", "aml", "ann", "bob")
    ]
