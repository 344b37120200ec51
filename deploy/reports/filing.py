"""Whether a SAR or CTR may be filed: two people settled every alert behind it as reported."""

import json

from deploy.alerts.actions import Actions
from deploy.alerts.states import APPROVED, FILED, LABEL, REPORTED
from deploy.alerts.worklist import Item, Worklist
from deploy.errors import UserError

FOUR_EYES = ("sar", "ctr")
"""Kinds of reports that are filed only so."""
FILER = "report-submit"
"""Who marks alerts as filed: the command."""


def alerts_of(kind: str, content: bytes) -> tuple[str, ...]:
    """The ids of the alerts that a report names; UserError if it is no draft of the kind."""
    try:
        told = json.loads(content)
        named = told["alerts"] if told["form"] == kind.upper() else None
    except (ValueError, KeyError, TypeError, RecursionError):
        named = None
    if not isinstance(named, list) or not named or not all(isinstance(a, str) for a in named):
        raise UserError(
            f"the file is no {kind.upper()} with its alerts; submit the .json that "
            f"`tidemark report {kind}` wrote, with the open fields filled in"
        )
    return tuple(dict.fromkeys(named))


def check(kind: str, content: bytes, found: Worklist) -> None:
    """Refuse a report one of whose alerts is not settled as reported by two people.

    Args:
        kind: One of FOUR_EYES.
        content: The file, JSON as `deploy.reports.drafts.write` makes it.
        found: Where the alerts stand.

    Raises:
        UserError: It may not be filed, and why.
    """
    for alert in alerts_of(kind, content):
        if why := _wrong(found.one(alert)):
            raise UserError(f"the report may not be filed: alert {alert} {why}")


def mark(kind: str, content: bytes, actions: Actions, report: str) -> None:
    """Record of each alert that the report with this id, which names it, went out."""
    named = [actions.list.one(alert) for alert in alerts_of(kind, content)]
    unfiled = [item.id for item in named if item.status.unfiled]
    actions.act(LABEL, unfiled, FILER, FILED, report)


def _wrong(item: Item) -> str:
    status = item.status
    if status.state != APPROVED:
        return (
            f"is {status.state}; close it as {REPORTED}, and let another person approve it: "
            "tidemark alerts --help"
        )
    if status.outcome != REPORTED:
        return f"was settled as {status.outcome}; reopen it, or take it out of the report"
    if item.amended_since:
        return "was amended after it was closed; look at it again: tidemark alerts reopen"
    return ""
