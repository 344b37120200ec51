"""750 days of a generated market: the right model passes, wrong ones are told by what is wrong."""

import numpy as np
import pytest
from scipy import stats

from connectors.generators import Amount, MarketWorld
from connectors.generators.market.factors import CURRENCY
from udfs.risk.backtests import christoffersen, exceptions, kupiec

SEEDS = (1, 2, 3)
TAIL = 0.05


@pytest.fixture(scope="module", params=SEEDS)
def book(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """P&L of one unit of each currency on each day, and its true deviation on the next one."""
    world = MarketWorld(request.param, amount=Amount(1))
    factors, past = world.universe.factors, world.past
    held = (factors.group == CURRENCY).astype(np.float64)
    spread = np.linalg.norm((held * factors.sd) @ factors.root)
    return past.factors.returns @ held, spread * np.exp(past.volatility[1:, CURRENCY] / 2.0)


def test_a_model_that_knows_the_volatility_passes(book: tuple[np.ndarray, np.ndarray]) -> None:
    """Jumps, 9 a year of 1.5 % against 3.4 % a day, are too few and too small to tell."""
    pnl, deviation = book
    found = exceptions(pnl, stats.norm.isf(TAIL) * deviation)
    assert found.days == 749
    assert not kupiec(found.count, found.days, TAIL, level=0.01).rejected
    assert not christoffersen(found.flags, TAIL, level=0.01).joint.rejected


def test_a_model_with_too_little_volatility_is_rejected(
    book: tuple[np.ndarray, np.ndarray],
) -> None:
    pnl, deviation = book
    found = exceptions(pnl, 0.7 * stats.norm.isf(TAIL) * deviation)
    assert kupiec(found.count, found.days, TAIL).rejected
    assert christoffersen(found.flags, TAIL).joint.rejected


def test_a_model_that_is_a_day_late_still_passes_and_one_for_no_day_does_not(
    book: tuple[np.ndarray, np.ndarray],
) -> None:
    """Volatility moves slowly, so yesterday's serves; a constant one of half the mean does not."""
    pnl, deviation = book
    late = exceptions(pnl[1:], stats.norm.isf(TAIL) * deviation[:-1])
    assert not kupiec(late.count, late.days, TAIL, level=0.01).rejected
    flat = exceptions(pnl, np.full(len(pnl), 0.5 * stats.norm.isf(TAIL) * deviation.mean()))
    assert kupiec(flat.count, flat.days, TAIL).rejected
