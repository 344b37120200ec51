"""Puts what decides about risk into the stream: a copy of each record in every partition.

Every partition is a shard that decides for itself, so each has to have them. Should only some have
got them, the same publication completes it: ids follow from what is published, and a partition that
has an id gets no second one. Scenario sets, limits and margin terms are recorded as control
changes; a corporate action is a fact about an instrument and is not.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from connectors.generators.feed import Batch
from connectors.topics import partition_of
from deploy.errors import UserError
from deploy.reports.form import at
from deploy.risk.sets import Set
from deploy.risk.written import Written
from deploy.rules.clock import stream_time
from deploy.rules.recorded import Ends, Recorded, message, numbered, recorded

SCENARIOS, LIMITS, MARGIN = "scenarios", "limits", "margin.terms"
ACTIONS, CHANGES = "corporate.actions", "control.changes"
CLOCKS = ("fills", "quotes")
"""Topics that tell how far the stream is."""
_PLACE = ("producer", "sequence")


@dataclass(frozen=True)
class Said:
    """Who publishes and why; `time` from which on it holds, None for where the stream is."""

    author: str
    reason: str
    approver: str = ""
    time: int | None = None


@dataclass(frozen=True)
class Done:
    """What was published: records, partitions that got one now, business time, control changes."""

    records: int
    written: int
    time: int
    changes: int
    digest: str = ""


def scenarios(ends: Ends, made: Set, said: Said) -> Done:
    """Publish a scenario set; its parts are sent together and in order.

    Raises:
        UserError: The epoch was published already with another content, or a greater one was.
    """
    _check(said)
    known = recorded(ends.source, SCENARIOS, range(ends.partitions))
    first = made.rows[0]
    label = f"{first['name']}@{first['epoch']}"
    last = max((one.row for one in known), key=lambda row: row["epoch"], default=None)
    again = [one.row for one in known if one.row["set_digest"] == made.digest]
    if not again and last is not None and last["epoch"] >= first["epoch"]:
        raise UserError(
            f"epoch {last['epoch']} was published ({last['name']}): {label} would be refused; "
            f"give --epoch {last['epoch'] + 1}"
        )
    time = again[0]["time"] if again else _time(ends, said)
    common = {"time": time, **_who(said)}
    if again:
        common |= {name: again[0][name] for name in ("author", "approver", "reason")}
    rows = [
        {**row, **common, "row_id": f"{made.digest[:24]}-{row['epoch']}-{row['part']}"}
        for row in made.rows
    ]
    before = [one.row for one in known if one.row["epoch"] < first["epoch"]]
    newest = max(before, key=lambda row: row["epoch"], default=None)
    change = _change("MODEL", str(first["name"]), rows[0], made.digest, said)
    change["from_hash"] = newest["set_digest"] if newest else ""
    batches = _copies(SCENARIOS, rows, known, ends, lambda row: str(row["name"]))
    return _sent(ends, batches, [change], time, len(rows), made.digest)


def limits(ends: Ends, found: Sequence[Written], said: Said) -> Done:
    """Publish limits."""
    return _terms(ends, LIMITS, found, said, "limit_id", "")


def margin(ends: Ends, found: Sequence[Written], said: Said) -> Done:
    """Publish margin terms."""
    return _terms(ends, MARGIN, found, said, "book", "margin:")


def action(ends: Ends, row: Mapping[str, Any]) -> Done:
    """Publish a corporate action; its time may lie in the past, for it may be told late."""
    known = recorded(ends.source, ACTIONS, range(ends.partitions))
    made = {**row, "action_id": f"{row['isin']}-{row['kind']}-{row['time']}"}
    for one in known:
        same = one.row["action_id"] == made["action_id"]
        if same and any(one.row[name] != value for name, value in made.items()):
            raise UserError(f"{made['action_id']} was published with other terms; see the topic")
    batches = _copies(ACTIONS, [made], known, ends, lambda row: str(row["isin"]))
    return _sent(ends, batches, [], int(row["time"]), 1)


def _terms(
    ends: Ends, topic: str, found: Sequence[Written], said: Said, key: str, mark: str
) -> Done:
    _check(said)
    known = recorded(ends.source, topic, range(ends.partitions))
    time = _time(ends, said)
    rows, changes = [], []
    for one in found:
        of = [r.row for r in known if r.row[key] == one.row[key]]
        last = max(of, key=lambda r: (r["time"], r["sequence"]), default=None)
        own = {name: last[name] for name in one.row} if last else None
        if last and own == one.row and said.time in (None, last["time"]):
            rows.append({k: v for k, v in last.items() if k not in _PLACE})  # if some lack it
            continue
        row = {**one.row, "time": time, **_who(said)}
        row["record_id"] = _hash(row)[:32]
        _fits(topic, row, one.place)
        change = _change("LIMIT", f"{mark}{row[key]}", row, _hash(one.row), said)
        change["from_hash"] = _hash(own) if own is not None and not own.get("revoked") else ""
        if row.get("revoked"):
            change["to_hash"] = ""
        rows.append(row)
        changes.append(change)
    batches = _copies(topic, rows, known, ends, lambda row: str(row[key]))
    return _sent(ends, batches, changes, time, len(rows))


def _fits(topic: str, row: Mapping[str, Any], place: str) -> None:
    """UserError that names the line if the schema refuses a record."""
    try:
        message(topic, {**row, "producer": "x", "sequence": 0})
    except UserError as error:
        told = str(error).removesuffix("; mend the option")
        raise UserError(f"{place}: {told}; mend it") from None


def _check(said: Said) -> None:
    if said.approver and said.approver.casefold() == said.author.casefold():
        raise UserError(f"{said.author} cannot approve the own change; name another --approver")
    if not said.reason.strip():
        raise UserError("a change needs a reason; give --reason TEXT")


def _time(ends: Ends, said: Said) -> int:
    """From when on it holds; what was decided already is not changed."""
    now = stream_time(ends.source, ends.partitions, CLOCKS)
    if said.time is None:
        if now is None:
            raise UserError("the stream has shown no time yet; give --effective TIME")
        return now.time
    if now is not None and said.time < now.time:
        raise UserError(
            f"--effective {at(said.time)} is in the past: the stream is at {at(now.time)} "
            f"({now.place}); give a later time, or leave it out"
        )
    return said.time


def _who(said: Said) -> dict[str, str]:
    return {"author": said.author, "approver": said.approver, "reason": said.reason}


def _hash(row: Mapping[str, Any]) -> str:
    """SHA-256 of a row as JSON with sorted names, hex."""
    text = json.dumps(dict(row), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def _change(
    kind: str, name: str, row: Mapping[str, Any], to_hash: str, said: Said
) -> dict[str, Any]:
    told = {name: row[name] for name in ("time", "author", "approver", "reason")}
    return {
        "change_id": sha256(f"{kind} {name} {row['time']} {to_hash}".encode()).hexdigest()[:32],
        **told,
        "kind": kind,
        "name": name,
        "from_hash": "",
        "to_hash": to_hash,
        "effective_time": row["time"],
    }


def _copies(
    topic: str, rows: Sequence[dict[str, Any]], known: Sequence[Recorded], ends: Ends, key: Any
) -> list[Batch]:
    """The records for each partition that lacks them; only producer and number differ."""
    name = {SCENARIOS: "row_id", ACTIONS: "action_id"}.get(topic, "record_id")
    batches = []
    for partition in range(ends.partitions):
        have = {one.row[name] for one in known if one.partition == partition}
        todo = [row for row in rows if row[name] not in have]
        producer, first = numbered(known, topic, partition)
        values: list[bytes | None] = [
            message(topic, row | {"producer": producer, "sequence": first + number})
            for number, row in enumerate(todo)
        ]
        if todo:
            keys = [key(row).encode() for row in todo]
            batches.append(Batch(topic, partition, keys, values))
    return batches


def _sent(
    ends: Ends,
    batches: list[Batch],
    changes: Sequence[dict[str, Any]],
    time: int,
    records: int,
    digest: str = "",
) -> Done:
    """Send all of it, then its control changes where they are not recorded yet."""
    written = sum(len(batch.values) for batch in batches)
    known = recorded(ends.source, CHANGES, range(ends.partitions)) if changes else []
    there = {one.row["change_id"] for one in known}
    count: dict[int, int] = {}
    for change in changes:
        if change["change_id"] in there:
            continue
        octets = change["name"].encode()
        partition = partition_of(octets, ends.partitions)
        producer, first = numbered(known, CHANGES, partition)
        number = first + count.get(partition, 0)
        count[partition] = count.get(partition, 0) + 1
        value = message(CHANGES, change | {"producer": producer, "sequence": number})
        batches.append(Batch(CHANGES, partition, [octets], [value]))
    if not batches:
        raise UserError("all of it was published already: nothing to do")
    ends.send(batches)
    return Done(records, written, time, sum(count.values()), digest)
