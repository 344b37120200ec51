"""Writes a model as workers read it: two ONNX files and a card of whole numbers."""

import copy
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.tree_ensemble import (
    add_tree_to_attribute_pairs,
    get_default_tree_regressor_attribute_pairs,
)
from sklearn.ensemble import IsolationForest

from deploy.train.fit import HABITS, Peers
from udfs.aml.features import FEATURES
from udfs.aml.flow_groups import Array
from udfs.aml.model import FILES, QUANTUM
from udfs.model_files import CARD

OPSET = {"": 18, "ai.onnx.ml": 3}
EULER = 0.577_215_664_901_532_9
"""The Euler-Mascheroni constant."""


def write(folder: Path, name: str, fitted: Mapping[str, Any], peers: Peers, of: object) -> str:
    """Write a model; the hash of its card.

    Args:
        folder: Gets FILES and CARD; what is there is replaced.
        name: Of the model.
        fitted: The scikit-learn models by kind.
        peers: The peer groups.
        of: What it was fitted on, for the card: plain texts and whole numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tree, scale = isolation(fitted["forest"])
    content = {"boosted": boosting(fitted["boosted"]), "forest": tree}
    card: dict[str, Any] = {"name": name, "features": list(FEATURES), "of": of}
    for kind, octets in content.items():
        (folder / FILES[kind]).write_bytes(octets)
        card[kind] = {"sha256": hashlib.sha256(octets).hexdigest()}
    card["forest"]["scale"] = scale
    card["groups"] = {
        "features": list(HABITS), "centres": peers.centres, "medians": peers.medians,
    }  # fmt: skip
    text = json.dumps(card, sort_keys=True, separators=(",", ":")) + "\n"
    (folder / CARD).write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def boosting(made: Any) -> bytes:
    """Boosted trees in ONNX; the last output is the log-odds."""
    options = {id(made): {"zipmap": False, "raw_scores": True}}
    shape = np.zeros((1, len(FEATURES)), dtype=np.float32)
    found = to_onnx(made, shape, options=options, target_opset=OPSET)
    return _bytes(found)


def isolation(made: IsolationForest) -> tuple[bytes, int]:
    """An isolation forest in ONNX, and what stands for a score of one half.

    The output is the sum over the trees of the length of the path to the leaf, and of what the
    samples left in it would still have taken, rounded to 1/QUANTUM. The score is 2^(-sum / scale),
    with the sum in parts of QUANTUM (Liu, Ting, Zhou 2008, equations 1 and 2).
    """
    pairs = get_default_tree_regressor_attribute_pairs()
    pairs["n_targets"] = 1
    for number, one in enumerate(made.estimators_):
        tree = _Paths(one.tree_)
        add_tree_to_attribute_pairs(pairs, False, tree, number, 1.0, 0, False, dtype=np.float32)
    pairs = {name: values for name, values in pairs.items() if values != []}
    node = helper.make_node("TreeEnsembleRegressor", ["X"], ["paths"], domain="ai.onnx.ml", **pairs)
    shapes = (["X"], [None, len(FEATURES)]), (["paths"], [None, 1])
    (given,), (told,) = (
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in names]
        for names, shape in shapes
    )
    graph = helper.make_graph([node], "forest", [given], [told])
    ids = [helper.make_opsetid(domain, version) for domain, version in OPSET.items()]
    model = helper.make_model(graph, opset_imports=ids, ir_version=8)
    onnx.checker.check_model(model)
    scale = len(made.estimators_) * average_path(made.max_samples_) * QUANTUM
    return _bytes(model), round(scale)


class _Paths:
    """A tree of a forest that says how long the path to a leaf is."""

    def __init__(self, tree: Any) -> None:
        self.node_count: int = tree.node_count
        self.children_left, self.children_right = tree.children_left, tree.children_right
        self.feature, self.threshold = tree.feature, tree.threshold
        depth = tree.compute_node_depths() - 1
        rest = np.array([average_path(int(n)) for n in tree.n_node_samples])
        self.value: Array = np.rint((depth + rest) * QUANTUM) / QUANTUM
        self.value = self.value.reshape(-1, 1)


def average_path(samples: int) -> float:
    """How long the path to one of so many samples is on average, in a tree of random cuts."""
    if samples <= 2:
        return max(0.0, samples - 1.0)
    return 2.0 * (math.log(samples - 1.0) + EULER) - 2.0 * (samples - 1.0) / samples


def _bytes(model: Any) -> bytes:
    """Without what is said of the maker: equal trees give equal bytes."""
    found = copy.deepcopy(model)
    found.producer_name, found.producer_version, found.domain = "tidemark", "", ""
    octets: bytes = found.SerializeToString(deterministic=True)
    return octets
