"""The numbers of udfs/risk beside those of QuantLib, and where the two mean different things."""

from math import sqrt

import numpy as np
import pytest
from scipy import special, stats

from udfs.risk import ewma, montecarlo, options, tails

ql = pytest.importorskip(
    "QuantLib", reason="QuantLib is in the extra dev: install that to compare with it"
)

SPOT = 100.0
GRID = [
    (call, strike, years, rate, dividend, volatility)
    for call in (True, False)
    for strike in (60.0, 90.0, 100.0, 110.0, 160.0)
    for years in (1 / 365, 0.25, 1.0, 5.0)
    for rate, dividend in ((0.0, 0.0), (0.05, 0.02), (-0.01, 0.03))
    for volatility in (0.05, 0.2, 0.8)
]


def calculator(call, strike, years, rate, dividend, volatility):
    """QuantLib's Black (1976) formula, which takes the forward and the deviation at expiry."""
    kind = ql.Option.Call if call else ql.Option.Put
    forward = SPOT * np.exp((rate - dividend) * years)
    payoff = ql.PlainVanillaPayoff(kind, strike)
    return ql.BlackCalculator(payoff, forward, volatility * sqrt(years), np.exp(-rate * years))


def test_prices_and_greeks_of_360_options():
    """Theta and both rhos are per year and per 1 here as there; vega is for 100 points."""
    call, strike, years, rate, dividend, volatility = map(np.array, zip(*GRID, strict=True))
    ours = options.value(call, SPOT, strike, years, rate, dividend, volatility)
    theirs = [calculator(*row) for row in GRID]
    told = {
        "price": [one.value() for one in theirs],
        "delta": [one.delta(SPOT) for one in theirs],
        "gamma": [one.gamma(SPOT) for one in theirs],
        "vega": [one.vega(row[2]) for one, row in zip(theirs, GRID, strict=True)],
        "theta": [one.theta(SPOT, row[2]) for one, row in zip(theirs, GRID, strict=True)],
        "rho": [one.rho(row[2]) for one, row in zip(theirs, GRID, strict=True)],
        "dividend_rho": [one.dividendRho(row[2]) for one, row in zip(theirs, GRID, strict=True)],
    }
    assert len(GRID) == 360
    for name, expected in told.items():
        assert getattr(ours, name) == pytest.approx(expected, rel=1e-9, abs=1e-10), name


def test_implied_volatilities():
    """Where a price tells one at all: vega above a thousandth of a currency unit for 100 points."""
    checked = 0
    for row in GRID:
        call, strike, years, rate, dividend, _ = row
        one = calculator(*row)
        if one.vega(years) < 1e-3:
            continue
        deviation = ql.blackFormulaImpliedStdDev(
            ql.Option.Call if call else ql.Option.Put,
            strike,
            SPOT * np.exp((rate - dividend) * years),
            one.value(),
            np.exp(-rate * years),
            0.0,
            0.3,
            1e-12,
        )
        ours = options.implied_volatility(one.value(), call, SPOT, strike, years, rate, dividend)
        assert options.STATUSES[int(ours.status)] == "found"
        assert float(ours.volatility) == pytest.approx(deviation / sqrt(years), rel=1e-6)
        checked += 1
    assert checked > 200


def statistics(pnl):
    found = ql.RiskStatistics()
    found.add(ql.DoubleVector([float(value) for value in pnl]))
    return found


@pytest.mark.parametrize(("n", "confidence"), [(749, 0.99), (749, 0.975), (1_234, 0.95)])
def test_historical_var_and_es(n, confidence):
    """VaR is the same loss. ES is not the same thing: QuantLib's is the mean of the losses beyond
    VaR, without VaR itself; with both sums known, one follows from the other."""
    pnl = np.rint(1e6 * stats.t(4).ppf((np.random.default_rng(n).permutation(n) + 0.5) / n))
    tail = tails.historical(pnl, round((1 - confidence) * 1_000_000))
    theirs = statistics(pnl)
    assert tail.var == theirs.valueAtRisk(confidence)
    beyond = (tail.tail_sum - tail.var) / (tail.rank - 1)
    assert theirs.expectedShortfall(confidence) == pytest.approx(beyond, rel=1e-12)
    assert tail.es_inclusive < theirs.expectedShortfall(confidence)


