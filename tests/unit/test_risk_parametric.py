"""VaR from covariances: published examples, closed forms; updates agree with rebuilding."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import chi2, ncx2, norm

from udfs.risk import delta_gamma, parametric

# Hull, Risk Management and Financial Institutions, 3rd ed. (2012), chapter 15: $10 m of Microsoft
# at 2 % a day, $5 m of AT&T at 1 %, correlation 0.3
HULL_D = np.array([10e6, 5e6])
HULL_C = np.array([[0.02**2, 0.3 * 0.02 * 0.01], [0.3 * 0.02 * 0.01, 0.01**2]])


def test_normal_factors():
    # VaR 95 / 97.5 / 99 % of a standard normal, and ES = phi(z)/a
    z = [parametric.quantile(tail) for tail in (50_000, 25_000, 10_000)]
    assert z == pytest.approx([1.644854, 1.959964, 2.326348], abs=5e-7)
    es = [parametric.shortfall_factor(tail) for tail in (50_000, 25_000, 10_000)]
    assert es == pytest.approx([2.062713, 2.337803, 2.665214], abs=5e-7)


def test_hull_two_stocks():
    # printed with z = 2.33: standard deviation $220,227 a day; 10 days at 99 % $1,622,657; alone
    # $1,473,621 and $368,405; diversification $219,369
    both = parametric.delta_normal(HULL_D, HULL_C)
    assert both.volatility == pytest.approx(220_227, abs=1)
    scale = 2.33 * sqrt(10)
    alone = [parametric.delta_normal([d, 0], HULL_C).volatility * scale for d in (10e6, 0)]
    alone[1] = parametric.delta_normal([0, 5e6], HULL_C).volatility * scale
    assert alone == pytest.approx([1_473_621, 368_405], abs=1)
    assert both.volatility * scale == pytest.approx(1_622_657, abs=5)
    assert sum(alone) - both.volatility * scale == pytest.approx(219_369, abs=5)
    # later editions take z with more digits: $1,620,100
    assert both.var * sqrt(10) == pytest.approx(1_620_100, abs=50)


def test_marginal_var_of_two_currencies():
    # Bionic Turtle (Harper) on Jorion chapter 7, question 2.2: 5 m CHF at 10 %, 5 m JPY at 20 %,
    # correlation 0.3, 95 %: volatility 12.450 %, VaR 2.048 m, marginal VaR of CHF 0.1057
    c = [[0.01, 0.006], [0.006, 0.04]]
    found = parametric.delta_normal([5, 5], c, 50_000)
    assert found.volatility / 10 == pytest.approx(0.12450, abs=5e-6)
    assert found.var == pytest.approx(2.048, abs=5e-4)
    assert found.marginal[0] == pytest.approx(0.1057, abs=5e-5)


def test_component_and_incremental_var_of_two_currencies():
    # the same, question 2.6: 6 m CAD at 10 %, 4 m USD at 20 %, uncorrelated, 95 %: component VaR
    # of CAD 592,147 and incremental VaR 329,000 (VaR 1.645 m less 4 m * 20 % * 1.645)
    c = np.diag([0.01, 0.04])
    found = parametric.delta_normal([6e6, 4e6], c, 50_000)
    assert found.component[0] == pytest.approx(592_147, abs=60)
    without = parametric.aggregate([0, 4e6], c)
    added = parametric.incremental(without, [6e6, 0], c, 50_000)
    assert added == pytest.approx(329_000, abs=50)


def test_components_add_up_and_unknown_factors_are_named():
    c = np.pad(HULL_C, ((0, 1), (0, 1)), constant_values=np.nan)
    found = parametric.delta_normal([*HULL_D, 7.0], c)
    assert (found.unknown, found.incomplete) == ((2,), ("factors left out: 1",))
    assert found.component.sum() == pytest.approx(found.var, rel=1e-12)
    assert found.var == parametric.delta_normal(HULL_D, HULL_C).var
    assert parametric.delta_normal([*HULL_D, 0.0], c).unknown == ()
    assert parametric.delta_normal([np.nan, 5e6], HULL_C).unknown == (0,)


def test_no_risk_and_impossible_risk():
    flat = parametric.delta_normal([0.0, 0.0], HULL_C)
    assert (flat.var, flat.es, flat.marginal.tolist()) == (0, 0, [0, 0])
    wrong = parametric.delta_normal([1, 1, -1], [[1, 0, 0.9], [0, 1, 0.9], [0.9, 0.9, 1]])
    assert np.isnan([wrong.var, wrong.es, *wrong.component]).all()
    assert wrong.incomplete == ("the covariance matrix is not positive semidefinite",)
    with pytest.raises(ValueError, match="ppm"):
        parametric.quantile(1_000_000)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.lists(st.tuples(st.integers(0, 3), st.floats(-1e6, 1e6))))
def test_updates_one_by_one_are_a_rebuild(seed, changes):
    c = np.cov(np.random.default_rng(seed).normal(size=(4, 12)))
    book = parametric.aggregate([1e5, -2e5, 0, 5e4], c)
    for factor, change in changes:
        book = parametric.moved(book, factor, change, c)
    rebuilt = parametric.aggregate(book.d, c)
    assert book.w == pytest.approx(rebuilt.w, rel=1e-9, abs=1e-3)
    assert book.v == pytest.approx(rebuilt.v, rel=1e-9, abs=1e3)
    trade = np.array([1e4, 0, -3e4, 0])
    added = parametric.incremental(rebuilt, trade, c)
    both = parametric.delta_normal(book.d + trade, c).var - parametric.delta_normal(book.d, c).var
    assert added == pytest.approx(both, rel=1e-6, abs=1e-3)


def test_a_pure_gamma_is_a_chi_square():
    # P&L = x^2 with x standard normal: chi-square of 1 degree: mean 1, variance 2, skewness
    # sqrt 8, excess kurtosis 12
    found = delta_gamma.quadratic([0.0], [2.0], [[1.0]])
    assert (found.mean, found.variance) == (1, pytest.approx(2))
    assert found.skewness == pytest.approx(sqrt(8))
    assert found.excess_kurtosis == pytest.approx(12)
    # scipy's moments of sum of independent chi-squares, scaled
    sum_of = delta_gamma.quadratic([0, 0, 0], np.full(3, 2.0), np.eye(3))
    mean, variance, skew, kurtosis = (float(m) for m in chi2.stats(3, moments="mvsk"))
    assert (sum_of.mean, sum_of.variance) == pytest.approx((mean, variance))
    assert (sum_of.skewness, sum_of.excess_kurtosis) == pytest.approx((skew, kurtosis))


def test_moments_by_integration():
    # one factor, d = 3, gamma = -4, variance 0.25: x = z/2, P&L = 1.5 z - 0.5 z^2
    found = delta_gamma.quadratic([3.0], [[-4.0]], [[0.25]])

    def expected(power):
        return quad(lambda z: (1.5 * z - 0.5 * (z**2 - 1)) ** power * norm.pdf(z), -12, 12)[0]

    assert found.mean == pytest.approx(-0.5)
    assert found.variance == pytest.approx(expected(2))
    assert found.skewness == pytest.approx(expected(3) / expected(2) ** 1.5)
    assert found.excess_kurtosis == pytest.approx(expected(4) / expected(2) ** 2 - 3)


def test_correlated_gammas_agree_with_independent_ones():
    # the same book seen in independent factors y, x = A y: d -> A'd, G -> A'GA, C -> 1
    a = np.array([[1.0, 0.0], [0.5, 2.0]])
    d, g = np.array([1.0, -2.0]), np.array([[0.3, 0.1], [0.1, -0.7]])
    seen = delta_gamma.quadratic(d, g, a @ a.T)
    other = delta_gamma.quadratic(a.T @ d, a.T @ g @ a, np.eye(2))
    for name in ("mean", "variance", "skewness", "excess_kurtosis"):
        assert getattr(seen, name) == pytest.approx(getattr(other, name))


def test_delta_gamma_normal():
    # m = tr(GC)/2 = -0.5 and v = 2.25 + 0.5 (as above): VaR 99 % = 0.5 + 2.326348 sqrt(2.75)
    found = delta_gamma.delta_gamma_normal(delta_gamma.quadratic([3.0], [[-4.0]], [[0.25]]))
    assert found.var == pytest.approx(0.5 + 2.3263478740 * sqrt(2.75))
    linear = delta_gamma.delta_gamma_normal(delta_gamma.quadratic(HULL_D, [0.0, 0.0], HULL_C))
    assert linear.var == pytest.approx(parametric.delta_normal(HULL_D, HULL_C).var)


def test_hull_technical_note_10():
    # Hull, Technical Note 10: mean -0.2, standard deviation 2.2, skewness -0.4; 99 % quantile
    # -0.2 - 2.33 * 2.2 = -5.326 if normal and -5.976 by Cornish-Fisher, with z = 2.33 (1 % is
    # 9,903 ppm at that z)
    moments = delta_gamma.Quadratic(-0.2, 2.2**2, -0.4, 0.0)
    tail_ppm = round(float(norm.sf(2.33)) * 1e6)
    assert delta_gamma.delta_gamma_normal(moments, tail_ppm).var == pytest.approx(5.326, abs=5e-4)
    found = delta_gamma.cornish_fisher(moments, tail_ppm, order=3)
    assert found.var == pytest.approx(5.976, abs=5e-4)
    assert found.monotone


def test_shortfall_of_the_expansion_is_the_mean_of_its_quantiles():
    moments = delta_gamma.Quadratic(0.3, 4.0, -0.4, 0.8)
    for order in (3, 4):
        for tail_ppm in (10_000, 25_000):
            found = delta_gamma.cornish_fisher(moments, tail_ppm, order)
            z = parametric.quantile(tail_ppm)

            def loss(x, order=order):
                s, k = -0.4, 0.8 * (order == 4)
                s2 = s**2 * (order == 4)
                q = x + (x**2 - 1) * s / 6 + (x**3 - 3 * x) * k / 24 - (2 * x**3 - 5 * x) * s2 / 36
                return -0.3 - 2 * q

            mean = quad(lambda x, f=loss: f(x) * norm.pdf(x), -12, -z)[0] * 1e6 / tail_ppm
            assert found.es == pytest.approx(mean, rel=1e-8)
            assert found.var == pytest.approx(loss(-z), rel=1e-12)


def test_the_expansion_is_near_the_exact_quantile():
    # d x + g x^2 / 2 with x standard normal is g/2 (x + d/g)^2 - d^2 / (2 g): a noncentral
    # chi-square, whose 1 % quantile scipy has. Normal with the same two moments is farther off
    d, g = 3.0, 0.5
    exact = d**2 / (2 * g) - g / 2 * float(ncx2.ppf(0.01, 1, (d / g) ** 2))
    moments = delta_gamma.quadratic([d], [g], [[1.0]])
    assert delta_gamma.cornish_fisher(moments).var == pytest.approx(exact, rel=0.005)
    assert delta_gamma.delta_gamma_normal(moments).var > exact * 1.1
    assert parametric.delta_normal([d], [[1.0]]).var > exact * 1.1


def test_moments_outside_the_domain_are_said():
    wild = delta_gamma.Quadratic(0.0, 1.0, 2.8, 0.0)
    assert not delta_gamma.cornish_fisher(wild).monotone
    tame = replace(wild, skewness=0.1)
    assert delta_gamma.cornish_fisher(tame).monotone


def test_gammas_that_are_none_are_left_out_and_said():
    c = np.eye(2)
    found = delta_gamma.quadratic([np.nan, 0.0], [1.0, 2.0], c)
    assert (found.mean, found.unknown) == (1, (0,))
    assert found.variance == pytest.approx(2)
    assert found.incomplete == ("factors left out: 1",)
    assert delta_gamma.quadratic([0.0, 0.0], [np.nan, 2.0], c).unknown == (0,)
    c[0, 0] = np.nan
    assert delta_gamma.quadratic([0.0, 0.0], [0.0, 2.0], c).incomplete == ()
    assert delta_gamma.quadratic([0.0], [0.0], [[1.0]]).variance == 0
    wrong = delta_gamma.quadratic(
        [1, 1, -1], np.zeros(3), [[1, 0, 0.9], [0, 1, 0.9], [0.9, 0.9, 1]]
    )
    assert wrong.incomplete == ("the covariance matrix is not positive semidefinite",)
    assert np.isnan(delta_gamma.cornish_fisher(wrong).var)
    assert not delta_gamma.cornish_fisher(wrong).monotone
    assert np.isnan(delta_gamma.delta_gamma_normal(wrong).es)
