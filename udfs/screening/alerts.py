"""A hit as an alert: its band, its id, and its reason in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from schemas.records import record
from udfs.screening.config import VERSION
from udfs.screening.events import Event
from udfs.screening.known import Pair
from udfs.screening.score import WHOLE
from udfs.screening.screener import Hit
from udfs.screening.versions import Version
from udfs.shape import ENGINE, as_record

RULES = {"SANCTION": "sanctions-screening", "PEP": "pep-screening"}
"""The rule of an entry, by its category."""
BANDS = ((950_000, "HIGH"), (900_000, "MEDIUM"), (0, "LOW"))
_SHOWN = 6


def alert(
    event: Event, hit: Hit, pair: Pair, listed: Version, limit: int, shard: int
) -> dict[str, Any]:
    """The columns of the alert's record but those the engine fills."""
    rule = RULES[hit.entry.category]
    value = hit.score.value
    return {
        "alert_id": pair.alert_id(rule, event.event),
        "time": event.at,
        "domain": "AML",
        "rule": rule,
        "rule_version": VERSION,
        "decided_by": f"list:{listed.hash}",
        "subject": event.subject,
        "subject_kind": "CUSTOMER",
        "account": event.account,
        "instrument": "",
        "venue": "",
        "band": next(name for least, name in BANDS if value >= least),
        "score": value,
        "amount": event.amount,
        "currency": event.currency,
        "scale": event.scale,
        "measured": f"likeness of names {value} ppm",
        "limit": f"{limit} ppm",
        "reason": reason(event, hit, listed),
        "events": event.event,
        "event_count": 1,
        "first_time": event.at,
        "last_time": event.at,
        "corrects": "",
        "source_topic": event.topic,
        "source_partition": shard,
        "first_offset": event.offset,
        "last_offset": event.offset,
        "version": VERSION,
    }


def reason(event: Event, hit: Hit, listed: Version) -> str:
    """Why the name was found, in words: both names, the entry, the list, the parts of the score."""
    entry, found = hit.entry, hit.score
    whose = "Customer" if event.customer else "Other side of a payment,"
    known = [entry.kind.lower()]
    if entry.birth_year:
        known.append(f"born {entry.birth_year}")
    if entry.countries:
        here = "also" if event.country in entry.countries else "not"
        known.append(f"tied to {', '.join(entry.countries)}, {here} {event.country or '?'}")
    if entry.programme:
        known.append(entry.programme)
    likes = [
        f"{p.mine} = {p.theirs}" + ("" if p.like == 1.0 else f" {_share(round(p.like * WHOLE))}")
        for p in found.pairs[:_SHOWN]
    ]
    return (
        f'{whose} "{event.name}" is like "{hit.name}": {entry.id} on list {listed.list} '
        f"epoch {listed.epoch} (SHA-256 {listed.hash[:12]}), {'; '.join(known)}. "
        f"Score {_share(found.value)}: of both names {_share(found.both)}, of the shorter "
        f"{_share(found.one)}; {'; '.join(likes)}."
    )


def frame(rows: Sequence[Mapping[str, Any]], name: str) -> pl.DataFrame:
    """Rows as a frame of the record `name`."""
    columns = {c: t for c, t in record(name).columns.items() if c not in ENGINE}
    return as_record(pl.DataFrame(rows, schema=columns, orient="row"), name)


def _share(ppm: int) -> str:
    """As in 0.934; rounded down."""
    return f"0.{ppm // 1000:03d}" if ppm < WHOLE else "1"
