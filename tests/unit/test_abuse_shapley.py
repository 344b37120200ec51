"""Contributions of features: equal to Shapley's definition, to the last millionth."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.abuse_trees import columns, drawn, rows
from tests.naive.shapley import expected, shapley
from udfs.abuse import shapley as ours
from udfs.abuse.shapley import FINE, Contributions
from udfs.abuse.trees import QUANTUM, from_json

FEATURES = 4


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 3))
def test_contributions_are_shapley_values(seed, depth, count):
    """Depth 5 over 4 features: the same feature decides several times on a path."""
    rng = np.random.default_rng(seed)
    trees = [drawn(rng, FEATURES, depth) for _ in range(count)]
    asked = rows(rng, 3, FEATURES)
    found = Contributions(columns(trees), 0, FEATURES)(asked)
    for row, said in zip(asked, found, strict=True):
        each = [shapley(tree, row.tolist()) for tree in trees]
        for place in range(FEATURES):
            truth = sum(one[place] for one in each) * Fraction(1_000_000, QUANTUM)
            assert abs(int(said[place]) - truth) <= Fraction(51, 100)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_expectation_and_contributions_add_up_to_the_score(seed):
    rng = np.random.default_rng(seed)
    trees = columns([drawn(rng, 6, 5) for _ in range(20)], base=(1_234,))
    asked = rows(rng, 50, 6)
    told = Contributions(trees, 0, 6)
    whole = told.expected / FINE * 1e6 + told(asked).sum(axis=1)
    assert np.abs(whole - trees.raw(asked)[:, 0] / QUANTUM * 1e6).max() < 4


def test_a_stump_by_hand():
    """3/4 of the rows go left to -1, 1/4 right to 3: 0 is expected, a row adds all there is."""
    stump = (1, 0.5, True, -QUANTUM, 3 * QUANTUM, 750, 250)
    told = Contributions(columns([stump]), 0, 2)
    assert told.expected == 0
    asked = np.array([[9.0, 0.5], [9.0, 0.75], [9.0, np.nan]])
    assert told(asked).tolist() == [[0, -1_000_000], [0, 3_000_000], [0, -1_000_000]]


def test_two_features_that_only_count_together_share_by_half():
    """And of two: 1 if both are above 0, else 0; halves of the rows each way.

    Expected 1/4; one known: 1/2. Each adds (1/2 - 1/4 + 1 - 1/2) / 2 = 3/8.
    """
    both = (0, 0.0, True, 0, (1, 0.0, True, 0, QUANTUM, 250, 250), 500, 500)
    told = Contributions(columns([both]), 0, 2)
    assert told.expected == FINE // 4
    assert told(np.array([[1.0, 1.0]])).tolist() == [[375_000, 375_000]]
    assert expected(both, [1.0, 1.0], {0}) == Fraction(QUANTUM, 2)


def test_each_head_is_told_by_itself():
    rng = np.random.default_rng(4)
    nested = [drawn(rng, 3, 3) for _ in range(4)]
    asked = rows(rng, 7, 3)
    joint = columns(nested, [0, 1, 0, 1], (5, 7))
    alone = columns([nested[1], nested[3]])
    assert (Contributions(joint, 1, 3)(asked) == Contributions(alone, 0, 3)(asked)).all()
    assert (joint.raw(asked)[:, 1] == alone.raw(asked)[:, 0] + 7).all()


def test_the_number_of_rows_asked_together_changes_nothing(monkeypatch):
    rng = np.random.default_rng(8)
    told = Contributions(columns([drawn(rng, 5, 4) for _ in range(9)]), 0, 5)
    asked = rows(rng, 40, 5)
    whole = told(asked)
    monkeypatch.setattr(ours, "_AT_ONCE", 7)
    assert (told(asked) == whole).all()
    assert told(asked[:0]).shape == (0, 5)


def test_a_single_leaf_adds_nothing():
    told = Contributions(columns([77], base=(3,)), 0, 2)
    assert told.expected == 80 * (FINE // QUANTUM)
    assert told(np.zeros((2, 2))).tolist() == [[0, 0], [0, 0]]


def test_paths_that_name_too_many_features_are_refused():
    node = 1
    for feature in range(11):
        node = (feature, 0.0, True, 0, node, 1, 1)
    with pytest.raises(ValueError, match="a path names 11 features; at most 10"):
        Contributions(columns([node]), 0, 11)


def test_trees_survive_their_json():
    rng = np.random.default_rng(6)
    made = columns([drawn(rng, 3, 4) for _ in range(3)], base=(-9,))
    asked = rows(rng, 100, 3)
    again = from_json(made.to_json())
    assert (again.raw(asked) == made.raw(asked)).all()
    assert again.to_json() == made.to_json()
