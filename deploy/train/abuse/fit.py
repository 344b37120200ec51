"""Fits trees: boosted ones on labels, an isolation forest without; both as columns of nodes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from threadpoolctl import threadpool_limits

from udfs.abuse.trees import LEAF, QUANTUM, Array, Trees

TREES, LEAVES, DEPTH = 80, 16, 6
"""Of the boosted trees of one head. A path of six splits names six features at most."""
CUTS, SHOWN = 50, 256
"""Trees of the isolation forest, and how many orders each is shown."""
EULER = 0.577_215_664_901_532_9
"""The Euler-Mascheroni constant."""
_NODE = ("feature", "cut", "left", "right", "missing_left", "rows", "value")


def classifier(
    features: Array, positive: Array, seed: int, trees: int = TREES, weights: Array | None = None
) -> Any:
    """Gradient boosted trees as scikit-learn fits them; missing values go the better way."""
    made = HistGradientBoostingClassifier(
        max_iter=trees, max_leaf_nodes=LEAVES, max_depth=DEPTH, learning_rate=0.08,
        l2_regularization=1.0, min_samples_leaf=20, early_stopping=False, random_state=seed,
    )  # fmt: skip
    with threadpool_limits(1):
        made.fit(_filled(features), positive, sample_weight=weights)
    return made


def isolation(features: Array, seed: int) -> IsolationForest:
    """An isolation forest as scikit-learn fits it."""
    made = IsolationForest(
        n_estimators=CUTS, max_samples=min(SHOWN, len(features)), random_state=seed
    )
    with threadpool_limits(1):
        made.fit(_filled(features))
    return made


def _filled(features: Array) -> Array:
    """float32; a feature that is always missing is 0: nothing can be cut there, nor has to be."""
    found = features.astype(np.float32)
    found[:, np.isnan(found).all(axis=0)] = 0.0
    return np.asarray(found)


def boosted(fitted: Sequence[Any]) -> Trees:
    """The trees of one classifier a head; leaves and bases are rounded to 1/QUANTUM."""
    nodes, heads = [], []
    for head, one in enumerate(fitted):
        for (tree,) in one._predictors:
            made, leaf = tree.nodes, tree.nodes["is_leaf"].astype(bool)
            nodes.append({
                "feature": np.where(leaf, LEAF, made["feature_idx"]),
                "cut": np.where(leaf, 0.0, made["num_threshold"]),
                "left": np.where(leaf, np.arange(len(leaf)), made["left"]),
                "right": np.where(leaf, np.arange(len(leaf)), made["right"]),
                "missing_left": made["missing_go_to_left"].astype(bool),
                "rows": made["count"].astype(np.int64),
                "value": np.where(leaf, np.rint(made["value"] * QUANTUM), 0),
            })  # fmt: skip
            heads.append(head)
    base = [round(float(one._baseline_prediction.ravel()[0]) * QUANTUM) for one in fitted]
    return _joined(nodes, heads, base)


def forest(made: IsolationForest) -> Trees:
    """Trees that say how long the path to a leaf is, and what the rows in it would still take."""
    nodes = []
    for one in made.estimators_:
        tree = one.tree_
        leaf = tree.children_left < 0
        depth = tree.compute_node_depths() - 1
        rest = np.array([average_path(int(n)) for n in tree.n_node_samples])
        own = np.arange(tree.node_count)
        nodes.append({
            "feature": np.where(leaf, LEAF, tree.feature),
            "cut": np.where(leaf, 0.0, tree.threshold),
            "left": np.where(leaf, own, tree.children_left),
            "right": np.where(leaf, own, tree.children_right),
            "missing_left": tree.missing_go_to_left.astype(bool),
            "rows": tree.n_node_samples.astype(np.int64),
            "value": np.where(leaf, np.rint((depth + rest) * QUANTUM), 0),
        })  # fmt: skip
    return _joined(nodes, [0] * len(nodes), [0])


def average_path(rows: int) -> float:
    """How long the path to one of so many rows is on average, in a tree of random cuts.

    Formula: 2 (ln(n - 1) + EULER) - 2 (n - 1) / n (Liu, Ting, Zhou 2008, equation 1).
    """
    if rows <= 2:
        return max(0.0, rows - 1.0)
    return 2.0 * (math.log(rows - 1.0) + EULER) - 2.0 * (rows - 1.0) / rows


def _joined(nodes: Sequence[dict[str, Array]], heads: Sequence[int], base: Sequence[int]) -> Trees:
    """Trees one after the other: places of children count from the first node of all."""
    roots = np.cumsum([0, *(len(one["feature"]) for one in nodes)])
    columns = {name: np.concatenate([one[name] for one in nodes]) for name in _NODE}
    first = np.repeat(roots[:-1], np.diff(roots))
    for name in ("left", "right"):
        columns[name] = columns[name].astype(np.int64) + first
    columns["cut"] = below(columns["cut"])
    for name in ("feature", "value"):
        columns[name] = columns[name].astype(np.int64)
    return Trees(roots[:-1], np.array(heads), np.array(base, dtype=np.int64), **columns)


def below(cuts: Array) -> Array:
    """The greatest float32 that is not above each cut: float32 values go the same way."""
    near = cuts.astype(np.float32)
    lower = np.nextafter(near, np.float32(-np.inf))
    return np.asarray(np.where(near.astype(np.float64) > cuts, lower, near).astype(np.float32))
