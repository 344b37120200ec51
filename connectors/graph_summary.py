"""What a graph of edges amounts to, so that the one in Neo4j and the oracle's can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import polars as pl

from schemas.codec import encode_frame
from schemas.records import record

COLUMNS = (
    *("source", "target", "edge_id", "asset", "scale", "window_start", "window_end"),
    *("count", "amount", "late"),
    *("source_topic", "source_partition", "first_offset", "last_offset", "version"),
)
"""What an edge says beside its kind: all fields of GraphEdge but who wrote it as which record."""

_ENDS = {"PAYMENT": "ACCOUNT", "OBLIGATION": "MEMBER"}


@dataclass(frozen=True)
class Summary:
    """What a graph holds.

    Attributes:
        nodes: Ends of edges, by kind of edge.
        edges: Edges by kind.
        amounts: Sum of amounts by kind|asset|scale, exact.
        digest: SHA-256 over the edges in order of their ids, as GraphEdge messages without
            producer and sequence.
    """

    nodes: Mapping[str, int]
    edges: Mapping[str, int]
    amounts: Mapping[str, int]
    digest: str


def summary_of(edges: pl.DataFrame) -> Summary:
    """Figures and digest of edges in any order: `kind` and COLUMNS."""
    nodes, count = {}, {}
    for kind in _ENDS:
        some = edges.filter(pl.col("kind") == kind)
        nodes[kind] = pl.concat([some["source"], some["target"]]).n_unique()
        count[kind] = some.height
    group = pl.format("{}|{}|{}", "kind", "asset", "scale").alias("group")
    sums = edges.group_by(group).agg(pl.col("amount").cast(pl.Int128).sum()).sort("group")
    return Summary(nodes, count, dict(sums.rows()), _digest(edges))


def _digest(edges: pl.DataFrame) -> str:
    rec = record("GraphEdge")
    ends = pl.col("kind").replace_strict(_ENDS, return_dtype=pl.String)
    messages = encode_frame(
        rec,
        edges.sort("edge_id")
        .with_columns(source_kind=ends, target_kind=ends, producer=pl.lit(""), sequence=pl.lit(0))
        .select(pl.col(name).cast(dtype) for name, dtype in rec.columns.items()),
    )
    digest = sha256()
    for message in messages:
        digest.update(message)
    return digest.hexdigest()
