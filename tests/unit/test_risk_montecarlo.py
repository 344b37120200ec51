"""Draws: seeded, correlated as asked for, and within three standard errors of closed forms."""

from math import sqrt

import numpy as np
import pytest
from scipy.stats import chi2, norm

from udfs.risk import montecarlo, options, parametric, scenarios
from udfs.risk.tails import historical
from udfs.risk.whole import whole

C = np.array([[4.0, 1.2, 0.0], [1.2, 9.0, -1.5], [0.0, -1.5, 1.0]])
D = np.array([3e5, -1e5, 2e5])


def losses(normals):
    return whole(montecarlo.changes(montecarlo.factor(C), normals) @ D)


def test_a_factor_of_a_textbook_matrix():
    # by hand: [[4, 12, -16], [12, 37, -43], [-16, -43, 98]] = L L' with L below
    lower = [[2, 0, 0], [6, 1, 0], [-8, 5, 3]]
    found = montecarlo.factor(np.array(lower) @ np.array(lower).T)
    assert found.matrix == pytest.approx(np.array(lower, dtype=float))
    assert found.repair is None


def test_semidefinite_and_indefinite_matrices_get_a_factor():
    for matrix, clipped in (
        ([[1.0, 1.0], [1.0, 1.0]], 0),
        ([[1, 0, 0.9], [0, 1, 0.9], [0.9, 0.9, 1]], 1),
        (np.zeros((2, 2)), 0),
    ):
        found = montecarlo.factor(matrix)
        assert found.matrix == pytest.approx(np.tril(found.matrix), abs=1e-12)
        assert found.repair.clipped == clipped
        assert found.matrix @ found.matrix.T == pytest.approx(found.repair.matrix, abs=1e-12)


def test_a_factor_without_history_stays_unknown():
    matrix = np.diag([1.0, np.nan, 4.0])
    found = montecarlo.factor(matrix)
    assert found.repair.unusable == (1,)
    drawn = montecarlo.changes(found, np.ones((1, 3)))
    assert np.isnan(drawn[0, 1])
    assert np.isnan(found.matrix[1]).all()
    assert found.matrix[2, 2] == 2


def test_draws_are_a_function_of_the_seed():
    assert (montecarlo.plain(5, 3, 7) == montecarlo.plain(5, 3, 7)).all()
    assert not (montecarlo.plain(5, 3, 7) == montecarlo.plain(5, 3, 8)).any()
    pairs = montecarlo.antithetic(4, 2, 7)
    assert (pairs[:4] == -pairs[4:]).all()
    assert (pairs[:4] == montecarlo.plain(4, 2, 7)).all()


def test_sobol_points_are_those_of_the_documentation():
    # the example of scipy.stats.qmc.Sobol's documentation, in Gray code order, less the origin
    points = norm.cdf(montecarlo.sobol(5, 2))
    assert points[:, 0] == pytest.approx([0.5, 0.75, 0.25, 0.375, 0.875])
    assert points[:, 1] == pytest.approx([0.5, 0.25, 0.75, 0.375, 0.875])
    assert np.isfinite(montecarlo.sobol(1000, 50)).all()
    assert (montecarlo.sobol(8, 2, seed=1) == montecarlo.sobol(8, 2, seed=1)).all()
    assert not (montecarlo.sobol(8, 2, seed=1) == montecarlo.sobol(8, 2, seed=2)).all()


def test_the_error_of_var():
    # definition: normal, 99 %, 100,000 draws: 0.0118 sigma, 0.5 % of VaR
    error = montecarlo.normal_var_error(100_000, 10_000, 1.0)
    assert error == pytest.approx(0.0118, abs=5e-5)
    assert error / 2.326348 == pytest.approx(0.005, abs=1e-4)


def test_plain_draws_meet_the_closed_form():
    closed = parametric.delta_normal(D, C)
    pnl = losses(montecarlo.plain(50_000, 3, 20))
    tail = historical(pnl)
    error = montecarlo.normal_var_error(50_000, 10_000, closed.volatility)
    assert abs(tail.var - closed.var) < 3 * error
    es_error = montecarlo.shortfall_error(pnl, tail, 10_000)
    assert abs(tail.es_inclusive - closed.es) < 3 * es_error
    low, high = montecarlo.var_interval(pnl, 10_000, 0.997)
    assert low < tail.var < high
    assert low < closed.var < high
    assert (high - low) / 6 == pytest.approx(error, rel=0.2)


