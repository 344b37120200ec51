"""A small network over the graph of transfers, to compare with: it is tried, never shipped.

GraphSAGE with the mean of neighbours (Hamilton, Ying, Leskovec 2017), two layers. Nodes are the
customers known at the end of a day, with the features of their last sample; an edge is a transfer
of the last 7 days between two of them, and each direction has weights of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from deploy.train.worlds import World
from udfs.aml.features import FEATURES, SHORT
from udfs.aml.flow_groups import Array
from udfs.aml.model import matrix
from udfs.aml.rule import DAY

HIDDEN, EPOCHS, RATE = 32, 30, 5e-3
Weights = Mapping[str, Any]


@dataclass(frozen=True)
class Day:
    """The graph at the end of a day, padded to the size of all days; the last node is empty.

    Attributes:
        nodes: Features, shape (nodes, features).
        source: Node that paid, for each edge; an empty edge joins the empty node with itself.
        target: Node that was paid.
        asked: Nodes with a sample on this day, and `rows`, where that sample stands.
        rows: See `asked`.
    """

    nodes: Array
    source: Array
    target: Array
    asked: Array
    rows: Array


def days(world: World) -> Iterator[Day]:
    """The graph of a world at the end of each day with samples."""
    values = np.log1p(matrix(world.samples).astype(np.float32)) / 8
    owners = world.samples["owner_number"].to_numpy()
    size = int(owners.max()) + 2
    names = world.samples.select("owner", "owner_number").unique()
    paid = world.events.filter(
        (pl.col("direction") == "DEBIT") & pl.col("channel").is_in(["TRANSFER", "WIRE"])
    ).join(names.select(counterparty="owner", other="owner_number"), on="counterparty")
    at, source, target = (paid[name].to_numpy() for name in ("at", "owner_number", "other"))
    windows = [
        (end, np.flatnonzero((at >= end - SHORT * DAY) & (at < end)))
        for end in world.samples["end"].unique().sort().to_list()
    ]
    most = -(-max(len(rows) for _, rows in windows) // 8_192) * 8_192
    ends = world.samples["end"].to_numpy()
    nodes = np.zeros((-(-size // 1_024) * 1_024, len(FEATURES)), dtype=np.float32)
    for end, edges in windows:
        rows = np.flatnonzero(ends == end)
        nodes[owners[rows]] = values[rows]
        spare = np.full(most - len(edges), len(nodes) - 1)
        yield Day(nodes.copy(), np.concatenate([source[edges], spare]),
                  np.concatenate([target[edges], spare]), owners[rows], rows)  # fmt: skip


def fitted(worlds: Sequence[World], seed: int) -> Weights:
    """Weights after EPOCHS over all days of all worlds."""
    import jax
    import optax

    rng = np.random.default_rng([seed, 13])
    shown = []
    for world in worlds:
        positive = world.samples["positive"].to_numpy()
        for day in days(world):
            label, weight = (np.zeros(len(day.nodes), dtype=np.float32) for _ in range(2))
            label[day.asked], weight[day.asked] = positive[day.rows], 1.0
            shown.append((day.nodes, day.source, day.target, label, weight))
    weights = _drawn(rng)
    follow = optax.adam(RATE)
    state = follow.init(weights)

    def loss(weights: Weights, *day: Any) -> Any:
        *graph, label, weight = day
        wrong = optax.sigmoid_binary_cross_entropy(_odds(weights, *graph), label)
        return (wrong * weight).sum() / weight.sum()

    @jax.jit  # type: ignore[untyped-decorator]
    def step(weights: Weights, state: Any, *day: Any) -> tuple[Any, Any]:
        change, state = follow.update(jax.grad(loss)(weights, *day), state)
        return optax.apply_updates(weights, change), state

    for _ in range(EPOCHS):
        for place in rng.permutation(len(shown)).tolist():
            weights, state = step(weights, state, *shown[place])
    return weights


def scores(weights: Weights, world: World) -> Array:
    """The log-odds of each sample."""
    import jax

    run = jax.jit(_odds)
    found = np.zeros(world.samples.height)
    for day in days(world):
        found[day.rows] = np.asarray(run(weights, day.nodes, day.source, day.target))[day.asked]
    return found


def _drawn(rng: np.random.Generator) -> Weights:
    """Weights to begin with."""
    drawn = {"out": rng.normal(0, HIDDEN**-0.5, HIDDEN), "base": np.array(-3.0)}
    for layer, width in enumerate((len(FEATURES), HIDDEN)):
        for part in ("own", "payers", "paid"):
            drawn[f"{part}{layer}"] = rng.normal(0, width**-0.5, (width, HIDDEN))
        drawn[f"bias{layer}"] = np.zeros(HIDDEN)
    return {name: value.astype(np.float32) for name, value in drawn.items()}


def _odds(weights: Weights, nodes: Any, source: Any, target: Any) -> Any:
    """The network: log-odds of each node."""
    import jax
    from jax import numpy as jnp

    def mean(values: Any, come: Any, go: Any) -> Any:
        total = jax.ops.segment_sum(values[come], go, nodes.shape[0])
        count = jax.ops.segment_sum(jnp.ones(len(come)), go, nodes.shape[0])
        return total / jnp.maximum(count, 1.0)[:, None]

    hidden = nodes
    for layer in range(2):
        hidden = jax.nn.relu(
            hidden @ weights[f"own{layer}"]
            + mean(hidden, source, target) @ weights[f"payers{layer}"]
            + mean(hidden, target, source) @ weights[f"paid{layer}"]
            + weights[f"bias{layer}"]
        )
    return hidden @ weights["out"] + weights["base"]
