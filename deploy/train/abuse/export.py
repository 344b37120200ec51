"""Writes a model as workers read it: ONNX, trees as JSON, and a card of whole numbers and texts."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deploy.train.abuse import onnx_files
from deploy.train.abuse.network import REACH, Scaling
from udfs.abuse.curve import WHOLE, Curve
from udfs.abuse.drift import BINS, SCORE
from udfs.abuse.model import FILES, TREES
from udfs.abuse.trees import Array, Trees
from udfs.model_files import CARD

_MOST = 2.0**61


@dataclass(frozen=True)
class Head:
    """One sum of trees.

    Attributes:
        name: The practice it looks for.
        limit: From which probability on an order is an alert, ppm, between 0 and WHOLE.
        curve: From log-odds in 1/QUANTUM to probability.
    """

    name: str
    limit: int
    curve: Curve


@dataclass(frozen=True)
class Fitted:
    """All parts of a model.

    Attributes:
        heads: In the order of the trees' heads.
        boosted: Their trees.
        forest: Of the isolation forest.
        network: Weights of the autoencoder.
        scaling: Of its input.
        beside: Curve of forest and autoencoder.
    """

    heads: Sequence[Head]
    boosted: Trees
    forest: Trees
    network: Mapping[str, Array]
    scaling: Scaling
    beside: Mapping[str, Curve]


def write(
    folder: Path,
    name: str,
    features: Sequence[str],
    fitted: Fitted,
    bins: Sequence[Mapping[str, Any]],
    of: object,
) -> str:
    """Write a model; the hash of its card.

    Args:
        folder: Gets the files; what is there is replaced.
        name: Of the model.
        features: Names of its features, in order.
        fitted: Its parts.
        bins: As from `binned`, for drift.
        of: What it was fitted on, and how well it does: plain texts and whole numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    width = len(features)
    content = {
        FILES["boosted"]: onnx_files.of_trees(fitted.boosted, width),
        TREES: fitted.boosted.to_json(),
        FILES["forest"]: onnx_files.of_trees(fitted.forest, width),
        FILES["autoencoder"]: onnx_files.of_network(
            fitted.network, fitted.scaling.centre, fitted.scaling.scale, REACH
        ),
    }
    for file, octets in content.items():
        (folder / file).write_bytes(octets)
    card = {
        "name": name,
        "features": list(features),
        "files": {file: hashlib.sha256(octets).hexdigest() for file, octets in content.items()},
        "heads": [
            {"name": one.name, "limit": one.limit, "curve": one.curve.told()}
            for one in fitted.heads
        ],
        **{kind: {"curve": curve.told()} for kind, curve in fitted.beside.items()},
        "bins": list(bins),
        "of": of,
    }
    text = json.dumps(card, sort_keys=True, separators=(",", ":")) + "\n"
    (folder / CARD).write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def binned(features: Sequence[str], values: Array, scores: Array) -> list[dict[str, Any]]:
    """Deciles of training and the share in each bin, for udfs.abuse.drift.Bins."""
    found = []
    columns = [*(values.astype(np.float64) * WHOLE).T, scores.astype(np.float64)]
    for name, column in zip([*features, SCORE], columns, strict=True):
        missing = np.isnan(column)
        whole = np.rint(np.clip(column[~missing], -_MOST, _MOST)).astype(np.int64)
        tenths = np.arange(1, BINS - 1) / 10
        cuts = np.unique(np.quantile(whole, tenths, method="higher")) if len(whole) else whole
        cuts = cuts[cuts > whole.min()] if len(whole) else cuts
        counts = np.bincount(np.searchsorted(cuts, whole, side="right"), minlength=BINS)
        counts[BINS - 1] += missing.sum()
        ends = np.rint(WHOLE * np.cumsum(counts) / len(column)).astype(np.int64)
        shares = np.diff(ends, prepend=0)
        found.append({"name": name, "cuts": cuts.tolist(), "shares": shares.tolist()})
    return found
