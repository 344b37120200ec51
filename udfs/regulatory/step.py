"""Results of all jobs to one chain a shard: each event names the one before it by hash.

The order is that of the log: append time, then topic, then offset. leaf = SHA-256(0x00 || the
event's message without its last 32 bytes, which are the link); link = SHA-256(0x02 || previous link
|| sequence as uint64 big-endian || leaf). State: the next sequence and the last link of the shard.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from schemas.codec import decode_batch, encode_frame
from schemas.merkle import GENESIS, leaf_hash, link
from schemas.records import Record, by_schema_id, record
from schemas.step import Batch, Clock, Outputs, State, TableSpec
from udfs.regulatory.said import REDACTED, lineage, redacted
from udfs.shape import as_record

VERSION = "regulatory/2"
"""Changes when the events made of the same results do."""

TABLES = {"chain": TableSpec(key="shard", columns={"shard": "str", "next": "int", "head": "bytes"})}

LINK_SIZE = 32


@dataclass(frozen=True)
class Config:
    """What becomes a regulatory event.

    Attributes:
        records: Topic of results -> name of the record it carries.
        topic: Where the events go.
    """

    records: Mapping[str, str]
    topic: str = "regulatory.events"


@dataclass(frozen=True)
class RegulatoryStep:
    """The step contract: results in log order in, the next links of the shard's chain out."""

    config: Config

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """The batch's results as events, linked to the chain so far."""
        results = [
            _events(frame, topic, self.config.records[topic], clock.shard)
            for topic, frame in batch.items()
            if topic in self.config.records and frame.height
        ]
        if not results:
            return {}
        place = ("appended", "source_topic", "source_offset")
        ordered = pl.concat(results).sort(place)
        chain = state["chain"]
        shard = pl.Series("shard", [str(clock.shard)])
        following, head = chain.lookup(shard).select("next", "head").row(0)
        events = as_record(
            ordered.with_columns(
                producer=pl.lit(f"regulatory/{clock.shard}"),
                sequence=following + pl.int_range(pl.len()),
                source_partition=pl.lit(clock.shard),
                version=pl.lit(VERSION),
                link=pl.lit(GENESIS),
            ),
            "RegulatoryEvent",
            without=(),
        )
        links = list(_links(events, following, head or GENESIS))
        chain.upsert(
            pl.DataFrame({"shard": shard, "next": following + len(links), "head": links[-1:]})
        )
        return {self.config.topic: events.with_columns(link=pl.Series(links, dtype=pl.Binary))}


def _events(results: pl.DataFrame, topic: str, name: str, shard: int) -> pl.DataFrame:
    """What the events say of the results of a topic; without a time of its own, the append time."""
    rec = record(name)
    own = _own(results, rec)
    said = own.select(
        event_time=pl.col(rec.time) if rec.time else results["appended"] * 1_000,
        subject=_text(rec, rec.subject),
        result_id=_text(rec, rec.id),
        result_version=_text(rec, "version"),
        lineage=lineage(rec, shard),
        decided_by=_text(rec, "decided_by"),
        corrects=_text(rec, "corrects"),
    )
    stored = results.select(
        "appended",
        kind=pl.lit(name),
        payload=redacted(own, rec) if rec.name in REDACTED else results["raw"],
        fingerprint=_fingerprints(results["raw"], rec),
        source_topic=pl.lit(topic),
        source_offset=pl.col("offset"),
    )
    return pl.concat([said, stored], how="horizontal")


def _own(results: pl.DataFrame, rec: Record) -> pl.DataFrame:
    """The results as their messages have them.

    The batch's own columns (offset, append time, lateness) hide fields of the same name, which a
    dead letter has: then the messages are decoded once more.
    """
    needed = {rec.time, rec.subject, rec.id, *rec.lineage}
    if needed.isdisjoint(("offset", "appended", "late", "watermark")):
        return results
    return decode_batch(rec, results["raw"].to_list())[0]


def _text(rec: Record, column: str | None) -> pl.Expr:
    """A text column of the record, empty if it has none such."""
    return pl.col(column) if column in rec.columns else pl.lit("")


def _fingerprints(messages: pl.Series, rec: Record) -> pl.Series:
    """The fingerprint of each payload's schema, which may be an older version of the record."""
    if rec.name in REDACTED:
        return pl.repeat(rec.fingerprint, len(messages), dtype=pl.Binary, eager=True)
    headers = messages.bin.slice(1, 4)
    known = {header: _fingerprint(header) for header in headers.unique().to_list()}
    if len(known) == 1:
        return pl.repeat(next(iter(known.values())), len(messages), dtype=pl.Binary, eager=True)
    return pl.Series([known[header] for header in headers.to_list()], dtype=pl.Binary)


def _fingerprint(header: bytes) -> bytes:
    found = by_schema_id(int.from_bytes(header, "big"))
    if found is None:
        raise ValueError(f"a result carries the unknown schema id {int.from_bytes(header, 'big')}")
    return found.fingerprint


def _links(events: pl.DataFrame, sequence: int, previous: bytes) -> Iterator[bytes]:
    for message in encode_frame(record("RegulatoryEvent"), events):
        previous = link(previous, sequence, leaf_hash(message[:-LINK_SIZE]))
        sequence += 1
        yield previous
