"""How customers are shown."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy import terminal
from deploy.customers.changes import TOPIC, differences, history
from deploy.reports import asked
from deploy.reports.form import at
from deploy.rules.recorded import recorded

_SHOWN = ("rating", "due_diligence", "identity", "pep", "author", "reasons")


def read(
    customer: str, archive: Path | None, brokers: str | None, prefix: str
) -> list[Mapping[str, Any]]:
    """The records of a customer in a log."""
    with asked.opened(asked.place(archive, brokers, prefix), (TOPIC,)) as (source, partitions):
        return history(recorded(source, TOPIC, partitions), customer)


def whole(records: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Print what is known now, then each record with who made it and why."""
    if as_json:
        terminal.show_json([_readable(record) for record in records])
        return
    last = _readable(records[-1])
    told = ("customer", "kind", "name", "country", "area", "zone", "opened", "industry")
    terminal.show_table(("what", "value"), [(name, last[name]) for name in told])
    rows = [(at(one["time"]), *(str(one[name]) for name in _SHOWN)) for one in records]
    terminal.show_table(("from", *_SHOWN), rows)


def changed(before: Mapping[str, Any] | None, after: Mapping[str, Any], as_json: bool) -> None:
    """Print what a change did."""
    if as_json:
        terminal.show_json(_readable(after))
        return
    if before is None:
        rows = [(name, "", str(after[name])) for name in _SHOWN]
    else:
        made = differences(before, after)
        rows = [(name, str(old), str(new)) for name, (old, new) in made.items()]
    terminal.show_table(("what", "before", f"from {at(after['time'])} on"), rows)


def _readable(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, "time": at(record["time"]), "opened": at(record["opened"])}
