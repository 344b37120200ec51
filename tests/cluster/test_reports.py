"""Reports from a real log: generated input, the real jobs, a report sent to the stand-in."""

import threading
import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from connectors.generators import Faults, Plan, Trades, expected_counts
from connectors.reader import LogReader
from deploy.drills.rig import Rig
from deploy.oracle import data
from deploy.reports import client, desk, page
from deploy.reports.endpoint import Rules, server
from deploy.reports.operations import KINDS, operations
from deploy.reports.states import ACKNOWLEDGED, REJECTED, replayed
from deploy.reports.submission import histories, steps, submit
from deploy.reports.transactions import fills, report
from deploy.reports.walk import Log, Window, read_log
from deploy.stack import Stack
from deploy.verification import Place
from jobs.catalogue import JOBS, Config
from schemas.codec import decode_batch
from schemas.records import record

TRADES = 4_000


@pytest.fixture(scope="module")
def rig(stack: Stack) -> Iterator[Rig]:
    """A feed with faults, netted, and everything that came of it chained."""
    config = Config(partitions=stack.settings.partitions)
    with Rig(stack, f"r{uuid.uuid4().hex[:6]}.", config) as rig:
        plan = Plan(TRADES, 7, config.partitions, Faults.total(0.05))
        rig.feed(Trades(7, date(2026, 3, 2)), plan).result()
        rig.submit("netting", 2)
        rig.wait("netting", rig.ends("obligations"))
        rig.stop("netting")
        rig.submit("regulatory", 2)
        yield rig


@pytest.fixture(scope="module")
def reader(rig: Rig) -> Iterator[LogReader]:
    reader = LogReader(rig.settings.brokers, rig.prefix)
    yield reader
    reader.close()


def chained(rig: Rig) -> Log:
    """The log once everything written so far is in it."""
    rig.wait("regulatory", rig.ends(*(feed.topic for feed in JOBS["regulatory"](rig.config).feeds)))
    place = Place(rig.settings.brokers, rig.prefix)
    return read_log(place, rig.config.partitions, Window(), KINDS)


def test_transaction_reports_hold_each_fill_once(rig: Rig, reader: LogReader) -> None:
    found = fills(reader, range(rig.config.partitions), Window())
    labels = [
        value for p in range(rig.config.partitions) for value in data(reader.read("labels", p))
    ]
    expected = expected_counts(decode_batch(record("Label"), labels)[0])["fills"]
    # "too far ahead" is judged against a job's ticks, so here it is a fill of its day
    ahead = expected.dead.get("too-far-ahead", 0)
    assert found.frame.height == TRADES + ahead
    assert found.repeats == expected.duplicates
    assert found.refused.height == sum(expected.dead.values()) - ahead
    tables = report(found)
    assert tables["open"].is_empty()
    assert tables["transactions"].height == tables["lineage"].height == TRADES + ahead


def test_the_daily_report_says_what_the_jobs_counted(rig: Rig, tmp_path: Path) -> None:
    found = operations(chained(rig))
    with rig.follower("netting") as follower:
        follower.poll()
        counts = follower.counts
    (row,) = found.tables["batches"].to_dicts()
    assert row["job"] == "netting"
    assert {name: row[name] for name in counts if name in row} == {
        name: count for name, count in counts.items() if name in row
    }
    assert row["used"] == 2 * TRADES
    assert found.tables["dead"]["records"].sum() == counts["dead"]
    assert found.tables["inputs"]["records"].sum() == counts["records"]
    assert found.totals["unreadable"] == found.totals["wrong_chains"] == 0
    assert found.totals["cycles"] > 0
    assert page.write(tmp_path, found, "all of it").stat().st_size > 10_000


def test_each_step_of_a_submission_becomes_an_event(rig: Rig, reader: LogReader) -> None:
    content, better = (b"a,b\n%d,2\n" % number for number in rejected_then_accepted())
    with server(0, Rules(seed=1, share=0.5)) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{serving.server_address[1]}/reports"

        def carry(octets: bytes, corrects: str = "", reason: str = "") -> str:
            with desk.journal(rig.settings, rig.settings.brokers, rig.prefix) as journal:
                last = submit(
                    journal,
                    "sar",
                    octets,
                    url,
                    lambda name, attempt, sent: client.send(url, name, attempt, sent),
                    corrects,
                    reason,
                )
            assert last.state == (ACKNOWLEDGED if corrects else REJECTED)
            return last.report_id

        name = carry(content)
        assert carry(better, name, "mended") == name
        serving.shutdown()
        thread.join()
    history = histories(steps(reader, range(rig.config.partitions)))[name]
    assert replayed(history) == []
    told = chained(rig).results["ReportSubmission"].filter(report_id=name)
    assert told.select("state", "attempt").rows() == [
        *(("PREPARED", 0), ("SENT", 1), ("REJECTED", 1)),
        *(("CORRECTED", 1), ("SENT", 2), ("ACKNOWLEDGED", 2)),
    ]


def rejected_then_accepted() -> tuple[int, int]:
    """Numbers whose files the stand-in rejects and acknowledges."""
    states = {n: Rules(seed=1, share=0.5).answer(b"a,b\n%d,2\n" % n)["state"] for n in range(64)}
    return (
        next(n for n, state in states.items() if state == REJECTED),
        next(n for n, state in states.items() if state == ACKNOWLEDGED),
    )
