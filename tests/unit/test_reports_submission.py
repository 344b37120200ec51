"""Submission: every step in the table and no other, each recorded, against the real stand-in."""

import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import product
from pathlib import Path

import pytest
import requests

from connectors.topics import partition_of
from deploy.errors import UserError
from deploy.reports import client, desk
from deploy.reports.client import Verdict
from deploy.reports.endpoint import HASH_HEADER, Rules, server
from deploy.reports.states import (
    ACKNOWLEDGED,
    CORRECTED,
    PREPARED,
    REJECTED,
    SENT,
    STEPS,
    Step,
    check,
    first,
    following,
    replayed,
    report_id,
)
from deploy.reports.submission import KafkaJournal, histories, steps, submit
from schemas.codec import decode
from tests.made_log import MadeLog

STATES = [PREPARED, SENT, ACKNOWLEDGED, REJECTED, CORRECTED]
LEGAL = {
    (None, PREPARED),
    (PREPARED, SENT),
    (SENT, ACKNOWLEDGED),
    (SENT, REJECTED),
    (REJECTED, CORRECTED),
    (CORRECTED, SENT),
}
NOW = 1_772_409_600_000_000
URL = "http://127.0.0.1:1/reports"
CONTENT, BETTER = b"a,b\n1,2\n", b"a,b\n1,3\n"


@pytest.mark.parametrize(("last", "state"), list(product([None, *STATES], STATES)))
def test_a_step_is_legal_only_if_it_is_in_the_picture(last: str | None, state: str) -> None:
    if (last, state) in LEGAL:
        check("r", last, state)
        return
    with pytest.raises(UserError) as told:
        check("r", last, state)
    assert "\n" not in str(told.value)


def test_every_state_has_its_steps() -> None:
    assert set(STEPS) == {None, *STATES}
    assert STEPS[ACKNOWLEDGED] == frozenset()


def test_the_id_comes_from_the_content() -> None:
    # SHA-256 of "abc": FIPS 180-2, appendix B.1
    assert report_id("sar", b"abc") == "sar-ba7816bf8f01cfea414140de5dae2223"


def test_a_history_is_judged_step_by_step() -> None:
    prepared = first("sar", CONTENT)
    sent = following(prepared, SENT)
    assert replayed([]) == []
    assert replayed([prepared, sent]) == []
    assert replayed([sent]) == ["step 0 is missing: step 1 stands there"]
    wrong = Step(**{**vars(sent), "state": ACKNOWLEDGED})
    assert replayed([prepared, wrong]) == ["step 1 goes from PREPARED to ACKNOWLEDGED"]


