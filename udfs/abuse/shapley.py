"""What each feature adds to the log-odds of trees: Shapley values, exact.

The game is that of Lundberg et al. 2018 ("Consistent individualized feature attribution for tree
ensembles", path-dependent): what a tree is expected to say when only the features of a set are
known; at a node whose feature is not known both ways count, by the rows of training that took them.

A leaf's part in that expectation is a product over the features of its path: 1 or 0 where the
feature is known (the row keeps all its conditions on the path, or not), else the share of rows that
kept them. So what a leaf adds for a row depends only on which features keep their conditions: with
d of them there are 2^d cases, worked out once when a model is loaded. A row then costs a look-up a
leaf. Entries are whole numbers (1/FINE), so their sums do not depend on the order of addition.
"""

from dataclasses import dataclass
from math import factorial

import numpy as np

from udfs.abuse.trees import LEAF, QUANTUM, Array, Trees

FINE = 2**32
"""Contributions are added up in one part of so many of log-odds."""
MILLION = 1_000_000
DEEPEST = 10
"""A path may name at most so many features: the table of a leaf has 2^d rows."""
_AT_ONCE = 128


@dataclass(frozen=True)
class Paths:
    """The leaves of one head of trees, and what brings a row into each.

    Attributes:
        feature: Features on the path, each once, padded with -1; shape (leaves, d).
        low: The row's value must be greater; float32, shape (leaves, d).
        high: ... and not greater than this; shape (leaves, d).
        missing: A missing value keeps the conditions; shape (leaves, d).
        share: Of the rows of training at the path's nodes of that feature, those that went on.
        value: What the leaf adds to the log-odds; shape (leaves,).
    """

    feature: Array
    low: Array
    high: Array
    missing: Array
    share: Array
    value: Array


class Contributions:
    """Contributions of features to one head of trees."""

    def __init__(self, trees: Trees, head: int, width: int) -> None:
        """Work out what every leaf adds in every case.

        Args:
            trees: The model.
            head: Which of its sums.
            width: Number of features.

        Raises:
            ValueError: A path names more than DEEPEST features.
        """
        self._paths = paths(trees, head)
        self._width = width
        count, depth = self._paths.feature.shape
        if depth > DEEPEST:
            raise ValueError(f"a path names {depth} features; at most {DEEPEST} can be told apart")
        # Row leaf * 2^d + case of the table; column: place on the path.
        self._table = _cases(self._paths).reshape(count << depth, depth)
        self._first = np.arange(count) << depth
        self._bits = 1 << np.arange(depth)
        flat = self._paths.feature.ravel()
        self._order = np.argsort(flat, kind="stable")[int((flat < 0).sum()) :]
        self._named, self._starts = np.unique(flat[self._order], return_index=True)
        expected = (self._paths.value * self._paths.share.prod(axis=1)).sum()
        self.expected = int(np.rint(expected * FINE)) + int(trees.base[head]) * (FINE // QUANTUM)
        """Log-odds before anything is known of a row, 1/FINE."""

    def __call__(self, features: Array) -> Array:
        """Contributions in millionths of log-odds; (n, width) -> (n, width), int64."""
        parts = [
            self._told(features[low : low + _AT_ONCE].astype(np.float32))
            for low in range(0, len(features), _AT_ONCE)
        ]
        fine = np.concatenate(parts) if parts else np.zeros((0, self._width), dtype=np.int64)
        return np.asarray((fine * MILLION + FINE // 2) >> 32)

    def _told(self, rows: Array) -> Array:
        """Contributions of a few rows, 1/FINE."""
        found = np.zeros((len(rows), self._width), dtype=np.int64)
        if not len(self._named):
            return found
        case = self._first + (kept(self._paths, rows) * self._bits).sum(axis=2)
        leaves = self._table[case].reshape(len(rows), -1)[:, self._order]
        found[:, self._named] = np.add.reduceat(leaves, self._starts, axis=1)
        return found


def kept(of: Paths, rows: Array) -> Array:
    """Whether rows keep the conditions of each feature on each path; (n, leaves, d)."""
    value = rows[:, np.maximum(of.feature, 0)]
    inside = np.where(np.isnan(value), of.missing, (value > of.low) & (value <= of.high))
    return np.asarray(inside | (of.feature < 0))


def paths(trees: Trees, head: int) -> Paths:
    """The leaves of the trees of one head."""
    found: list[tuple[dict[int, tuple[float, float, bool, float]], float]] = []
    for root in trees.roots[trees.head == head].tolist():
        stack = [(root, dict[int, tuple[float, float, bool, float]]())]
        while stack:
            node, seen = stack.pop()
            feature = int(trees.feature[node])
            if feature == LEAF:
                found.append((seen, float(trees.value[node]) / QUANTUM))
                continue
            low, high, missing, share = seen.get(feature, (-np.inf, np.inf, True, 1.0))
            cut, to_left = float(trees.cut[node]), bool(trees.missing_left[node])
            for side, bounds in (
                (int(trees.left[node]), (low, min(high, cut), missing and to_left)),
                (int(trees.right[node]), (max(low, cut), high, missing and not to_left)),
            ):
                on = share * float(trees.rows[side]) / float(trees.rows[node])
                stack.append((side, seen | {feature: (*bounds, on)}))
    depth = max((len(seen) for seen, _ in found), default=0)
    rest = (-1, (-np.inf, np.inf, True, 1.0))
    padded = [[*seen.items()] + [rest] * (depth - len(seen)) for seen, _ in found]
    shape = (len(found), depth)
    columns = [
        np.array([[one[1][place] for one in row] for row in padded]).reshape(shape)
        for place in range(4)
    ]
    return Paths(
        np.array([[one[0] for one in row] for row in padded], dtype=np.int64).reshape(shape),
        columns[0].astype(np.float32),
        columns[1].astype(np.float32),
        columns[2].astype(np.bool_),
        columns[3].astype(np.float64),
        np.array([value for _, value in found]),
    )


def _cases(of: Paths) -> Array:
    """What each feature on a path adds in each case, 1/FINE; (leaves, 2^d, d), int64.

    Formula: v (o_j - z_j) sum over S of w(|S|) prod_{k in S} o_k prod_{k not in S} z_k, over the
    sets S of the other features of the path, with v the leaf's value, o whether conditions are
    kept, z the shares, w(s) = s! (d - s - 1)! / d!. The sum is the polynomial
    prod_k (z_k + o_k t) with t^s replaced by w(s). A padded place has o = z = 1 and adds nothing.
    """
    count, depth = of.feature.shape
    case = (np.arange(1 << depth)[:, None] >> np.arange(depth)) & 1
    shares = of.share[:, None, :]
    found = np.zeros((count, 1 << depth, depth))
    for own in range(depth):
        powers = [np.ones((count, 1 << depth))]
        for other in range(depth):
            if other == own:
                continue
            rest, on = shares[..., other], case[:, other].astype(np.float64)
            grown = [rest * powers[0]]
            grown += [rest * powers[s] + on * powers[s - 1] for s in range(1, len(powers))]
            powers = [*grown, on * powers[-1]]
        weights = [factorial(s) * factorial(depth - s - 1) / factorial(depth) for s in range(depth)]
        total = sum(w * one for w, one in zip(weights, powers, strict=True))
        found[..., own] = of.value[:, None] * (case[:, own] - shares[..., own]) * total
    return np.asarray(np.rint(found * FINE).astype(np.int64))
