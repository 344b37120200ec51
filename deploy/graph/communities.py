"""Communities and centrality by igraph, the same for the same input.

Nodes and edges are handed over sorted and the search is seeded, so that the order of the log and
the process make no difference.
"""

import random
from collections.abc import Iterable

import igraph
import polars as pl

from deploy.graph.params import WHOLE, Params


def communities(edges: pl.DataFrame, params: Params) -> list[frozenset[str]]:
    """The customers and accounts that hang together by money, largest community first.

    Leiden algorithm (Traag, Waltman, van Eck 2019, Sci. Rep. 9:5233) with the Constant Potts Model
    (Traag, Van Dooren, Nesterov 2011, Phys. Rev. E 84:016114): unlike modularity, what is found in
    one part of the graph does not depend on the size of the rest.

    Args:
        edges: Columns source, target, amount; each pair once.
        params: Unit of weight, resolution and seed.
    """
    if edges.is_empty():
        return []
    graph, names = _graph(edges, directed=False)
    graph.simplify(combine_edges="sum")
    igraph.set_random_number_generator(random.Random(params.seed))
    found = graph.community_leiden(
        objective_function="CPM",
        weights=[amount / params.unit for amount in graph.es["amount"]],
        resolution=params.resolution / WHOLE,
        n_iterations=10,
    )
    parts = [frozenset(names[node] for node in part) for part in found]
    return sorted(parts, key=lambda part: (-len(part), min(part)))


def centrality(edges: pl.DataFrame) -> dict[str, int]:
    """How much of a wandering coin's time is spent at each node, parts per million.

    PageRank (Brin, Page 1998) along the transfers, weighted by amount, damping 0.85: collectors
    have more than depositors, the sink most.
    """
    graph, names = _graph(edges, directed=True)
    ranks: Iterable[float] = graph.pagerank(weights="amount", damping=0.85)
    return {name: round(rank * WHOLE) for name, rank in zip(names, ranks, strict=True)}


def _graph(edges: pl.DataFrame, directed: bool) -> tuple[igraph.Graph, list[str]]:
    edges = edges.sort("source", "target")
    names = sorted({*edges["source"].to_list(), *edges["target"].to_list()})
    place = {name: number for number, name in enumerate(names)}
    pairs = [(place[a], place[b]) for a, b in edges.select("source", "target").iter_rows()]
    graph = igraph.Graph(n=len(names), edges=pairs, directed=directed)
    graph.es["amount"] = edges["amount"].to_list()
    return graph, names
