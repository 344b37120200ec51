"""Limits, baselines, ranges: figures by hand; what people said; alerts held against the truth."""

import numpy as np
import polars as pl
import pytest

pytest.importorskip("sklearn", reason="needs the extra train")

from datetime import date
from itertools import pairwise

from deploy.evaluate import abuse_figures as figures
from deploy.evaluate import abuse_results
from deploy.train.abuse import judge
from deploy.train.abuse.markets import Asked, Market, plan
from deploy.train.abuse.samples import Samples
from udfs.abuse.features import FEATURES

DAY = date(2026, 4, 7)


def test_a_limit_by_hand():
    """Four of a practice, 9,999 honest; RARE = 0.0003.

    At 300,000: all four, 11 honest + 1: precision 0.0003 / (0.0003 + 0.9997 x 0.0012) = 0.200.
    At 600,000: three, 3 + 1 honest: 0.000225 / (0.000225 + 0.9997 x 0.0004) = 0.360, F1 0.487.
    At 900,000: one, 0 + 1 honest: 0.000075 / (0.000075 + 0.00009997) = 0.429, F1 0.316.
    """
    mine = np.array([300_000, 600_000, 600_000, 900_000])
    others = np.r_[np.full(9_988, 10), np.full(8, 400_000), np.full(3, 700_000)]
    ppm = np.r_[mine, others]
    positive = np.arange(len(ppm)) < 4
    assert judge.limit(ppm, positive, ~positive, 0.1) == 600_000
    assert judge.limit(ppm, positive, ~positive, 0.35) == 600_000
    assert judge.limit(ppm, positive, ~positive, 0.4) == 900_000
    assert judge.limit(ppm, positive, ~positive, 0.99) == 900_000  # the best there is


def test_a_practice_without_orders_is_never_flagged():
    nobody = np.zeros(5, dtype=bool)
    assert judge.limit(np.arange(5), nobody, ~nobody, 0.5) == 999_999


def test_average_precision_by_hand():
    """Ranks of the positive ones: 1 and 3: (1/1 + 2/3) / 2."""
    found = judge.average_precision(np.array([True, False, True, False]), np.array([9, 8, 7, 6]))
    assert found == pytest.approx(5 / 6)


def test_owners_are_drawn_as_a_whole():
    """One owner has all abuse: draws without it have none, so the range reaches down to 0."""
    positive = np.arange(100) < 10
    owners = np.where(positive, "bad", np.array([f"o{n % 9}" for n in range(100)]))
    found = judge.bootstrap(positive, positive.astype(float), owners, 1)
    assert (found.value, found.low, found.high) == (1.0, 0.0, 1.0)
    same = judge.bootstrap(positive, positive * 1.0, owners, 1, positive * 2.0)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_the_naive_way_takes_the_greatest_deviation():
    """Mean 1, deviation 1 of (0, 2); mean 10, deviation 10: 4 and 0 give |z| of 3 and 1."""
    made = judge.baseline(
        np.array([[0.0, 0.0], [2.0, 20.0]]),
        np.array([[4.0, 0.0], [1.0, 10.0], [1.0, np.nan]]),
        np.array([True, False, False]),
    )
    assert made.score(np.array([[4.0, 0.0], [np.nan, 30.0]])).tolist() == [3.0, 2.0]
    assert made.limit == 3.0


def test_the_best_limit_by_hand():
    """F1 from 9 on: 2 / (1 + 3); from 7 on, both that are equal: 4 / (3 + 3); from 5 on: 6 / 8."""
    score = np.array([9, 7, 7, 5, 5, 1])
    assert judge.best_limit(score, np.array([1, 1, 0, 1, 0, 0], dtype=bool)) == 5.0
    assert judge.best_limit(score, np.array([1, 1, 0, 0, 0, 0], dtype=bool)) == 7.0


def test_no_two_parts_or_mixes_share_a_seed_or_a_day():
    asked = [
        one
        for part in ("train", "validation", "test")
        for one in plan(part, {"default": 2, "hard": 1}, 1, None)
    ]
    assert len({one.seed for one in asked}) == len(asked) == 9
    firsts = sorted({one.first for one in asked})
    assert [(b - a).days > 7 for a, b in pairwise(firsts)] == [True, True]


class Stub:
    """A model of two heads that reads its probabilities from the first two features."""

    heads = ("spoofing", "wash-trade")
    at_least = 500_000

    def probabilities(self, features):
        return features[:, :2].astype(np.int64)

    graded = probabilities


