"""`tidemark alerts` over a log in memory: what is recorded, what is shown, what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from connectors.topics import partition_of
from deploy import cli
from deploy.alerts.actions import Actions, action_id
from deploy.alerts.worklist import worklist
from deploy.commands import alerts
from deploy.errors import UserError
from deploy.rules import ends
from schemas.codec import decode, encode
from schemas.records import record
from tests.made_rules import DAY, HOUR, NOON, Desk, Shell

SEEN = NOON + HOUR  # where the stream is


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.alert("a1", band="LOW", reason="three deposits", events="p1;p2;p3")
    desk.alert("a2", "C-2", rule="velocity")
    desk.alert("a1.2", band="HIGH", reason="four deposits", corrects="a1", time=NOON + 1)
    desk.tick("postings", SEEN)
    desk.tick("alert.actions")
    return desk


@pytest.fixture
def shell(
    tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    app = typer.Typer()
    alerts.register(app)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(cli, "register_all", lambda: None)
    monkeypatch.setattr(ends, "opened", desk.opened)
    return Shell(tmp_path, desk, capsys)


def recorded(desk: Desk) -> list[dict[str, Any]]:
    return [
        decode(value or b"")[1]
        for batch in desk.sent
        for value in batch.values
        if batch.topic == "alert.actions"
    ]


def status(desk: Desk, alert: str) -> tuple[str, ...]:
    found = worklist(desk.log.source(), range(4)).one(alert).status
    return found.state, found.assignee, found.outcome, found.approver, found.label


def test_an_alert_is_worked_on_by_two_people(shell: Shell, desk: Desk) -> None:
    for argv in (
        ["acknowledge", "a1", "--user", "ada"],
        ["assign", "a1.2", "--user", "ada"],
        ["label", "a1", "--user", "ada", "--label", "true-positive"],
        ["close", "a1", "--user", "ada", "--outcome", "reported", "--reason", "SAR 17"],
        ["approve", "a1", "--user", "bob"],
    ):
        code, _, err = shell("alerts", *argv)
        assert code == 0, err
    assert status(desk, "a1") == ("APPROVED", "ada", "reported", "bob", "true-positive")
    rows = recorded(desk)
    place = partition_of(b"C-1", 4)
    assert {batch.partition for batch in desk.sent} == {place}
    assert [row["kind"] for row in rows] == ["ACKNOWLEDGE", "ASSIGN", "LABEL", "CLOSE", "APPROVE"]
    assert [row["sequence"] for row in rows] == [0, 1, 2, 3, 4]
    for row in rows:
        assert row["producer"] == f"tidemark/alert.actions/{place}"
        assert (row["subject"], row["alert_id"], row["rule"]) == ("C-1", "a1", "structuring")
        assert (row["time"], row["until"]) == (SEEN, 0)
        assert row["action_id"] == action_id(row)
    assert len({row["action_id"] for row in rows}) == 5


def test_the_same_deed_gives_the_same_record(desk: Desk) -> None:
    Actions(desk.ends()).act("ASSIGN", ["a1"], "ada")
    other = Desk()
    other.alert("a1")
    other.tick("postings", SEEN)
    Actions(other.ends()).act("ASSIGN", ["a1"], "ada")
    assert recorded(desk) == recorded(other)


def test_several_alerts_are_done_at_once_or_none(shell: Shell, desk: Desk) -> None:
    code, out, _ = shell("alerts", "assign", "a2", "a1", "a1.2", "--user", "ada", "--json")
    assert code == 0
    assert [row["id"] for row in json.loads(out)] == ["a2", "a1"]
    assert len(recorded(desk)) == 2
    shell("alerts", "close", "a2", "--user", "ada", "--outcome", "duplicate", "--reason", "x")
    asked = ["--user", "bob", "--outcome", "duplicate", "--reason", "x"]
    code, _, err = shell("alerts", "close", "a1", "a2", *asked)
    assert (code, err.count("\n")) == (1, 1)
    assert status(desk, "a1")[0] == "ASSIGNED"


def test_two_alerts_of_a_subject_are_numbered_one_after_the_other(desk: Desk) -> None:
    desk.alert("a3", "C-1", rule="velocity")
    Actions(desk.ends()).act("ASSIGN", ["a1", "a3"], "ada")
    assert [row["sequence"] for row in recorded(desk)] == [0, 1]
    assert {status(desk, one)[0] for one in ("a1", "a3")} == {"ASSIGNED"}


def test_an_amended_alert_is_shown_with_its_first_version(shell: Shell) -> None:
    archive = shell.archive()
    code, out, _ = shell("alerts", "list", "--file", archive, "--json")
    rows = {row["id"]: row for row in json.loads(out)}
    assert set(rows) == {"a1", "a2"}
    assert (rows["a1"]["versions"], rows["a1"]["band"]) == (2, "HIGH")
    assert rows["a1"]["time"] == "2026-03-02T12:00:00.000000Z"
    code, out, _ = shell("alerts", "show", "a1.2", "--file", archive, "--json")
    shown = json.loads(out)
    assert code == 0
    assert [one["reason"] for one in shown["versions"]] == ["three deposits", "four deposits"]


def test_an_amendment_after_the_end_is_marked(shell: Shell, desk: Desk) -> None:
    steps = Actions(desk.ends())
    steps.act("ASSIGN", ["a1"], "ada")
    Actions(desk.ends()).act("CLOSE", ["a1"], "ada", "not-reported", "known")
    assert not worklist(desk.log.source(), range(4)).one("a1").amended_since
    desk.alert("a1.3", corrects="a1")
    assert worklist(desk.log.source(), range(4)).one("a1").amended_since
    _, out, _ = shell("alerts", "list", "--file", shell.archive())
    assert "amended since" in out


def test_the_list_is_chosen_from(shell: Shell, desk: Desk) -> None:
    Actions(desk.ends()).act("ASSIGN", ["a2"], "ada")
    archive = shell.archive()
    for argv, ids in (
        (["--state", "open"], ["a1"]),
        (["--subject", "C-2"], ["a2"]),
        (["--rule", "structuring"], ["a1"]),
        (["--domain", "RISK"], []),
    ):
        _, out, _ = shell("alerts", "list", "--file", archive, "--json", *argv)
        assert [row["id"] for row in json.loads(out)] == ids


def test_cases_name_what_is_overdue(shell: Shell, desk: Desk) -> None:
    desk.alert("a4", "C-2", rule="ctr", time=NOON)
    archive = shell.archive()
    _, out, _ = shell("alerts", "cases", "--now", "2026-03-18", "--file", archive, "--json")
    first, second = json.loads(out)
    assert (first["customer"], second["customer"]) == ("C-2", "C-1")
    assert [(d["report"], d["day"], d["overdue"]) for d in first["due"]] == [
        ("CTR", "2026-03-17", True),
        ("SAR", "2026-04-01", False),
    ]
    _, out, _ = shell("alerts", "cases", "--now", "2026-03-18", "--file", archive)
    assert out.count("OVERDUE") == 1
    _, out, _ = shell("alerts", "cases", "--now", "2026-04-02", "--file", archive)
    assert out.count("OVERDUE") == 3


def test_a_subject_sleeps_and_wakes(shell: Shell, desk: Desk) -> None:
    asked = ["--until", "2026-03-09T00:00:00Z", "--user", "ada", "--reason", "fair"]
    code, _, err = shell("alerts", "snooze", "C-1", "--rule", "structuring", *asked)
    assert code == 0, err
    _, out, _ = shell("alerts", "snoozes", "--file", shell.archive(), "--json")
    (row,) = json.loads(out)
    assert (row["subject"], row["rule"], row["reason"]) == ("C-1", "structuring", "fair")
    assert row["until"] == "2026-03-09T00:00:00.000000Z"
    _, out, _ = shell("alerts", "wake", "C-1", "--rule", "structuring", "--user", "bob")
    assert "structuring" in out
    assert not worklist(desk.log.source(), range(4)).snoozes
    first, last = recorded(desk)
    assert (first["kind"], first["alert_id"], first["until"]) == (
        *("SNOOZE", ""),
        NOON + 6 * DAY + 12 * HOUR,
    )
    assert (last["kind"], last["rule"], last["until"]) == ("WAKE", "structuring", 0)


def test_what_the_log_holds_against_the_rules_is_named(shell: Shell, desk: Desk) -> None:
    Actions(desk.ends()).act("ASSIGN", ["a1"], "ada")
    Actions(desk.ends()).act("CLOSE", ["a1"], "ada", "not-reported", "known")
    row = recorded(desk)[-1]
    forged = [
        row | {"kind": "APPROVE", "sequence": 7},
        row | {"alert_id": "a9", "sequence": 8},
        row | {"sequence": 7, "user": "bob", "kind": "APPROVE"},  # the number was there
    ]
    for one in forged:
        value = encode(record("AlertAction"), one)
        desk.append("alert.actions", partition_of(b"C-1", 4), value, b"C-1")
    code, out, err = shell("alerts", "list", "--file", shell.archive())
    assert code == 1
    assert "CLOSED" in out
    assert "actions that may not have been taken (2) and count for nothing" in err
    assert "ada closed alert a1: another person approves it" in err
    code, _, err = shell("alerts", "show", "a1", "--file", shell.archive())
    assert code == 1
    assert "may not have been taken (1)" in err


BAD: list[tuple[list[str], str]] = [
    (["assign", "a9", "--user", "ada"], "there is no alert 'a9'; look at"),
    (["approve", "a1", "--user", "ada"], "alert a1 is OPEN: APPROVE is for one that is CLOSED"),
    (["assign", "a1", "--user", "a b"], "it cannot be recorded: out-of-range: user"),
    (["assign", "a1", "--user", ""], "it cannot be recorded: out-of-range: user"),
    (["label", "a1", "--user", "ada", "--label", "x"], "'x' is no label; give one of"),
    (["assign", "a1", "--user", "a", "--now", "x"], "--now 'x' is no time"),
    (
        ["assign", "a1", "--user", "a", "--now", "2026-03-02T11:59:59Z"],
        "alert a1 is of 2026-03-02T12:00:00.000000Z, after 2026-03-02T11:59:59.000000Z",
    ),
    (
        ["assign", "a1", "--user", "a", "--now", "2026-03-02T14:00:00.000001Z"],
        "is over an hour ahead of the stream, which is at 2026-03-02T13:00:00.000000Z",
    ),
    (
        ["reopen", "a1", "--user", "a", "--reason", "x" * 1_025],
        "alert a1 is OPEN: REOPEN is for one that is CLOSED or APPROVED",
    ),
    (["wake", "C-1", "--user", "a"], "C-1, all rules: there is no snooze to end"),
]
ASLEEP = ["--user", "a", "--reason", "x", "--until"]
BAD += [
    (["snooze", "C-9", *ASLEEP, "2026-03-03T00:00:00Z"], "there is no alert on 'C-9'"),
    (["snooze", "C-1", *ASLEEP, "2026-03-02T13:00:00Z"], "is over; give a time to come"),
    (["snooze", "C-1", *ASLEEP, "2027-03-02T13:00:00Z"], "lasts at most 90 days"),
    (["snooze", "C-1", *ASLEEP, "monday"], "--until 'monday' is no time"),
    (
        ["snooze", "C-1", "--rule", "velocity", *ASLEEP, "2026-03-03T00:00:00Z"],
        "no alert on C-1 is of rule 'velocity'; there are: structuring",
    ),
]


@pytest.mark.parametrize(("argv", "says"), BAD)
def test_what_is_refused_is_one_line_and_writes_nothing(
    shell: Shell, desk: Desk, argv: list[str], says: str
) -> None:
    code, out, err = shell("alerts", *argv)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert says in err
    assert not desk.sent


def test_other_things_a_person_can_mend(shell: Shell, desk: Desk) -> None:
    archive = shell.archive()
    for argv, says in (
        (["list", "--state", "GONE"], "--state GONE is none; give one of: OPEN"),
        (["show", "a9"], "there is no alert 'a9'"),
        (["cases", "--now", "today"], "--now 'today' is not a day"),
    ):
        code, _, err = shell("alerts", *argv, "--file", archive)
        assert (code, err.count("\n")) == (1, 1)
        assert says in err
    quiet = Desk()
    quiet.alert("a1")
    with pytest.raises(UserError, match="the stream has shown no time yet; give --now TIME"):
        Actions(quiet.ends())
    assert Actions(quiet.ends(), NOON).act("ASSIGN", ["a1"], "ada")[0][1].state == "ASSIGNED"


def test_help_loads_nothing_heavy(shell: Shell) -> None:
    code, out, _ = shell("alerts", "--help")
    assert code == 0
    assert {"list", "show", "cases", "close", "approve", "snooze", "wake"} <= set(out.split())
