"""How markets move: factors with stochastic volatility and jumps, correlated.

    step_f = sd_f * exp(h_g / 2) * z_f * sqrt(dt) + jumps_f            z correlated, dt in days
    h_g    : mean-reverting log-variance of a group of factors (equity, rates, currencies)

Log-variances are autoregressive (Taylor 1986; Kim, Shephard and Chib 1998), h' = m + phi^dt (h - m)
+ noise, with m such that the mean variance is sd^2. A fall of the market raises the volatility of
equities (leverage). Jumps are compound Poisson with normal sizes (Merton 1976), their mean taken
out of the drift.
"""

from dataclasses import dataclass

import numpy as np

from connectors.generators.arrays import Floats, Ints

SECTORS = (
    "energy",
    "materials",
    "industrials",
    "consumer-discretionary",
    "consumer-staples",
    "health-care",
    "financials",
    "technology",
    "communication",
    "utilities",
)
CURVES = ("EUR", "USD", "GBP")
"""Currencies with a yield curve, which moves by a level and a slope."""
DOLLAR_PRICES = {
    "EUR": 1.10,
    "GBP": 1.28,
    "AUD": 0.66,
    "NZD": 0.61,
    "USD": 1.0,
    "CAD": 0.74,
    "CHF": 1.12,
    "NOK": 0.094,
    "SEK": 0.096,
    "JPY": 0.0066,
}
"""Currencies in the order in which pairs name them, and about what one is worth in dollars."""
EQUITY, RATES, CURRENCY = range(3)
"""Groups of factors that share a volatility."""
GROUPS = 3
PHI = 0.97
_NOISE = 0.2
SPREAD = _NOISE**2 / (1.0 - PHI**2)
"""Variance of log-variance in the long run."""
_MEAN = -SPREAD / 2.0
LEVERAGE = -0.5
"""Correlation of the market's shock with that of the next volatility of equities."""
YEAR = 252.0


@dataclass(frozen=True)
class Factors:
    """What moves markets.

    Attributes:
        names: Name of each factor, F of them; equity and currency factors move logarithms of
            prices, rates move yields.
        group: The volatility each one has, int64, shape (F,).
        sd: Standard deviation of a day, without jumps, shape (F,).
        root: Lower Cholesky factor of the correlation of shocks, shape (F, F).
        rate: Jumps a year, shape (F,).
        jump_mean, jump_sd: Size of a jump, shape (F,).
    """

    names: tuple[str, ...]
    group: Ints
    sd: Floats
    root: Floats
    rate: Floats
    jump_mean: Floats
    jump_sd: Floats

    def index(self, name: str) -> int:
        """The place of a factor."""
        return self.names.index(name)

    def shocks(self, rng: np.random.Generator, n: int) -> Floats:
        """Correlated standard normal shocks, shape (n, F); added up in a fixed order, no BLAS."""
        drawn = rng.standard_normal((n, len(self.names)))
        mixed = np.zeros_like(drawn)
        for into, source in np.argwhere(self.root).tolist():
            mixed[:, into] += self.root[into, source] * drawn[:, source]
        return mixed

    def jumps(self, rng: np.random.Generator, dt: Floats) -> tuple[Floats, Ints]:
        """What jumps add in each of the steps of `dt` days, and how many there are; shapes (n, F).

        The expected size is subtracted, so that the mean of a step is zero.
        """
        until = np.cumsum(dt)
        counts = rng.poisson(self.rate / YEAR * until[-1])
        which = np.repeat(np.arange(len(self.names)), counts)
        place = np.searchsorted(until, rng.random(len(which)) * until[-1], side="right")
        size = self.jump_mean[which] + self.jump_sd[which] * rng.standard_normal(len(which))
        total = -dt[:, None] * (self.rate * self.jump_mean / YEAR)
        number = np.zeros(total.shape, dtype=np.int64)
        at = np.minimum(place, len(dt) - 1), which
        np.add.at(total, at, size)
        np.add.at(number, at, 1)
        return total, number


def volatility_start(rng: np.random.Generator) -> Floats:
    """Log-variances drawn from their long-run distribution, shape (GROUPS,)."""
    drawn: Floats = _MEAN + np.sqrt(SPREAD) * rng.standard_normal(GROUPS)
    return drawn


def volatility_after(h: Floats, dt: float, shock: Floats) -> Floats:
    """Log-variances `dt` days on; `shock` standard normal, shape (GROUPS,)."""
    kept = float(PHI**dt)
    moved: Floats = _MEAN + kept * (h - _MEAN) + np.sqrt(SPREAD * (1.0 - kept**2)) * shock
    return moved


def leveraged(market: float, own: Floats) -> Floats:
    """Shocks of log-variance, that of equities tied to the market's shock; shape (GROUPS,)."""
    shock = own.copy()
    shock[EQUITY] = LEVERAGE * market + np.sqrt(1.0 - LEVERAGE**2) * own[EQUITY]
    return shock


def standard_factors() -> Factors:
    """The market, 10 sectors, level and slope of 3 curves, 9 currencies against the dollar."""
    sectors, curves = len(SECTORS), len(CURVES)
    abroad = [code for code in DOLLAR_PRICES if code != "USD"]
    names = (
        "market",
        *(f"sector:{name}" for name in SECTORS),
        *(f"rate:{code}:level" for code in CURVES),
        *(f"rate:{code}:slope" for code in CURVES),
        *(f"fx:{code}" for code in abroad),
    )
    sizes = [1, sectors, curves, curves, len(abroad)]

    def spread(*values: float) -> Floats:
        return np.repeat(np.array(values), sizes)

    kind = np.repeat(np.arange(5), sizes)
    inner = np.array([1.0, 0.0, 0.6, 0.4, 0.5])
    correlation = np.where(kind[:, None] == kind[None, :], inner[kind][:, None], 0.0)
    correlation[0, kind == 2] = correlation[kind == 2, 0] = 0.2
    np.fill_diagonal(correlation, 1.0)
    return Factors(
        names=names,
        group=np.repeat(np.array([EQUITY, EQUITY, RATES, RATES, CURRENCY]), sizes),
        sd=spread(0.009, 0.006, 0.0005, 0.0003, 0.005),
        root=np.linalg.cholesky(correlation),
        rate=spread(3.0, 2.0, 2.0, 0.0, 1.0),
        jump_mean=spread(-0.03, 0.0, 0.0, 0.0, 0.0),
        jump_sd=spread(0.02, 0.03, 0.002, 0.0, 0.015),
    )
