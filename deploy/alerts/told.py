"""What the commands on alerts share: the work list as it is read, and how it is shown."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from deploy import terminal
from deploy.alerts.actions import TOPICS, Actions
from deploy.alerts.cases import Case
from deploy.alerts.states import Snooze, Status
from deploy.alerts.worklist import ACTIONS, ALERTS, Item, Worklist, worklist
from deploy.errors import UserError
from deploy.reports import asked
from deploy.reports.form import at
from deploy.rules import ends
from deploy.rules.clock import time_of

_COLUMNS = ("id", "state", "rule", "subject", "band", "time", "assignee", "label", "versions")


def read(archive: Path | None, brokers: str | None, prefix: str) -> Worklist:
    """The work list of a log."""
    topics = (ALERTS, ACTIONS)
    with asked.opened(asked.place(archive, brokers, prefix), topics) as (source, partitions):
        return worklist(source, partitions)


@contextmanager
def actions(now: str | None, brokers: str | None, prefix: str) -> Iterator[Actions]:
    """The work list of a broker, to do something about it."""
    time = time_of("--now", now) if now is not None else None
    with ends.opened(TOPICS, brokers, prefix) as opened:
        yield Actions(opened, time)


def line(item: Item) -> dict[str, Any]:
    """An alert as it is known now, under the id of its first version."""
    latest, status = item.latest, item.status
    return {
        "id": item.id,
        "state": status.state,
        "domain": latest["domain"],
        "rule": latest["rule"],
        "subject": latest["subject"],
        "band": latest["band"],
        "score": latest["score"],
        "time": at(item.first["time"]),
        "assignee": status.assignee,
        "closer": status.closer,
        "outcome": status.outcome,
        "approver": status.approver,
        "label": status.label,
        "suspect": status.suspect,
        "filed": status.filed,
        "versions": len(item.versions),
        "amended_since": item.amended_since,
        "reason": latest["reason"],
    }


def alerts(rows: Sequence[dict[str, Any]], asked: Mapping[str, str], as_json: bool) -> None:
    """Print the alerts that have what is asked; one amended after it was closed is marked."""
    rows = [row for row in rows if all(not v or row[name] == v for name, v in asked.items())]
    if as_json:
        terminal.show_json(rows)
        return
    shown = []
    for row in rows:
        late = "amended since" if row["amended_since"] else ""
        shown.append([*(row[name] for name in _COLUMNS), late])
    terminal.show_table((*_COLUMNS, ""), shown)


def whole(item: Item, as_json: bool) -> None:
    """Print all versions of an alert and everything that was done about it."""
    versions = [{name: _readable(name, one[name]) for name in one} for one in item.versions]
    deeds = [{**vars(one), "time": at(one.time)} for one in item.actions]
    if as_json:
        said = {**line(item), "versions": versions, "actions": deeds, "wrong": item.wrong}
        terminal.show_json(said)
    else:
        rows = [(name, value) for name, value in line(item).items() if value not in ("", False)]
        terminal.show_table(("what", "value"), rows)
        _table(("alert_id", "time", "band", "score", "measured", "limit", "reason"), versions)
        _table(("time", "kind", "user", "disposition", "reason"), deeds)
    _refuse(item.wrong)


def done(found: Sequence[tuple[Item, Status]], as_json: bool) -> None:
    """Print where alerts stand after an action."""
    rows = [{"id": item.id, **vars(status), "time": at(status.time)} for item, status in found]
    if as_json:
        terminal.show_json(rows)
        return
    _table(("id", "state", "assignee", "outcome", "closer", "approver", "label"), rows)


def cases(found: Sequence[Case], today: date, as_json: bool) -> None:
    """Print cases with what is due; what is overdue on the day is named."""
    if as_json:
        said = [
            {
                "customer": case.customer,
                "open": case.open,
                "done": case.done,
                "proposed": case.proposed,
                "assignees": case.assignees,
                "due": [
                    {
                        "report": one.report,
                        "day": one.day.isoformat(),
                        "overdue": one.overdue(today),
                        "alerts": one.alerts,
                        "unfiled": one.unfiled,
                    }
                    for one in case.due
                ],
            }
            for case in found
        ]
        terminal.show_json(said)
        return
    shown = []
    for case in found:
        for one in case.due:
            late = one.overdue(today)
            word = terminal.good_or_bad("OVERDUE" if late else "", not late)
            names = ", ".join(one.alerts[:3]) + (", ..." if len(one.alerts) > 3 else "")
            days = f"{(one.day - today).days:,}"
            file = f"{len(one.unfiled)} of {len(one.alerts)}" if one.unfiled else ""
            by = ", ".join(case.assignees)
            shown.append((case.customer, one.report, one.day, days, word, by, file, names))
    columns = ("customer", "report", "due", "days left", "", "assigned to", "to file", "alerts")
    terminal.show_table(columns, shown)


def snoozes(found: Sequence[Snooze], as_json: bool) -> None:
    """Print snoozes by subject and rule."""
    rows = [
        {**vars(one), "until": at(one.until)}
        for one in sorted(found, key=lambda one: (one.subject, one.rule))
    ]
    if as_json:
        terminal.show_json(rows)
        return
    shown = [{**row, "rule": row["rule"] or "all"} for row in rows]
    _table(("subject", "rule", "until", "user", "reason"), shown)


def end(found: Worklist) -> None:
    """The list is shown; exit code 1 if the log holds actions that may not have been taken."""
    _refuse(found.problems)


def _refuse(wrong: Sequence[str]) -> None:
    if wrong:
        raise UserError(
            f"{ACTIONS} holds actions that may not have been taken ({len(wrong)}) and count for "
            f"nothing; the first: {wrong[0]}"
        )


def _table(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    terminal.show_table(names, [[row[name] for name in names] for row in rows])


def _readable(name: str, value: Any) -> Any:
    return at(value) if name == "time" or name.endswith("_time") else value
