"""What European options are worth and how that moves: Black-Scholes-Merton with a yield.

d1 = [ln(S/K) + (r - q + v^2/2) T] / (v sqrt T), d2 = d1 - v sqrt T, and for w = 1 (call) or -1:
price = w [S e^(-qT) N(w d1) - K e^(-rT) N(w d2)]. Merton, Theory of rational option pricing, Bell
J. of Economics 4 (1973); the Greeks as in Haug, Option Pricing Formulas (1998), pages 11 to 16.
For options on futures q = r (Black 1976), on currencies q is the foreign rate (Garman and
Kohlhagen 1983).

Rates, yields and volatilities are per year and continuously compounded, 0.05 for 5 %; times are in
years; arguments are numbers or arrays that broadcast. At expiry, or without volatility, an option
is worth what its forward is in the money. What cannot be priced (a spot or strike not above 0, a
negative time or volatility, NaN) is NaN and marked, never 0.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import elementwise
from scipy.special import ndtr

from udfs.risk.whole import Floats

DAYS = 365
_LOWEST, _HIGHEST = 1e-9, 10.0
STATUSES = ("found", "not a number", "below its least value", "above its most", "out of range")


@dataclass(frozen=True)
class Valuation:
    """Prices and Greeks, arrays of one shape; positions and multipliers are the caller's.

    Attributes:
        price: In the currency of the spot.
        delta: By spot.
        gamma: Delta by spot; NaN at the money without time or volatility left.
        vega: By volatility: for 1, that is 100 points.
        theta: By calendar time, per year; a day is `theta / DAYS`.
        rho: By rate: for 1, that is 100 points.
        dividend_rho: By yield, likewise.
        unusable: Where nothing could be computed.
    """

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats
    dividend_rho: Floats
    unusable: NDArray[np.bool_]


class Implied(NamedTuple):
    """Implied volatilities, NaN unless the status is 0; statuses index STATUSES."""

    volatility: Floats
    status: NDArray[np.int64]


class _Terms(NamedTuple):
    """Arguments as arrays of one shape, with what price and Greeks share."""

    w: Floats
    sd: Floats
    d1: Floats
    d2: Floats
    asset: Floats
    bond: Floats
    good: NDArray[np.bool_]
    moneyness: Floats
    root: Floats


def price(
    call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend: ArrayLike,
    volatility: ArrayLike,
) -> Floats:
    """Prices alone, NaN where there is none: for many scenarios of spot and volatility."""
    t = _terms(call, spot, strike, years, rate, dividend, volatility)
    found: Floats = t.w * (t.asset * ndtr(t.w * t.d1) - t.bond * ndtr(t.w * t.d2))
    return found


def value(
    call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend: ArrayLike,
    volatility: ArrayLike,
) -> Valuation:
    """Prices and Greeks.

    Args:
        call: True for calls, False for puts.
        spot: S, above 0.
        strike: K, above 0.
        years: T to expiry, 0 or more.
        rate: r.
        dividend: q.
        volatility: v, 0 or more.
    """
    t = _terms(call, spot, strike, years, rate, dividend, volatility)
    spots, times, rates, yields, vols = np.broadcast_arrays(
        *(np.asarray(part, dtype=np.float64) for part in (spot, years, rate, dividend, volatility))
    )
    in_asset, in_bond = t.asset * ndtr(t.w * t.d1), t.bond * ndtr(t.w * t.d2)
    density = np.exp(-(t.d1**2) / 2) / np.sqrt(2 * np.pi)
    moving = t.sd > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        discount = t.asset / spots
        # without movement 0, unless d1 is 0: then the slope of delta has no value
        gamma = np.where(moving, discount * density / (spots * t.sd), 0 / (t.d1**2))
        decay = np.where(moving, t.asset * density * vols / (2 * np.sqrt(times)), 0.0)
    good = t.good
    root = np.sqrt(np.where(good, times, np.nan))
    return Valuation(
        price=t.w * (in_asset - in_bond),
        delta=np.where(good, t.w * discount * ndtr(t.w * t.d1), np.nan),
        gamma=np.where(good, gamma, np.nan),
        vega=t.asset * density * root,
        theta=t.w * (yields * in_asset - rates * in_bond) - np.where(good, decay, np.nan),
        rho=t.w * times * in_bond,
        dividend_rho=-t.w * times * in_asset,
        unusable=~good,
    )


def implied_volatility(
    prices: ArrayLike,
    call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend: ArrayLike,
) -> Implied:
    """The volatility that gives a price, between 1e-9 and 10, by Chandrupatla's method (scipy).

    A price has none if it is not above w (S e^(-qT) - K e^(-rT)) and 0, or not below S e^(-qT) for
    a call and K e^(-rT) for a put.

    Args:
        prices: Prices of the options; the other arguments as for `value`.
        call: True for calls.
        spot: S.
        strike: K.
        years: T, above 0.
        rate: r.
        dividend: q.
    """
    t = _terms(call, spot, strike, years, rate, dividend, 1.0)
    quoted, w, asset, bond = np.broadcast_arrays(
        np.asarray(prices, dtype=np.float64), t.w, t.asset, t.bond
    )
    shape = quoted.shape
    status = np.zeros(shape, dtype=np.int64)
    status[quoted <= np.maximum(w * (asset - bond), 0)] = 2
    status[quoted >= np.where(w > 0, asset, bond)] = 3
    status[~np.isfinite(quoted) | ~(np.broadcast_to(t.sd, shape) > 0)] = 1
    found = np.full(shape, np.nan)
    todo = status == 0
    if todo.any():
        parts = [
            np.broadcast_to(part, shape)[todo]
            for part in (t.w, t.asset, t.bond, t.moneyness, t.root)
        ]
        bracket = (np.full(int(todo.sum()), _LOWEST), np.full(int(todo.sum()), _HIGHEST))
        result = elementwise.find_root(_too_dear, bracket, args=(quoted[todo], *parts))
        found[todo] = np.where(result.success, result.x, np.nan)
        status[todo] = np.where(result.success, 0, 4)
    return Implied(found, status)


def _too_dear(
    volatility: Floats,
    target: Floats,
    w: Floats,
    asset: Floats,
    bond: Floats,
    moneyness: Floats,
    root: Floats,
) -> Floats:
    """How much more than its target an option costs, as `price` has it: volatility and time > 0."""
    sd = volatility * root
    d1 = moneyness / sd + sd / 2
    found: Floats = w * (asset * ndtr(w * d1) - bond * ndtr(w * (d1 - sd))) - target
    return found


def _terms(
    call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend: ArrayLike,
    volatility: ArrayLike,
) -> _Terms:
    """d1, d2 and the discounted legs; NaN where the option cannot be priced."""
    given = (spot, strike, years, rate, dividend, volatility)
    w, s, k, t, r, q, v = np.broadcast_arrays(
        np.where(np.asarray(call, dtype=np.bool_), 1.0, -1.0),
        *(np.asarray(part, dtype=np.float64) for part in given),
    )
    good = np.isfinite(s + k + t + r + q + v) & (s > 0) & (k > 0) & (t >= 0) & (v >= 0)
    s, k, t = (np.where(good, part, np.nan) for part in (s, k, t))
    asset, bond = s * np.exp(-q * t), k * np.exp(-r * t)
    root = np.sqrt(t)
    sd = np.where(good, v, np.nan) * root
    moneyness = np.log(s / k) + (r - q) * t
    at_once = np.where(moneyness == 0, 0.0, np.copysign(np.inf, moneyness))
    with np.errstate(divide="ignore", invalid="ignore"):
        d1 = np.where(sd > 0, moneyness / sd + sd / 2, np.where(good, at_once, np.nan))
    with np.errstate(invalid="ignore"):
        d2 = np.where(sd > 0, d1 - sd, d1)
    return _Terms(w, sd, d1, d2, asset, bond, good, moneyness, root)
