"""Models of customers: the files that ship, each known by its hash, and what they say of features.

A model is a folder of udfs/aml/models: `card.json` and two trees in ONNX, whose SHA-256 the card
holds. The SHA-256 of the card names the model, so a rule set that names it says all of it.

    boosted   log-odds that a customer takes part in a scheme: gradient boosting, fitted on labels
    forest    how soon random cuts set a customer apart: isolation forest (Liu, Ting, Zhou 2008),
              without labels

What is written into leaves is a multiple of 1/4,096, and sums stay below 2,048: float32 adds them
exactly, in whatever order, on whatever machine. Scores are rounded to parts per million. The card
holds whole numbers only.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from udfs.aml.features import FEATURES
from udfs.aml.flow_groups import Array
from udfs.aml.rule import WHOLE
from udfs.model_files import CARD, ModelError, folders, read, session

FOLDER = Path(__file__).parent / "models"
FILES = {"boosted": "boosted.onnx", "forest": "forest.onnx"}
QUANTUM = 4_096
"""Leaves hold multiples of one part of so many."""
FINE = 16
"""Peer groups lie between powers of two in steps of one part of so many."""
Kind = Literal["boosted", "forest"]
KINDS: tuple[Kind, ...] = ("boosted", "forest")


@dataclass(frozen=True)
class Part:
    """What a feature adds to a score.

    Attributes:
        feature: Its name.
        value: Of this customer.
        peers: Median of the peer group.
        points: Hundredths of log-odds that the score falls by if the value were the peers'.
    """

    feature: str
    value: int
    peers: int
    points: int


class Model:
    """A model as it was loaded; features are arrays of shape (customers, len(FEATURES))."""

    def __init__(self, folder: Path) -> None:
        """Read a folder.

        Raises:
            ModelError: A file is missing, damaged, or made for other features.
        """
        text = read(folder / CARD)
        card = json.loads(text)
        self.hash = hashlib.sha256(text).hexdigest()
        self.name: str = card["name"]
        if card["features"] != list(FEATURES):
            raise ModelError(f"model {folder.name} takes other features; train it again")
        self._run = {k: session(folder / file, card[k]["sha256"]) for k, file in FILES.items()}
        self._scale: int = card["forest"]["scale"]
        groups = card["groups"]
        self._columns = [list(FEATURES).index(name) for name in groups["features"]]
        self._centres = np.array(groups["centres"], dtype=np.int64)
        self._medians = np.array(groups["medians"], dtype=np.int64)

    def raw(self, kind: Kind, features: Array) -> Array:
        """What the trees sum up to, exact: log-odds, or the length of all paths to a leaf."""
        asked = features.astype(np.float32)
        found: Array = self._run[kind].run(None, {"X": asked})[-1]
        return np.asarray(found.reshape(len(features), -1)[:, -1].astype(np.float64))

    def log_odds(self, kind: Kind, features: Array) -> Array:
        """The score as log-odds."""
        raw = self.raw(kind, features)
        if kind == "boosted":
            return raw
        share = np.exp2(-raw * QUANTUM / self._scale)
        return np.asarray(np.log(share) - np.log1p(-share))

    def scores(self, kind: Kind, features: Array) -> Array:
        """Scores in parts per million, rounded."""
        share = 1.0 / (1.0 + np.exp(-self.log_odds(kind, features)))
        return np.asarray(np.rint(share * WHOLE).astype(np.int64))

    def groups(self, features: Array) -> Array:
        """The peer group of each customer: the nearest centre, the first of equals."""
        place = FINE * magnitude(features[:, self._columns])
        apart = ((place[:, None, :] - self._centres[None, :, :]) ** 2).sum(axis=2)
        return np.asarray(apart.argmin(axis=1))

    def parts(self, kind: Kind, customer: Array, most: int) -> list[Part]:
        """The features of one customer that add most to the score, largest first.

        What a feature adds is how far the log-odds fall when it alone is set to the median of the
        customer's peer group. Only features that add at least one hundredth are named.
        """
        peers = self._medians[self.groups(customer[None, :])[0]]
        asked = np.repeat(customer[None, :], len(customer) + 1, axis=0)
        np.fill_diagonal(asked[1:], peers)
        odds = self.log_odds(kind, asked)
        points = np.rint(100 * (odds[0] - odds[1:])).astype(np.int64)
        order = np.argsort(-points, kind="stable")[:most]
        names = list(FEATURES)
        return [
            Part(names[place], int(customer[place]), int(peers[place]), int(points[place]))
            for place in order.tolist()
            if points[place] > 0
        ]


def magnitude(values: Array) -> Array:
    """Whole numbers as powers of two: 0 for 0, else 1 + the exponent of the power just reached."""
    return np.asarray(np.frexp(values.astype(np.float64))[1].astype(np.int64))


def matrix(rows: pl.DataFrame) -> Array:
    """The columns FEATURES as an array, shape (customers, len(FEATURES))."""
    return np.asarray(rows.select(*FEATURES).to_numpy().astype(np.int64))


@cache
def known() -> Mapping[str, Path]:
    """Hash of each model there is -> its folder."""
    return folders(FOLDER)


@cache
def load(digest: str) -> Model:
    """The model of this hash.

    Raises:
        ModelError: There is none, or its files are damaged.
    """
    return Model(known()[check(digest)])


def check(digest: str) -> str:
    """The hash itself, if there is a model of it; else ModelError."""
    if digest not in known():
        there = ", ".join(f"{one} ({path.name})" for one, path in sorted(known().items()))
        raise ModelError(f"no model has the hash {digest}; there are: {there or 'none'}")
    return digest


def named(name: str) -> str:
    """The hash of the model in the folder of this name; "" if there is none."""
    return next((digest for digest, path in known().items() if path.name == name), "")


def told(parts: Sequence[Part]) -> str:
    """The parts of a score in words."""
    said = (
        f"{FEATURES[part.feature]}: {part.value} (peers {part.peers}) "
        f"+{part.points // 100}.{part.points % 100:02d}"
        for part in parts
    )
    return "; ".join(said)