def a_market():
    """Six orders: a spoofing scheme of three, of which two are flagged; three honest ones."""
    rows = [
        # order, scheme, practice, abusive, entered, ended, spoofing, wash
        ("a", "s1", "spoofing", True, 100, 110, 900_000, 0),
        ("b", "s1", "spoofing", True, 105, 130, 600_000, 700_000),
        ("c", "s2", "spoofing", True, 200, 210, 100_000, 0),
        ("d", "", "honest", False, 1, 300, 510_000, 0),
        ("e", "", "market-maker", False, 1, 300, 0, 0),
        ("f", "", "market-maker", False, 1, 300, 0, 0),
    ]
    features = np.zeros((len(rows), len(FEATURES)), dtype=np.float32)
    features[:, 0], features[:, 1] = [r[6] for r in rows], [r[7] for r in rows]
    orders = pl.DataFrame({
        "seed": [7] * 6, "order_id": [r[0] for r in rows], "isin": ["I"] * 6, "mic": ["M"] * 6,
        "owner": ["o"] * 6, "scheme": [r[1] for r in rows], "practice": [r[2] for r in rows],
        "role": ["bait"] * 6, "abusive": [r[3] for r in rows],
        "entered": [r[4] * 10**6 for r in rows], "time": [r[5] * 10**6 for r in rows],
        "score": [max(r[6], r[7]) for r in rows],
    })  # fmt: skip
    events = pl.DataFrame({
        "event_id": [f"{r[0]}1" for r in rows], "order_id": [r[0] for r in rows],
        "isin": ["I"] * 6, "mic": ["M"] * 6, "time": [0] * 6,
    })  # fmt: skip
    alerts = pl.DataFrame({
        "alert_id": ["A1", "A2", "A3"], "rule": ["spoofing", "spoofing", "model-drift"],
        "time": [250 * 10**6, 310 * 10**6, 1], "events": ["c1;gone", "e1;f1", ""],
    })  # fmt: skip
    asked = Asked("hard", 7, DAY, days=2)
    return Market(asked, Samples(orders, features), pl.DataFrame(), events, alerts)


def test_orders_schemes_and_alerts_by_hand():
    """s1 is found at the end of a, 10 s after its begin; s2 by an alert after 50 s: median 30."""
    said = figures.found([a_market()], Stub())
    (row,) = figures.by_practice(said, Stub()).to_dicts()
    assert row == {
        "practice": "spoofing", "orders": 3, "flagged": 2, "told": 3, "head": "spoofing",
        "named": 2, "right": 1, "abusive": 1,  # a and d; b is named a wash trade
        "pr_auc": round((1 + 1 + 3 / 4) / 3, 4), "schemes": 2, "found": 2, "seconds": 30.0,
    }  # fmt: skip
    rules = figures.by_rule(said, a_market().hours)
    assert rules.to_dicts() == [
        {"rule": "spoofing", "alerts": 2, "right": 1, "false_an_hour": round(1 / 17, 3)}
    ]
    assert figures.by_honest(said).to_dicts() == [
        {"practice": "honest", "orders": 1, "flagged": 1, "told": 1, "false_rate": 1.0},
        {"practice": "market-maker", "orders": 2, "flagged": 0, "told": 2, "false_rate": 0.0},
    ]


def test_layers_that_stand_together_are_a_cycle():
    """x, y and z overlap one after the other; u comes when all are gone; v is another scheme's."""
    rows = [("x", "s", 0, 10, False), ("y", "s", 5, 20, True), ("z", "s", 15, 30, False),
            ("u", "s", 31, 40, False), ("v", "t", 6, 8, True)]  # fmt: skip
    schema = {"order_id": pl.String, "scheme": pl.String, "entered": pl.Int64, "time": pl.Int64,
              "told": pl.Boolean}  # fmt: skip
    orders = pl.DataFrame(rows[::-1], schema=schema, orient="row").with_columns(
        seed=1, abusive=True, practice=pl.lit("layering"), role=pl.lit("layer")
    )
    nothing = Samples(orders, np.empty((0, 0)))
    said = figures.Found(nothing, orders, pl.DataFrame(), pl.DataFrame())
    assert figures.cycles(said) == (3, 2)


def test_figures_have_their_ranges_and_bars():
    said = figures.found([a_market()], Stub())
    results = {one.what: one for one in abuse_results.whole("default", said, 17.0)}
    assert results["default: recall of orders"].value == round(2 / 3, 4)
    assert results["default: recall of orders"].met is False
    assert results["default: precision of orders"].value == round(2 / 3, 4)
    assert results["default: precision of orders: of"].value == 3
    usual = {r.what: r for r in abuse_results.of_usual("default", said, Stub(), 600_000)}
    assert usual["default, limit for much abuse: recall of orders"].value == round(2 / 3, 4)
    assert usual["default, limit for much abuse: precision of orders"].met is True  # both right
    practices = abuse_results.of_practices("hard", figures.by_practice(said, Stub()))
    by_name = {one.what: one for one in practices}
    assert by_name["hard, spoofing: precision of orders"].met is True  # 1 of 2
    assert by_name["hard, spoofing: recall of orders"].met is False
    assert by_name["hard, spoofing: schemes found"].value == 1.0
    honest = {one.what: one for one in abuse_results.of_honest("hard", figures.by_honest(said))}
    assert honest["hard, honest market-maker: flagged by the model"].value == 0.0
    assert honest["hard, honest market-maker: told by model or rule: of"].value == 2
