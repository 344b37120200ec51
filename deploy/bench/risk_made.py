"""What the risk bench computes on: scenarios drawn with a market's covariance, books, options."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.generators.market.world import MarketWorld
from udfs.risk import montecarlo
from udfs.risk.scenarios import ScenarioSet
from udfs.risk.whole import PPM, Floats, Ints, whole

BLOCK = 10_000
"""Scenarios drawn at once: normals of all of them would take as much memory as the set."""
_LINEAR = 375
"""The first instruments of a market that are no options: 250 equities, 80 bonds, 45 pairs."""
_MOST, _MOST_OPTION = 5_000_000, 200_000
"""Largest exposure to an instrument, to an option, in whole units of the reporting currency."""


class Options(NamedTuple):
    """European options, arrays of one shape."""

    call: NDArray[np.bool_]
    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    dividend: Floats
    volatility: Floats


def scenarios(world: MarketWorld, instruments: int, count: int) -> ScenarioSet:
    """Daily returns in ppm of the first instruments, drawn with the covariance of their 750 days.

    Args:
        world: A seeded market.
        instruments: How many; beyond 375 they are options.
        count: Scenarios, whole blocks of `BLOCK` or fewer than one.
    """
    days = world.past.instruments
    factor = montecarlo.factor(np.cov(days.returns[:, :instruments].T))
    changes = np.empty((instruments, count))
    for block, first in enumerate(range(0, count, BLOCK)):
        size = min(BLOCK, count - first)
        normals = montecarlo.plain(size, instruments, world.seed * 1_000 + block)
        drawn = montecarlo.changes(factor, normals)
        changes[:, first : first + size] = whole(np.maximum(drawn, -1.0) * PPM).T
    names = days.names[:instruments]
    return ScenarioSet(names, changes, np.zeros(instruments, dtype=np.int64))


def part(whole_set: ScenarioSet, instruments: int, count: int) -> ScenarioSet:
    """The first instruments and scenarios of a set, laid out as a set of that size is."""
    changes = np.ascontiguousarray(whole_set.changes[:instruments, :count])
    return ScenarioSet(whole_set.instruments[:instruments], changes, whole_set.gaps[:instruments])


def exposures(seed: int, books: int, instruments: int) -> Ints:
    """What books hold of each instrument, long or short, shape (books, instruments)."""
    rng = np.random.default_rng([seed, 1])
    most = np.where(np.arange(instruments) < _LINEAR, _MOST, _MOST_OPTION)
    held: Ints = rng.integers(-most, most + 1, (books, instruments))
    return held


def options(seed: int, count: int) -> Options:
    """Options around the money, of two weeks to two years, volatility 10 to 60 %."""
    rng = np.random.default_rng([seed, 2])
    spot = 100 * np.exp(0.3 * rng.standard_normal(count))
    return Options(
        call=rng.random(count) < 0.5,
        spot=spot,
        strike=spot * np.exp(0.1 * rng.standard_normal(count)),
        years=rng.uniform(14 / 365, 2.0, count),
        rate=np.full(count, 0.03),
        dividend=np.full(count, 0.01),
        volatility=rng.uniform(0.1, 0.6, count),
    )
