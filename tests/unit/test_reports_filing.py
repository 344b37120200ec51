"""A SAR or CTR goes out only when two people settled each of its alerts as reported."""

import json
from typing import Any

import pytest

from deploy.alerts.actions import Actions
from deploy.alerts.worklist import worklist
from deploy.errors import UserError
from deploy.reports.filing import FOUR_EYES, check, mark
from tests.made_rules import HOUR, NOON, Desk

DONE = (
    ("ASSIGN", "ada", ""),
    ("CLOSE", "ada", "reported"),
    ("APPROVE", "bob", ""),
)


def desk(*deeds: tuple[str, str, str]) -> Desk:
    """Two alerts, of which the first one was worked on."""
    made = Desk()
    made.alert("a1")
    made.alert("a2", rule="velocity")
    made.tick("postings", NOON + HOUR)
    for kind, user, outcome in deeds:
        Actions(made.ends()).act(kind, ["a1"], user, outcome, "seen")
    return made


def file(*alerts: str, form: str = "SAR") -> bytes:
    return json.dumps({"form": form, "alerts": alerts, "parts": []}).encode()


def checked(made: Desk, content: bytes, kind: str = "sar") -> None:
    check(kind, content, worklist(made.log.source(), range(4)))


@pytest.mark.parametrize("kind", FOUR_EYES)
def test_settled_by_two_it_may_be_filed(kind: str) -> None:
    checked(desk(*DONE), file("a1", form=kind.upper()), kind)


@pytest.mark.parametrize(
    ("deeds", "says"),
    [
        ((), "alert a1 is OPEN; close it as reported"),
        (DONE[:1], "alert a1 is ASSIGNED; close it as reported"),
        (DONE[:2], "alert a1 is CLOSED; close it as reported, and let another person approve"),
        (
            (DONE[0], ("CLOSE", "ada", "not-reported"), DONE[2]),
            "alert a1 was settled as not-reported; reopen it",
        ),
        ((*DONE, ("REOPEN", "carl", "")), "alert a1 is OPEN"),
    ],
)
def test_before_that_it_may_not(deeds: tuple[tuple[str, str, str], ...], says: str) -> None:
    with pytest.raises(UserError, match=says) as told:
        checked(desk(*deeds), file("a1"))
    assert "\n" not in str(told.value)


def test_once_acknowledged_the_alerts_are_marked_as_filed() -> None:
    made = desk(*DONE)
    mark("sar", file("a1", "a2"), Actions(made.ends()), "sar-17")
    found = worklist(made.log.source(), range(4))
    assert found.problems == []
    assert (found.one("a1").status.filed, found.one("a2").status.filed) == ("sar-17", "")
    last = found.one("a1").actions[-1]
    assert (last.kind, last.user, last.disposition) == ("LABEL", "report-submit", "filed")
    sent = len(made.sent)
    mark("sar", file("a1"), Actions(made.ends()), "sar-17")
    assert len(made.sent) == sent


def test_nobody_files_alone() -> None:
    with pytest.raises(UserError, match="ada closed alert a1: another person approves it"):
        desk(*DONE[:2], ("APPROVE", "ada", ""))


def test_every_alert_of_the_report_is_asked() -> None:
    with pytest.raises(UserError, match="alert a2 is OPEN"):
        checked(desk(*DONE), file("a1", "a2"))
    with pytest.raises(UserError, match="there is no alert 'a3'"):
        checked(desk(*DONE), file("a1", "a3"))


def test_an_alert_amended_since_is_looked_at_again() -> None:
    made = desk(*DONE)
    made.alert("a1.2", corrects="a1", time=NOON + HOUR)
    with pytest.raises(UserError, match="alert a1 was amended after it was closed"):
        checked(made, file("a1"))


@pytest.mark.parametrize(
    "content",
    [
        b"# SAR draft: C-77",
        b"[1]",
        b"{}",
        b"\xff",
        b"[" * 10_000,
        file("a1", form="CTR"),
        file(),
        json.dumps({"form": "SAR", "alerts": [1]}).encode(),
        json.dumps({"form": "SAR", "alerts": "a1"}).encode(),
    ],
)
def test_a_file_without_its_alerts_is_one_line(content: Any) -> None:
    with pytest.raises(UserError, match="the file is no SAR with its alerts; submit the") as told:
        checked(desk(*DONE), content)
    assert "\n" not in str(told.value)
