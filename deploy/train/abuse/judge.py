"""How well scores part abusive orders from honest ones, and where limits are to lie."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from udfs.abuse.curve import WHOLE
from udfs.abuse.trees import Array

RARE = 0.0003
"""Share of orders of a practice at which a limit has to hold: 0.1 % for all three together."""
DRAWS = 200


@dataclass(frozen=True)
class Figure:
    """A figure and its 95 % range by bootstrap."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As in 0.912 (0.887 to 0.934)."""
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def limit(ppm: Array, positive: Array, honest: Array, precision: float) -> int:
    """The probability from which on orders are told best where abuse is rare.

    Best is the greatest F1 of those limits whose precision is good enough. Precision is that at a
    share RARE of positive orders: RARE t / (RARE t + (1 - RARE) f), with t the share of positive
    orders that reach the limit, and f that of honest ones. One honest order more than was seen is
    counted, so that a limit above all of them is not taken for certain.
    Without a limit that is good enough: the one with the best precision.

    Args:
        ppm: Probability of each order, parts per million.
        positive: Whether it is part of the practice.
        honest: Whether it is part of none.
        precision: What is asked for.
    """
    hits, others = np.sort(ppm[positive]), np.sort(ppm[honest])
    found = np.unique(np.clip(hits, 1, WHOLE - 1))
    if not len(found):
        return WHOLE - 1
    true = 1 - np.searchsorted(hits, found) / len(hits)
    false = (len(others) - np.searchsorted(others, found) + 1) / (len(others) + 1)
    reached = RARE * true / (RARE * true + (1 - RARE) * false)
    if not (good := reached >= precision).any():
        return int(found[reached.argmax()])
    return int(found[np.where(good, reached * true / (reached + true), -1.0).argmax()])


def average_precision(positive: Array, score: Array) -> float:
    """Mean of the precision at each positive order, in the order of the scores; 0 without one."""
    return float(average_precision_score(positive, score)) if positive.any() else 0.0


def area(positive: Array, score: Array) -> float:
    """How often a positive order's score is above that of another; one half without one."""
    mixed = positive.any() and not positive.all()
    return float(roc_auc_score(positive, score)) if mixed else 0.5


def bootstrap(
    positive: Array, score: Array, group: Array, seed: int, less: Array | None = None
) -> Figure:
    """Average precision and its range, groups drawn as a whole; less that of `less` if given.

    Orders of one owner are alike, so owners are drawn, not orders.
    """
    rng = np.random.default_rng([seed, 31])
    _, number = np.unique(group, return_inverse=True)
    order = np.argsort(number, kind="stable")
    ends = np.searchsorted(number[order], np.arange(number.max() + 2))
    rows = [order[a:b] for a, b in pairwise(ends)]

    def value(chosen: Array) -> float:
        mine = average_precision(positive[chosen], score[chosen])
        return mine if less is None else mine - average_precision(positive[chosen], less[chosen])

    drawn = [
        value(np.concatenate([rows[n] for n in rng.integers(0, len(rows), len(rows))]))
        for _ in range(DRAWS)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    return Figure(value(np.arange(len(positive))), low, high)


@dataclass(frozen=True)
class Baseline:
    """The naive way: an order is odd if any feature is many standard deviations from its mean.

    Attributes:
        mean: Of training; shape (features,).
        deviation: Of training, shape (features,).
        limit: From which greatest |z| on an order is flagged: best F1 in validation.
    """

    mean: Array
    deviation: Array
    limit: float = 0.0

    def score(self, features: Array) -> Array:
        """The greatest |z| of any feature; missing ones count 0."""
        z = np.abs(features.astype(np.float64) - self.mean) / self.deviation
        return np.asarray(np.nan_to_num(z, nan=0.0).max(axis=1))


def baseline(features: Array, seen: Array, positive: Array) -> Baseline:
    """The naive way with mean and deviation of `features`, and a limit by `seen`."""
    whole = features.astype(np.float64)
    empty = np.isnan(whole).all(axis=0)
    whole[0, empty] = 0.0
    deviation = np.nanstd(whole, axis=0)
    made = Baseline(np.nanmean(whole, axis=0), np.where(deviation > 0, deviation, 1.0))
    return Baseline(made.mean, made.deviation, best_limit(made.score(seen), positive))


def best_limit(score: Array, positive: Array) -> float:
    """The limit from which on F1 is greatest: harmonic mean of recall and precision."""
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    hits = np.cumsum(positive[order])
    f1 = 2 * hits / (np.arange(len(hits)) + 1 + positive.sum())
    last = np.r_[ranked[1:] != ranked[:-1], True]
    return float(ranked[np.where(last, f1, -1.0).argmax()])