def test_the_error_of_shortfall_is_that_of_repetition():
    # 400 samples of 1,000 standard normals, scaled: spread of their ES against the mean estimate
    drawn = whole(montecarlo.plain(400, 1000, 5) * 1e6)
    tails = [historical(sample, 50_000) for sample in drawn]
    errors = [
        montecarlo.shortfall_error(sample, tail, 50_000)
        for sample, tail in zip(drawn, tails, strict=True)
    ]
    spread = float(np.std([tail.es_inclusive for tail in tails], ddof=1))
    # the spread of 400 has an error of 1 / sqrt(800), 3.5 %, and the estimate is biased a little
    assert np.mean(errors) == pytest.approx(spread, rel=0.12)


def test_antithetic_pairs_have_no_error_in_what_is_linear():
    pnl = losses(montecarlo.antithetic(20_000, 3, 11))
    assert pnl.sum() == 0
    assert montecarlo.mean_error(pnl, paired=True) == 0
    assert montecarlo.mean_error(pnl) > 0
    closed = parametric.delta_normal(D, C)
    beyond = (-pnl > closed.var).astype(float)
    assert abs(beyond.mean() - 0.01) < 3 * montecarlo.mean_error(beyond, paired=True)


def test_sobol_beats_plain_draws():
    closed = parametric.delta_normal(D, C)
    found = historical(losses(montecarlo.sobol(2**15 - 1, 3)))
    error = montecarlo.normal_var_error(2**15 - 1, 10_000, closed.volatility)
    assert abs(found.var - closed.var) < error
    seeds = [historical(losses(montecarlo.sobol(2**12, 3, seed))).var for seed in range(8)]
    plain_error = montecarlo.normal_var_error(2**12, 10_000, closed.volatility)
    assert np.std(seeds, ddof=1) < plain_error
    assert abs(np.mean(seeds) - closed.var) < 3 * plain_error / sqrt(8)


def test_a_short_gamma_meets_its_chi_square():
    # P&L = -x^2: loss chi-square with 1 degree, VaR 99 % = 6.634897, density there known
    closed = float(chi2.isf(0.01, 1))
    assert closed == pytest.approx(6.634897, abs=5e-7)
    pnl = whole(-(montecarlo.plain(40_000, 1, 3)[:, 0] ** 2) * 1e6)
    error = montecarlo.var_error(40_000, 10_000, float(chi2.pdf(closed, 1)))
    assert abs(historical(pnl).var / 1e6 - closed) < 3 * error


def test_a_call_revalued_in_full_loses_what_it_loses_at_the_quantile_of_the_spot():
    # a call rises with its spot, so its VaR is its loss where the spot is at its 1 % quantile;
    # the error is that of the spot times the slope of the price there
    draws, sd = 20_000, 2.0
    spots = 100 + montecarlo.changes(montecarlo.factor([[sd**2]]), montecarlo.plain(draws, 1, 9))
    at = 100 - parametric.quantile(10_000) * sd
    now, worst = options.value(True, [100, at], 100, 0.5, 0.03, 0.0, 0.2).price
    prices = options.price(True, spots[:, 0], 100, 0.5, 0.03, 0.0, 0.2)
    found = scenarios.scenario_set(["call"], [prices - now], per_unit=1e6)
    tail = historical(scenarios.vector(found, [25]).pnl)
    slope = options.value(True, at, 100, 0.5, 0.03, 0.0, 0.2).delta
    error = montecarlo.normal_var_error(draws, 10_000, sd) * float(slope) * 25e6
    assert abs(tail.var - (now - worst) * 25e6) < 3 * error


def test_too_few_draws_have_no_interval():
    assert montecarlo.var_interval(np.arange(50.0), 10_000) is None
    assert montecarlo.var_interval([np.nan] * 5000, 10_000) is None
    tail = historical(np.arange(50.0))
    assert montecarlo.shortfall_error(np.arange(50.0), tail, 10_000) is None
