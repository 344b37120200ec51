"""GraphEdge frames to write to Neo4j: payments and obligations between a few ends of a shard."""

import polars as pl

from schemas.records import record


def edges_of_shard(shard, batch, count):
    """`count` edges of one batch, every third an obligation; ends are named after the shard."""
    rows = []
    for n in range(count):
        kind, ends, topic = ("PAYMENT", "ACCOUNT", "payments")
        if n % 3 == 0:
            kind, ends, topic = ("OBLIGATION", "MEMBER", "obligations")
        rows.append(
            {
                "edge_id": f"{kind}|{n}|{batch}|{shard}",
                "producer": f"graph/{shard}",
                "sequence": n,
                "kind": kind,
                "source": f"{shard}-{n % 7}",
                "target": f"{shard}-{n % 5}",
                "source_kind": ends,
                "target_kind": ends,
                "asset": "EUR",
                "scale": 2,
                "window_start": batch * 10,
                "window_end": batch * 10 + 10,
                "count": 1 + n,
                "amount": 10**15 + n,
                "late": n % 2,
                "source_topic": topic,
                "source_partition": shard,
                "first_offset": n,
                "last_offset": 2 * n,
                "version": "graph/1",
            }
        )
    return pl.DataFrame(rows, schema=record("GraphEdge").columns)
