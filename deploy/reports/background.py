"""What the log has of the subjects of a report beside alerts: customer records and postings."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from connectors.topics import partition_of
from deploy.customers.changes import histories
from deploy.proofs.sources import Source, events, pieces
from deploy.reports.cases import Case
from deploy.rules.recorded import recorded
from schemas.checks import violations
from schemas.codec import decode_batch
from schemas.records import record
from udfs.aml.ruleset import digest, to_base
from udfs.aml.slots import DEFAULT_BODY

TOPICS = ("postings", "customers", "rules")
_RULES = "rules:"


@dataclass(frozen=True)
class Background:
    """What is known of a subject.

    Attributes:
        customer: The newest record in `customers`; None if there is none.
        postings: All postings of the subject by (time, posting_id): columns of Posting and `place`
            (topic/partition:offset), `zone` (of the customer then, UTC if unknown), `day` (date
            there) and `base` (minor units of USD; null without rates).
        priced: Whether the rule set that decided is there, so that amounts could be converted.
    """

    customer: Mapping[str, Any] | None
    postings: pl.DataFrame
    priced: bool


def backgrounds(
    source: Source, partitions: Sequence[int], found: Iterable[Case]
) -> dict[str, Background]:
    """The background of each case, by subject; a currency is converted as the alert's rules say."""
    bodies = _rule_sets(source)
    out = {}
    by_partition: dict[int, list[Case]] = {}
    for case in found:
        place = partition_of(case.subject.encode(), len(partitions))
        by_partition.setdefault(place, []).append(case)
    for partition, own in by_partition.items():
        customers = histories(recorded(source, "customers", [partition]))
        postings = _postings(source, partition, [case.subject for case in own])
        for case in own:
            known = customers.get(case.subject, [])
            body = bodies.get(_decided_by(case))
            rates = json.loads(body)["rates"] if body else {}
            theirs = _placed(postings.filter(owner=case.subject), known)
            base = to_base("amount", "scale", "currency", rates) if rates else pl.lit(None)
            theirs = theirs.with_columns(base=base.cast(pl.Int64))
            out[case.subject] = Background(known[-1] if known else None, theirs, bool(rates))
    return out


def _rule_sets(source: Source) -> dict[str, str]:
    """The text of each rule set by its hash; every partition has all of them."""
    bodies = [one.row["body"] for one in recorded(source, "rules", [0])]
    return {digest(body): body for body in [DEFAULT_BODY, *bodies]}


def _decided_by(case: Case) -> str:
    """The hash of the rule set behind the newest alert that rules raised; empty if none did."""
    told = [str(one["decided_by"]) for one in case.alerts]
    hashes = [one.removeprefix(_RULES) for one in told if one.startswith(_RULES)]
    return hashes[-1] if hashes else ""


def _postings(source: Source, partition: int, owners: Sequence[str]) -> pl.DataFrame:
    """The postings of owners that a job would use, each once."""
    rec = record("Posting")
    found = [pl.DataFrame(schema={**rec.columns, "place": pl.String})]
    for span in pieces(source, "postings", partition):
        offsets, messages = events(span)
        frame, rows, _ = decode_batch(rec, messages)
        place = pl.Series([f"postings/{partition}:{offsets[int(row)]}" for row in rows])
        frame = frame.with_columns(place=place.cast(pl.String))
        frame = frame.filter(pl.col("owner").is_in(owners))
        broken = [one.index for one in violations(rec, frame)]
        found.append(frame.with_row_index().filter(~pl.col("index").is_in(broken)).drop("index"))
    whole = pl.concat(found)
    return whole.unique(("producer", "sequence"), keep="first", maintain_order=True)


def _placed(postings: pl.DataFrame, known: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Postings with `zone` and `day`, by (time, posting_id)."""
    schema = {"time": pl.Int64, "zone": pl.String}
    zones = pl.DataFrame([(one["time"], one["zone"]) for one in known], schema, orient="row")
    rows = postings.sort("time", "posting_id").join_asof(zones.sort("time"), on="time")
    rows = rows.with_columns(pl.col("zone").fill_null("UTC"))
    utc = pl.from_epoch("time", time_unit="us").dt.replace_time_zone("UTC")
    parts = [
        part.with_columns(day=utc.dt.convert_time_zone(part["zone"][0]).dt.date())
        for part in rows.partition_by("zone", maintain_order=True)
    ]
    empty = rows[:0].with_columns(day=pl.lit(None, pl.Date))
    return pl.concat([empty, *parts]).sort("time", "posting_id")
