"""From cash, names and a list to the chain and to drafts: three jobs folded over one log."""

from collections.abc import Iterator
from datetime import date

import pytest

from connectors.batches import Result
from connectors.log import fold_shard
from connectors.spec import JobSpec
from deploy.proofs.sources import InMemory
from deploy.reports.background import backgrounds
from deploy.reports.cases import cases
from deploy.reports.ctr import CashDay, days
from deploy.reports.sar import sar
from deploy.reports.walk import Log as Walked
from deploy.reports.walk import Window, walk
from deploy.screening.publish import Publication, messages
from jobs.catalogue import Config, aml_job, regulatory_job, screening_job
from schemas.codec import decode
from tests.aml_log import HOUR, START, Log
from tests.chained import fold_into
from udfs.regulatory.said import NOT_CHAINED
from udfs.screening.listed import LISTED, Entry

CONFIG = Config(partitions=1, slice_ms=60_000, lateness_ms=1_000)
MINUTE = 60_000_000
LISTED_NAME, NAME, PAYEE = "Ivan Petrov", "Iwan Petrow", "PETROV Ivan"
KINDS = ("Alert", "Customer", "ScreeningRun")


def results(log: Log, job: JobSpec) -> Iterator[tuple[int, Result]]:
    """What a job writes, with the end of its slice in log time, milliseconds."""
    for batch in fold_shard(job, 0, log.log.partition([feed.topic for feed in job.feeds], 0)):
        end = decode(batch.results[-1].value)[1]["slice_end"] // 1_000
        yield from ((end, result) for result in batch.results)


@pytest.fixture(scope="module")
def log() -> Log:
    """A customer whose name is listed pays in 10,500.00 USD in a day, and pays a listed party."""
    log = Log()
    entry = Entry(id="E1", name=LISTED_NAME, kind="PERSON", category="SANCTION")
    listed = Publication.of("eu", LISTED, 1, "ann", START + 1_000, [entry])
    log.log.tick("lists", 0, START // 1_000 + 1_000, START)
    for value in messages(listed, 0):
        log.log.append("lists", 0, START // 1_000 + 1_001, value, b"eu")
    log.log.tick("lists", 0, (START + HOUR) // 1_000 + 1_000, START + HOUR)
    log.customer("k1", "A", START + MINUTE, name=NAME)
    log.customer("k2", "A", START + 20 * MINUTE, name=NAME, rating="HIGH")
    for number, dollars in enumerate((6_000, 3_000, 1_500), start=1):
        time = START + number * 10 * MINUTE
        log.post(f"cash{number}", time, channel="CASH", amount=dollars * 100)
    wire = {"direction": "DEBIT", "channel": "WIRE", "counterparty_name": PAYEE}
    log.post("wire", START + 40 * MINUTE, None, amount=50_000_00, **wire)
    log.tick(START + HOUR)
    written = [one for job in (aml_job, screening_job) for one in results(log, job(CONFIG))]
    for appended, result in sorted(written, key=lambda one: one[0]):
        log.log.append(result.topic, 0, appended, result.value, result.key)
    fold_into(log.log, regulatory_job(CONFIG))
    return log


@pytest.fixture(scope="module")
def walked(log: Log) -> Walked:
    return walk(InMemory(log.log), 0, Window(), KINDS)


def test_the_chain_holds_what_was_found_and_what_was_changed(walked: Walked) -> None:
    assert walked.ok
    rules = walked.results["Alert"].group_by("rule").len().rows()
    assert ("ctr-aggregation", 1) in rules
    assert ("sanctions-screening", 2) in rules  # the customer, and the payment
    told = walked.results["Customer"].select("customer", "name", "rating", "author").rows()
    assert told == [("A", "", "LOW", "officer"), ("A", "", "HIGH", "officer")]
    assert walked.results["ScreeningRun"]["outcome"].to_list() == ["IN_FORCE"]
    assert set(walked.results["Alert"].filter(rule="sanctions-screening")["reason"]) == {
        NOT_CHAINED
    }


@pytest.mark.parametrize("word", ["Iwan", "Petrow", "PETROV", "Ivan"])
def test_no_name_is_in_any_event(log: Log, word: str) -> None:
    events = [value or b"" for value in log.log.spans["regulatory.events", 0].values]
    assert len(events) > 10
    assert not any(word.encode() in event for event in events)


def test_the_alert_in_its_topic_tells_both_names(log: Log) -> None:
    alerts = [decode(value or b"")[1] for value in log.log.spans["alerts", 0].values]
    reasons = [one["reason"] for one in alerts if one["rule"] == "sanctions-screening"]
    assert any(NAME in reason and LISTED_NAME in reason for reason in reasons)


def test_drafts_come_from_what_the_jobs_wrote(log: Log, walked: Walked) -> None:
    source, alerts = InMemory(log.log), walked.results["Alert"]
    (case,) = cases(alerts.filter(rule="ctr-aggregation"), "AML")
    background = backgrounds(source, range(1), [case])["A"]
    (day,) = days(case, background)
    assert isinstance(day, CashDay)
    # 08:10 to 08:30 UTC are 03:10 to 03:30 in New York, of the same day
    assert (day.day, int(day.cash["base"].sum())) == (date(2026, 3, 2), 10_500_00)
    (suspicion,) = cases(alerts.filter(rule="sanctions-screening"), "AML")
    known = {
        name: value for part in sar(suspicion, background).parts for name, value in part.fields
    }
    assert known["Product types and payment mechanisms"] == ["WIRE"]
