"""Trains the models of market abuse on simulated markets, and says how each candidate does.

Fitted on the markets of training, calibrated and given limits on those of validation; the markets
of the test are looked at once, by `tidemark evaluate abuse`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from deploy.train.abuse import calibrate, export, fit, network
from deploy.train.abuse.judge import Figure, area, average_precision, bootstrap, limit
from deploy.train.abuse.markets import Asked, market, plan
from deploy.train.abuse.samples import Samples, together
from deploy.train.sequences import Weights
from udfs.abuse.curve import WHOLE
from udfs.abuse.features import FEATURES
from udfs.abuse.model import Model
from udfs.abuse.trees import Array, Trees

HEADS: Mapping[str, tuple[str, ...]] = {
    "spoofing": ("spoofing", "cross-venue", "cross-product"),
    "layering": ("layering",),
    "wash-trade": ("wash-trade", "matched-orders", "painting-the-tape"),
    "price-push": ("ramping", "momentum-ignition", "marking-the-close"),
    "quote-stuffing": ("quote-stuffing", "smoking"),
    "front-running": ("front-running",),
}
"""What each sum of trees looks for: practices that are alike in what an order shows."""
PRECISION: Mapping[str, float] = {"wash-trade": 0.95}
USUAL_PRECISION = 0.6
"""What a limit is to give where abuse is rare (deploy.train.abuse.judge.limit)."""
FEWEST = 200
"""A head needs so many orders of its practices in training."""
MIXES: Mapping[str, Mapping[str, int]] = {
    "train": {"default": 1, "practices": 2, "hard": 1},
    "validation": {"default": 1, "practices": 1, "hard": 3},
}
"""Validation has more honest orders than training: limits depend on the oddest of them."""
LOOKED = 60_000
"""Candidates are compared on so many orders of validation."""
DESK_WEIGHT = 20.0
"""What a person said of an order counts as much as so many simulated ones."""


@dataclass(frozen=True)
class Said:
    """What people said of orders.

    Attributes:
        features: Shape (n, features).
        heads: Head that each is positive for; "" if it is honest.
    """

    features: Array
    heads: Sequence[str]


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes:
        seed: Of everything that is drawn.
        orders: Of each market; as its mix says if None.
        trees: Of each head.
        mixes: Markets of each part, by mix.
        said: What people said, beside the markets.
    """

    seed: int = 1
    orders: int | None = None
    trees: int = fit.TREES
    mixes: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: MIXES)
    said: Said | None = None

    def markets(self, part: str) -> list[Asked]:
        """The markets of a part."""
        return plan(part, self.mixes[part], self.seed, self.orders)


@dataclass(frozen=True)
class Trained:
    """Everything a card tells.

    Attributes:
        digest: Hash of the model's card.
        heads: By head: orders of training, average precision in validation, limit, calibration
            error before and after.
        candidates: By name: average precision of any abuse in validation.
        against: The LSTM's average precision less that of the plain autoencoder.
        area: By name of what needs no labels: area under its curve.
        counts: By part: orders, abusive ones.
    """

    digest: str
    heads: Mapping[str, Mapping[str, float]]
    candidates: Mapping[str, Figure]
    against: Figure
    area: Mapping[str, float]
    counts: Mapping[str, tuple[int, int]]


def train(order: Order, folder: Path, name: str, echo: Callable[[str], None]) -> Trained:
    """Fit everything, write the model into `folder`, and judge all candidates."""
    parts: dict[str, Samples] = {}
    for part in MIXES:
        found = []
        for asked in order.markets(part):
            echo(f"{part}: {asked.mix} market {asked.seed}")
            found.append(market(asked).samples)
        parts[part] = together(found)
    shown, seen = parts["train"], parts["validation"]
    echo("boosted trees")
    names = [head for head, of in HEADS.items() if shown.of(of).sum() >= FEWEST]
    boosted = _boosted(shown, names, order)
    raw = boosted.raw(seen.features)
    heads, said = [], {}
    for place, head in enumerate(names):
        made, told = _head(head, raw[:, place], seen)
        heads.append(made)
        said[head] = told | {"training": float(shown.of(HEADS[head]).sum())}
    echo("isolation forest, autoencoders")
    beside = _unlabelled(shown, order.seed)
    errors = np.rint(network.errors(beside.weights, beside.steps(shown.features)) * WHOLE)
    curves = {"forest": calibrate.ranks(-beside.forest.raw(shown.features)[:, 0]),
              "autoencoder": calibrate.ranks(errors)}  # fmt: skip
    fitted = export.Fitted(heads, boosted, beside.forest, beside.weights, beside.steps, curves)
    counts = {part: (len(one), int(one.abusive.sum())) for part, one in parts.items()}
    of = {
        "seed": order.seed,
        "markets": {part: [f"{a.mix}-{a.seed}" for a in order.markets(part)] for part in MIXES},
        "orders": {part: list(both) for part, both in counts.items()},
        "said": 0 if order.said is None else len(order.said.heads),
        "validation": {
            head: {name: round(value * WHOLE) for name, value in told.items()}
            for head, told in said.items()
        },
    }
    taken = list(FEATURES)
    export.write(folder, name, taken, fitted, [], of)
    scores = Model(folder, taken).score(shown.features)
    digest = export.write(
        folder, name, taken, fitted, export.binned(taken, shown.features, scores), of
    )
    echo("candidates beside")
    return Trained(digest, said, *_candidates(raw, heads, beside, seen, order.seed), counts)


