"""Tails of P&L vectors: published examples, hand examples, and what must not change them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.risk import tails
from udfs.risk.whole import adding_up, divided, whole

# Hull, Risk Management and Financial Institutions, 5th ed. (2018), chapter 13, Table 13.5: the
# worst of 500 scenarios of a portfolio of four indices, scenario 500 the newest, US dollars.
WORST = {494: 477_841, 339: 345_435, 349: 282_204, 329: 277_041, 487: 253_385, 227: 217_974}


def four_indices():
    pnl = np.arange(500.0)  # the other scenarios gain
    for scenario, loss in WORST.items():
        pnl[scenario - 1] = -loss
    return pnl


def test_hull_basic_historical_simulation():
    tail = tails.historical(four_indices(), 10_000)
    assert (tail.rank, tail.var) == (5, 253_385)
    # (477,841 + 345,435 + 282,204 + 277,041 + 253,385) / 5 = 1,635,906 / 5 = 327,181.2
    assert tail.tail_sum == 1_635_906
    assert tail.es_inclusive == tail.es_fractional == 327_181
    assert tail.incomplete == ()


def test_hull_age_weights_of_0_995():
    # the same table: weights, VaR $282,204, ES $400,914 (from weights with all their digits)
    weights = tails.age_weights(500, 0.995) / tails.WEIGHT_UNIT
    assert weights[[493, 338, 348, 328, 486, 226]] == pytest.approx(
        [0.00528, 0.00243, 0.00255, 0.00231, 0.00510, 0.00139], abs=5e-6
    )
    assert weights.sum() == pytest.approx(1, abs=1e-9)
    tail = tails.age_weighted(four_indices(), 10_000, 0.995)
    assert (tail.var, tail.rank) == (282_204, 3)
    assert tail.es_fractional == 400_914
    # with the weights as printed: (528 * 477,841 + 243 * 345,435 + 229 * 282,204) / 1000
    printed = np.zeros(500, dtype=np.int64)
    printed[[493, 338, 348]] = 528, 243, 255
    printed[0] = 100_000 - printed.sum()
    assert tails.weighted(four_indices(), printed, 10_000).es_fractional == 400_865


def test_the_rank_has_no_rounding_error():
    assert 715 * 0.01 == 7.15
    assert tails.rank_of(500, 10_000) == 5
    assert tails.rank_of(715, 10_000) == 8
    # ceil(1100 * (1 - 0.99)) is 12 in floating point: 1 - 0.99 is above 0.01
    assert tails.rank_of(1100, 10_000) == 11
    assert tails.rank_of(100_000, 25_000) == 2_500


def test_the_two_shortfalls_differ_where_n_a_is_not_whole():
    # 150 scenarios at 99 %: n a = 1.5, k = 2; losses 90, 60, 30
    pnl = np.concatenate([[-90, -60, -30], np.zeros(147)])
    tail = tails.historical(pnl, 10_000)
    assert (tail.rank, tail.var) == (2, 60)
    assert tail.es_inclusive == 75  # (90 + 60) / 2
    assert tail.es_fractional == 80  # (90 + 0.5 * 60) / 1.5


def test_ties_at_the_quantile():
    pnl = np.concatenate([[-9], np.full(10, -5), np.full(189, 3)])
    tail = tails.historical(pnl, 10_000)
    assert (tail.rank, tail.var, tail.es_inclusive, tail.tail_sum) == (2, 5, 7, 14)


def test_a_book_that_gains_in_every_scenario_has_a_negative_var():
    tail = tails.historical(np.arange(100, 300), 10_000)
    assert (tail.var, tail.tail_sum) == (-101, -201)
    assert tail.es_inclusive == -100  # -100.5, halves up


def test_too_few_scenarios_are_said():
    tail = tails.historical(np.arange(-50.0, 0.0), 10_000)
    assert tail.var == 50
    assert tail.incomplete == ("too few scenarios for this tail: 50",)
    assert tails.weighted(np.arange(-50.0, 0.0), np.ones(50), 10_000).incomplete == tail.incomplete


def test_no_scenario_gives_no_number():
    for tail in (tails.historical([]), tails.historical([np.nan]), tails.weighted([], [])):
        assert tail.var is tail.es_inclusive is tail.es_fractional is None
        assert tail.incomplete


def test_scenarios_that_are_no_numbers_are_counted():
    pnl = four_indices()
    pnl[[0, 1]] = np.nan, np.inf
    tail = tails.historical(pnl, 10_000)
    assert (tail.scenarios, tail.unusable, tail.var) == (498, 2, 253_385)
    assert tail.incomplete == ("scenarios not finite: 2",)
    assert tails.age_weighted(pnl).incomplete == ("scenarios not finite: 2",)


def test_what_float64_cannot_hold_is_refused():
    with pytest.raises(OverflowError, match="2\\^53"):
        tails.historical([float(2**53)] * 200)
    with pytest.raises(ValueError, match="whole"):
        tails.historical([0.5] * 200)
    with pytest.raises(ValueError, match="ppm"):
        tails.historical([1.0] * 200, 0)


def test_volatility_scaling():
    # today twice as volatile as then: losses double; 3 / 2 * 5 = 7.5 rounds half to even, 8
    assert tails.volatility_scaled([0.01, -0.02], [0.1, 0.1], 0.2).tolist() == [0.02, -0.04]
    assert whole(tails.volatility_scaled([-5.0], [2.0], 3.0)).tolist() == [-8]
    pnl = np.concatenate([[-90, -60, -30], np.ones(197)])
    assert tails.volatility_scaled_tail(pnl, np.full(200, 0.1), 0.2).var == 120
    by_factor = tails.volatility_scaled(np.ones((2, 2)), [[1, 2], [1, 0]], [2, 2])
    assert by_factor[0].tolist() == [2, 1]
    assert np.isnan(by_factor[1, 1])


def test_a_flat_volatility_is_counted_not_scaled_by_zero():
    sigma = np.full(200, 0.1)
    sigma[3] = 0.0
    tail = tails.volatility_scaled_tail(np.arange(200.0), sigma, 0.1)
    assert (tail.unusable, tail.incomplete) == (1, ("scenarios not finite: 1",))


vectors = st.lists(st.integers(-(2**53) + 1, 2**53 - 1), min_size=1, max_size=60)
tail_sizes = st.integers(1, 999_999)


@given(vectors, tail_sizes, st.randoms(use_true_random=False))
def test_order_changes_no_bit(values, tail_ppm, shuffler):
    shuffled = list(values)
    shuffler.shuffle(shuffled)
    assert tails.historical(shuffled, tail_ppm) == tails.historical(values, tail_ppm)


@given(vectors, tail_sizes)
def test_the_definition_by_sorting(values, tail_ppm):
    tail = tails.historical(values, tail_ppm)
    losses = sorted((-value for value in values), reverse=True)
    assert tail.var == losses[tail.rank - 1]
    assert tail.tail_sum == sum(losses[: tail.rank])
    assert tail.var <= tail.es_inclusive <= tail.es_fractional


@given(vectors, tail_sizes)
def test_equal_weights_are_no_weights(values, tail_ppm):
    plain, equal = tails.historical(values, tail_ppm), tails.age_weighted(values, tail_ppm, 1.0)
    assert (plain.var, plain.es_fractional, plain.rank, plain.incomplete) == (
        equal.var,
        equal.es_fractional,
        equal.rank,
        equal.incomplete,
    )


@given(st.lists(st.integers(-(10**9), 10**9), max_size=9), st.integers(1, 50))
def test_rounded_parts_add_up(numerators, denominator):
    parts = adding_up(numerators, denominator)
    assert sum(parts) == divided(sum(numerators), denominator)
    for part, numerator in zip(parts, numerators, strict=True):
        assert abs(part * denominator - numerator) <= denominator
