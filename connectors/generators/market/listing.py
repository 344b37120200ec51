"""Which instruments a seeded market has: 250 equities, 80 bonds, 45 currency pairs, 400 options.

Equities are those of `Market`. A pair moves as its base against the dollar less the other currency
against the dollar, so that crosses agree. Options are on the 20 most popular equities, with two
expiries after the last day, five strikes, calls and puts.
"""

from itertools import combinations

import numpy as np
import polars as pl

from connectors.generators.arrays import Floats
from connectors.generators.draw import stream, zipf_weights
from connectors.generators.market.factors import (
    CURRENCY,
    CURVES,
    DOLLAR_PRICES,
    SECTORS,
    YEAR,
    Factors,
    standard_factors,
)
from connectors.generators.market.factors import EQUITY as EQUITY_GROUP
from connectors.generators.market.factors import (
    RATES as RATE_GROUP,
)
from connectors.generators.market.instruments import BOND, EQUITY, FX, OPTION, Universe
from connectors.generators.market.parties import Market
from connectors.generators.market.parts import Part, isins, reference

BONDS, UNDERLYINGS = 80, 20
STRIKES = (0.90, 0.95, 1.00, 1.05, 1.10)
EXPIRIES = (1, 3)
"""Months after that of the last day; an option ends on the third Friday."""
CONTRACT = 100
_ISSUERS = (
    ("DE", "EUR", "XETR"),
    ("FR", "EUR", "XPAR"),
    ("US", "USD", "XNYS"),
    ("GB", "GBP", "XLON"),
)
_SHARES = np.array([0.50, 0.10, 0.20, 0.20])
"""Share of the ticks by kind."""


def universe(seed: int, first: int, last: int) -> Universe:
    """All instruments on the days from `first` to `last`, days since the epoch."""
    market, factors = Market.of(seed), standard_factors()
    rng = stream(seed, "instruments")
    equities = _equities(rng, market, factors)
    parts = [equities, _bonds(rng, factors, first), _pairs(rng, factors)]
    parts.append(_options(rng, equities, factors, last))
    heights = [part.frame.height for part in parts]
    places = np.cumsum([0, *heights])
    roots = [
        np.array(part.root) if part.root else place + np.arange(height)
        for part, place, height in zip(parts, places, heights, strict=False)
    ]

    def each(name: str) -> Floats:
        return np.repeat(np.array([getattr(part, name) for part in parts]), heights)

    def joined(name: str) -> Floats:
        return np.concatenate([getattr(part, name) for part in parts])

    loadings, own, group = joined("loadings"), joined("own"), each("group").astype(np.int64)
    variance = (loadings * factors.sd) @ (factors.root @ factors.root.T)
    variance = np.sum(variance * (loadings * factors.sd), axis=1) + own**2
    weight = np.concatenate(
        [part.weight / part.weight.sum() * _SHARES[part.kind] for part in parts]
    )
    return Universe(
        market=market,
        factors=factors,
        frame=pl.concat([part.frame for part in parts]),
        kind=each("kind").astype(np.int64),
        root=np.concatenate(roots),
        level=joined("level"),
        loadings=loadings,
        own=own,
        own_rate=each("own_rate"),
        own_jump=each("own_jump"),
        group=group,
        annual=np.sqrt(YEAR * variance),
        half_spread=each("half_spread"),
        size=each("size"),
        lot=each("lot").astype(np.int64),
        weight=weight,
    )


def _equities(rng: np.random.Generator, market: Market, factors: Factors) -> Part:
    n = len(market.isins)
    sector = rng.integers(0, len(SECTORS), n)
    loadings = np.zeros((n, len(factors.names)))
    loadings[:, 0] = np.clip(1.0 + 0.25 * rng.standard_normal(n), 0.3, 2.0)
    loadings[np.arange(n), 1 + sector] = 0.6 + 0.8 * rng.random(n)
    frame = reference(
        isin=market.isins,
        kind=EQUITY,
        sector=pl.Series(SECTORS).gather(sector),
        mic=market.venues,
        currency=market.currencies,
    )
    return Part(
        kind=EQUITY,
        frame=frame,
        level=np.log(market.prices / 100.0),
        loadings=loadings,
        own=0.012 * np.exp(0.3 * rng.standard_normal(n)),
        own_rate=2.0,
        own_jump=0.06,
        group=EQUITY_GROUP,
        half_spread=0.0003,
        size=300.0,
        lot=1,
        weight=market.popularity,
    )


