"""The business days before a seeded market opens: factor steps, and what they did to each price.

Instruments are revalued at today's terms: a day's return of an option is that of today's option if
that day's move of its underlying and of volatility happened now. So every instrument has a whole
history, and a scenario is a row.
"""

from dataclasses import dataclass

import numpy as np

from connectors.generators.arrays import Floats, Ints
from connectors.generators.draw import stream
from connectors.generators.market.factors import (
    GROUPS,
    YEAR,
    leveraged,
    volatility_after,
    volatility_start,
)
from connectors.generators.market.history import History
from connectors.generators.market.instruments import Universe

DAYS = 750
"""Days of the history; they belong to the content, since the market opens in their volatility."""


@dataclass(frozen=True)
class Past:
    """What happened before, T days, oldest first.

    Attributes:
        factors: Steps of the factors: logarithms, yields; days before the first one of the world.
        instruments: Relative price changes of today's instruments under each day's step, against at
            least one tick.
        changes: The same in units of 10^-price_scale, rounded, int64, shape (T, N).
        volatility: Log-variance of each group on each day, and on the day that begins, shape
            (T + 1, GROUPS).
        jumps: Jumps of each factor on each day, int64, shape (T, F).
        own_jumps: Jumps of each root instrument on each day, int64, shape (T, N).
    """

    factors: History
    instruments: History
    changes: Ints
    volatility: Floats
    jumps: Ints
    own_jumps: Ints


def past(seed: int, universe: Universe, first: int, days: int = DAYS) -> Past:
    """The `days` business days before `first` (days since the epoch)."""
    rng = stream(seed, "market past")
    factors = universe.factors
    one = np.ones(days)
    z = factors.shocks(rng, days)
    volatility = _volatility(rng, z[:, 0])
    now = np.exp(volatility[:-1] / 2.0)
    jumped, jumps = factors.jumps(rng, one)
    steps = factors.sd * now[:, factors.group] * z + jumped
    own, own_jumps = _own(rng, universe, now)
    level = own
    for step, loading in zip(steps.T, universe.loadings.T, strict=True):
        level += step[:, None] * loading
    prices, changes = _revalued(universe, level[:, universe.root], volatility, first)
    before = np.busday_offset(np.datetime64(first, "D"), np.arange(-days, 0), roll="forward")
    dates: Ints = before.astype(np.int64)
    tick = universe.frame["tick"].to_numpy()
    return Past(
        factors=History(factors.names, dates, steps),
        instruments=History(
            tuple(universe.frame["isin"]), dates, changes / np.maximum(prices, tick)
        ),
        changes=np.rint(changes).astype(np.int64),
        volatility=volatility,
        jumps=jumps,
        own_jumps=own_jumps,
    )


def _volatility(rng: np.random.Generator, market: Floats) -> Floats:
    """Log-variances of days with these shocks of the market, and of the day after them."""
    path = [volatility_start(rng)]
    for shock, own in zip(market, rng.standard_normal((len(market), GROUPS)), strict=True):
        path.append(volatility_after(path[-1], 1.0, leveraged(float(shock), own)))
    return np.array(path)


def _own(rng: np.random.Generator, universe: Universe, now: Floats) -> tuple[Floats, Ints]:
    """What is an instrument's own in each day's step, and its jumps, shapes (T, N)."""
    shape = len(now), len(universe)
    counts = rng.poisson(universe.own_rate / YEAR, shape)
    sizes = np.sqrt(counts) * universe.own_jump * rng.standard_normal(shape)
    return universe.own * now[:, universe.group] * rng.standard_normal(shape) + sizes, counts


def _revalued(
    universe: Universe, step: Floats, volatility: Floats, first: int
) -> tuple[Floats, Floats]:
    """Prices at the opening, and their changes by each day's step of level and log-variance.

    Both in units of 10^-price_scale; shapes (N,) and (T, N).
    """
    every, group = np.arange(len(universe)), universe.group
    day, opening = np.full(len(every), float(first)), volatility[-1]
    now = universe.prices(every, universe.level, day, opening[group])
    moved = [
        universe.prices(every, universe.level + change, day, (opening + drift)[group])
        for change, drift in zip(step, np.diff(volatility, axis=0), strict=True)
    ]
    return now, np.array(moved) - now
