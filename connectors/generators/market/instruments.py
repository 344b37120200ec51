"""The instruments of a seeded market: their terms, what moves them, and what they are worth.

An option has no risk of its own but through its underlying's price and volatility: its `root` is
the underlying.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from connectors.generators.arrays import Floats, Ints
from connectors.generators.market.factors import Factors
from connectors.generators.market.parties import Market
from connectors.generators.market.pricing import bond_price, option_price

EQUITY, BOND, FX, OPTION = range(4)
KINDS = pl.Series(["EQUITY", "BOND", "FX", "OPTION"])
RATES = {"EUR": 0.02, "USD": 0.04, "GBP": 0.04}
"""Flat interest rate of each currency for options, continuously compounded."""
PREMIUM = 1.1
"""Implied volatility is so many times that of the underlying's model."""
_YEAR = 365.0
"""Days of a year of an option or a bond."""


@dataclass(frozen=True)
class Universe:
    """Reference data and model of each of N instruments; arrays have shape (N,).

    Attributes:
        market: Its members, books and equities.
        factors: What moves it.
        frame: isin, kind, sector, mic, currency, base_currency, multiplier, price_scale, tick,
            underlying, option_side, strike, expiry, coupon_ppm: columns of record Instrument.
        kind: EQUITY, BOND, FX or OPTION.
        root: Which instrument's level it is priced by, itself but for options.
        level: At the start: logarithm of the price, of a bond the yield, of an option the root's.
        loadings: What a factor's step adds to the level, shape (N, F).
        own: Standard deviation of a day of what is its own, times exp(h / 2) as its group's.
        own_rate, own_jump: Own jumps a year, and their standard deviation.
        group: The volatility that scales `own`.
        annual: Volatility of the level in a year at h = 0, jumps apart.
        half_spread: Half of the spread as a share of the price.
        size: Median of pieces quoted, in lots.
        lot: Pieces of a lot.
        weight: Share of the ticks.
    """

    market: Market
    factors: Factors
    frame: pl.DataFrame
    kind: Ints
    root: Ints
    level: Floats
    loadings: Floats
    own: Floats
    own_rate: Floats
    own_jump: Floats
    group: Ints
    annual: Floats
    half_spread: Floats
    size: Floats
    lot: Ints
    weight: Floats

    def __len__(self) -> int:
        """How many instruments there are."""
        return len(self.kind)

    def prices(self, which: Ints, level: Floats, day: Floats, h: Floats) -> Floats:
        """Model prices in units of 10^-price_scale, not rounded, of the shape of `which`.

        Args:
            which: Instruments.
            level: Level of the root of each.
            day: Days since the epoch, with fraction.
            h: Log-variance of each one's group.
        """
        kind, terms = self.kind[which], self._terms
        years = np.maximum((terms["expiry"][which] - day) / _YEAR, 1e-6)
        price = np.exp(np.where(kind == BOND, 0.0, level))
        at = np.flatnonzero(kind == BOND)
        price[at] = bond_price(level[at], terms["coupon"][which[at]], years[at])
        at = np.flatnonzero(kind == OPTION)
        of = which[at]
        volatility = PREMIUM * self.annual[self.root[of]] * np.exp(h[at] / 2.0)
        price[at] = option_price(
            price[at],
            terms["strike"][of],
            years[at],
            volatility,
            terms["rate"][of],
            terms["side"][of],
        )
        scaled: Floats = price * terms["unit"][which]
        return scaled

    @cached_property
    def _terms(self) -> dict[str, Floats]:
        """Terms as floats, in units of the currency, of a year, of a day."""
        unit = 10.0 ** self.frame["price_scale"].to_numpy()
        sides = {"NONE": 0.0, "CALL": 1.0, "PUT": -1.0}
        rate = self.frame["currency"].replace_strict(RATES, default=0.0, return_dtype=pl.Float64)
        side = self.frame["option_side"].replace_strict(sides, return_dtype=pl.Float64)
        return {
            "unit": unit,
            "expiry": self.frame["expiry"].to_numpy().astype(np.float64),
            "coupon": self.frame["coupon_ppm"].to_numpy() / 1e6,
            "strike": self.frame["strike"].to_numpy() / unit,
            "rate": rate.to_numpy(),
            "side": side.to_numpy(),
        }