class Kafka:
    """The topic in memory."""

    def __init__(self) -> None:
        self.log = MadeLog(4)

    def journal(self) -> KafkaJournal:
        def send(partition: int, key: bytes, value: bytes) -> None:
            self.log.append("submissions", partition, NOW // 1_000, value, key)

        return KafkaJournal(self.log.source(), send, 4, lambda: NOW)

    def history(self, report: str) -> list[Step]:
        return histories(steps(self.log.source(), range(4))).get(report, [])


def answering(*verdicts: Verdict) -> Iterator[Verdict]:
    yield from verdicts


YES = Verdict(ACKNOWLEDGED, "R1", "")
NO = Verdict(REJECTED, "R0", "entity not known")


def test_an_acknowledged_report_took_three_steps_and_takes_no_other() -> None:
    kafka = Kafka()
    sent = []

    def send(name: str, attempt: int, content: bytes) -> Verdict:
        sent.append((name, attempt, content))
        return YES

    last = submit(kafka.journal(), "sar", CONTENT, URL, send)
    name = f"sar-{sha256(CONTENT).hexdigest()[:32]}"
    assert sent == [(name, 1, CONTENT)]
    found = kafka.history(name)
    assert [(one.state, one.attempt, one.endpoint, one.reference) for one in found] == [
        (PREPARED, 0, "", ""),
        (SENT, 1, URL, ""),
        (ACKNOWLEDGED, 1, URL, "R1"),
    ]
    assert last == found[-1]
    with pytest.raises(UserError, match="is ACKNOWLEDGED and cannot become SENT: that is the end"):
        submit(kafka.journal(), "sar", CONTENT, URL, send)
    assert len(sent) == 1


def test_a_rejected_report_is_corrected_and_sent_again_under_its_id() -> None:
    kafka = Kafka()
    answers = answering(NO, YES)

    def send(name: str, attempt: int, content: bytes) -> Verdict:
        return next(answers)

    rejected = submit(kafka.journal(), "sar", CONTENT, URL, send)
    assert (rejected.state, rejected.reason) == (REJECTED, "entity not known")
    name = rejected.report_id
    with pytest.raises(UserError, match="was rejected"):
        submit(kafka.journal(), "sar", CONTENT, URL, send)
    with pytest.raises(UserError, match="is the one that was rejected"):
        submit(kafka.journal(), "sar", CONTENT, URL, send, name, "same")
    with pytest.raises(UserError, match="needs a reason"):
        submit(kafka.journal(), "sar", BETTER, URL, send, name)
    with pytest.raises(UserError, match="of kind sar, not stor"):
        submit(kafka.journal(), "stor", BETTER, URL, send, name, "x")
    last = submit(kafka.journal(), "sar", BETTER, URL, send, name, "entity mended")
    found = kafka.history(name)
    assert [(one.state, one.attempt) for one in found] == [
        *((PREPARED, 0), (SENT, 1), (REJECTED, 1), (CORRECTED, 1), (SENT, 2), (ACKNOWLEDGED, 2))
    ]
    assert found[3].reason == "entity mended"
    assert last.content_hash == sha256(BETTER).hexdigest()
    assert replayed(found) == []


@pytest.mark.parametrize("broken_off", ["before SENT", "while sending", "before the verdict"])
def test_a_submission_that_was_broken_off_goes_on_where_it_was(broken_off: str) -> None:
    kafka = Kafka()
    journal = kafka.journal()

    class Broken(Exception):
        pass

    class Failing:
        def history(self, report: str) -> list[Step]:
            return journal.history(report)

        def write(self, step: Step) -> None:
            if (step.number, broken_off) in ((1, "before SENT"), (2, "before the verdict")):
                raise Broken
            journal.write(step)

    def send(name: str, attempt: int, content: bytes) -> Verdict:
        if broken_off == "while sending":
            raise Broken
        return YES

    with pytest.raises(Broken):
        submit(Failing(), "sar", CONTENT, URL, send)
    submit(journal, "sar", CONTENT, URL, lambda name, attempt, content: YES)
    found = kafka.history(report_id("sar", CONTENT))
    assert [(one.state, one.attempt) for one in found] == [
        (PREPARED, 0),
        (SENT, 1),
        (ACKNOWLEDGED, 1),
    ]


def test_steps_are_numbered_by_producer_in_their_partition() -> None:
    kafka = Kafka()
    for number in range(6):
        content = b"a,%d" % number
        submit(kafka.journal(), "sar", content, URL, lambda name, attempt, octets: YES)
    for (topic, partition), span in kafka.log.spans.items():
        rows = [decode(value or b"")[1] for value in span.values]
        assert topic == "submissions"
        assert [row["sequence"] for row in rows] == list(range(len(rows)))
        assert {row["producer"] for row in rows} == {f"reports/submissions/{partition}"}
        assert {partition_of(row["report_id"].encode(), 4) for row in rows} == {partition}
        assert {row["time"] for row in rows} == {NOW}


def test_what_cannot_be_recorded_is_refused_before_anything_is_sent() -> None:
    kafka = Kafka()
    rejected = submit(kafka.journal(), "sar", CONTENT, URL, lambda name, attempt, octets: NO)
    for reason in ("x" * 1_025, "two\nlines"):
        with pytest.raises(UserError, match="cannot be recorded: out-of-range: reason"):
            submit(
                *(kafka.journal(), "sar", BETTER, URL, lambda name, attempt, octets: YES),
                rejected.report_id,
                reason,
            )
    assert kafka.history(rejected.report_id)[-1].state == REJECTED
    with pytest.raises(UserError, match="the file is empty"):
        submit(kafka.journal(), "sar", b"", URL, lambda name, attempt, octets: YES)
    with pytest.raises(UserError, match="there is no report sar-1"):
        submit(kafka.journal(), "sar", CONTENT, URL, lambda name, attempt, octets: YES, "sar-1")


@pytest.fixture
def standing() -> Iterator[str]:
    """The stand-in, rejecting nothing that is well formed."""
    with server(0, Rules(share=0.0)) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}/reports"
        serving.shutdown()
        thread.join()


