"""The alerts with what was done about them: amended ones under their first version."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.alerts.states import (
    APPROVED,
    CLOSED,
    SNOOZE,
    WAKE,
    Action,
    Snoozes,
    Status,
    all_asleep,
    folded,
)
from deploy.errors import UserError
from deploy.proofs.sources import Source
from deploy.rules.recorded import Recorded, recorded

ALERTS, ACTIONS = "alerts", "alert.actions"


@dataclass(frozen=True)
class Item:
    """An alert.

    Attributes:
        versions: The alert as first raised, then its amendments, in order.
        status: Where it stands.
        actions: What was done about it, in order.
        wrong: Those that may not have been taken, in words; they changed nothing.
        amended_since: Whether it was amended after it was closed.
    """

    versions: tuple[Mapping[str, Any], ...]
    status: Status
    actions: tuple[Action, ...]
    wrong: tuple[str, ...]
    amended_since: bool

    @property
    def id(self) -> str:
        """Id of its first version: what people call it by."""
        return str(self.versions[0]["corrects"] or self.versions[0]["alert_id"])

    @property
    def first(self) -> Mapping[str, Any]:
        """The alert as it was raised."""
        return self.versions[0]

    @property
    def latest(self) -> Mapping[str, Any]:
        """The alert as it is known now."""
        return self.versions[-1]


@dataclass(frozen=True)
class Worklist:
    """All alerts by time and id, all snoozes, and what is wrong with actions on no alert."""

    items: tuple[Item, ...]
    snoozes: Snoozes
    wrong: tuple[str, ...]

    def one(self, alert: str) -> Item:
        """The alert with this id, be it that of a later version; UserError if there is none."""
        for item in self.items:
            if alert == item.id or any(alert == one["alert_id"] for one in item.versions):
                return item
        raise UserError(f"there is no alert {alert[:80]!r}; look at: tidemark alerts list")

    @property
    def problems(self) -> list[str]:
        """Every action that may not have been taken, in words."""
        return [*(problem for item in self.items for problem in item.wrong), *self.wrong]

    def of(self, subject: str) -> list[Item]:
        """The alerts on a subject; UserError if there are none."""
        found = [item for item in self.items if item.first["subject"] == subject]
        if not found:
            raise UserError(f"there is no alert on {subject[:64]!r}; look at: tidemark alerts list")
        return found


def worklist(source: Source, partitions: Sequence[int]) -> Worklist:
    """Every alert and what was done about it, from the topics alone."""
    return joined(recorded(source, ALERTS, partitions), recorded(source, ACTIONS, partitions))


def joined(alerts: Iterable[Recorded], actions: Sequence[Recorded]) -> Worklist:
    """Alerts with their actions; those of one subject are in one partition, so in order."""
    versions: dict[str, list[Recorded]] = {}
    root: dict[str, str] = {}
    for alert in alerts:
        name = alert.row["corrects"] or alert.row["alert_id"]
        root[alert.row["alert_id"]] = name
        versions.setdefault(name, []).append(alert)
    done: dict[str, list[Recorded]] = {}
    of_subjects, astray = [], []
    for action in actions:
        about = action.row["alert_id"]
        if action.row["kind"] in (SNOOZE, WAKE):
            of_subjects.append(Action.of(action.row))
        elif about in root:
            done.setdefault(root[about], []).append(action)
        else:
            astray.append(f"{action.row['action_id']} is about {about!r}, which is no alert")
    snoozes, wrong = all_asleep(of_subjects)
    wrong += astray
    items = [_item(found, done.get(name, [])) for name, found in versions.items()]
    items.sort(key=lambda item: (item.first["time"], item.id))
    return Worklist(tuple(items), snoozes, tuple(wrong))


def _item(versions: Sequence[Recorded], done: Sequence[Recorded]) -> Item:
    actions = [Action.of(one.row) for one in done]
    status, wrong = folded(actions)
    closed = [one.appended for one in done if one.row["kind"] == "CLOSE"]
    amended_since = (
        status.state in (CLOSED, APPROVED)
        and len(versions) > 1
        and versions[-1].appended > closed[-1]
    )
    rows = tuple(one.row for one in versions)
    return Item(rows, status, tuple(actions), tuple(wrong), amended_since)
