"""Edges of the graph: the records one is made of, and the edge a record was added to.

Edges are not chained one by one. The index has a row for each; the records are told apart by their
ends, their asset and their time.
"""

import polars as pl

from connectors.topics import TICK_KEY, TOPICS
from deploy.lineage.found import EdgeRow
from deploy.lineage.nodes import Node
from deploy.lineage.trace import Tracer
from deploy.log_ids import EventId, RecordId, ResultId
from schemas.codec import CodecError, decode, decode_batch
from schemas.records import record as record_of
from udfs.graph.edges import FEEDS

_MOST = 100_000
"""A range with more offsets is not searched."""


def edges_named(tracer: Tracer, wanted: EventId | RecordId | ResultId) -> list[EdgeRow]:
    """The edges an id points at."""
    match wanted:
        case RecordId("graph.edges"):
            where = "shard = ? AND log_offset = ?"
            return tracer.index.edges(where, wanted.partition, wanted.offset)
        case ResultId():
            where = "id_key = md5_number_lower(?) AND edge_id = ?"
            return tracer.index.edges(where, wanted.text, wanted.text)
    return []


def behind(tracer: Tracer, edge: EdgeRow) -> Node:
    """The edge, the batch that wrote it, and the records it is made of."""
    node = edge_node(tracer, edge)
    rest = f"{edge.topic}/{edge.shard}/{edge.first} to {edge.last}"
    found = Node("input", rest, {"offsets": edge.last - edge.first + 1})
    node.children.append(found)
    if tracer.source is None or edge.last - edge.first >= _MOST:
        return node
    offsets = _matching(tracer, edge)
    found.what = "made of" if len(offsets) == edge.count else "made of some of"
    found.facts["records"] = edge.count
    found.children = tracer.raw(edge.topic, edge.shard, offsets[: tracer.records])
    found.more = len(offsets) - len(found.children)
    return node


def edges_with(tracer: Tracer, record: RecordId, value: bytes | None) -> list[Node]:
    """The edge a record was added to: by ends and asset, and of several windows by its time.

    A late record counts in the window that was open at its place, which the edges alone do not
    tell: then all that may be it are given.
    """
    try:
        rec, fields = decode(value or b"")
    except CodecError:
        return []
    feed = FEEDS[record.topic]
    ends = [fields.get(name) for name in (feed.source, feed.target, feed.asset)]
    found = tracer.index.edges(
        "shard = ? AND topic = ? AND ? BETWEEN first AND last "
        "AND source = ? AND target = ? AND asset = ?",
        *(record.partition, record.topic, record.offset, *ends),
    )
    time = fields[rec.time] if rec.time else 0
    later = [edge for edge in found if edge.window_end > time]
    return [edge_node(tracer, edge, "" if len(later) == 1 else "one of:") for edge in later]


def edge_node(tracer: Tracer, edge: EdgeRow, relation: str = "") -> Node:
    """An edge, and under it the batch that wrote it."""
    place = RecordId("graph.edges", edge.shard, edge.log_offset)
    facts = {
        "edge": edge.edge_id,
        "sequence": edge.sequence,
        "window_end": edge.window_end,
        "count": edge.count,
    }
    node = Node(f"{relation} GraphEdge".strip(), str(place), facts)
    batch = tracer.index.writing(edge)
    if batch:
        node.children.append(Node("written by graph", str(batch.event), {"batch": batch.batch}))
    return node


def _matching(tracer: Tracer, edge: EdgeRow) -> list[int]:
    """Offsets of the records between an edge's ends in its range, none dated after its window."""
    assert tracer.source is not None
    span = tracer.source.read(edge.topic, edge.shard, edge.first, edge.last + 1)
    rec = record_of(TOPICS[edge.topic].record)
    kept = [row for row, key in enumerate(span.keys) if key != TICK_KEY]
    frame, rows, _ = decode_batch(rec, [span.values[row] for row in kept])
    feed = FEEDS[edge.topic]
    mask = frame.select(
        (pl.col(feed.source) == edge.source)
        & (pl.col(feed.target) == edge.target)
        & (pl.col(feed.asset) == edge.asset)
        & (pl.col(feed.time) < edge.window_end)
    ).to_series()
    return [span.offsets[kept[row]] for row in rows[mask.to_numpy()].tolist()]
