"""Liquidity-adjusted shortfall: the formula of MAR33.4 by hand, its subsets, the capital ratio."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.risk import frtb


def test_the_formula_by_hand():
    # MAR33.4 with T = 10: the steps of 10, 20, 40, 60, 120 days weigh 1, 1, 2, 2 and 6:
    # 100^2 + 80^2 + 2 * 50^2 + 2 * 30^2 + 6 * 10^2 = 23,800, root 154.27
    found = frtb.liquidity_adjusted([100, 80, 50, 30, 10])
    assert (found.es, found.incomplete) == (154, ())
    assert frtb.liquidity_adjusted([10_000, 8_000, 5_000, 3_000, 1_000]).es == 15_427
    # all factors of 10 days: nothing but ES_T(P)
    assert frtb.liquidity_adjusted([777, 0, 0, 0, 0]).es == 777
    # all factors of 120 days: sqrt(120 / 10) times
    assert frtb.liquidity_adjusted([10_000] * 5).es == round(10_000 * sqrt(12))


def test_factors_by_horizon():
    found = frtb.subsets([10, 20, 120, 40, 60])
    assert found.astype(int).tolist() == [
        [1, 1, 1, 1, 1],
        [0, 1, 1, 1, 1],
        [0, 0, 1, 1, 1],
        [0, 0, 1, 0, 1],
        [0, 0, 1, 0, 0],
    ]
    with pytest.raises(ValueError, match="30"):
        frtb.subsets([10, 30])


def test_from_vectors():
    # 40 scenarios, tail 2.5 %: k = 1, the worst one
    pnl = np.zeros((5, 40))
    pnl[:, 7] = [-100, -80, -50, -30, -10]
    found = frtb.liquidity_adjusted_of(pnl)
    assert (found.parts, found.es, found.incomplete) == ((100, 80, 50, 30, 10), 154, ())
    assert frtb.liquidity_adjusted_of(pnl, "fractional").es == 154
    # 250 days: n a = 6.25, k = 7; one loss of 700, the others 0: 700 / 7 against 700 / 6.25
    year = np.zeros((5, 250))
    year[0, 3] = -700
    assert frtb.liquidity_adjusted_of(year).es == 100
    assert frtb.liquidity_adjusted_of(year, "fractional").es == 112


def test_what_is_missing_is_said():
    found = frtb.liquidity_adjusted([100, 80, None, 30, 10])
    assert found.es is None
    assert found.incomplete == ("no shortfall for factors of 40 days and more",)
    gain = frtb.liquidity_adjusted([100, -80, 0, 0, 0])
    assert gain.incomplete == ("the shortfall for factors of 20 days and more is a gain",)
    few = frtb.liquidity_adjusted_of(np.full((5, 20), -1.0))
    assert few.incomplete == ("too few scenarios for this tail: 20",)
    with pytest.raises(ValueError, match="each"):
        frtb.liquidity_adjusted([1, 2])


def test_capital_by_hand():
    # 1,000 stressed, 660 now in full, 600 now in the reduced set: 1,000 * 1.1
    found = frtb.capital(1_000, 660, 600)
    assert (found.es, found.ratio_ppm, found.explained_ppm) == (1_100, 1_100_000, 909_090)
    assert found.incomplete == ()
    # the ratio has a floor of 1
    assert frtb.capital(1_000, 500, 600).es == 1_000
    # a reduced set that shows less than 75 %
    assert frtb.capital(1_000, 1_000, 740).incomplete
    for missing in ((None, 1, 1), (1, None, 1), (1, 1, None), (1_000, 500, 0)):
        assert frtb.capital(*missing).es is None
        assert frtb.capital(*missing).incomplete


@given(st.lists(st.integers(0, 10**15), min_size=5, max_size=5))
def test_the_root_is_exact(parts):
    es = frtb.liquidity_adjusted(parts).es
    total = sum(w * p**2 for w, p in zip((1, 1, 2, 2, 6), parts, strict=True))
    assert (2 * es - 1) ** 2 <= 4 * total <= (2 * es + 1) ** 2 or es == total == 0
    assert es >= max(parts)
