"""Trees and networks as ONNX: input X (n, features) float32, missing values as NaN."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from udfs.abuse.trees import LEAF, QUANTUM, Array, Trees

OPSET = {"": 18, "ai.onnx.ml": 3}


def of_trees(trees: Trees, width: int) -> bytes:
    """Sums of leaves, one a head; output (n, heads)."""
    leaf = trees.feature == LEAF
    number = np.repeat(np.arange(len(trees.roots)), np.diff([*trees.roots, len(leaf)]))
    place = np.arange(len(leaf)) - trees.roots[number]
    inner = {"left": trees.left, "right": trees.right}
    ways = {name: np.where(leaf, 0, to - trees.roots[number]) for name, to in inner.items()}
    node = helper.make_node(
        "TreeEnsembleRegressor", ["X"], ["sums"], domain="ai.onnx.ml",
        n_targets=len(trees.base),
        base_values=(trees.base / QUANTUM).astype(np.float32).tolist(),
        nodes_treeids=number.tolist(), nodes_nodeids=place.tolist(),
        nodes_featureids=np.where(leaf, 0, trees.feature).tolist(),
        nodes_modes=np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_values=trees.cut.astype(np.float32).tolist(),
        nodes_truenodeids=ways["left"].tolist(), nodes_falsenodeids=ways["right"].tolist(),
        nodes_missing_value_tracks_true=(trees.missing_left & ~leaf).astype(np.int64).tolist(),
        target_treeids=number[leaf].tolist(), target_nodeids=place[leaf].tolist(),
        target_ids=trees.head[number[leaf]].tolist(),
        target_weights=(trees.value[leaf] / QUANTUM).astype(np.float32).tolist(),
    )  # fmt: skip
    return _model([node], {}, width, "sums", len(trees.base))


def of_network(weights: Mapping[str, Array], centre: Array, scale: Array, reach: float) -> bytes:
    """The error of an autoencoder: mean square over the features that are there; output (n, 1).

    Args:
        weights: Of layers 0, 1, ...: names w0 (in, out), b0 (out,), w1, ...
        centre: What is taken from each feature, and stands for a missing one.
        scale: What it is divided by then.
        reach: Values are cut at -reach and reach.
    """
    constants = {
        "centre": centre, "scale": scale, "low": -reach, "high": reach, "axes": np.array([1]),
        "one": 1.0, **weights,
    }  # fmt: skip
    layers = len(weights) // 2
    steps: list[tuple[str, Sequence[str], str, dict[str, Any]]] = [
        ("IsNaN", ["X"], "missing", {}),
        ("Where", ["missing", "centre", "X"], "filled", {}),
        ("Sub", ["filled", "centre"], "moved", {}),
        ("Div", ["moved", "scale"], "scaled", {}),
        ("Clip", ["scaled", "low", "high"], "asked", {}),
        ("Cast", ["missing"], "gaps", {"to": TensorProto.FLOAT}),
        ("Concat", ["asked", "gaps"], "h0", {"axis": 1}),
    ]
    for layer in range(layers):
        last = layer == layers - 1
        out = "told" if last else f"s{layer}"
        steps.append(("Gemm", [f"h{layer}", f"w{layer}", f"b{layer}"], out, {}))
        if not last:
            steps.append(("Tanh", [out], f"h{layer + 1}", {}))
    steps += [
        ("Sub", ["one", "gaps"], "there", {}),
        ("Sub", ["told", "asked"], "off", {}),
        ("Mul", ["off", "there"], "seen", {}),
        ("Mul", ["seen", "seen"], "squares", {}),
        ("ReduceSum", ["squares", "axes"], "total", {"keepdims": 1}),
        ("ReduceSum", ["there", "axes"], "count", {"keepdims": 1}),
        ("Max", ["count", "one"], "some", {}),
        ("Div", ["total", "some"], "error", {}),
    ]
    nodes = [helper.make_node(op, list(asked), [out], **said) for op, asked, out, said in steps]
    return _model(nodes, constants, len(centre), "error", 1)


def _model(
    nodes: list[Any], constants: Mapping[str, Any], width: int, out: str, high: int
) -> bytes:
    """A checked model of one input and one output; equal parts give equal bytes."""
    given = helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, width])
    told = helper.make_tensor_value_info(out, TensorProto.FLOAT, [None, high])
    tensors = [
        numpy_helper.from_array(
            np.asarray(value, dtype=np.int64 if name == "axes" else np.float32), name
        )
        for name, value in constants.items()
    ]
    graph = helper.make_graph(nodes, "tidemark", [given], [told], tensors)
    ids = [helper.make_opsetid(domain, version) for domain, version in OPSET.items()]
    made = helper.make_model(graph, opset_imports=ids, ir_version=8, producer_name="tidemark")
    onnx.checker.check_model(made)
    octets: bytes = made.SerializeToString(deterministic=True)
    return octets
