import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import motifs as naive
from udfs.aml.rule import Band
from udfs.motifs.edges import Edges, Graph
from udfs.motifs.params import Chain, Fan, GatherScatter, Layers, Params, ScatterGather
from udfs.motifs.relations import Habit
from udfs.motifs.scene import Scene
from udfs.motifs.search import SHAPES

MEMORY = 12_000_000


def band(at_least):
    return (Band(name="LOW", at_least=at_least, score=1),)


def params(new_only, window_s):
    common = {"new_only": new_only, "window_s": window_s}
    fan = Fan(bands=band(3), burst_ppm=1_500_000, **common)
    chain = {"fall_ppm": 300_000, "rise_ppm": 50_000, "longest": 6}
    return Params(
        fan_in=fan,
        fan_out=fan,
        gather_scatter=GatherScatter(bands=band(2), passed_ppm=800_000, **common),
        scatter_gather=ScatterGather(bands=band(2), passed_ppm=700_000, **common),
        cycle=Chain(bands=band(2), **chain, **common),
        bipartite=Layers(bands=band(5), **common),
        stack=Layers(bands=band(8), **common),
        walk=Chain(bands=band(3), **chain, **common),
    )


def graphs(nodes, most):
    edge = st.tuples(
        st.integers(0, nodes - 1),
        st.integers(0, nodes - 1),
        st.integers(0, 20),
        st.integers(60, 100),
    )
    return st.lists(edge.filter(lambda e: e[0] != e[1]), min_size=1, max_size=most)


def numbered(rows):
    rows = sorted(rows, key=lambda row: row[2])
    edges = [
        {"number": n, "source": s, "target": t, "at": at * 1_000_000, "amount": amount}
        for n, (s, t, at, amount) in enumerate(rows)
    ]
    return naive.with_relations(edges, MEMORY)


def column(edges, name):
    return np.array([e[name] for e in edges], dtype=np.int64)


def scene(edges):
    names = ("number", "source", "target", "at", "amount", "since")
    new = Edges(*(column(edges, name) for name in names))
    paying = Habit(column(edges, "paying"), column(edges, "source_first"))
    paid = Habit(column(edges, "paid"), column(edges, "target_first"))
    return Scene(Graph.of(new, most=1_000), new, paying, paid)


def told(found):
    """Every shape as (last edge, hub, size, amount, its edges)."""
    return sorted(
        (
            int(found.last.number[i]),
            int(found.hub[i]),
            int(found.size[i]),
            int(found.amount[i]),
            sorted(set(found.edges.number[found.of == i].tolist())),
        )
        for i in range(len(found))
    )


def defined(name, edges, chosen):
    search = getattr(naive, name.replace("-", "_"))
    return sorted(
        (e["number"], hub, size, amount, sorted(behind))
        for e in edges
        for hub, size, amount, behind in search(edges, e, SHAPES[name].params(chosen))
    )


@pytest.mark.parametrize("name", SHAPES)
@settings(max_examples=60, deadline=None)
@given(rows=graphs(6, 40), new_only=st.booleans(), window_s=st.integers(2, 20))
def test_equals_the_definition_in_plain_loops(name, rows, new_only, window_s):
    chosen, edges = params(new_only, window_s), numbered(rows)
    assert told(SHAPES[name].search(scene(edges), chosen)) == defined(name, edges, chosen)
