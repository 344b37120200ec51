"""Decision trees as columns: what a model's ONNX file computes, and how often each way was taken.

ONNX has no place for how many rows of training reached a node, and exact contributions
(udfs.abuse.shapley) need it. So a model ships its trees twice: as ONNX, which scores, and as JSON
of whole numbers, which explains; tests hold one against the other.

A cut is a float32, written as its bits; a leaf's value a multiple of 1/QUANTUM, so that sums are
exact in whatever order. A row goes left if its value is <= the cut.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
QUANTUM = 4_096
"""Leaves hold multiples of one part of so many."""
LEAF = -1
_COLUMNS = ("feature", "cut", "left", "right", "missing_left", "rows", "value")


@dataclass(frozen=True)
class Trees:
    """The nodes of all trees, one after the other.

    Attributes:
        roots: Place of the root of each tree; shape (trees,).
        head: What each tree adds to, from 0; shape (trees,).
        base: What each head starts from, 1/QUANTUM; shape (heads,).
        feature: Column that decides; LEAF in a leaf; shape (nodes,), as all that follow.
        cut: float32; 0 in a leaf.
        left: Place of the node for values <= cut; a leaf names itself.
        right: Place of the node for greater values.
        missing_left: Whether a missing value goes left.
        rows: Rows of training that reached the node.
        value: What a leaf adds, 1/QUANTUM; else 0.
    """

    roots: Array
    head: Array
    base: Array
    feature: Array
    cut: Array
    left: Array
    right: Array
    missing_left: Array
    rows: Array
    value: Array

    def raw(self, features: Array) -> Array:
        """Sums of the leaves that rows end in, 1/QUANTUM; (n, features) -> (n, heads), int64.

        The plain way, tree by tree: what ONNX is compared with.
        """
        asked = features.astype(np.float32)
        found = np.repeat(self.base[None, :], len(asked), axis=0)
        every = np.arange(len(asked))
        for root, head in zip(self.roots.tolist(), self.head.tolist(), strict=True):
            node = np.full(len(asked), root)
            while (inner := self.feature[node] != LEAF).any():
                value = asked[every, np.maximum(self.feature[node], 0)]
                left = np.where(np.isnan(value), self.missing_left[node], value <= self.cut[node])
                below = np.where(left, self.left[node], self.right[node])
                node = np.where(inner, below, node)
            found[:, head] += self.value[node]
        return found

    def to_json(self) -> bytes:
        """The trees as JSON of whole numbers: equal trees give equal bytes."""
        table = {name: getattr(self, name) for name in ("roots", "head", "base", *_COLUMNS)}
        table["cut"] = self.cut.astype(np.float32).view(np.int32)
        said = {name: column.astype(np.int64).tolist() for name, column in table.items()}
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def from_json(content: bytes) -> Trees:
    """The trees of `Trees.to_json`."""
    table = {name: np.array(one, dtype=np.int64) for name, one in json.loads(content).items()}
    table["cut"] = table["cut"].astype(np.int32).view(np.float32)
    table["missing_left"] = table["missing_left"].astype(np.bool_)
    return Trees(**table)
