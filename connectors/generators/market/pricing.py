"""What bonds and options are worth, so that quotes of one world agree with each other."""

import numpy as np
from scipy.special import ndtr

from connectors.generators.arrays import Floats


def bond_price(rate: Floats, coupon: Floats, years: Floats) -> Floats:
    """Price of 100 nominal: coupons a year c, yield y compounded yearly, T years.

    100 [c (1 - (1 + y)^-T) / y + (1 + y)^-T], the annuity formula taken at any T: a clean price
    without day counts. With y = 0 it is 100 (c T + 1).
    """
    log = np.log1p(rate)
    flat = np.abs(rate) < 1e-9
    safe = np.where(flat, 1.0, rate)
    annuity = np.where(flat, years, -np.expm1(-years * log) / safe)
    price: Floats = 100.0 * (coupon * annuity + np.exp(-years * log))
    return price


def option_price(
    spot: Floats, strike: Floats, years: Floats, volatility: Floats, rate: Floats, side: Floats
) -> Floats:
    """Black-Scholes price of European options without dividends; side 1 call, -1 put.

    w [S N(w d1) - K e^{-rT} N(w d2)], d1 = [ln(S / K) + (r + v^2 / 2) T] / (v sqrt T),
    d2 = d1 - v sqrt T. Black and Scholes (1973). All arrays broadcast; T and v positive.
    """
    width = volatility * np.sqrt(years)
    d1 = (np.log(spot / strike) + rate * years) / width + width / 2.0
    discounted = strike * np.exp(-rate * years)
    price: Floats = side * (spot * ndtr(side * d1) - discounted * ndtr(side * (d1 - width)))
    return np.maximum(price, 0.0)