def test_where_the_tail_is_a_whole_number_of_scenarios_quantlib_takes_one_more():
    """500 scenarios at 99 %: the 5th largest loss here. QuantLib computes 1 - 0.99 in floating
    point, a little above 0.01, and so takes the 6th."""
    pnl = -np.arange(1.0, 501.0)
    assert tails.historical(pnl, 10_000).var == 496
    assert statistics(pnl).valueAtRisk(0.99) == 495


def test_a_book_that_only_gains_has_a_negative_var_here_and_none_there():
    pnl = np.arange(1.0, 750.0)
    assert tails.historical(pnl, 10_000).var == -8  # ceil(749 * 0.01) = 8
    assert statistics(pnl).valueAtRisk(0.99) == 0


def test_losses_that_are_all_equal_have_an_es_here_and_none_there():
    pnl = np.concatenate([np.full(10, -7.0), np.zeros(139)])
    assert tails.historical(pnl, 10_000).es_inclusive == 7
    with pytest.raises(RuntimeError, match="no data below the target"):
        statistics(pnl).expectedShortfall(0.99)


def test_sobol_points_are_the_same_bit_for_bit_in_500_dimensions():
    """Both have the directions of Joe and Kuo (2008), D6, Gray-code order, without the origin."""
    directions = ql.SobolRsg(500, 0, ql.SobolRsg.JoeKuoD6)
    theirs = np.array([directions.nextSequence().value() for _ in range(127)])
    normal = ql.InverseCumulativeNormal()
    expected = [[normal(value) for value in point] for point in theirs[:, :20]]
    ours = montecarlo.sobol(127, 500)
    assert np.array_equal(ours, special.ndtri(theirs))
    assert ours[:, :20] == pytest.approx(np.array(expected), abs=1e-7)  # an approximation there


def test_a_correlation_matrix_is_repaired_in_the_same_way():
    """Spectral repair (Rebonato and Jaeckel) of a matrix that no three variables can have."""
    given = np.array([[1.0, 0.9, 0.7], [0.9, 1.0, 0.3], [0.7, 0.3, 1.0]])
    matrix = ql.Matrix(3, 3)
    for row in range(3):
        for column in range(3):
            matrix[row][column] = float(given[row, column])
    root = ql.pseudoSqrt(matrix, ql.SalvagingAlgorithm.Spectral)
    lower = np.array([[root[row][column] for column in range(3)] for row in range(3)])
    ours = ewma.repaired(given)
    assert ours.clipped == 1
    assert ours.matrix == pytest.approx(lower @ lower.T, abs=1e-12)
    drawn = montecarlo.factor(given)
    assert drawn.matrix @ drawn.matrix.T == pytest.approx(lower @ lower.T, abs=1e-12)


@pytest.mark.parametrize("way", ["plain", "antithetic"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_monte_carlo_prices_lie_within_three_standard_errors(way, seed):
    """A put of 105 in a year: the mean of its discounted payoffs against QuantLib's formula."""
    rate, dividend, volatility = 0.03, 0.01, 0.25
    closed = calculator(False, 105.0, 1.0, rate, dividend, volatility).value()
    draw = montecarlo.plain if way == "plain" else montecarlo.antithetic
    z = draw(100_000 if way == "plain" else 50_000, 1, seed)[:, 0]
    at_end = SPOT * np.exp(rate - dividend - volatility**2 / 2 + volatility * z)
    worth = np.exp(-rate) * np.maximum(105.0 - at_end, 0.0)
    error = montecarlo.mean_error(worth, paired=way == "antithetic")
    assert abs(worth.mean() - closed) < 3 * error
    assert error < 0.06  # a test that anything passes is none


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_monte_carlo_var_lies_within_three_standard_errors(seed):
    """Of a book of three correlated normal factors at 99 %, whose VaR is 2.326 deviations."""
    covariance = np.array([[4.0, 1.2, 0.4], [1.2, 9.0, -1.0], [0.4, -1.0, 1.0]]) * 1e8
    held = np.array([1.0, -0.5, 2.0])
    count = 100_000
    drawn = montecarlo.changes(montecarlo.factor(covariance), montecarlo.plain(count, 3, seed))
    deviation = sqrt(held @ covariance @ held)
    closed = ql.InverseCumulativeNormal()(0.99) * deviation
    tail = tails.historical(np.rint(drawn @ held), 10_000)
    error = montecarlo.normal_var_error(count, 10_000, deviation)
    assert abs(tail.var - closed) < 3 * error
    assert error < 0.006 * closed
