"""Puts a rule set into the stream: signed, to every partition, with the change that is recorded.

Every partition is a shard that decides for itself, so each has to have the set. Should only some
have got it, the same publication completes it and nothing else is taken before; what another key
signed is not completed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.generators.feed import Batch
from connectors.topics import partition_of
from deploy.errors import UserError
from deploy.proofs.keys import SigningKey
from deploy.reports.form import at as shown
from deploy.rules.clock import StreamTime, stream_time
from deploy.rules.known import NAME
from deploy.rules.published import (
    LIVE,
    SHADOW,
    SHADOW_END,
    TOPIC,
    Published,
    newest,
    of_records,
)
from deploy.rules.recorded import Ends, Recorded, message, numbered, recorded
from udfs.aml.ruleset import digest
from udfs.aml.trust import key_id, signed_text, verify

CHANGES = "control.changes"
TOPICS = (TOPIC, CHANGES, "postings")


@dataclass(frozen=True)
class Order:
    """What is to be published.

    Attributes:
        body: The rule set, canonical; empty to end a shadow.
        mode: LIVE, SHADOW or SHADOW_END.
        effective: Business time from which on it applies, microseconds UTC.
        author: Who publishes it.
        reason: Why.
        approver: Who approved it; empty if nobody did.
        epoch: Its number; the next one if None.
    """

    body: str
    mode: str
    effective: int
    author: str
    reason: str
    approver: str = ""
    epoch: int | None = None


def publish(ends: Ends, order: Order, key: SigningKey) -> Published:
    """Publish what is ordered; what is in the log after it.

    Raises:
        UserError: It is refused, and nothing of it was written.
    """
    records = recorded(ends.source, TOPIC, range(ends.partitions))
    changes = recorded(ends.source, CHANGES, range(ends.partitions))
    found = of_records(records)
    last = found[-1] if found else None
    recorded_changes = {one.row["change_id"] for one in changes}
    ours = last is not None and verify(last.row, [key.public(NAME).octets]) is None
    if last is not None and ours and _lacking(last, ends, recorded_changes):
        row = _completing(order, last, ends)
    else:
        now = stream_time(ends.source, ends.partitions)
        _check(order, found, now)
        row = _signed(order, found, now.time if now else order.effective, key)
    batches = _copies(row, records, ends)
    before = [one for one in found if one.epoch < row["epoch"]]
    change = _change(row, before, order)
    if change["change_id"] not in recorded_changes:
        batches.append(_recorded_change(change, changes, ends))
    ends.send(batches)
    return Published(row, frozenset(range(ends.partitions)))


def _lacking(last: Published, ends: Ends, changes: set[str]) -> bool:
    return len(last.partitions) < ends.partitions or last.row["ruleset_id"] not in changes


def _completing(order: Order, last: Published, ends: Ends) -> dict[str, Any]:
    """The row of a set that only some partitions have, if it is the one that is ordered."""
    asked = (digest(order.body), order.mode, order.effective)
    there = (last.hash, last.mode, last.row["effective_time"])
    if asked != there or order.epoch not in (None, last.epoch):
        raise UserError(
            f"epoch {last.epoch} is in {len(last.partitions)} of {ends.partitions} partitions, or "
            f"lacks its change record; publish it again first: hash {last.hash[:12]}, "
            f"{last.mode}, --effective {shown(last.row['effective_time'])}"
        )
    return dict(last.row)


def _check(order: Order, found: Sequence[Published], now: StreamTime | None) -> None:
    """UserError in one line if an order cannot follow what was published."""
    last = found[-1].epoch if found else 0
    if order.epoch is not None and order.epoch <= last:
        raise UserError(
            f"--epoch {order.epoch} is not above {last}, the last published; leave it out"
        )
    if now is not None and order.effective <= now.time:
        raise UserError(
            f"--effective {shown(order.effective)} is not in the future: the stream is at "
            f"{shown(now.time)} ({now.place}); give a later time"
        )
    if order.approver and order.approver.casefold() == order.author.casefold():
        raise UserError(f"{order.author} cannot approve the own rule set; name another --approver")
    if not order.reason.strip():
        raise UserError("a change needs a reason; give --reason TEXT")
    before = newest(found, *_slot(order.mode))
    if order.mode == SHADOW_END and (before is None or before.mode == SHADOW_END):
        raise UserError("there is no shadow rule set to end; see: tidemark rules show")
    if before is not None and before.hash == digest(order.body):
        raise UserError(
            f"these are the rules of epoch {before.epoch}, the last {before.mode} set: nothing "
            "would change; see: tidemark rules diff"
        )


def _slot(mode: str) -> tuple[str, ...]:
    return (LIVE,) if mode == LIVE else (SHADOW, SHADOW_END)


def _signed(order: Order, found: Sequence[Published], now: int, key: SigningKey) -> dict[str, Any]:
    """The record without its producer; `now` is when it is made, microseconds UTC."""
    epoch = order.epoch or (found[-1].epoch if found else 0) + 1
    body_hash = digest(order.body)
    row: dict[str, Any] = {
        "ruleset_id": f"{NAME}-{epoch}-{order.mode.lower()}-{body_hash[:16]}",
        "producer": "",
        "sequence": 0,
        "time": now,
        "name": NAME,
        "epoch": epoch,
        "mode": order.mode,
        "effective_time": order.effective,
        "body": order.body,
        "hash": body_hash,
        "author": order.author,
        "approver": order.approver,
        "key_id": key_id(key.public(NAME).octets),
    }
    return {**row, "signature": key.sign(signed_text(row), NAME).octets}


def _copies(row: dict[str, Any], records: Sequence[Recorded], ends: Ends) -> list[Batch]:
    """The record for each partition that lacks it; only producer and number differ."""
    have = {one.partition for one in records if one.row["ruleset_id"] == row["ruleset_id"]}
    batches = []
    for partition in sorted(set(range(ends.partitions)) - have):
        producer, number = numbered(records, TOPIC, partition)
        value = message(TOPIC, row | {"producer": producer, "sequence": number})
        batches.append(Batch(TOPIC, partition, [NAME.encode()], [value]))
    return batches


def _change(row: dict[str, Any], before: Sequence[Published], order: Order) -> dict[str, Any]:
    """The ControlChange without its producer; shadows have a name and a succession of their own."""
    last = newest(before, *_slot(row["mode"]))
    return {
        "change_id": row["ruleset_id"],
        "time": row["time"],
        "kind": "RULE_SET",
        "name": NAME if row["mode"] == LIVE else f"{NAME}/shadow",
        "from_hash": "" if last is None or last.mode == SHADOW_END else last.hash,
        "to_hash": "" if row["mode"] == SHADOW_END else row["hash"],
        "author": row["author"],
        "approver": row["approver"],
        "reason": order.reason,
        "effective_time": row["effective_time"],
    }


def _recorded_change(change: dict[str, Any], changes: Sequence[Recorded], ends: Ends) -> Batch:
    key = change["name"].encode()
    partition = partition_of(key, ends.partitions)
    producer, number = numbered(changes, CHANGES, partition)
    value = message(CHANGES, change | {"producer": producer, "sequence": number})
    return Batch(CHANGES, partition, [key], [value])
