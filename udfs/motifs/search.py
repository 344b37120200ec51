"""Every shape by name: how it is searched for, and what chooses its thresholds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from udfs.motifs import chains, fans, layers, middle
from udfs.motifs.found import Found
from udfs.motifs.params import Motif, Params
from udfs.motifs.scene import Scene

Name = Literal[
    "fan-in",
    "fan-out",
    "gather-scatter",
    "scatter-gather",
    "cycle",
    "bipartite",
    "stack",
    "walk",
]


@dataclass(frozen=True)
class Shape:
    """One shape: its parameters, the unit of its size, and the search."""

    params: Callable[[Params], Motif]
    unit: str
    search: Callable[[Scene, Params], Found]


SHAPES: Mapping[Name, Shape] = {
    "fan-in": Shape(lambda p: p.fan_in, "sources", lambda s, p: fans.fan_in(s, p.fan_in)),
    "fan-out": Shape(lambda p: p.fan_out, "targets", lambda s, p: fans.fan_out(s, p.fan_out)),
    "gather-scatter": Shape(
        lambda p: p.gather_scatter,
        "sources and as many targets",
        lambda s, p: fans.gather_scatter(s, p.gather_scatter),
    ),
    "scatter-gather": Shape(
        lambda p: p.scatter_gather,
        "middlemen",
        lambda s, p: middle.scatter_gather(s, p.scatter_gather),
    ),
    "cycle": Shape(lambda p: p.cycle, "hops", lambda s, p: chains.cycle(s, p.paths, p.cycle)),
    "bipartite": Shape(
        lambda p: p.bipartite, "pairs", lambda s, p: layers.bipartite(s, p.bipartite)
    ),
    "stack": Shape(lambda p: p.stack, "pairs", lambda s, p: layers.stack(s, p.stack)),
    "walk": Shape(lambda p: p.walk, "hops", lambda s, p: chains.walk(s, p.paths, p.walk)),
}
"""In the order in which shapes completed by the same edge are reported."""


def search(scene: Scene, params: Params) -> dict[Name, Found]:
    """What the new edges complete, shape by shape."""
    return {
        name: shape.search(scene, params)
        for name, shape in SHAPES.items()
        if shape.params(params).enabled
    }
