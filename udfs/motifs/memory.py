"""What is remembered between batches: codes of nodes, their newest edges, who dealt with whom.

Whether a row was dropped when it was no longer needed, or stands there still, changes no result:
every reader looks at the times in it.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.step import State, Table, TableSpec
from udfs.motifs.edges import ENDS, KEPT, Array, Edges, Fetch, Graph, Side
from udfs.motifs.params import Params
from udfs.motifs.relations import Relations, relate
from udfs.motifs.scene import Scene
from udfs.motifs.search import SHAPES

_PLACES = 2**20
"""Edges are found by their number modulo this: state finds rows by small numbers only."""
_NEAR = TableSpec({"code": "int", "ends": "bytes", "last": "int"}, key="code")
TABLES = {
    "waiting": TableSpec(
        {
            "at": "int",
            "transfer_id": "str",
            "source": "str",
            "target": "str",
            "outside": "bool",
            "amount": "int",
            "offset": "int",
            "late": "bool",
        }
    ),
    "edges": TableSpec(
        {
            "number": "int",
            "place": "int",
            "transfer_id": "str",
            "outside": "bool",
            "offset": "int",
            "late": "bool",
            "at": "int",
        }
    ),
    "codes": TableSpec({"node": "str", "code": "int", "last": "int"}, key="node"),
    "nodes": TableSpec(
        {
            "code": "int",
            "node": "str",
            "first": "int",
            "paying": "int",
            "paid": "int",
            "last": "int",
        },
        key="code",
    ),
    "ins": _NEAR,
    "outs": _NEAR,
    "pairs": TableSpec({"pair": "str", "since": "int", "last": "int"}, key="pair"),
    "reported": TableSpec(
        {"motif": "str", "alert": "str", "first": "int", "size": "int", "last": "int"}, key="motif"
    ),
    "counts": TableSpec({"name": "str", "count": "int"}, key="name"),
}
"""State of the stage.

