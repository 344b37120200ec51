"""Which of the shapes found are news, and the alerts that say so.

A shape is reported when it first reaches its threshold, and again, as an amendment of the first
alert, each time it has grown by a factor or a late transfer is met in it. A shape that was not met
for a while is over.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.records import record
from schemas.step import State
from udfs.aml.rule import LISTED
from udfs.motifs.edges import Edges
from udfs.motifs.found import Found
from udfs.motifs.memory import behind
from udfs.motifs.params import Params
from udfs.motifs.search import SHAPES, Name
from udfs.motifs.words import Leg, reason
from udfs.shape import ENGINE, as_record

NOTHING = pl.DataFrame(
    schema={n: kind for n, kind in record("Alert").columns.items() if n not in ENGINE}
)


@dataclass(frozen=True)
class Decision:
    """What stands in every alert: by which rule set and version, from what, in which money."""

    params: Params
    digest: str
    currency: str
    version: str
    topic: str
    shard: int


@dataclass(frozen=True)
class _Known:
    """What was last reported of a shape; `alert` is an id, or a place in this call's news."""

    alert: int | str
    first: int
    size: int
    last: int


@dataclass(frozen=True)
class _News:
    """A shape to be reported; `amends` is an alert as in _Known."""

    name: Name
    found: Found
    place: int
    amends: int | str | None


@dataclass(frozen=True)
class _Place:
    """A transfer in the log; `outside`: its target is no customer of ours."""

    transfer_id: str
    outside: bool
    offset: int
    late: bool


def report(
    state: State, found: Mapping[Name, Found], decision: Decision, late: Set[int]
) -> pl.DataFrame:
    """The alerts of shapes that are news, in the order of their last edges.

    Args:
        state: The stage's tables.
        found: The shapes that new edges complete.
        decision: Who decides.
        late: Numbers of the new edges that came late.
    """
    if not any(len(one) for one in found.values()):
        return NOTHING
    known = _stored(state, found)
    told = _news(found, known, decision.params, late)
    rows = _rows(state, told, decision) if told else []
    _store(state, known, [str(row["alert_id"]) for row in rows])
    return as_record(pl.DataFrame(rows), "Alert") if rows else NOTHING


def _news(
    found: Mapping[Name, Found], known: dict[str, _Known], params: Params, late: Set[int]
) -> list[_News]:
    """What has to be said; `known` is brought up to date."""
    order = sorted(
        (number, rank, place, name)
        for rank, (name, one) in enumerate(found.items())
        for place, number in enumerate(one.last.number.tolist())
    )
    told: list[_News] = []
    for number, _, place, name in order:
        one = found[name]
        at, size = int(one.last.at[place]), int(one.size[place])
        names = _names(name, one, place)
        since = at - SHAPES[name].params(params).closed_after
        rows = [known[n] for n in names if n in known and known[n].last > since]
        before = min(rows, key=lambda row: row.first, default=None)
        if before is None:
            after = _Known(len(told), number, size, at)
            told.append(_News(name, one, place, None))
        elif size * 1_000_000 >= before.size * params.growth_ppm or number in late:
            after = _Known(before.alert, before.first, max(size, before.size), at)
            told.append(_News(name, one, place, before.alert))
        else:
            after = _Known(before.alert, before.first, before.size, at)
        known.update(dict.fromkeys(names, after))
    return told


def _names(name: Name, found: Found, place: int) -> list[str]:
    """By what a shape is known again."""
    return [f"{name}|{key}" for key in found.keys[place]]


def _stored(state: State, found: Mapping[Name, Found]) -> dict[str, _Known]:
    names = {
        key for name, one in found.items() for i in range(len(one)) for key in _names(name, one, i)
    }
    stored = state["reported"].lookup(pl.Series(sorted(names), dtype=pl.String)).filter("known")
    rows = stored.select("motif", "alert", "first", "size", "last").iter_rows()
    return {motif: _Known(*rest) for motif, *rest in rows}


