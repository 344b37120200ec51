"""The states of an alert, and what a person may do in which.

    OPEN -> ACKNOWLEDGED -> ASSIGNED -> CLOSED -> APPROVED
      |                        ^          |          |
      +------------------------+          |          |
      ^------------- REOPEN --------------+----------+

CLOSED is a proposal: a second person approves it or opens the alert again. A label may be given in
any state. A snooze is about a subject, not an alert: it keeps further alerts from being raised.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from deploy.errors import UserError
from deploy.reports.form import at

OPEN, ACKNOWLEDGED, ASSIGNED = "OPEN", "ACKNOWLEDGED", "ASSIGNED"
CLOSED, APPROVED = "CLOSED", "APPROVED"
STATES = (OPEN, ACKNOWLEDGED, ASSIGNED, CLOSED, APPROVED)
ACKNOWLEDGE, ASSIGN, CLOSE, APPROVE = "ACKNOWLEDGE", "ASSIGN", "CLOSE", "APPROVE"
REOPEN, LABEL, SNOOZE, WAKE = "REOPEN", "LABEL", "SNOOZE", "WAKE"

STEPS: Mapping[str, tuple[frozenset[str], str]] = {
    ACKNOWLEDGE: (frozenset({OPEN}), ACKNOWLEDGED),
    ASSIGN: (frozenset({OPEN, ACKNOWLEDGED, ASSIGNED}), ASSIGNED),
    CLOSE: (frozenset({ASSIGNED}), CLOSED),
    APPROVE: (frozenset({CLOSED}), APPROVED),
    REOPEN: (frozenset({CLOSED, APPROVED}), OPEN),
}
"""Action -> the states in which it may be taken, and the state after it."""

LABELS = ("true-positive", "false-positive", "unsure")
"""What an alert turned out to be: kept for training."""
SUSPECT_UNKNOWN, SUSPECT_KNOWN = "suspect-unknown", "suspect-known"
SUSPECTS = (SUSPECT_UNKNOWN, SUSPECT_KNOWN)
"""Whether a suspect was identified at detection: it decides how long a report may take."""
REPORTED = "reported"
FILED = "filed"
"""A report on the alert went out: its reason is the report's id."""
OUTCOMES = (REPORTED, "not-reported", "false-positive", "duplicate")
"""How an alert may be closed."""
LONGEST_US = 90 * 86_400_000_000
"""A snooze lasts at most so long: nobody is to be forgotten."""
_REASONED = (CLOSE, REOPEN, SNOOZE)


