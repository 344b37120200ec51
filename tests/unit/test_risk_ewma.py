"""Volatilities and covariances: worked examples of textbooks; repairs say what they did."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.risk import ewma


def test_hull_example_5_2():
    # Hull, Risk Management and Financial Institutions, Example 5.2 (EWMA): lambda 0.90, 1 % a day
    # estimated, 2 % moved: 0.9 * 0.0001 + 0.1 * 0.0004 = 0.00013, volatility 1.14 %
    after = ewma.variances([0.02], 0.90, start=0.0001).values
    assert after[:, 0] == pytest.approx([0.0001, 0.00013], rel=1e-12)
    assert np.sqrt(after[1, 0]) == pytest.approx(0.0114, abs=5e-5)


def test_hull_covariance_example():
    # Hull, Options, Futures, and Other Derivatives, 11th ed., Example 23.3: lambda 0.95,
    # volatilities 1 % and 2 %, correlation 0.6, moves of 0.5 % and 2.5 %: variances 0.00009625 and
    # 0.00041125, covariance 0.00012025, correlation 0.6044
    start = [[0.0001, 0.00012], [0.00012, 0.0004]]
    matrix = ewma.covariance([[0.005, 0.025]], 0.95, start).matrix
    assert matrix == pytest.approx(
        np.array([[0.00009625, 0.00012025], [0.00012025, 0.00041125]]), rel=1e-12
    )
    found = ewma.correlation(matrix)
    assert found.matrix[0, 1] == pytest.approx(0.6044, abs=5e-5)
    assert found.volatility == pytest.approx([np.sqrt(0.00009625), np.sqrt(0.00041125)])


def test_the_weights_of_riskmetrics():
    # the recursion unrolled: (1 - l) sum l^j r_{t-1-j}^2 + l^n s2_0
    returns = np.array([0.01, -0.02, 0.005])
    by_hand = 0.06 * (0.005**2 + 0.94 * 0.02**2 + 0.94**2 * 0.01**2) + 0.94**3 * 0.0004
    found = ewma.variances(returns, ewma.DAILY, start=0.0004).values[-1, 0]
    assert found == pytest.approx(by_hand, rel=1e-12)


def test_the_start_value_is_the_mean_square():
    assert ewma.variances([0.01, -0.03]).values[0, 0] == pytest.approx(0.0005)
    matrix = ewma.covariance([[0.01, 0.02], [0.03, -0.02]], start=None).matrix
    direct = ewma.covariance(
        [[0.01, 0.02], [0.03, -0.02]], start=[[0.0005, -0.0002], [-0.0002, 0.0004]]
    ).matrix
    assert matrix == pytest.approx(direct, rel=1e-12)


def test_a_run_that_is_cut_continues_with_the_same_bits():
    returns = np.random.default_rng(3).normal(0, 0.01, (40, 3))
    start = np.cov(returns.T)
    whole = ewma.covariance(returns, 0.94, start).matrix
    first = ewma.covariance(returns[:17], 0.94, start).matrix
    assert (ewma.covariance(returns[17:], 0.94, first).matrix == whole).all()
    by_day = ewma.variances(returns, 0.94, np.diag(start)).values
    assert (np.diag(whole) == by_day[-1]).all()


def test_missing_returns_are_counted_and_leave_the_variance():
    found = ewma.variances([[0.01, np.nan], [0.02, np.nan], [np.nan, np.nan]], 0.9)
    assert found.skipped.tolist() == [1, 3]
    assert found.values[3, 0] == found.values[2, 0]
    assert np.isnan(found.values[:, 1]).all()
    matrix = ewma.covariance([[0.01, np.nan], [0.02, np.nan]], 0.9)
    assert matrix.skipped.tolist() == [0, 2]
    assert np.isfinite(matrix.matrix).tolist() == [[True, False], [False, False]]


def test_a_factor_that_does_not_move_has_no_correlation():
    found = ewma.correlation([[0.04, 0.0], [0.0, 0.0]])
    assert found.flat == (1,)
    assert found.matrix[0, 0] == 1
    assert np.isnan(found.matrix[0, 1])


def test_hull_correlations_that_cannot_be():
    # Hull, Options, Futures, and Other Derivatives, 11th ed., section 23.7: the matrix 1, 0, 0.9 is
    # not consistent; w = (1, 1, -1) gives w'Cw = 3 - 4 * 0.9 = -0.6. Its smallest eigenvalue is
    # 1 - 0.9 sqrt 2 = -0.27279
    wrong = np.array([[1, 0, 0.9], [0, 1, 0.9], [0.9, 0.9, 1]])
    w = np.array([1, 1, -1])
    assert w @ wrong @ w == pytest.approx(-0.6)
    found = ewma.repaired(wrong * np.outer([1, 2, 3], [1, 2, 3]))
    assert found.smallest == pytest.approx(1 - 0.9 * np.sqrt(2))
    assert found.clipped == 1
    assert np.diag(found.matrix) == pytest.approx([1, 4, 9], rel=1e-15)
    assert np.linalg.eigvalsh(found.matrix).min() > -1e-12
    # by hand: less its part along the eigenvector (1, 1, -sqrt 2)/2, with e = 0.9 sqrt 2 - 1, the
    # matrix has the diagonal 1 + e/4, 1 + e/4, 1 + e/2, the corners 0.9 - e sqrt(2)/4 and e/4
    e = 0.9 * np.sqrt(2) - 1
    after = ewma.correlation(found.matrix).matrix
    assert after[0, 1] == pytest.approx((e / 4) / (1 + e / 4), abs=1e-12)
    corner = (0.9 - e * np.sqrt(2) / 4) / np.sqrt((1 + e / 4) * (1 + e / 2))
    assert after[0, 2] == pytest.approx(corner, abs=1e-12)
    assert found.largest_correlation_change == pytest.approx(0.9 - corner, abs=1e-12)
    assert found.unusable == ()


def test_a_sound_matrix_is_left_as_it_is():
    sound = np.array([[0.04, 0.01], [0.01, 0.09]])
    found = ewma.repaired(sound)
    assert (found.matrix == sound).all()
    assert (found.clipped, found.largest_change, found.asymmetry) == (0, 0, 0)


def test_factors_without_numbers_are_named():
    matrix = np.eye(4)
    matrix[1, 1] = np.nan
    matrix[3, 3] = -1
    found = ewma.repaired(matrix)
    assert found.unusable == (1, 3)
    assert np.isnan(found.matrix[1]).all()
    assert (found.matrix[np.ix_([0, 2], [0, 2])] == np.eye(2)).all()
    matrix = np.eye(3)
    matrix[0, 1] = matrix[1, 0] = matrix[1, 2] = np.nan
    assert ewma.repaired(matrix).unusable == (1,)
    assert ewma.repaired(np.full((2, 2), np.nan)).unusable == (0, 1)


def test_a_factor_that_does_not_move_has_no_covariance():
    found = ewma.repaired([[0.04, 0.01], [0.01, 0.0]])
    assert (found.clipped, found.largest_change) == (0, 0.01)
    assert found.matrix.tolist() == [[0.04, 0], [0, 0]]


def test_an_asymmetric_matrix_is_said():
    assert ewma.repaired([[1, 0.5], [0.3, 1]]).asymmetry == pytest.approx(0.2)


def test_a_decay_of_one_is_refused():
    with pytest.raises(ValueError, match="decay"):
        ewma.variances([0.1], 1.0)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_a_repair_keeps_variances_and_ends_psd(seed, factors):
    rng = np.random.default_rng(seed)
    wrong = rng.uniform(-1, 1, (factors, factors))
    wrong = (wrong + wrong.T) / 2
    np.fill_diagonal(wrong, rng.uniform(0.1, 2, factors))
    found = ewma.repaired(wrong)
    assert np.diag(found.matrix) == pytest.approx(np.diag(wrong), rel=1e-12)
    assert np.linalg.eigvalsh(found.matrix).min() > -1e-9
    assert ewma.repaired(found.matrix).largest_change < 1e-9
