"""Takes actions: judged by the state machine, then a record each in `alert.actions`.

The topic is the only memory. Actions of a subject share a partition, so their order is that of the
log, and the job reads the same ones: a snooze has an exact place in the stream.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from connectors.generators.feed import Batch
from connectors.topics import partition_of
from deploy.alerts.states import Action, Snooze, Status, asleep, follow
from deploy.alerts.worklist import ACTIONS, ALERTS, Item, joined
from deploy.errors import UserError
from deploy.reports.form import at
from deploy.rules.clock import dated
from deploy.rules.recorded import Ends, message, numbered, recorded

TOPICS = (ALERTS, ACTIONS, "postings", "orders")
_ID_DIGITS = 32


class Actions:
    """One deed: the work list as it is read, and the actions that are written after it."""

    def __init__(self, ends: Ends, now: int | None = None) -> None:
        """Read alerts and actions. `now`: business time of what is done; the stream's if None.

        Raises:
            UserError: There is no time, or it is too far ahead of the stream.
        """
        partitions = range(ends.partitions)
        self._ends = ends
        self._done = recorded(ends.source, ACTIONS, partitions)
        self.list = joined(recorded(ends.source, ALERTS, partitions), self._done)
        self.now = dated(ends.source, ends.partitions, now)

    def act(
        self,
        kind: str,
        alerts: Sequence[str],
        user: str,
        disposition: str = "",
        reason: str = "",
    ) -> list[tuple[Item, Status]]:
        """Do the same about each alert; the alerts as they were, and where they stand now.

        Raises:
            UserError: It may not be done to one of them; then to none.
        """
        found = []
        actions = []
        for item in {one.id: one for one in map(self.list.one, alerts)}.values():
            action = self._about(item, kind, user, disposition, reason)
            found.append((item, follow(item.status, action)))
            actions.append(action)
        self._write(actions)
        return found

    def snooze(self, subject: str, rule: str, until: int, user: str, reason: str) -> Snooze:
        """Keep a subject from raising alerts of a rule (empty: of any) until a business time.

        Raises:
            UserError: There is no such alert on the subject, or the time will not do.
        """
        rules = sorted({item.first["rule"] for item in self.list.of(subject)})
        if rule and rule not in rules:
            raise UserError(
                f"no alert on {subject} is of rule {rule[:64]!r}; there are: {', '.join(rules)}"
            )
        action = Action("SNOOZE", subject, user, self.now, "", rule, until, "", reason)
        after = asleep(self.list.snoozes, action)
        self._write([action])
        return after[subject, rule]

    def wake(self, subject: str, rule: str, user: str, reason: str = "") -> Snooze:
        """End a snooze, now; UserError if there is none."""
        action = Action("WAKE", subject, user, self.now, "", rule, 0, "", reason)
        asleep(self.list.snoozes, action)
        self._write([action])
        return Snooze(subject, rule, self.now, user, reason)

    def _about(self, item: Item, kind: str, user: str, disposition: str, reason: str) -> Action:
        if self.now < item.first["time"]:
            raise UserError(
                f"alert {item.id} is of {at(item.first['time'])}, after {at(self.now)}; "
                "give a later --now"
            )
        return Action(
            kind=kind,
            subject=item.first["subject"],
            user=user,
            time=self.now,
            alert_id=item.id,
            rule=item.first["rule"],
            disposition=disposition,
            reason=reason,
        )

    def _write(self, actions: Sequence[Action]) -> None:
        """Record all of them, or none if one cannot be."""
        batches: dict[int, Batch] = {}
        for action in actions:
            key = action.subject.encode()
            partition = partition_of(key, self._ends.partitions)
            batch = batches.setdefault(partition, Batch(ACTIONS, partition, [], []))
            producer, number = numbered(self._done, ACTIONS, partition)
            number += len(batch.values)
            row: dict[str, Any] = {"producer": producer, "sequence": number, **vars(action)}
            batch.values.append(message(ACTIONS, {**row, "action_id": action_id(row)}))
            if isinstance(batch.keys, list):
                batch.keys.append(key)
        self._ends.send(list(batches.values()))


def action_id(row: dict[str, Any]) -> str:
    """The id of an action: from all that its record says."""
    said = "\n".join(f"{name}={row[name]}" for name in sorted(row) if name != "action_id")
    return f"action-{sha256(said.encode()).hexdigest()[:_ID_DIGITS]}"
