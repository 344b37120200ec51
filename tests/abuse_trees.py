"""Trees for tests: drawn at random, nested and as columns."""

import numpy as np

from udfs.abuse.trees import QUANTUM, Trees

COLUMNS = ("feature", "cut", "left", "right", "missing_left", "rows", "value")


def drawn(rng, features, depth, rows=1_000):
    """A tree: a leaf's value in 1/QUANTUM, or (feature, cut, missing left, left, right, rows)."""
    if depth == 0 or rows < 2 or rng.random() < 0.15:
        return int(rng.integers(-4 * QUANTUM, 4 * QUANTUM))
    left = int(rng.integers(1, rows))
    return (
        int(rng.integers(features)), float(np.float32(rng.normal())), bool(rng.random() < 0.5),
        drawn(rng, features, depth - 1, left), drawn(rng, features, depth - 1, rows - left),
        left, rows - left,
    )  # fmt: skip


def columns(trees, heads=None, base=(0,)):
    """The columns of nested trees; `heads`: what each adds to, all to the first if left out."""
    table = {name: [] for name in COLUMNS}
    roots = [_put(table, tree, 1_000) for tree in trees]
    kinds = {"cut": np.float32, "missing_left": np.bool_}
    made = {name: np.array(one, dtype=kinds.get(name, np.int64)) for name, one in table.items()}
    head = np.array(heads or [0] * len(trees), dtype=np.int64)
    return Trees(np.array(roots), head, np.array(base, dtype=np.int64), **made)


def _put(table, node, rows):
    place = len(table["feature"])
    for name in COLUMNS:
        table[name].append(0)
    table["rows"][place] = rows
    if not isinstance(node, tuple):
        table["feature"][place], table["value"][place] = -1, node
        table["left"][place] = table["right"][place] = place
        return place
    feature, cut, missing_left, left, right, rows_left, rows_right = node
    table["feature"][place], table["cut"][place] = feature, cut
    table["missing_left"][place] = missing_left
    table["left"][place] = _put(table, left, rows_left)
    table["right"][place] = _put(table, right, rows_right)
    return place


def rows(rng, count, features):
    """Rows of features, a fifth of the values missing."""
    drawn = rng.normal(size=(count, features)).astype(np.float32)
    drawn[rng.random(drawn.shape) < 0.2] = np.nan
    return drawn
