"""What was known about a subject at a point of the log, corrections applied and shown.

Known is what had been appended to the regulatory log by then, whatever business time it is about.
Of each result the latest version is given: of a net that is the latest one of its netting set,
asset, kind, counterparty and cycle, of anything else the latest of its id. A correction takes the
place of the version it corrects, and the places of all versions are listed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.lineage.found import Event
from deploy.lineage.index import Index
from deploy.lineage.nodes import moment, plain, told
from deploy.lineage.points import Point, check
from schemas.records import names, record

_BATCH = "BatchIndex"


@dataclass(frozen=True)
class Known:
    """A result in its latest version, and every version there was by then, oldest first."""

    latest: Event
    versions: Sequence[Event]


@dataclass(frozen=True)
class State:
    """What was known of a subject at a point; `limits`: what the index does not cover."""

    subject: str
    point: Point
    results: list[Known]
    limits: list[str]


def as_of(index: Index, point: Point, subject: str) -> State:
    """All results about `subject`, or with it as counterparty, account or netting set.

    Args:
        index: The lineage index.
        point: Until when, in append time or offsets of `regulatory.events`.
        subject: LEI, account, customer, netting set, instrument or job name.

    Returns:
        Results by kind, business time and id. Batch indexes are left out: they are about no one.

    Raises:
        UserError: The offsets of `point` are not those of the log.
    """
    limits = check(point, index.indexed())
    named = [event for event in index.about(subject) if _known_at(event, point)]
    roots = sorted({event.corrects or event.result_id for event in named} - {""})
    others = [*index.results(roots), *index.corrections(roots)]
    found = [event for event in (*named, *others) if _known_at(event, point)]
    versions: dict[tuple[str, str, int], dict[tuple[int, int], Event]] = {}
    for event in found:
        place = versions.setdefault((event.kind, event.root, event.shard), {})
        place[event.shard, event.sequence] = event
    results = [_known(list(places.values())) for places in versions.values()]
    results.sort(key=lambda known: (known.latest.kind, known.latest.event_time, known.latest.root))
    return State(subject, point, results, limits)


def _known(versions: list[Event]) -> Known:
    versions.sort(key=lambda event: (event.appended, event.log_offset))
    return Known(versions[-1], versions)


def _known_at(event: Event, point: Point) -> bool:
    """Whether an event had been appended by then; batch indexes are about no one."""
    if event.kind == _BATCH:
        return False
    if point.time is not None:
        return event.appended <= point.time
    return event.log_offset < point.offsets[event.shard]


def document(state: State) -> dict[str, Any]:
    """For JSON: amounts in minor units, times in microseconds UTC, bytes as hexadecimal digits."""
    return {
        "subject": state.subject,
        "point": str(state.point),
        "limits": state.limits,
        "results": [
            {
                "kind": known.latest.kind,
                "id": known.latest.root,
                "event": str(known.latest.id),
                "stored": str(known.latest.source),
                "appended": known.latest.appended * 1_000,
                "event_time": known.latest.event_time,
                "role": _role(known.latest, state.subject),
                "corrects": known.latest.corrects,
                "versions": [str(version.id) for version in known.versions],
                "fields": plain(known.latest.fields),
            }
            for known in state.results
        ],
    }


def lines(state: State) -> Iterator[str]:
    """For people: kind, event, business time and what the result says; below it, its id."""
    for known in state.results:
        latest = known.latest
        said = _words(latest, state.subject)
        yield f"{latest.kind} {latest.id}  {moment(latest.event_time)}  {said}"
        versions = " > ".join(str(version.id) for version in known.versions)
        yield f"    {latest.root}" + (f"  versions {versions}" if len(known.versions) > 1 else "")


def _role(event: Event, subject: str) -> str:
    """As what a result names the subject: the field that holds it."""
    rec = record(event.kind) if event.kind in names() else None
    own = [rec.subject] if rec and rec.subject else []
    fields = [*own, *(name for name in event.fields if name not in own)]
    return next((name for name in fields if event.fields.get(name) == subject), "subject")


def _words(event: Event, subject: str) -> str:
    """What a result says, in a line; a bilateral net is one record, seen from its `member`."""
    fields = event.fields
    if event.kind == "NetPosition":
        amount = scaled(fields["net"], fields["scale"])
        against = f" against {fields['counterparty']}" if fields["counterparty"] else ""
        return (
            f"{fields['member']} nets {amount} {fields['asset']}{against}, "
            f"of {fields['obligations']} obligations"
        )
    hidden = {"subject", subject}
    said = {name: value for name, value in fields.items() if value not in hidden}
    return ", ".join(f"{name} {told(name, value)}" for name, value in said.items())[:160]


def scaled(amount: int, scale: int) -> str:
    """An amount in units of 10^-scale as a decimal number."""
    digits = f"{abs(amount):0{scale + 1}d}"
    sign = "-" if amount < 0 else ""
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else f"{sign}{digits}"
