"""The one table of topics: what each carries, its key, and how a key finds its partition."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

TICK_KEY = b"tick"


@dataclass(frozen=True)
class Topic:
    """One Kafka topic.

    Attributes:
        name: Logical name; a prefix may come before it.
        record: Its schema.
        key: Field of its key; None: the shard.
        shared: Several jobs write to it.
    """

    name: str
    record: str
    key: str | None = None
    shared: bool = False


def _job(name: str) -> list[Topic]:
    return [Topic(f"{name}.batches", "BatchIndex"), Topic(f"{name}.dead", "DeadLetter")]


TOPICS = {
    topic.name: topic
    for topic in [
        Topic("obligations", "Obligation", "netting_set"),
        Topic("fills", "Fill", "book"),
        Topic("quotes", "Quote", "isin"),
        Topic("instruments", "Instrument", "isin"),
        Topic("payments", "Payment", "payment_id"),
        Topic("postings", "Posting", "owner"),
        Topic("labels", "Label", "event_id"),
        Topic("schemes", "SchemeLabel", "member"),
        Topic("nets", "NetPosition"),
        Topic("nets.provenance", "NetProvenance"),
        Topic("cycles", "NettingCycle"),
        *_job("netting"),
        Topic("regulatory.events", "RegulatoryEvent"),
        *_job("regulatory"),
        Topic("graph.edges", "GraphEdge"),
        *_job("graph"),
        Topic("graph.links", "GraphLink"),
        *_job("links"),
        Topic("alerts", "Alert", shared=True),
        Topic("control.changes", "ControlChange", "name"),
        Topic("submissions", "ReportSubmission", "report_id"),
        Topic("customers", "Customer", "customer"),
        Topic("rules", "RuleSet", "name"),
        Topic("alert.actions", "AlertAction", "subject"),
        Topic("alerts.shadow", "Alert"),
        Topic("transfers", "Transfer"),
        *_job("aml"),
        *_job("motifs"),
        Topic("lists", "ListChunk", "name"),
        Topic("screening.runs", "ScreeningRun"),
        *_job("screening"),
        Topic("marks", "Mark"),
        *_job("marks"),
        Topic("scenarios", "ScenarioRow", "name"),
        Topic("limits", "RiskLimit", "limit_id"),
        Topic("margin.terms", "MarginTerms", "book"),
        Topic("corporate.actions", "CorporateAction", "isin"),
        Topic("positions", "Position"),
        Topic("pnl", "BookPnl"),
        Topic("pnl.corrections", "PnlCorrection"),
        Topic("var", "RiskMeasure"),
        Topic("limits.used", "LimitUse"),
        Topic("margin.calls", "MarginCall"),
        Topic("risk.refused", "Refusal", shared=True),
        *_job("risk"),
        Topic("firm.pnl", "BookPnl"),
        Topic("firm.var", "RiskMeasure"),
        Topic("firm.limits", "LimitUse"),
        *_job("firm"),
        Topic("orders", "Order", "isin"),
        Topic("venue.controls", "VenueControl", "control_id"),
        Topic("order.events", "OrderEvent"),
        Topic("executions", "Execution"),
        Topic("depth", "DepthChange"),
        Topic("best", "BestPrices"),
        Topic("orders.refused", "Refusal"),
        *_job("matching"),
        Topic("owner.links", "OwnerLink", "owner"),
        Topic("instrument.links", "InstrumentLink", "isin"),
        Topic("alerts.evidence", "Evidence", shared=True),
        Topic("abuse.challenger", "Alert"),
        Topic("abuse.drift", "ModelDrift"),
        Topic("abuse.refused", "Refusal"),
        Topic("episodes", "Episode"),
        *_job("abuse"),
        *_job("crossing"),
        Topic("abuse.labels", "AbuseLabel", "order_id"),
    ]
}
"""Every topic of the live system. All have as many partitions: a partition is a shard."""

KNOWN = TOPICS | {
    topic.name: topic
    for topic in [
        Topic("bench.events", "BenchEvent", "entity"),
        Topic("bench.alerts", "BenchAlert"),
        *_job("bench"),
    ]
}
"""The live topics and those that only measurements use."""

TOPIC_CONFIG = {
    "message.timestamp.type": "LogAppendTime",
    "retention.ms": "-1",
    "compression.type": "producer",
}
"""Broker settings of every topic: append time is the batch clock, and history is kept for audit."""

_SEED = 0x9747B28C
_M = 0x5BD1E995


def murmur2(data: bytes) -> int:
    """The 32-bit murmur2 hash by which Kafka's Java clients place keys, as an unsigned integer."""
    return int(_murmur2_rows(np.frombuffer(data, dtype=np.uint8).reshape(1, -1))[0])


def partition_of(key: bytes, partitions: int) -> int:
    """The partition a Java producer, and so Flink's sink, would choose for `key`."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def partitions_of(keys: pl.Series, partitions: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """`partition_of` for a whole String column; shape (n,), int64."""
    frame = keys.to_frame("key").with_columns(size=pl.col("key").str.len_bytes()).with_row_index()
    out = np.empty(len(keys), dtype=np.int64)
    for group in frame.partition_by("size"):
        size = int(group["size"][0])
        octets = np.frombuffer(group["key"].str.join("").item().encode(), dtype=np.uint8)
        hashes = _murmur2_rows(octets.reshape(group.height, size))
        out[group["index"].to_numpy()] = (hashes & 0x7FFFFFFF) % partitions
    return out


def shard_key(shard: int, partitions: int) -> bytes:
    """The key of a shard's results: the first of `p0.0`, `p0.1`, ... that is placed in it."""
    if not 0 <= shard < partitions:
        raise ValueError(f"there is no shard {shard} of {partitions}")
    attempt = 0
    while partition_of(b"p%d.%d" % (shard, attempt), partitions) != shard:
        attempt += 1
    return b"p%d.%d" % (shard, attempt)


def _murmur2_rows(
    octets: np.ndarray[Any, np.dtype[np.uint8]],
) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """murmur2 of each row of an array of shape (n, length); uint32 held in uint64."""
    n, length = octets.shape
    mask = np.uint64(0xFFFFFFFF)
    mix = np.uint64(_M)
    h = np.full(n, (_SEED ^ length) & 0xFFFFFFFF, dtype=np.uint64)
    words = np.ascontiguousarray(octets[:, : length - length % 4]).view("<u4").astype(np.uint64)
    for column in range(words.shape[1]):
        k = (words[:, column] * mix) & mask
        k = ((k ^ (k >> np.uint64(24))) * mix) & mask
        h = ((h * mix) & mask) ^ k
    tail = octets[:, length - length % 4 :].astype(np.uint64)
    if tail.shape[1]:
        for position in reversed(range(tail.shape[1])):
            h ^= tail[:, position] << np.uint64(8 * position)
        h = (h * mix) & mask
    h = ((h ^ (h >> np.uint64(13))) * mix) & mask
    return h ^ (h >> np.uint64(15))
