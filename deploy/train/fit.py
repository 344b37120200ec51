"""Fits the models that ship: boosted trees, an isolation forest, peer groups."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from threadpoolctl import threadpool_limits

from udfs.aml.features import FEATURES
from udfs.aml.flow_groups import Array
from udfs.aml.model import FINE, QUANTUM, magnitude

TREES, LEAVES = 120, 15
"""Of the boosted trees."""
CUTS, SHOWN = 25, 128
"""Trees of the isolation forest, and how many samples each is shown."""
GROUPS = 6
HABITS = ("in_count_28", "out_count_28", "in_sum_28", "out_sum_28", "in_parties_28",
          "out_parties_28", "cash_in_sum_28", "largest_28")  # fmt: skip
"""Peers are alike in these, by power of two."""


@dataclass(frozen=True)
class Peers:
    """Groups of customers with like habits.

    Attributes:
        centres: Whole numbers, 1/FINE of a power of two; shape (GROUPS, len(HABITS)).
        medians: Whole numbers; shape (GROUPS, len(FEATURES)).
    """

    centres: list[list[int]]
    medians: list[list[int]]


def boosted(features: Array, positive: Array, seed: int) -> Any:
    """Boosted trees whose leaves are multiples of 1/QUANTUM, so that every sum of them is exact."""
    made = HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=LEAVES, learning_rate=0.08, l2_regularization=1.0,
        min_samples_leaf=20, early_stopping=False, random_state=seed,
    )  # fmt: skip
    with threadpool_limits(1):
        made.fit(features, positive)
    for stage in made._predictors:
        for tree in stage:
            tree.nodes["value"] = _quantized(tree.nodes["value"])
    made._baseline_prediction = _quantized(made._baseline_prediction)
    return made


def forest(features: Array, seed: int) -> IsolationForest:
    """An isolation forest whose cuts are whole numbers, as the features are: no decision changes.

    A cut at t parts whole numbers as a cut at floor(t) does.
    """
    made = IsolationForest(n_estimators=CUTS, max_samples=SHOWN, random_state=seed)
    made.fit(features.astype(np.float32))
    for tree in made.estimators_:
        split = tree.tree_.children_left >= 0
        tree.tree_.threshold[split] = np.floor(tree.tree_.threshold[split])
    return made


def peers(features: Array, seed: int) -> Peers:
    """Groups by KMeans over powers of two of HABITS, and the median of each feature in each."""
    columns = [list(FEATURES).index(name) for name in HABITS]
    places = magnitude(features[:, columns]).astype(np.float64)
    with threadpool_limits(1):
        found = KMeans(GROUPS, n_init=4, random_state=seed).fit(places)
    order = np.argsort(np.bincount(found.labels_), kind="stable")[::-1]
    centres = np.rint(FINE * found.cluster_centers_[order]).astype(np.int64)
    medians = [np.floor(np.median(features[found.labels_ == group], axis=0)) for group in order]
    return Peers(centres.tolist(), np.array(medians, dtype=np.int64).tolist())


def _quantized(values: Array) -> Array:
    return np.asarray(np.rint(values * QUANTUM) / QUANTUM)