def test_the_stand_in_acknowledges_and_gives_the_same_answer_again(standing: str) -> None:
    answers = {client.send(standing, "sar-1", 1, CONTENT) for _ in range(2)}
    (verdict,) = answers
    assert verdict.state == ACKNOWLEDGED
    assert verdict.reference.startswith("REF-")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b" \n", "the file is empty"),
        (b"\xff\xfe,", "the file is not UTF-8"),
        (b"hello", "the file is neither CSV nor JSON nor Markdown"),
    ],
)
def test_the_stand_in_rejects_what_is_no_report(standing: str, content: bytes, reason: str) -> None:
    verdict = client.send(standing, "sar-1", 1, content)
    assert (verdict.state, verdict.reason) == (REJECTED, reason)


def test_the_stand_in_refuses_other_paths_and_other_bytes(standing: str) -> None:
    with pytest.raises(UserError, match="HTTP 404: the report stays SENT"):
        client.send(standing.replace("/reports", "/other"), "sar-1", 1, CONTENT)
    told = requests.post(standing, data=CONTENT, headers={HASH_HEADER: "0"}, timeout=5)
    assert told.status_code == 400


def test_rejections_are_drawn_by_content_and_seed() -> None:
    contents = [b"a,%d" % number for number in range(2_000)]
    states = [Rules(seed=1, share=0.25).answer(one)["state"] for one in contents]
    assert states == [Rules(seed=1, share=0.25).answer(one)["state"] for one in contents]
    assert states != [Rules(seed=2, share=0.25).answer(one)["state"] for one in contents]
    # 500 expected of 2,000; 4 standard deviations of a binomial are 77
    assert 423 <= states.count(REJECTED) <= 577


class Answer(BaseHTTPRequestHandler):
    """Says what the class attribute says, and counts how often."""

    status, body, asked = 200, b"", 0

    def do_POST(self) -> None:
        type(self).asked += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "body", "says", "tries"),
    [
        (503, b"", "gave no answer", client.TRIES),
        (302, b"", "HTTP 302", 1),
        (200, b"<html>", "no verdict", 1),
        (200, b"[]", "no verdict", 1),
        (200, b'{"state": "MAYBE", "reference": "r"}', "neither yes nor no", 1),
        (200, b'{"state": "REJECTED", "reference": 1}', "no plain text", 1),
        (200, b'{"state": "REJECTED", "reference": "r", "reason": "a\\nb"}', "no plain text", 1),
        (200, b'{"state": "REJECTED", "reference": "%s"}' % (b"r" * 65), "too long", 1),
    ],
)
def test_an_answer_that_is_no_verdict_is_one_line(
    status: int, body: bytes, says: str, tries: int
) -> None:
    handler = type("Handler", (Answer,), {"status": status, "body": body, "asked": 0})
    with HTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{serving.server_address[1]}/reports"
        with pytest.raises(UserError, match=says) as told:
            client.send(url, "sar-1", 1, CONTENT, pause_s=0.0)
        serving.shutdown()
        thread.join()
    assert "\n" not in str(told.value)
    assert handler.asked == tries  # type: ignore[attr-defined]


def test_nobody_there_is_one_line() -> None:
    with pytest.raises(UserError, match="gave no answer"):
        client.send("http://127.0.0.1:1/reports", "sar-1", 1, CONTENT, pause_s=0.0)


@pytest.mark.parametrize(
    "url",
    ["", "ftp://x/y", "http://", "http://a:b@c/", "http://x:99999/", "http://x/ y", "x" * 300],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="is no address"):
        desk.checked_url(url)


def test_the_kind_comes_from_the_name_or_is_asked_for(tmp_path: Path) -> None:
    kinds = ("transactions", "sar")
    assert desk.kind_of(Path("sar-c77.md"), None, kinds) == "sar"
    assert desk.kind_of(Path("x.csv"), "sar", kinds) == "sar"
    for name, kind in (("x.csv", None), ("sar.md", "nonsense")):
        with pytest.raises(UserError, match="give --kind, one of: transactions, sar"):
            desk.kind_of(Path(name), kind, kinds)
    with pytest.raises(UserError, match="is no file"):
        desk.content_of(tmp_path)
