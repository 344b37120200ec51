"""Alerts, their evidence and refusals as the records they travel as."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from udfs.abuse.intake import NAMES
from udfs.abuse.rules.rule import BOOK, Hit, Piece
from udfs.shape import as_record

VERSION = "abuse/1"
EVENTS = "order.events"
LISTED = 1_000
"""An alert names at most so many of the events behind it."""
LARGEST = 2**63 - 1
SIDES = ("BUY", "SELL")


@dataclass(frozen=True)
class Feature:
    """What a feature added to a score: its name, value in millionths or None, millionths."""

    name: str
    value: int | None
    contribution: int


@dataclass(frozen=True)
class Raised:
    """An alert to be told.

    Attributes:
        hit: What was met.
        rule: Which rule, and its version.
        version: Version of the rule.
        decided_by: Rule set or model.
        event: The event that met it: columns of order.events.
        features: What added most to a model's score.
    """

    hit: Hit
    rule: str
    version: str
    decided_by: str
    event: Mapping[str, Any]
    features: Sequence[Feature] = ()

    @property
    def alert_id(self) -> str:
        """Rule, the event that met it, and whom it is about if that is not the event's owner."""
        whom = f"-{self.hit.subject}" if self.hit.subject else ""
        return f"abuse-{self.rule}-{self.event['event_id']}{whom}"

    @property
    def pieces(self) -> list[Piece]:
        """The events behind it, each once, in order of time."""
        once = {piece.event_id: piece for piece in self.hit.pieces}
        return sorted(once.values(), key=lambda piece: (piece.time, piece.offset))


def alerts(
    raised: Sequence[Raised], shard: int, topic: str = EVENTS, version: str = VERSION
) -> pl.DataFrame:
    """Records Alert; `topic` is what their offsets are of."""
    rows = []
    for one in raised:
        hit, event, pieces = one.hit, one.event, one.pieces
        offsets = [*(piece.offset for piece in pieces), event["offset"]]
        times = [*(piece.time for piece in pieces), event["time"]]
        rows.append(
            {
                "alert_id": one.alert_id,
                "time": event["time"],
                "domain": "MARKET_ABUSE",
                "rule": one.rule,
                "rule_version": one.version,
                "decided_by": one.decided_by,
                "subject": hit.subject or event["owner"],
                "subject_kind": "OTHER",
                "account": "",
                "instrument": event["isin"],
                "venue": event["mic"],
                "band": hit.band,
                "score": hit.score,
                "amount": min(abs(hit.quantity * hit.price), LARGEST),
                "currency": event["currency"],
                "scale": event["price_scale"],
                "measured": hit.measured,
                "limit": hit.limit,
                "reason": hit.reason,
                "events": ";".join(piece.event_id for piece in pieces[:LISTED]),
                "event_count": len(pieces),
                "first_time": min(times),
                "last_time": max(times),
                "corrects": "",
                **_lineage(min(offsets), max(offsets), shard, topic, version),
            }
        )
    return as_record(pl.DataFrame(rows, infer_schema_length=None), "Alert")


def evidence(
    raised: Sequence[Raised], shard: int, topic: str = EVENTS, version: str = VERSION
) -> pl.DataFrame:
    """Records Evidence: the events behind each alert, then features."""
    rows: list[dict[str, object]] = []
    for one in raised:
        common = {"alert_id": one.alert_id}
        parts = [
            *(_event(piece, one) for piece in one.pieces[:LISTED]),
            *(_feature(feature, one) for feature in one.features),
        ]
        for place, part in enumerate(parts):
            id_ = f"{one.alert_id}/{place}"
            rows.append({"evidence_id": id_, "place": place, **common, **part})
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return as_record(
        frame.with_columns(
            source_topic=pl.lit(topic), source_partition=pl.lit(shard), version=pl.lit(version)
        ),
        "Evidence",
    )


def refusals(refused: pl.DataFrame, shard: int) -> pl.DataFrame:
    """Records Refusal of events, with column `why`."""
    said = pl.col("why").replace_strict(dict(NAMES), default="")
    return as_record(
        refused.with_columns(
            refusal_id=pl.concat_str(pl.lit("abuse-"), "event_id"),
            record_id="event_id",
            subject="order_id",
            reason="why",
            detail=pl.concat_str("event", pl.lit(": "), said),
            source_topic=pl.lit(EVENTS),
            source_partition=pl.lit(shard),
            first_offset="offset",
            last_offset="offset",
            version=pl.lit(VERSION),
        ),
        "Refusal",
    )


def _event(piece: Piece, of: Raised) -> dict[str, object]:
    return {
        "isin": piece.isin or of.event["isin"],
        "mic": piece.mic or of.event["mic"],
        "time": piece.time,
        "kind": piece.kind,
        "event_id": piece.event_id,
        "order_id": piece.order_id,
        "side": SIDES[piece.side],
        "price": piece.price,
        "quantity": piece.quantity,
        **dict(zip(BOOK, piece.book, strict=True)),
        "feature": "",
        "value": 0,
        "missing": False,
        "contribution": 0,
        "first_offset": piece.offset,
        "last_offset": piece.offset,
    }


def _feature(feature: Feature, of: Raised) -> dict[str, object]:
    return {
        "isin": of.event["isin"],
        "mic": of.event["mic"],
        "time": of.event["time"],
        "kind": "FEATURE",
        "event_id": "",
        "order_id": "",
        "side": "",
        "price": 0,
        "quantity": 0,
        **dict.fromkeys(BOOK, 0),
        "feature": feature.name,
        "value": feature.value or 0,
        "missing": feature.value is None,
        "contribution": feature.contribution,
        "first_offset": of.event["offset"],
        "last_offset": of.event["offset"],
    }


def _lineage(first: int, last: int, shard: int, topic: str, version: str) -> dict[str, object]:
    return {
        "source_topic": topic,
        "source_partition": shard,
        "first_offset": first,
        "last_offset": last,
        "version": version,
    }
