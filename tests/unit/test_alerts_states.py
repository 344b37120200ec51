"""The state machine of alerts: every action in every state, four eyes, snoozes, cases and days."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

from deploy.alerts.cases import cases
from deploy.alerts.states import (
    ACKNOWLEDGED,
    APPROVED,
    ASSIGNED,
    CLOSED,
    LONGEST_US,
    OPEN,
    STATES,
    STEPS,
    Action,
    Status,
    all_asleep,
    asleep,
    folded,
    follow,
)
from deploy.alerts.worklist import Item
from deploy.errors import UserError
from tests.made_rules import DAY, HOUR, NOON

LEGAL = {
    ("ACKNOWLEDGE", OPEN): ACKNOWLEDGED,
    ("ASSIGN", OPEN): ASSIGNED,
    ("ASSIGN", ACKNOWLEDGED): ASSIGNED,
    ("ASSIGN", ASSIGNED): ASSIGNED,
    ("CLOSE", ASSIGNED): CLOSED,
    ("APPROVE", CLOSED): APPROVED,
    ("REOPEN", CLOSED): OPEN,
    ("REOPEN", APPROVED): OPEN,
}


def action(kind: str, user: str = "ada", **given: Any) -> Action:
    usual: dict[str, Any] = {"time": NOON, "alert_id": "a1", "reason": "seen"}
    if kind == "CLOSE":
        usual["disposition"] = "not-reported"
    return Action(**{"kind": kind, "subject": "C-1", "user": user} | usual | given)


@pytest.mark.parametrize(("kind", "state"), list(product(STEPS, STATES)))
def test_an_action_is_for_the_states_in_the_picture(kind: str, state: str) -> None:
    status = Status(state, closer="bob" if state in (CLOSED, APPROVED) else "")
    if (kind, state) in LEGAL:
        assert follow(status, action(kind)).state == LEGAL[kind, state]
        return
    with pytest.raises(UserError, match=f"alert a1 is {state}: {kind} is for one that is") as told:
        follow(status, action(kind))
    assert "\n" not in str(told.value)


def test_an_alert_on_its_way_to_the_end() -> None:
    status, wrong = folded(
        [
            action("ACKNOWLEDGE"),
            action("LABEL", disposition="unsure"),
            action("ASSIGN", "carl", time=NOON + 1),
            action("CLOSE", "carl", time=NOON + 2, disposition="reported"),
            action("APPROVE", "bob", time=NOON + 3),
            action("LABEL", "bob", time=NOON + 3, disposition="true-positive"),
        ]
    )
    assert wrong == []
    assert status == Status(APPROVED, "carl", "carl", "reported", "bob", "true-positive", NOON + 3)
    again = follow(status, action("REOPEN", "bob", time=NOON + 4))
    assert again == Status(OPEN, label="true-positive", time=NOON + 4)


@pytest.mark.parametrize("user", ["ada", "Ada", "ADA"])
def test_who_closed_an_alert_does_not_approve_it(user: str) -> None:
    closed = follow(Status(ASSIGNED, "ada"), action("CLOSE"))
    with pytest.raises(UserError, match=f"^{user} closed alert a1: another person approves it$"):
        follow(closed, action("APPROVE", user))
    assert follow(closed, action("APPROVE", "bob")).approver == "bob"


def test_after_it_was_opened_again_the_new_closer_counts() -> None:
    steps = [action("ASSIGN"), action("CLOSE"), action("REOPEN", "bob"), action("ASSIGN", "bob")]
    status, _ = folded([*steps, action("CLOSE", "bob")])
    with pytest.raises(UserError, match="bob closed alert a1"):
        follow(status, action("APPROVE", "bob"))
    assert follow(status, action("APPROVE", "ada")).state == APPROVED


@pytest.mark.parametrize(
    ("status", "wrong", "says"),
    [
        (Status(ASSIGNED), action("CLOSE", disposition="gone"), "'gone' is no outcome; give one"),
        (Status(ASSIGNED), action("CLOSE", reason=" "), "close needs a reason; give --reason"),
        (Status(CLOSED), action("REOPEN", reason=""), "reopen needs a reason; give --reason"),
        (Status(), action("LABEL", disposition="yes"), "'yes' is no label; give one of: true-p"),
        (Status(time=NOON + 1), action("ASSIGN"), "is before the last action, 2026-03-02T12:00"),
    ],
)
def test_what_is_wrong_with_an_action_is_one_line(status: Status, wrong: Action, says: str) -> None:
    with pytest.raises(UserError, match=says) as told:
        follow(status, wrong)
    assert "\n" not in str(told.value)


def test_a_recorded_action_that_was_not_allowed_changes_nothing() -> None:
    good = [action("ASSIGN"), action("CLOSE")]
    status, wrong = folded([*good, action("APPROVE"), action("ACKNOWLEDGE")])
    assert status == folded(good)[0]
    assert [one.split(":")[0] for one in wrong] == ["ada closed alert a1", "alert a1 is CLOSED"]


def snooze(**given: Any) -> Action:
    return action("SNOOZE", **{"alert_id": "", "until": NOON + DAY} | given)


def wake(**given: Any) -> Action:
    return action("WAKE", **{"alert_id": "", "time": NOON + HOUR} | given)


def test_a_rule_sleeps_beside_all_rules() -> None:
    done = [snooze(), snooze(rule="velocity"), snooze(subject="C-2"), wake(rule="velocity")]
    snoozes, wrong = all_asleep(done)
    assert wrong == []
    assert set(snoozes) == {("C-1", ""), ("C-2", "")}
    assert snoozes["C-1", ""].until == NOON + DAY
    longer, _ = all_asleep([*done, snooze(until=NOON + 2 * DAY)])
    assert longer["C-1", ""].until == NOON + 2 * DAY


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (snooze(until=NOON), "C-1, all rules: --until 2026-03-02T12:00:00.000000Z is over"),
        (snooze(until=NOON + LONGEST_US + 1), "C-1, all rules: a snooze lasts at most 90 days"),
        (snooze(reason=""), "snooze needs a reason"),
        (wake(), "C-1, all rules: there is no snooze to end"),
        (wake(rule="velocity", time=NOON + DAY), "C-1, rule velocity: there is no snooze to end"),
    ],
)
def test_a_snooze_that_cannot_be_is_one_line(wrong: Action, says: str) -> None:
    known = asleep({}, snooze(rule="velocity"))
    with pytest.raises(UserError, match=says):
        asleep(known, wrong)
    assert all_asleep([snooze(rule="velocity"), wrong])[0] == known


def test_the_longest_snooze_is_90_days() -> None:
    assert asleep({}, snooze(until=NOON + LONGEST_US))["C-1", ""].until == NOON + 90 * DAY


def item(name: str, time: int, state: str = OPEN, **row: Any) -> Item:
    usual = {"alert_id": name, "corrects": "", "subject": "C-1", "rule": "velocity"}
    versions = ({**usual, "domain": "AML", "time": time, **row},)
    return Item(versions, Status(state), (), (), False)


def test_a_sar_is_due_30_days_after_the_first_open_alert_and_a_ctr_15() -> None:
    found = cases(
        [
            item("a1", NOON + DAY),
            item("a2", NOON),
            item("a3", NOON - DAY, APPROVED),
            item("a4", NOON + 2 * DAY, CLOSED),
            item("a5", NOON, rule="ctr-aggregation"),
            item("a6", NOON, subject="C-2", domain="RISK"),
        ]
    )
    (case,) = found
    assert (case.customer, case.open, case.done) == ("C-1", 4, 1)
    ctr, sar = case.due
    assert (ctr.report, ctr.day, ctr.alerts) == ("CTR", date(2026, 3, 17), ("a5",))
    assert (sar.report, sar.day, sar.alerts) == ("SAR", date(2026, 4, 1), ("a1", "a2", "a4"))
    # the whole last day is in time, whatever the hour of the alert
    assert not sar.overdue(date(2026, 4, 1))
    assert sar.overdue(date(2026, 4, 2))


@pytest.mark.parametrize(
    ("time", "day"),
    [
        (NOON - 12 * HOUR, date(2026, 4, 1)),  # 2026-03-02T00:00:00.000000Z
        (NOON + 12 * HOUR - 1, date(2026, 4, 1)),  # 2026-03-02T23:59:59.999999Z
        (NOON + 12 * HOUR, date(2026, 4, 2)),
        (NOON - 12 * HOUR - 1, date(2026, 3, 31)),
    ],
)
def test_the_day_of_the_alert_counts(time: int, day: date) -> None:
    assert cases([item("a1", time)])[0].due[0].day == day


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ([], date(2026, 4, 1)),
        (["suspect-unknown"], date(2026, 5, 1)),  # 60 days after 2 March
        (["suspect-unknown", "suspect-known"], date(2026, 4, 1)),
        (["true-positive"], date(2026, 4, 1)),
    ],
)
def test_without_a_suspect_a_sar_has_30_days_more(said: list[str], day: date) -> None:
    status, wrong = folded([action("LABEL", disposition=word) for word in said])
    assert wrong == []
    due = cases([replace(item("a1", NOON), status=status)])[0].due[0]
    assert (due.day, due.overdue(day), due.overdue(day + timedelta(days=1))) == (day, False, True)


def test_what_is_to_be_reported_is_due_until_it_is_filed() -> None:
    deeds = [action("ASSIGN"), action("CLOSE", disposition="reported"), action("APPROVE", "bob")]
    status, _ = folded(deeds)
    (case,) = cases([replace(item("a1", NOON), status=status), item("a2", NOON + DAY, ASSIGNED)])
    assert (case.open, case.done, case.due[0].day) == (1, 1, date(2026, 4, 1))
    assert (case.due[0].alerts, case.due[0].unfiled) == (("a1", "a2"), ("a1",))
    filed = follow(status, action("LABEL", "bob", disposition="filed", reason="sar-17"))
    (case,) = cases([replace(item("a1", NOON), status=filed), item("a2", NOON + DAY)])
    assert (case.due[0].day, case.due[0].alerts) == (date(2026, 4, 2), ("a2",))
    with pytest.raises(UserError, match="a1 is not to be filed: it is APPROVED, as reported, and"):
        follow(filed, action("LABEL", disposition="filed", reason="sar-18"))


@pytest.mark.parametrize(
    "deeds",
    [
        [],
        [action("ASSIGN"), action("CLOSE", disposition="reported")],
        [action("ASSIGN"), action("CLOSE"), action("APPROVE", "bob")],
    ],
    ids=["open", "not approved", "not to be reported"],
)
def test_only_what_two_decided_to_report_can_be_filed(deeds: list[Action]) -> None:
    with pytest.raises(UserError, match="alert a1 is not to be filed: it is"):
        follow(folded(deeds)[0], action("LABEL", disposition="filed", reason="sar-17"))


def test_a_case_says_who_works_on_it_and_what_waits_for_a_second_person() -> None:
    states = {"a1": Status(ASSIGNED, "carl"), "a2": Status(CLOSED, "ada", "ada"), "a3": Status()}
    (case,) = cases([replace(item(name, NOON), status=one) for name, one in states.items()])
    assert (case.assignees, case.proposed, case.open) == (("ada", "carl"), 1, 3)


def test_another_alert_on_the_customer_keeps_its_own_day() -> None:
    unknown = Status(suspect="suspect-unknown")
    found = cases([replace(item("a1", NOON), status=unknown), item("a2", NOON + DAY)])
    assert found[0].due[0].day == date(2026, 4, 2)
    ctr = replace(item("a1", NOON, rule="ctr-aggregation"), status=unknown)
    assert cases([ctr])[0].due[0].day == date(2026, 3, 17)


def test_what_is_said_of_the_suspect_stays_beside_the_label_and_through_a_reopening() -> None:
    said = [
        action("LABEL", disposition="true-positive"),
        action("LABEL", disposition="suspect-unknown"),
        *(action("ASSIGN"), action("CLOSE"), action("REOPEN")),
    ]
    status, _ = folded(said)
    assert (status.state, status.label, status.suspect) == (
        OPEN,
        "true-positive",
        "suspect-unknown",
    )
    with pytest.raises(UserError, match="label needs a reason"):
        follow(status, action("LABEL", disposition="suspect-known", reason=""))


@pytest.mark.parametrize(
    ("time", "day"),
    [
        (NOON, date(2026, 3, 17)),  # midnight of 2 March at UTC-12
        (NOON - 1, date(2026, 3, 16)),  # still 1 March there
        (NOON + DAY - 1, date(2026, 3, 17)),
    ],
)
def test_a_ctr_counts_from_the_earliest_day_it_can_be(time: int, day: date) -> None:
    assert cases([item("a1", time, rule="ctr-aggregation")])[0].due[0].day == day


def test_an_amendment_does_not_start_the_count_again() -> None:
    first = item("a1", NOON)
    later = {**first.versions[0], "alert_id": "a1.2", "corrects": "a1", "time": NOON + 9 * DAY}
    (case,) = cases([replace(first, versions=(*first.versions, later))])
    assert case.due[0].day == date(2026, 4, 1)


def test_customers_with_the_soonest_day_come_first_and_settled_ones_last() -> None:
    found = cases(
        [
            item("a1", NOON, APPROVED, subject="A"),
            item("a2", NOON + DAY, subject="B"),
            item("a3", NOON, subject="C"),
        ]
    )
    assert [case.customer for case in found] == ["C", "B", "A"]
    assert found[-1].due == ()
