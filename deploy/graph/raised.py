"""Rings as alerts: which are news, which amend an earlier one, and the records that say so.

The members stand at the end of the alert's reason in a form that can be read back, so the topic
alone tells what was raised before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import polars as pl

from deploy.alerts.worklist import Item
from deploy.graph.evidence import GATHERED, TRANSFERS, Evidence
from deploy.graph.params import VERSION, Params
from deploy.graph.rings import Ring
from deploy.reports.form import exact
from udfs.aml.rule import LISTED

RULE = "ring"
_MEMBERS = " members: "
_ID_DIGITS = 24


@dataclass
class Known:
    """A ring that was raised before.

    Attributes:
        id: Of its first version.
        subject: Whom its first version is about: all versions go where that one is.
        members: Of all versions.
        versions: How many there are.
    """

    id: str
    subject: str
    members: frozenset[str]
    versions: int


@dataclass(frozen=True)
class Judged:
    """A ring and what is to be said of it.

    Attributes:
        ring: The ring.
        alert: Id of the first version of its alert.
        subject: Whom that version is about.
        row: The record to write, without its number; None if all members are known already.
    """

    ring: Ring
    alert: str
    subject: str
    row: dict[str, Any] | None


def known(items: Iterable[Item]) -> list[Known]:
    """The rings among the alerts."""
    return [
        Known(
            item.id,
            str(item.first["subject"]),
            frozenset[str]().union(*(members(str(one["reason"])) for one in item.versions)),
            len(item.versions),
        )
        for item in items
        if item.first["rule"] == RULE
    ]


def judged(
    rings: Sequence[Ring], before: Sequence[Known], seen: Evidence, params: Params
) -> list[Judged]:
    """What is news of each ring.

    A ring is one raised before if they share more than half the members of the smaller one; it is
    amended when it has members that no version had.
    """
    found, memory = [], [Known(**vars(one)) for one in before]
    for ring in rings:
        same = _same(ring, memory)
        if same is not None and ring.members <= same.members:
            found.append(Judged(ring, same.id, same.subject, None))
            continue
        row = _row(ring, seen, params)
        if same is None:
            same = Known(row["alert_id"], ring.sink, frozenset(), 0)
            memory.append(same)
        else:
            row |= {"alert_id": f"{same.id}.{same.versions + 1}", "corrects": same.id}
        same.members |= ring.members
        same.versions += 1
        found.append(Judged(ring, same.id, same.subject, row))
    return found


def _same(ring: Ring, memory: Sequence[Known]) -> Known | None:
    """The ring raised before that shares most members; of equals the first by id."""
    shared = [(len(ring.members & one.members), one) for one in memory]
    fits = [
        (-number, one.id, one)
        for number, one in shared
        if 2 * number > min(len(ring.members), len(one.members))
    ]
    return min(fits, key=lambda fit: fit[:2])[2] if fits else None


def behind(ring: Ring, transfers: pl.DataFrame) -> pl.DataFrame:
    """The transfers that a ring's flows are made of, in the order of time."""
    return transfers.join(
        ring.edges.select("source", "target"), on=["source", "target"], how="semi"
    )


def _row(ring: Ring, seen: Evidence, params: Params) -> dict[str, Any]:
    """The record of a ring that is news; time is that of its last transfer."""
    rests_on = behind(ring, seen.transfers)
    ids = rests_on["transfer_id"].to_list()
    first, last = int(rests_on["time"][0]), int(rests_on["time"][-1])
    sinks = rests_on.filter(pl.col("target") == ring.sink)
    outside = (sinks["target"] == sinks["target_account"]).any()
    said = "\n".join([RULE, ring.sink, *sorted(ring.members), ids[0]])
    currency, scale = rests_on.select("currency", "scale").row(0)
    return {
        "alert_id": f"{RULE}-{sha256(said.encode()).hexdigest()[:_ID_DIGITS]}",
        "time": last,
        "domain": "AML",
        "rule": RULE,
        "rule_version": VERSION,
        "decided_by": f"model:{params.digest}",
        "subject": ring.sink,
        "subject_kind": "ACCOUNT" if outside else "CUSTOMER",
        "account": "",
        "instrument": "",
        "venue": "",
        "band": "HIGH" if ring.score >= params.high else "MEDIUM",
        "score": ring.score,
        "amount": ring.amount,
        "currency": currency,
        "scale": scale,
        "measured": f"{len(ring.members)} members, score {exact(ring.score, 6)}",
        "limit": f"{params.least_members} members, score {exact(params.threshold, 6)}",
        "reason": reason(ring, str(currency), int(scale)),
        "events": ";".join(ids[:LISTED]),
        "event_count": len(ids),
        "first_time": first,
        "last_time": last,
        "corrects": "",
        "source_topic": TRANSFERS,
        "source_partition": GATHERED,
        "first_offset": int(rests_on["offset"].min()),  # type: ignore[arg-type]
        "last_offset": int(rests_on["offset"].max()),  # type: ignore[arg-type]
        "version": VERSION,
    }


def reason(ring: Ring, currency: str, scale: int) -> str:
    """Why it is a ring, in words, and all its members by role."""
    shares = ", ".join(f"{name} {exact(value, 6)}" for name, value in ring.shares.items())
    through = f"through {len(ring.collectors)} collectors " if ring.collectors else ""
    words = (
        f"{len(ring.depositors)} customers with alerts on cash sent {through}"
        f"{exact(ring.amount, scale)} {currency} to one sink; "
        f"{ring.strangers} others paid the same; of 1: {shares};"
    )
    listed = ["sink", ring.sink]
    for role, names in (("collectors", ring.collectors), ("depositors", ring.depositors)):
        listed += [role, str(len(names)), *names]
    return f"{words}{_MEMBERS}{' '.join(listed)}"


def members(said: str) -> frozenset[str]:
    """The members that a reason lists; names hold no spaces."""
    _, _, listed = said.partition(_MEMBERS)
    if not listed:
        return frozenset()
    _, sink, _, count, *rest = listed.split(" ")
    number = int(count)
    return frozenset([sink, *rest[:number], *rest[number + 2 :]])