`waiting` holds transfers until the business watermark passes them, `edges` the ids behind edge
numbers, `nodes` the ids behind codes and how many relations each began, `ins` and `outs` the newest
edges of each node, `pairs` since when two parties have had dealings, `reported` what was reported
last, `counts` the next edge number and code, the time of the first edge, and by shape how many new
edges were looked around and how many of these looks a bound cut off.
"""


@dataclass(frozen=True)
class Arrival:
    """New edges, the graph around them, and who had had dealings."""

    edges: Edges
    graph: Graph
    relations: Relations
    learned: int
    late: frozenset[int]
    """Numbers of those that came late."""

    def scene(self, some: slice) -> Scene:
        """Some of the new edges and what is around them."""
        paying, paid = self.relations.paying.of(some), self.relations.paid.of(some)
        return Scene(self.graph, self.edges[some], paying, paid, self.learned)


def arrive(state: State, due: pl.DataFrame, params: Params) -> Arrival:
    """Number and remember the transfers that came due, in order of (at, transfer_id)."""
    source, target = _coded(state, due)
    at = due["at"].to_numpy()
    number = _next(state["counts"], "edges", due.height) + np.arange(due.height)
    state["edges"].append(
        due.select("transfer_id", "outside", "offset", "late", "at").with_columns(
            number=pl.Series(number), place=pl.Series(number % _PLACES)
        )
    )
    relations = relate(state, source, target, at, params.memory_s * 1_000_000)
    edges = Edges(number, source, target, at, due["amount"].to_numpy(), relations.since)
    sides = (
        Side(edges, into, params.ends, _fetch(state[table]))
        for table, into in (("ins", True), ("outs", False))
    )
    learned = _begun(state["counts"], int(at[0])) + params.learn_s * 1_000_000
    late = frozenset(number[due["late"].to_numpy()].tolist())
    return Arrival(edges, Graph(*sides), relations, learned, late)


def remember(state: State, arrival: Arrival, params: Params) -> None:
    """Keep what later looks need around the nodes of new edges; drop what none needs any more."""
    edges, graph = arrival.edges, arrival.graph
    until = int(edges.at[-1])
    for name, side, node in (("ins", graph.ins, edges.target), ("outs", graph.outs, edges.source)):
        touched, place = np.unique(node[::-1], return_index=True)
        counts, ends = side.newest(touched, until - KEPT)
        octets, stop = ends.astype("<i8").tobytes(), (8 * ENDS * np.cumsum(counts)).tolist()
        parts = [octets[a:b] for a, b in zip([0, *stop], stop, strict=False)]
        last = edges.at[::-1][place]
        state[name].upsert(
            pl.DataFrame({"code": touched, "ends": pl.Series(parts, dtype=pl.Binary), "last": last})
        )
        state[name].expire("last", until - KEPT + 1)
    state["edges"].expire("at", until - KEPT + 1)
    closed_after = max(shape.params(params).closed_after for shape in SHAPES.values())
    known = max(params.memory_s * 1_000_000, closed_after)
    for name, kept in (("codes", known), ("nodes", known), ("pairs", params.memory_s * 1_000_000)):
        state[name].expire("last", until - kept + 1)
    state["reported"].expire("last", until - closed_after + 1)


def behind(state: State, number: Array) -> pl.DataFrame:
    """What is remembered of edges by number: number, transfer_id, outside, offset, late."""
    place = pl.Series(np.unique(number % _PLACES), dtype=pl.Int64)
    columns = ["number", "transfer_id", "outside", "offset", "late"]
    found = state["edges"].having("place", place, columns)
    return found.filter(pl.col("number").is_in(number.tolist()))


def count(state: State, counts: dict[str, int]) -> None:
    """Add to what is counted."""
    if counts:
        state["counts"].add(pl.DataFrame({"name": list(counts), "count": list(counts.values())}))


def _coded(state: State, due: pl.DataFrame) -> tuple[Array, Array]:
    """The codes of sources and targets; a node not yet known gets the next code."""
    ends = pl.concat(
        [due.select(pl.col(side).alias("node"), "at") for side in ("source", "target")]
    )
    seen = ends.group_by("node", maintain_order=True).agg(last=pl.col("at").max())
    known = state["codes"].lookup(seen["node"])
    fresh = np.flatnonzero(~known["known"].to_numpy())
    code = known["code"].to_numpy().copy()
    code[fresh] = _next(state["counts"], "nodes", len(fresh)) + np.arange(len(fresh))
    seen = seen.with_columns(code=pl.Series(code))
    state["codes"].upsert(seen)
    state["nodes"].upsert(seen.select("code", "node"))
    source, target = (
        due.select(node=side).join(seen, on="node", how="left", maintain_order="left")["code"]
        for side in ("source", "target")
    )
    return source.to_numpy(), target.to_numpy()


def _next(counts: Table, name: str, taken: int) -> int:
    """The first of `taken` numbers that were never given before."""
    after = counts.add(pl.DataFrame({"name": [name], "count": [taken]}))
    return int(after["count"][0]) - taken


def _begun(counts: Table, at: int) -> int:
    """The time of the first edge of the log; `at` if this is it."""
    begun = counts.lookup(pl.Series(["begun"]))
    if begun["known"][0]:
        return int(begun["count"][0])
    counts.upsert(pl.DataFrame({"name": ["begun"], "count": [at]}))
    return at


def _fetch(table: Table) -> Fetch:
    def fetch(code: Array) -> tuple[Array, Array]:
        ends = table.lookup(pl.Series(code))["ends"].to_list()
        counts = np.fromiter(map(len, ends), dtype=np.int64, count=len(ends)) // (8 * ENDS)
        rows = np.frombuffer(b"".join(ends), dtype="<i8").astype(np.int64)
        return counts, rows.reshape(-1, ENDS)

    return fetch
