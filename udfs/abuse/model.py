"""Models of market abuse: the files that ship, each known by its hash, and what they say of orders.

A model is a folder of udfs/abuse/models: `card.json`, whose SHA-256 names the model, and the files
whose SHA-256 the card holds.

    boosted.onnx      log-odds that an order is part of a practice, one sum of trees (head) each
    boosted.json      the same trees with their rows of training, for contributions
    forest.onnx       isolation forest (Liu, Ting, Zhou 2008): how soon random cuts part an order
    autoencoder.onnx  how far an order is from what a narrow network makes of it

The first decides; forest and autoencoder see no labels and stand beside it. Leaves are multiples of
1/QUANTUM, so float32 sums of trees are exact; what follows (calibration, contributions) is done in
whole numbers. Only the autoencoder's error is a float of this processor, rounded to millionths.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from udfs.abuse.curve import WHOLE, Curve
from udfs.abuse.shapley import Contributions
from udfs.abuse.trees import QUANTUM, Array, from_json
from udfs.model_files import CARD, ModelError, checked, folders, read, session

FOLDER = Path(__file__).parent / "models"
ROLES = "roles.json"
"""Which model decides (champion), and which runs beside it on the same stream (challenger)."""
FILES = {"boosted": "boosted.onnx", "forest": "forest.onnx", "autoencoder": "autoencoder.onnx"}
TREES = "boosted.json"
ANOMALIES = ("forest", "autoencoder")
AT_LEAST = 500_000
"""The score from which on an order is an alert, parts per million."""
ODD = 400_000
"""The most that models without labels can say, parts per million."""
_LIFT = Curve((990_000, WHOLE), (0, ODD))


class Model:
    """A model as it was loaded: a Scorer (udfs.abuse.features)."""

    at_least = AT_LEAST

    def __init__(self, folder: Path, features: Sequence[str]) -> None:
        """Read a folder.

        Args:
            folder: Of the model.
            features: Names of the features that will be asked about, in order.

        Raises:
            ModelError: A file is missing, damaged, or made for other features.
        """
        text = read(folder / CARD)
        try:
            card = json.loads(text)
            self.hash = hashlib.sha256(text).hexdigest()
            self.name: str = card["name"]
            taken, sums = card["features"], card["files"]
            self._curves = [Curve.of(head["curve"]) for head in card["heads"]]
            self.heads: tuple[str, ...] = tuple(head["name"] for head in card["heads"])
            self._grades = [grade(head["limit"]) for head in card["heads"]]
            self._beside = {kind: Curve.of(card[kind]["curve"]) for kind in ANOMALIES}
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the card of model {folder.name} is none: {error!r}") from None
        if taken != list(features):
            raise ModelError(f"model {folder.name} takes other features; train it again")
        self.features = tuple(features)
        self.card = card
        self._root = None if folder.parent == FOLDER else folder.parent
        self._run = {kind: session(folder / file, sums[file]) for kind, file in FILES.items()}
        self._trees = checked(folder / TREES, sums[TREES])
        for kind, run in self._run.items():
            wide = run.get_inputs()[0].shape[-1]
            if wide != len(features):
                raise ModelError(f"{FILES[kind]} of model {folder.name} takes {wide} features")

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """A model travels as its hash: who unpacks it loads the files that are there."""
        return load, (self.hash, self.features, self._root)

    def raw(self, features: Array) -> Array:
        """Log-odds of each head as the trees sum them up, 1/QUANTUM; (n, heads), int64, exact."""
        return np.asarray(np.rint(self._asked("boosted", features) * QUANTUM).astype(np.int64))

    def probabilities(self, features: Array) -> Array:
        """Calibrated probability of each head, parts per million; (n, heads), int64."""
        raw = self.raw(features)
        found = [curve(raw[:, place]) for place, curve in enumerate(self._curves)]
        return np.stack(found, axis=1)

    def graded(self, features: Array) -> Array:
        """Probabilities bent so that each head's own limit is at AT_LEAST; (n, heads), int64."""
        found = self.probabilities(features)
        return np.stack([one(found[:, p]) for p, one in enumerate(self._grades)], axis=1)

    def score(self, features: Array) -> Array:
        """The greatest of `graded`, or `oddity` if that is more; ppm, (n,), int64.

        From AT_LEAST on an order is an alert. Oddity never gets there by itself: it lifts the score
        of an alert that a rule raises.
        """
        return np.maximum(self.graded(features).max(axis=1), self.oddity(features))

    def oddity(self, features: Array) -> Array:
        """0 to ODD for orders that forest and autoencoder both find odder than 99 % of training."""
        return _LIFT(np.minimum(*(self.anomaly(kind, features) for kind in ANOMALIES)))

    def leading(self, features: Array) -> Array:
        """The head that is highest above its limit, the first of equals; (n,), int64."""
        return np.asarray(self.graded(features).argmax(axis=1))

    def practice(self, features: Array) -> list[str]:
        """The practice each order looks most like."""
        return [self.heads[place] for place in self.leading(features).tolist()]

    def anomaly(self, kind: str, features: Array) -> Array:
        """How odd orders are: the share of training that was less so, parts per million; (n,)."""
        raw = self._asked(kind, features)[:, 0].astype(np.float64)
        unit = -QUANTUM if kind == "forest" else WHOLE
        whole = np.clip(np.nan_to_num(np.rint(raw * unit)), -(2**39), 2**39)
        return self._beside[kind](whole.astype(np.int64))

    def contributions(self, features: Array, most: int) -> list[list[tuple[int, int]]]:
        """The features that added most to the log-odds of each order's leading head.

        Exact Shapley values of the trees (udfs.abuse.shapley).

        Returns:
            For each row at most `most` pairs (place in the features, millionths of log-odds), the
            greatest absolute value first, equal ones by place; zeros are left out.
        """
        heads = self.leading(features)
        told = np.zeros(features.shape, dtype=np.int64)
        for head in np.unique(heads).tolist():
            rows = heads == head
            told[rows] = self._explain[head](features[rows])
        order = np.argsort(-np.abs(told), axis=1, kind="stable")[:, :most]
        return [
            [(place, int(mine[place])) for place in places if mine[place]]
            for mine, places in zip(told, order.tolist(), strict=True)
        ]

    @cached_property
    def _explain(self) -> list[Contributions]:
        trees = from_json(self._trees)
        return [Contributions(trees, head, len(self.features)) for head in range(len(self.heads))]

    def _asked(self, kind: str, features: Array) -> Array:
        found: Array = self._run[kind].run(None, {"X": features.astype(np.float32)})[-1]
        return found


