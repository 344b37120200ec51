"""Options: the tables of Haug, the examples of Hull, parity, and prices that are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.risk import options

# Haug, Option Pricing Formulas, McGraw-Hill 1998, as QuantLib's test-suite/europeanoption.cpp
# quotes him: call, strike, spot, yield, rate, years, volatility, value
HAUG = [
    # pages 2 to 8
    (True, 65, 60, 0.00, 0.08, 0.25, 0.30, 2.1334),
    (False, 95, 100, 0.05, 0.10, 0.50, 0.20, 2.4648),
    (False, 19, 19, 0.10, 0.10, 0.75, 0.28, 1.7011),
    (True, 19, 19, 0.10, 0.10, 0.75, 0.28, 1.7011),
    (True, 1.60, 1.56, 0.08, 0.06, 0.50, 0.12, 0.0291),
    (False, 70, 75, 0.05, 0.10, 0.50, 0.35, 4.0870),
    # page 24
    (True, 100, 90, 0.10, 0.10, 0.10, 0.15, 0.0205),
    (True, 100, 100, 0.10, 0.10, 0.10, 0.15, 1.8734),
    (True, 100, 110, 0.10, 0.10, 0.10, 0.15, 9.9413),
    (True, 100, 90, 0.10, 0.10, 0.50, 0.35, 4.9329),
    (True, 100, 110, 0.10, 0.10, 0.50, 0.25, 12.7857),
    (False, 100, 90, 0.10, 0.10, 0.10, 0.15, 9.9210),
    (False, 100, 110, 0.10, 0.10, 0.10, 0.25, 0.4551),
    (False, 100, 90, 0.10, 0.10, 0.50, 0.35, 14.4452),
    (False, 100, 110, 0.10, 0.10, 0.50, 0.35, 5.7963),
    # page 27
    (True, 40, 42, 0.08, 0.04, 0.75, 0.35, 5.0975),
]
# the same, pages 11 to 16
HAUG_GREEKS = [
    ("delta", True, 100, 105, 0.10, 0.10, 0.5, 0.36, 0.5946),
    ("delta", False, 100, 105, 0.10, 0.10, 0.5, 0.36, -0.3566),
    ("gamma", True, 60, 55, 0.00, 0.10, 0.75, 0.30, 0.0278),
    ("vega", True, 60, 55, 0.00, 0.10, 0.75, 0.30, 18.9358),
    ("vega", False, 60, 55, 0.00, 0.10, 0.75, 0.30, 18.9358),
    ("theta", False, 405, 430, 0.05, 0.07, 1 / 12, 0.20, -31.1924),
    ("rho", True, 75, 72, 0.00, 0.09, 1.0, 0.19, 38.7325),
    ("dividend_rho", False, 490, 500, 0.05, 0.08, 0.25, 0.15, 42.2254),
]


def test_haug_values():
    call, strike, spot, dividend, rate, years, volatility, expected = map(
        np.array, zip(*HAUG, strict=True)
    )
    found = options.value(call, spot, strike, years, rate, dividend, volatility)
    assert found.price == pytest.approx(expected, abs=1e-4)
    assert not found.unusable.any()
    again = options.price(call, spot, strike, years, rate, dividend, volatility)
    assert (again == found.price).all()


@pytest.mark.parametrize("row", HAUG_GREEKS)
def test_haug_greeks(row):
    name, call, strike, spot, dividend, rate, years, volatility, expected = row
    found = options.value(call, spot, strike, years, rate, dividend, volatility)
    assert float(getattr(found, name)) == pytest.approx(expected, abs=1e-4)


def test_haug_theta_of_a_day():
    found = options.value(False, 430, 405, 1 / 12, 0.07, 0.05, 0.20)
    assert float(found.theta) / options.DAYS == pytest.approx(-0.0855, abs=1e-4)


def test_hull_example_and_greeks():
    # Hull, Options, Futures, and Other Derivatives, Example 15.6: call 4.76, put 0.81; chapter on
    # the Greek letters: delta 0.522, gamma 0.066, vega 12.1, theta -4.31 a year, rho 8.91
    found = options.price([True, False], 42, 40, 0.5, 0.10, 0, 0.20)
    assert found == pytest.approx([4.76, 0.81], abs=0.005)
    greeks = options.value(True, 49, 50, 0.3846, 0.05, 0, 0.20)
    assert float(greeks.price) * 100_000 == pytest.approx(240_000, rel=0.001)
    assert float(greeks.delta) == pytest.approx(0.522, abs=5e-4)
    assert float(greeks.gamma) == pytest.approx(0.066, abs=5e-4)
    assert float(greeks.vega) == pytest.approx(12.1, abs=0.05)
    assert float(greeks.theta) == pytest.approx(-4.31, abs=0.005)
    assert float(greeks.rho) == pytest.approx(8.91, abs=0.005)


def test_merton_on_an_index():
    # Holton, Merton (1973) option pricing formula, glynholton.com: index 7986, strike 8000, 0.18
    # years, volatility 24 %, rate 2.93 %, yield 2.54 %: EUR 319
    assert float(options.price(True, 7986, 8000, 0.18, 0.0293, 0.0254, 0.24)) == pytest.approx(
        319, abs=0.5
    )


positive = st.floats(1, 500)
rates = st.floats(-0.05, 0.2)
market = st.tuples(positive, positive, st.floats(0.02, 3), rates, rates, st.floats(0.05, 1))


@given(market)
def test_parity(drawn):
    spot, strike, years, rate, dividend, _ = drawn
    call, put = options.price([True, False], *drawn)
    forward = spot * np.exp(-dividend * years) - strike * np.exp(-rate * years)
    assert call - put == pytest.approx(forward, abs=1e-9 * (spot + strike))


@given(market, st.booleans())
def test_greeks_are_slopes(drawn, call):
    spot = drawn[0]
    found = options.value(call, *drawn)
    scale = spot + drawn[1]

    def slope(name, step):
        at = dict(
            zip(("spot", "strike", "years", "rate", "dividend", "volatility"), drawn, strict=True)
        )
        up, down = ({**at, name: at[name] + sign * step} for sign in (1, -1))
        return float(options.price(call, **up) - options.price(call, **down)) / (2 * step)

    assert float(found.delta) == pytest.approx(slope("spot", spot * 1e-5), abs=1e-5)
    assert float(found.vega) == pytest.approx(slope("volatility", 1e-5), abs=1e-4 * scale)
    assert float(found.theta) == pytest.approx(-slope("years", 1e-5), abs=1e-4 * scale)
    assert float(found.rho) == pytest.approx(slope("rate", 1e-5), abs=1e-4 * scale)
    assert float(found.dividend_rho) == pytest.approx(slope("dividend", 1e-5), abs=1e-4 * scale)


def test_gamma_is_the_slope_of_delta():
    up, down = options.value([True, False], [[100.01], [99.99]], 105, 0.5, 0.05, 0.02, 0.3).delta
    found = options.value([True, False], 100, 105, 0.5, 0.05, 0.02, 0.3)
    assert found.gamma == pytest.approx((up - down) / 0.02, rel=1e-6)


def test_at_expiry_and_without_volatility():
    found = options.value([True, False, True], [110, 90, 90], 100, 0.0, 0.05, 0.0, 0.3)
    assert found.price.tolist() == [10, 10, 0]
    assert found.delta.tolist() == [1, -1, 0]
    assert found.gamma.tolist() == found.vega.tolist() == [0, 0, 0]
    still = options.value(True, 100, 100, 1.0, 0.05, 0.0, 0.0)
    assert float(still.price) == pytest.approx(100 - 100 * np.exp(-0.05))
    edge = options.value(True, 100, 100, 0.0, 0.05, 0.0, 0.3)
    assert float(edge.price) == 0
    assert np.isnan(edge.gamma)
    assert not edge.unusable


def test_what_cannot_be_priced_is_marked():
    found = options.value(
        True,
        [0, -1, np.nan, 100, 100, 100],
        [1, 1, 1, 0, 1, 1],
        [1, 1, 1, 1, -1, 1],
        0,
        0,
        [0.2, 0.2, 0.2, 0.2, 0.2, -0.2],
    )
    assert found.unusable.all()
    for name in ("price", "delta", "gamma", "vega", "theta", "rho", "dividend_rho"):
        assert np.isnan(getattr(found, name)).all(), name


def test_implied_volatilities_are_those_of_the_prices():
    call, strike, spot, dividend, rate, years, volatility, _ = map(
        np.array, zip(*HAUG, strict=True)
    )
    prices = options.price(call, spot, strike, years, rate, dividend, volatility)
    found = options.implied_volatility(prices, call, spot, strike, years, rate, dividend)
    assert (found.status == 0).all()
    assert found.volatility == pytest.approx(volatility, rel=1e-9)


def test_prices_without_a_volatility_say_why():
    # a call on 100 at 90, no rates: between 10 and 100; nothing left to move at expiry
    found = options.implied_volatility(
        [15, 10, 100, np.nan, 15, 99.99999999], True, 100, 90, [1, 1, 1, 1, 0, 1], 0, 0
    )
    assert found.status.tolist() == [0, 2, 3, 1, 1, 4]
    assert np.isnan(found.volatility[1:]).all()
    single = options.implied_volatility(15, True, 100, 90, 1, 0, 0)
    assert float(single.volatility) == pytest.approx(found.volatility[0], rel=1e-12)
    none = options.implied_volatility([], True, 100, 90, 1, 0, 0)
    assert none.volatility.size == 0