def _bonds(rng: np.random.Generator, factors: Factors, first: int) -> Part:
    issuer = rng.integers(0, len(_ISSUERS), BONDS)
    country, currency, venue = (
        pl.Series([of[i] for of in _ISSUERS]).gather(issuer) for i in range(3)
    )
    days = rng.integers(400, 30 * 365, BONDS)
    years = days / 365.0
    curve = np.array([CURVES.index(code) for code in currency])
    loadings = np.zeros((BONDS, len(factors.names)))
    rows = np.arange(BONDS)
    loadings[rows, factors.index(f"rate:{CURVES[0]}:level") + curve] = 1.0
    loadings[rows, factors.index(f"rate:{CURVES[0]}:slope") + curve] = (years - 5.0) / 10.0
    spread = 0.001 + 0.02 * rng.random(BONDS) ** 2
    level = np.array([0.022, 0.040, 0.042])[curve] + 0.0004 * (years - 5.0) + spread
    frame = reference(
        isin=isins(rng, country + "B", BONDS),
        kind=BOND,
        mic=venue,
        currency=currency,
        multiplier=10,
        price_scale=3,
        tick=5,
        expiry=first + days,
        coupon_ppm=np.maximum(np.rint(level * 400.0), 0).astype(np.int64) * 2_500,
    )
    return Part(
        kind=BOND,
        frame=frame,
        level=level,
        loadings=loadings,
        own=0.0001 + 0.0003 * rng.random(BONDS),
        own_rate=0.5,
        own_jump=0.003,
        group=RATE_GROUP,
        half_spread=0.0004,
        size=200.0,
        lot=1,
        weight=zipf_weights(BONDS, 0.7),
    )


def _pairs(rng: np.random.Generator, factors: Factors) -> Part:
    abroad = {code: f"fx:{code}" for code in DOLLAR_PRICES if code != "USD"}
    moved = 0.03 * rng.standard_normal(len(DOLLAR_PRICES))
    value = {
        code: np.log(price) + move
        for (code, price), move in zip(DOLLAR_PRICES.items(), moved, strict=True)
    }
    value["USD"] = 0.0
    pairs = list(combinations(DOLLAR_PRICES, 2))
    loadings = np.zeros((len(pairs), len(factors.names)))
    for row, pair in enumerate(pairs):
        for code, sign in zip(pair, (1.0, -1.0), strict=True):
            if code in abroad:
                loadings[row, factors.index(abroad[code])] = sign
    yen = np.array([paid == "JPY" for _, paid in pairs])
    frame = reference(
        isin=isins(rng, pl.Series(["EZF"] * len(pairs)), len(pairs)),
        kind=FX,
        mic=pl.Series(["XOFF"] * len(pairs)),
        currency=pl.Series([paid for _, paid in pairs]),
        base_currency=pl.Series([bought for bought, _ in pairs]),
        price_scale=np.where(yen, 3, 5),
    )
    return Part(
        kind=FX,
        frame=frame,
        level=np.array([value[bought] - value[paid] for bought, paid in pairs]),
        loadings=loadings,
        own=np.zeros(len(pairs)),
        own_rate=0.0,
        own_jump=0.0,
        group=CURRENCY,
        half_spread=0.00005,
        size=500.0,
        lot=1_000,
        weight=zipf_weights(len(pairs), 0.7),
    )


def _options(rng: np.random.Generator, equities: Part, factors: Factors, last: int) -> Part:
    grid = [
        (of, months, strike, side)
        for of in range(UNDERLYINGS)
        for months in EXPIRIES
        for strike in STRIKES
        for side in ("CALL", "PUT")
    ]
    root = [of for of, _, _, _ in grid]
    under = equities.frame[root]
    spot = 100.0 * np.exp(equities.level[root])
    step = np.where(spot >= 2_000.0, 50.0, 5.0)
    strike = np.rint(spot * np.array([share for _, _, share, _ in grid]) / step) * step
    month = np.datetime64(last, "D").astype("datetime64[M]")
    fridays = {
        months: np.busday_offset(month + months, 2, roll="forward", weekmask="Fri").astype(np.int64)
        for months in EXPIRIES
    }
    frame = reference(
        isin=isins(rng, under["isin"].str.head(2) + "O", len(grid)),
        kind=OPTION,
        sector=under["sector"],
        mic=under["mic"],
        currency=under["currency"],
        multiplier=CONTRACT,
        underlying=under["isin"],
        option_side=pl.Series([side for _, _, _, side in grid]),
        strike=strike.astype(np.int64),
        expiry=np.array([fridays[months] for _, months, _, _ in grid]),
    )
    return Part(
        kind=OPTION,
        frame=frame,
        level=equities.level[root],
        loadings=equities.loadings[root],
        own=equities.own[root],
        own_rate=equities.own_rate,
        own_jump=equities.own_jump,
        group=EQUITY_GROUP,
        half_spread=0.01,
        size=20.0,
        lot=1,
        weight=zipf_weights(len(grid), 0.5),
        root=root,
    )