def grade(limit: int) -> Curve:
    """From a head's probability to its part of the score: AT_LEAST at the limit."""
    return Curve((0, limit, WHOLE), (0, AT_LEAST, WHOLE))


@cache
def known(root: Path = FOLDER) -> Mapping[str, Path]:
    """Hash of each model there is -> its folder."""
    return folders(root)


def load(digest: str, features: Sequence[str], root: Path | None = None) -> Model:
    """The model of this hash, loaded once; of those that ship without another folder.

    Raises:
        ModelError: There is none, its files are damaged, or it takes other features.
    """
    return _loaded(digest, tuple(features), root or FOLDER)


@cache
def _loaded(digest: str, features: tuple[str, ...], root: Path) -> Model:
    there = known(root)
    if digest not in there:
        names = ", ".join(f"{one} ({path.name})" for one, path in sorted(there.items()))
        raise ModelError(f"no model has the hash {digest}; there are: {names or 'none'}")
    return Model(there[digest], features)


def role(name: str, root: Path = FOLDER) -> str:
    """The hash of the champion or challenger; "" if there is none.

    Raises:
        ModelError: The model that ROLES names is not there.
    """
    path = root / ROLES
    if not path.exists():
        return ""
    model = json.loads(read(path)).get(name, "")
    found = next((digest for digest, place in known(root).items() if place.name == model), "")
    if model and not found:
        raise ModelError(f"{ROLES} names model {model}, which is not there; train or install it")
    return found
