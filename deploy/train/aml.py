"""Trains the models of customers on generated worlds, and says how each candidate does.

A candidate beside the boosted trees is kept only if it beats them on the validation worlds: the
whole 95 % range of the difference in average precision lies above 0. The test worlds are looked at
once, for the figures of the card.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import RandomForestClassifier

from deploy.train import export, fit, graph_network, graphs, sequences
from deploy.train.measure import Judged, found, judged
from deploy.train.worlds import World, world
from udfs.aml.flow_groups import Array
from udfs.aml.model import matrix

RATES = {"train": 0.05, "validation": 0.02, "test": 0.02}
"""Share of accounts whose owners launder, in the worlds of each part."""
FOLDS = 4
"""Kinds of schemes are left out in so many lots."""
GRAPH_MODELS = ("boosted with graph features", "graph network")
"""What looks at the transfers of all customers, which no worker holds."""
Score = Callable[[World], Array]


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes:
        seed: Of everything that is drawn.
        people: Persons of each world.
        days: Days of each world.
        worlds: Worlds of training, validation and test.
        more: Features and labels beside the worlds', as of analysts: (n, features) and (n,).
    """

    seed: int = 1
    people: int = 3_000
    days: int = 30
    worlds: tuple[int, int, int] = (3, 2, 2)
    more: tuple[Array, Array] | None = None

    def seeds(self) -> dict[str, list[int]]:
        """The seed of each world, by part."""
        parts = zip(RATES, self.worlds, strict=True)
        return {
            part: [1_000 * self.seed + 100 * place + n for n in range(count)]
            for place, (part, count) in enumerate(parts)
        }


@dataclass
class Trained:
    """Everything a card tells.

    Attributes:
        digest: Hash of the model's card.
        validation: Customers of the validation worlds with the scores of all candidates.
        test: The same of the test worlds.
        samples: Samples and positive ones, by part.
        unseen: By kind: members, and those found by trees that never saw the kind.
    """

    digest: str
    validation: Judged
    test: Judged
    samples: Mapping[str, tuple[int, int]]
    unseen: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def train(order: Order, folder: Path, name: str, echo: Callable[[str], None]) -> Trained:
    """Fit everything, write the model into `folder`, and judge all candidates."""
    parts: dict[str, dict[int, World]] = {}
    for part, seeds in order.seeds().items():
        parts[part] = {}
        for seed in seeds:
            echo(f"{part} world {seed}")
            parts[part][seed] = world(seed, order.people, order.days, RATES[part])
    shown = list(parts["train"].values())
    features, positive = samples_of(shown)
    if order.more is not None:
        features = np.concatenate([features, order.more[0]])
        positive = np.concatenate([positive, order.more[1]])
    echo("boosted trees, isolation forest, peer groups")
    fitted = {"boosted": fit.boosted(features, positive, order.seed),
              "forest": fit.forest(features, order.seed)}  # fmt: skip
    of = {"seed": order.seed, "people": order.people, "days": order.days,
          "worlds": order.seeds()["train"], "samples": len(positive),
          "positive": int(positive.sum())}  # fmt: skip
    digest = export.write(folder, name, fitted, fit.peers(features, order.seed), of)
    scored: dict[str, Score] = {
        "boosted": lambda w: fitted["boosted"].decision_function(matrix(w.samples)),
        "forest": lambda w: -fitted["forest"].score_samples(matrix(w.samples).astype(np.float32)),
        **_candidates(shown, order.seed, echo),
    }
    counts = {p: _count(list(worlds.values())) for p, worlds in parts.items()}
    counts["train"] = len(positive), int(positive.sum())
    echo("judging")
    looked = {p: judged(parts[p], {
        name: {seed: score(w) for seed, w in parts[p].items()} for name, score in scored.items()
    }) for p in ("validation", "test")}  # fmt: skip
    echo("kinds of schemes left out, one by one")
    unseen = _unseen(shown, parts["test"], order.seed)
    return Trained(digest, looked["validation"], looked["test"], counts, unseen)


def samples_of(worlds: Sequence[World]) -> tuple[Array, Array]:
    """Features and labels of worlds, shapes (samples, features), (samples,)."""
    features = [matrix(one.samples) for one in worlds]
    labels = [one.samples["positive"].to_numpy() for one in worlds]
    return np.concatenate(features), np.concatenate(labels)


def _candidates(shown: Sequence[World], seed: int, echo: Callable[[str], None]) -> dict[str, Score]:
    """The models that are tried beside, fitted."""
    features, positive = samples_of(shown)
    echo("random forest")
    many = RandomForestClassifier(80, min_samples_leaf=3, max_samples=0.3, random_state=seed)
    many.fit(features, positive)
    echo("boosted trees with features of the graph")
    graph = np.concatenate([graphs.graph_features(one) for one in shown])
    wide = fit.boosted(np.hstack([features, graph]), positive, seed)
    echo("LSTM over postings")
    steps = np.concatenate([sequences.sequences(one) for one in shown])
    lstm = sequences.fitted(steps, positive, seed)
    echo("graph network")
    network = graph_network.fitted(shown, seed)

    def with_graph(one: World) -> Array:
        both = np.hstack([matrix(one.samples), graphs.graph_features(one)])
        return np.asarray(wide.decision_function(both))

    return {
        "random forest": lambda w: many.predict_proba(matrix(w.samples))[:, 1],
        GRAPH_MODELS[0]: with_graph,
        "LSTM": lambda w: sequences.scores(lstm, sequences.sequences(w)),
        GRAPH_MODELS[1]: lambda w: graph_network.scores(network, w),
    }


def _unseen(
    shown: Sequence[World], test: Mapping[int, World], seed: int
) -> dict[str, tuple[int, int]]:
    """Of each kind: members in the test worlds, and those that trees never shown the kind find."""
    told: dict[str, tuple[int, int]] = {}
    kinds = sorted({kind for one in shown for kind in one.members["kind"].unique()})
    for fold in (kinds[place::FOLDS] for place in range(FOLDS)):
        trees: Any = fit.boosted(*samples_of([without(one, fold) for one in shown]), seed)
        scores = {s: trees.decision_function(matrix(w.samples)) for s, w in test.items()}
        by_kind = found(judged(test, {"boosted": scores}), "boosted")
        told |= {k: (n, hit) for k, n, hit in by_kind.iter_rows() if k in fold}
    return told


def without(one: World, kinds: Sequence[str]) -> World:
    """A world whose samples leave out the members of some kinds of schemes."""
    members = one.members.filter(pl.col("kind").is_in(kinds))["owner"].unique()
    left = one.samples.filter(~one.samples["owner"].is_in(members.implode()))
    return World(one.seed, one.events, left, one.members)


def _count(worlds: Sequence[World]) -> tuple[int, int]:
    positive = sum(int(one.samples["positive"].sum()) for one in worlds)
    return sum(one.samples.height for one in worlds), positive
