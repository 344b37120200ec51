"""What the index keeps of a run of the regulatory log: frames made of all its messages at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors.log import Span
from connectors.topics import TICK_KEY, TOPICS
from deploy.errors import UserError
from schemas.codec import decode_batch
from schemas.records import Record, names, record
from udfs.regulatory.said import lineage, redacted

_WITHOUT_PAYLOAD = frozenset({"NetProvenance", "BatchIndex"})
"""Kinds whose content has tables of its own."""
_PARTIES = ("counterparty", "account")
_SCOPES = ("netting_set", "instrument")
_RANGE = r"^(.+)/(\d+):(\d+)-(\d+)$"
_OFFSET_SIZE = 8
_EVENT_COLUMNS = (
    *("shard", "sequence", "kind", "result_id", "subject", "party", "scope", "event_time"),
    *("appended", "log_offset", "source_topic", "source_partition", "source_offset"),
    *("result_version", "decided_by", "corrects", "payload"),
)
_BATCH_COLUMNS = (
    *("shard", "sequence", "job", "batch", "slice_end", "records", "used", "duplicates"),
    *("late", "dead", "outputs", "version"),
)


@dataclass(frozen=True)
class Rows:
    """New rows of the tables of `layout`, by their names; `last` and `mark`: the last record."""

    tables: dict[str, pl.DataFrame]
    last: int
    mark: bytes


def event_rows(span: Span, shard: int) -> Rows | None:
    """The rows of a run of `regulatory.events` of one partition; None if it holds ticks only.

    Raises:
        UserError: A message is no regulatory event.
    """
    frame = _decoded(span, shard, "regulatory.events")
    if frame is None:
        return None
    kinds = [_of_kind(part) for part in frame.partition_by("kind", maintain_order=True)]
    events = pl.concat([kind.events for kind in kinds]).sort("sequence")
    tables = {
        "events": events.select(_EVENT_COLUMNS),
        "lineage": _ranges(events.filter(pl.col("kind") != "BatchIndex")),
    }
    for kind in kinds:
        if kind.rec and kind.rec.name == "NetProvenance":
            tables["behind"] = _behind(kind.own)
        elif kind.rec and kind.rec.name == "BatchIndex":
            repeats = pl.col("duplicates") + pl.col("duplicates_unchecked")
            tables["batches"] = kind.own.with_columns(duplicates=repeats).select(_BATCH_COLUMNS)
            named = kind.own.select("shard", "sequence", "job", "batch")
            tables["reads"] = (
                _ranges(kind.events)
                .join(named, on=("shard", "sequence"), maintain_order="left")
                .select("shard", "sequence", "job", "batch", "topic", "first", "last")
            )
    return Rows(tables, int(frame["log_offset"][-1]), frame["link"][-1])


def edge_rows(span: Span, shard: int) -> Rows | None:
    """The rows of a run of `graph.edges` of one partition; None if it holds ticks only."""
    frame = _decoded(span, shard, "graph.edges")
    if frame is None:
        return None
    edges = frame.select(
        *("shard", "log_offset", "sequence", "edge_id", "source", "target", "asset"),
        *("window_end", "count"),
        topic="source_topic",
        first="first_offset",
        last="last_offset",
    )
    return Rows({"edges": edges}, edges["log_offset"][-1], edges["edge_id"][-1].encode())


def _decoded(span: Span, shard: int, topic: str) -> pl.DataFrame | None:
    """The records of a span that are no ticks, with shard, log_offset and appended."""
    kept = [row for row, key in enumerate(span.keys) if key != TICK_KEY]
    if not kept:
        return None
    places = pl.DataFrame(
        {
            "log_offset": np.array(span.offsets, dtype=np.int64)[kept],
            "appended": np.array(span.appended, dtype=np.int64)[kept],
        }
    )
    rec = record(TOPICS[topic].record)
    frame, _, rejected = decode_batch(rec, [span.values[row] for row in kept])
    if rejected:
        offset = places["log_offset"][rejected[0].index]
        raise UserError(
            f"{topic}/{shard}/{offset} is no {rec.name} ({rejected[0].reason}); "
            "see what the chain says: tidemark verify"
        )
    return pl.concat([frame, places], how="horizontal").with_columns(
        shard=pl.lit(shard, dtype=pl.Int32)
    )


@dataclass(frozen=True)
class _Kind:
    """Events of one kind, and in `own` what their payloads say, by shard and sequence of event."""

    rec: Record | None
    events: pl.DataFrame
    own: pl.DataFrame


def _of_kind(events: pl.DataFrame) -> _Kind:
    """What the payloads add to events of one kind; events of version 1 lack some columns."""
    name = events["kind"][0]
    if name not in names():
        events = events.with_columns(party=pl.lit(""), scope=pl.lit(""))
        return _Kind(None, events, events)
    rec = record(name)
    own, rows, _ = decode_batch(rec, events["payload"].to_list())
    said = own.select(
        row=pl.Series(rows, dtype=pl.UInt32),
        own_result_id=_first_of(rec, (rec.id,)),
        own_result_version=_first_of(rec, ("version",)),
        own_lineage=lineage(rec, events["shard"][0]),
        party=_first_of(rec, _PARTIES),
        scope=_first_of(rec, _SCOPES),
        kept=_kept(rec, own, events["payload"].gather(rows)),
    )
    joined = events.with_row_index("row").join(said, on="row", how="left", maintain_order="left")
    filled = joined.with_columns(
        pl.col("party", "scope").fill_null(""),
        *(
            pl.when(pl.col(name) == "")
            .then(pl.col(f"own_{name}").fill_null(""))
            .otherwise(pl.col(name))
            .alias(name)
            for name in ("result_id", "result_version", "lineage")
        ),
        payload=pl.col("kept").fill_null(b""),
    )
    places = events.select("shard", "sequence")[rows]
    if rec.name == "BatchIndex":
        own = own.rename({"sequence": "batch"})
    own = own.drop("shard", "sequence", strict=False)
    return _Kind(
        rec,
        filled.select(*events.columns, "party", "scope"),
        pl.concat([places, own], how="horizontal"),
    )


def _first_of(rec: Record, columns: Sequence[str | None]) -> pl.Expr:
    """The first of these text columns that the record has, else empty."""
    return next((pl.col(name) for name in columns if name in rec.columns), pl.lit(""))


def _kept(rec: Record, own: pl.DataFrame, payloads: pl.Series) -> pl.Series:
    """The payloads to keep: none twice, and nothing of what a refused record held."""
    if rec.name in _WITHOUT_PAYLOAD or own.is_empty():
        return pl.repeat(b"", own.height, dtype=pl.Binary, eager=True)
    if rec.name != "DeadLetter":
        return payloads
    return redacted(own, rec)


def _ranges(events: pl.DataFrame) -> pl.DataFrame:
    """One row for each range of input that events name: shard, sequence, topic, partition, ..."""
    named = events.filter(pl.col("lineage") != "").select(
        "shard", "sequence", part=pl.col("lineage").str.split(";")
    )
    parts = named.explode("part").with_columns(
        pl.col("part")
        .str.extract_groups(_RANGE)
        .struct.rename_fields(["topic", "partition", "first", "last"])
    )
    numbers = {"partition": pl.Int32, "first": pl.Int64, "last": pl.Int64}
    return (
        parts.unnest("part")
        .drop_nulls("topic")
        .select("shard", "sequence", "topic", "partition", "first", "last")
        .cast(numbers)  # type: ignore[arg-type]
    )


def _behind(chunks: pl.DataFrame) -> pl.DataFrame:
    """One row for each obligation that a provenance event lists."""
    octets = b"".join(chunks["offsets"].to_list())
    counts = chunks["offsets"].bin.size().to_numpy() // _OFFSET_SIZE
    return pl.DataFrame(
        {
            "shard": np.repeat(chunks["shard"].to_numpy(), counts),
            "sequence": np.repeat(chunks["sequence"].to_numpy(), counts),
            "offset": np.frombuffer(octets, dtype=">i8").astype(np.int64),
        }
    )