def _store(state: State, known: Mapping[str, _Known], ids: Sequence[str]) -> None:
    rows = [
        (name, ids[row.alert] if isinstance(row.alert, int) else row.alert, row.first, row.size)
        for name, row in known.items()
    ]
    frame = pl.DataFrame(rows, orient="row", schema=["motif", "alert", "first", "size"])
    state["reported"].upsert(frame.with_columns(last=pl.Series([r.last for r in known.values()])))


def _rows(state: State, told: Sequence[_News], decision: Decision) -> list[dict[str, object]]:
    """The alerts, one record each; later ones may amend earlier ones."""
    edges = [_edges(one) for one in told]
    codes = np.unique(np.concatenate([np.append(e.source, e.target) for e in edges]))
    node = dict(zip(codes.tolist(), state["nodes"].lookup(pl.Series(codes))["node"], strict=True))
    numbers = np.unique(np.concatenate([e.number for e in edges]))
    place = {number: _Place(*rest) for number, *rest in behind(state, numbers).iter_rows()}
    ids: list[str] = []
    rows = []
    for one, of_it in zip(told, edges, strict=True):
        legs = [
            (node[a], node[b])
            for a, b in zip(of_it.source.tolist(), of_it.target.tolist(), strict=True)
        ]
        places = [place[number] for number in of_it.number.tolist()]
        row = _row(one, legs, places, node, decision)
        row["corrects"] = ids[one.amends] if isinstance(one.amends, int) else one.amends or ""
        ids.append(str(row["alert_id"]))
        rows.append(row)
    return rows


def _row(
    one: _News,
    legs: Sequence[Leg],
    places: Sequence[_Place],
    node: Mapping[int, str],
    decision: Decision,
) -> dict[str, object]:
    found, edges = one.found, _edges(one)
    shape = SHAPES[one.name]
    params = shape.params(decision.params)
    size, hub = int(found.size[one.place]), int(found.hub[one.place])
    members = sorted({name for leg in legs for name in leg})
    subject = node[hub] if hub >= 0 else members[0]
    in_order = np.argsort(edges.number, kind="stable").tolist()
    events = [places[i].transfer_id for i in in_order]
    first, last = int(edges.at.min()), int(found.last.at[one.place])
    parts = found.part[_span(one)].tolist()
    layers = [[leg for leg, p in zip(legs, parts, strict=True) if p == n] for n in sorted({*parts})]
    band = [band for band in params.bands if size >= band.at_least][-1]
    offsets, late = [place.offset for place in places], sum(place.late for place in places)
    identity = json.dumps([one.name, members, events[0], events[-1]], separators=(",", ":"))
    return {
        "alert_id": hashlib.sha256(identity.encode()).hexdigest()[:32],
        "time": last,
        "domain": "AML",
        "rule": one.name,
        "rule_version": decision.version,
        "decided_by": f"rules:{decision.digest}",
        "subject": subject,
        "subject_kind": _kind(subject, legs, places),
        "account": "",
        "instrument": "",
        "venue": "",
        "band": band.name,
        "score": band.score,
        "amount": int(found.amount[one.place]),
        "currency": decision.currency,
        "scale": 2,
        "measured": f"{size} {shape.unit}",
        "limit": f"{params.threshold} {shape.unit}",
        "reason": reason(one.name, layers, last - first, params, late),
        "events": ";".join(events[:LISTED]),
        "event_count": len(events),
        "first_time": first,
        "last_time": last,
        "source_topic": decision.topic,
        "source_partition": decision.shard,
        "first_offset": min(offsets),
        "last_offset": max(offsets),
        "version": decision.version,
    }


def _kind(subject: str, legs: Sequence[Leg], places: Sequence[_Place]) -> str:
    """A node that never pays and is known by its account is an account of another bank."""
    if any(source == subject for source, _ in legs):
        return "CUSTOMER"
    outside = [
        place.outside for (_, target), place in zip(legs, places, strict=True) if target == subject
    ]
    return "ACCOUNT" if any(outside) else "CUSTOMER"


def _span(one: _News) -> slice:
    low, high = np.searchsorted(one.found.of, [one.place, one.place + 1]).tolist()
    return slice(low, high)


def _edges(one: _News) -> Edges:
    return one.found.edges[_span(one)]