@dataclass(frozen=True)
class Action:
    """What a person did, as an AlertAction says it; `time` and `until` in microseconds UTC."""

    kind: str
    subject: str
    user: str
    time: int
    alert_id: str = ""
    rule: str = ""
    until: int = 0
    disposition: str = ""
    reason: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Action":
        """The action that a record tells of."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Status:
    """Where an alert stands.

    Attributes:
        state: One of STATES.
        assignee: Who works on it; empty if nobody does.
        closer: Who proposed to close it; empty unless CLOSED or APPROVED.
        outcome: One of OUTCOMES, or empty.
        approver: Who approved that; empty unless APPROVED.
        label: The last label given; empty if none was.
        time: Business time of the last action, microseconds UTC; 0 without one.
        suspect: One of SUSPECTS as last said; empty if nobody did: then a suspect counts as known.
        filed: Id of the report that went out; empty if none did.
    """

    state: str = OPEN
    assignee: str = ""
    closer: str = ""
    outcome: str = ""
    approver: str = ""
    label: str = ""
    time: int = 0
    suspect: str = ""
    filed: str = ""

    @property
    def unfiled(self) -> bool:
        """Whether two people decided to report it, and no report went out yet."""
        return self.state == APPROVED and self.outcome == REPORTED and not self.filed


@dataclass(frozen=True)
class Snooze:
    """A subject that raises no alerts of a rule (empty: of any) until a business time."""

    subject: str
    rule: str
    until: int
    user: str
    reason: str


Snoozes = dict[tuple[str, str], Snooze]
"""By subject and rule."""


def follow(status: Status, action: Action) -> Status:
    """Where an alert stands after an action; UserError in one line if it may not be taken."""
    _check_reason(action)
    if action.time < status.time:
        raise UserError(
            f"alert {action.alert_id}: {at(action.time)} is before the last action, "
            f"{at(status.time)}; give a later --now"
        )
    status = replace(status, time=action.time)
    if action.kind == LABEL:
        return _labelled(status, action)
    allowed, after = STEPS.get(action.kind, (frozenset[str](), ""))
    if status.state not in allowed:
        asked = " or ".join(state for state in STATES if state in allowed)
        raise UserError(
            f"alert {action.alert_id} is {status.state}: {action.kind} is for one that is {asked}"
        )
    match action.kind:
        case "ASSIGN":
            return replace(status, state=after, assignee=action.user)
        case "CLOSE":
            _check_word("outcome", action, OUTCOMES)
            return replace(status, state=after, closer=action.user, outcome=action.disposition)
        case "APPROVE":
            if action.user.casefold() == status.closer.casefold():
                raise UserError(
                    f"{action.user} closed alert {action.alert_id}: another person approves it"
                )
            return replace(status, state=after, approver=action.user)
        case "REOPEN":
            return Status(label=status.label, time=action.time, suspect=status.suspect)
        case _:
            return replace(status, state=after)


def _labelled(status: Status, action: Action) -> Status:
    _check_word("label", action, (*LABELS, *SUSPECTS, FILED))
    if action.disposition in SUSPECTS:
        return replace(status, suspect=action.disposition)
    if action.disposition in LABELS:
        return replace(status, label=action.disposition)
    if not status.unfiled:
        raise UserError(
            f"alert {action.alert_id} is not to be filed: it is {status.state}"
            f"{', as ' + status.outcome if status.outcome else ''}"
            f"{', and was filed as ' + status.filed if status.filed else ''}"
        )
    return replace(status, filed=action.reason)


def folded(actions: Iterable[Action]) -> tuple[Status, list[str]]:
    """Where an alert stands after its actions in order, and what was wrong with which of them.

    An action that may not be taken changes nothing.
    """
    status, wrong = Status(), []
    for action in actions:
        try:
            status = follow(status, action)
        except UserError as error:
            wrong.append(str(error))
    return status, wrong


def asleep(snoozes: Snoozes, action: Action) -> Snoozes:
    """The snoozes after a SNOOZE or WAKE; UserError in one line if it may not be taken.

    Each rule has a snooze of its own beside that of all rules: waking one leaves the others.
    """
    _check_reason(action)
    key = (action.subject, action.rule)
    what = f"{action.subject}, {f'rule {action.rule}' if action.rule else 'all rules'}"
    if action.kind == WAKE:
        known = snoozes.get(key)
        if known is None or known.until <= action.time:
            raise UserError(f"{what}: there is no snooze to end; see: tidemark alerts snoozes")
        return {name: one for name, one in snoozes.items() if name != key}
    if action.until <= action.time:
        raise UserError(f"{what}: --until {at(action.until)} is over; give a time to come")
    if action.until - action.time > LONGEST_US:
        days = LONGEST_US // 86_400_000_000
        raise UserError(f"{what}: a snooze lasts at most {days} days; give an earlier --until")
    snooze = Snooze(action.subject, action.rule, action.until, action.user, action.reason)
    return {**snoozes, key: snooze}


def all_asleep(actions: Iterable[Action]) -> tuple[Snoozes, list[str]]:
    """The snoozes after all actions in order, and what was wrong with which of them."""
    snoozes: Snoozes = {}
    wrong = []
    for action in actions:
        try:
            snoozes = asleep(snoozes, action)
        except UserError as error:
            wrong.append(str(error))
    return snoozes, wrong


def _check_reason(action: Action) -> None:
    reasoned = action.kind in _REASONED or action.disposition in (*SUSPECTS, FILED)
    if reasoned and not action.reason.strip():
        raise UserError(f"{action.kind.lower()} needs a reason; give --reason TEXT")


def _check_word(what: str, action: Action, words: tuple[str, ...]) -> None:
    if action.disposition not in words:
        raise UserError(f"{action.disposition!r} is no {what}; give one of: {', '.join(words)}")
