"""How well scores order customers: average precision and recall at a budget, with ranges.

The unit is a customer: the greatest score of any of its days against whether it is a member of any
scheme. Ranges are the 2.5th and 97.5th percentile of a seeded bootstrap over customers; differences
of two models are drawn in pairs, from the same customers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn.metrics import average_precision_score

from deploy.train.worlds import World
from udfs.aml.flow_groups import Array

DRAWS = 400
BUDGET = 0.03
"""Share of customers that people can look at in the days of a world."""


@dataclass(frozen=True)
class Figure:
    """A figure and its 95 % range."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As in 0.912 (0.887 to 0.934)."""
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class Judged:
    """Customers of several worlds with what models gave them.

    Attributes:
        member: Whether each is a member of a scheme.
        scores: By model, the greatest score of each.
        members: Columns world, owner, kind and `row`, the place of that customer: a row for each
            kind of scheme a customer is part of.
    """

    member: Array
    scores: Mapping[str, Array]
    members: pl.DataFrame


def judged(worlds: Mapping[int, World], scores: Mapping[str, Mapping[int, Array]]) -> Judged:
    """Customers of worlds (by seed); `scores` by model and seed, one for each sample."""
    flags, members, found = [], [], {name: [] for name in scores}  # type: ignore[var-annotated]
    first = 0
    for seed, world in worlds.items():
        owners = world.customers.with_row_index("row", first)
        first += owners.height
        flags.append(owners["member"].to_numpy())
        members.append(world.members.join(owners, on="owner").with_columns(world=pl.lit(seed)))
        for name, by_world in scores.items():
            most = world.samples.select("owner", score=pl.Series(by_world[seed])).group_by("owner")
            ordered = owners.join(most.agg(pl.col("score").max()), on="owner", how="left")
            found[name].append(ordered["score"].to_numpy())
    joined = {name: np.concatenate(parts) for name, parts in found.items()}
    return Judged(np.concatenate(flags), joined, pl.concat(members))


def average_precision(member: Array, score: Array) -> float:
    """Mean of the precision at each member, in the order of the scores."""
    return float(average_precision_score(member, score))


def recall(member: Array, score: Array) -> float:
    """Share of members among the BUDGET of customers with the greatest scores; ties by place."""
    chosen = np.argsort(-score, kind="stable")[: round(BUDGET * len(score))]
    return float(member[chosen].sum() / max(1, member.sum()))


def found(all_: Judged, name: str) -> pl.DataFrame:
    """Of each kind of scheme: members, and those within the budget."""
    score = all_.scores[name]
    chosen = np.argsort(-score, kind="stable")[: round(BUDGET * len(score))]
    within = pl.col("row").is_in(chosen.tolist())
    return all_.members.group_by("kind").agg(members=pl.len(), found=within.sum()).sort("kind")


def figure(
    all_: Judged, measure: Callable[[Array, Array], float], name: str, seed: int, less: str = ""
) -> Figure:
    """A measure of a model and its range; if `less` names another model, the difference to it."""
    rng, count = np.random.default_rng([seed, 7]), len(all_.member)

    def value(rows: Array) -> float:
        member = all_.member[rows]
        mine = measure(member, all_.scores[name][rows])
        return mine - measure(member, all_.scores[less][rows]) if less else mine

    drawn = [value(rng.integers(0, count, count)) for _ in range(DRAWS)]
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    return Figure(value(np.arange(count)), low, high)