def _candidates(
    raw: Array, heads: Sequence[export.Head], beside: "_Beside", seen: Samples, seed: int
) -> tuple[dict[str, Figure], Figure, dict[str, float]]:
    """Average precision of any abuse; LSTM less plain autoencoder; areas under the curve."""
    rng = np.random.default_rng([seed, 23])
    chosen = np.sort(rng.permutation(len(seen))[:LOOKED])
    abusive, owners = seen.abusive[chosen], seen.orders["owner"].to_numpy()[chosen]
    features = seen.features[chosen]
    plain = network.errors(beside.weights, beside.steps(features))
    lstm = network.errors(beside.lstm, _history(beside.steps, seen, chosen))
    scores = {
        "boosted trees": (raw - np.array([_odds(one) for one in heads])).max(axis=1)[chosen],
        "isolation forest": -beside.forest.raw(features)[:, 0],
        "autoencoder": plain,
        "LSTM autoencoder": lstm,
    }
    figures = {one: bootstrap(abusive, score, owners, seed) for one, score in scores.items()}
    against = bootstrap(abusive, lstm, owners, seed, plain)
    return figures, against, {one: area(abusive, score) for one, score in scores.items()}


def _boosted(shown: Samples, names: Sequence[str], order: Order) -> Trees:
    features, weights = shown.features, np.ones(len(shown))
    if order.said is not None:
        features = np.concatenate([features, order.said.features])
        weights = np.r_[weights, np.full(len(order.said.heads), DESK_WEIGHT)]
    made = []
    for head in names:
        positive = shown.of(HEADS[head])
        if order.said is not None:
            positive = np.r_[positive, [one == head for one in order.said.heads]]
        made.append(fit.classifier(features, positive, order.seed, order.trees, weights))
    return fit.boosted(made)


def _head(head: str, raw: Array, seen: Samples) -> tuple[export.Head, dict[str, float]]:
    """Calibrated and with a limit by validation."""
    positive = seen.of(HEADS[head])
    curve = calibrate.platt(raw, positive)
    ppm = curve(raw)
    plain = np.rint(WHOLE / (1 + np.exp(-raw / 4_096)))
    at = limit(ppm, positive, ~seen.abusive, PRECISION.get(head, USUAL_PRECISION))
    return export.Head(head, at, curve), {
        "orders": float(positive.sum()),
        "average_precision": average_precision(positive, raw),
        "reliability_before": calibrate.reliability(plain, positive),
        "reliability": calibrate.reliability(ppm, positive),
        "limit": at / WHOLE,
        "recall": float((ppm[positive] >= at).mean()) if positive.any() else 0.0,
        "false": float((ppm[~seen.abusive] >= at).mean()),
    }


def _odds(head: export.Head) -> int:
    """The log-odds, 1/QUANTUM, at which a head's limit lies, about."""
    place = int(np.searchsorted(head.curve.y, head.limit))
    return head.curve.x[min(place, len(head.curve.x) - 1)]


@dataclass(frozen=True)
class _Beside:
    """What is fitted without labels."""

    forest: Trees
    steps: network.Scaling
    weights: Mapping[str, Array]
    lstm: Weights


def _unlabelled(shown: Samples, seed: int) -> _Beside:
    steps = network.scaling(shown.features)
    rng = np.random.default_rng([seed, 24])
    chosen = np.sort(rng.permutation(len(shown))[: network.SHOWN])
    return _Beside(
        fit.forest(fit.isolation(shown.features, seed)),
        steps,
        network.plain(steps(shown.features[chosen]), seed),
        network.lstm(_history(steps, shown, chosen), seed),
    )


def _history(steps: network.Scaling, of: Samples, chosen: Array) -> Array:
    """The last orders of the owner and instrument of each chosen order, up to itself."""
    names = of.orders.select("seed", "owner", "isin")
    group = names.to_struct("group").rank("dense").to_numpy()
    return network.history(steps(of.features), group, chosen)
