"""VaR of each day from the days before: by hand, without a look ahead, right and wrong models."""

from functools import cache

import numpy as np
import pytest
from scipy import stats

from deploy.risk.backtest import JUDGED, WINDOW, Line, judged, of_days
from deploy.risk.made import Days, made
from udfs.risk.forecasts import MODELS, forecast, volatility


@cache
def firm_of(seed: int) -> Days:
    """All positions of a generated firm on 1,250 days."""
    return made(seed, WINDOW + JUDGED)


@pytest.fixture(params=[1, 2])
def firm(request: pytest.FixtureRequest) -> Days:
    return firm_of(request.param)


def test_a_right_model_holds_over_750_days_and_half_its_volatility_does_not(firm: Days) -> None:
    """P&L has jumps and a volatility that moves; the model sees it by full revaluation."""
    right = of_days(firm, ["volatility-scaled"], "full", 10_000, 1.0, WINDOW, "")
    one = right.verdicts["volatility-scaled"]
    assert one.found.days == 750
    # binomial(750, 0.01): central 95 %
    assert (one.low, one.high) == (3, 13)
    assert one.low <= one.found.count <= one.high
    assert one.holds
    assert not one.number.rejected
    assert one.light.zone == "green"
    wrong = of_days(firm, ["volatility-scaled"], "full", 10_000, 0.5, WINDOW, "")
    other = wrong.verdicts["volatility-scaled"]
    assert not other.holds
    assert other.number.p_value < 1e-9
    assert other.light.zone == "red"
    assert other.multiplier == 2.0


def test_parts_of_es_add_up_and_both_p_and_ls_agree_but_for_options(firm: Days) -> None:
    found = of_days(firm, ["historical"], "full", 10_000, 1.0, WINDOW, "")
    window = firm.full.sum(axis=0)[-WINDOW:]
    worst = np.sort(-window)[::-1][:5]  # 500 days at 99 %
    assert sum(part for *_, part in found.parts) == round(worst.mean())
    plain = np.array(firm.kinds) != "OPTION"
    # what is no option differs by the rounding of prices to whole units only
    gap = np.abs(firm.full[plain] - firm.model[plain]).sum(axis=0)
    assert (gap < 0.01 * np.abs(firm.full[plain]).sum(axis=0)).all()
    assert np.abs(firm.full - firm.model)[~plain].sum() > 0


def test_a_book_without_vega_in_its_model_is_found_out() -> None:
    """Seed 2 is long and short much volatility: a model by delta and gamma has far too many
    exceptions when it scales by a volatility that it sees a part of only."""
    found = of_days(firm_of(2), ["volatility-scaled"], "delta-gamma", 10_000, 1.0, WINDOW, "")
    assert not found.verdicts["volatility-scaled"].holds
    assert found.attribution is not None
    assert found.attribution.zone == "amber"


def test_every_model_by_hand_on_a_short_window() -> None:
    """100 days, losses 1 to 100 in a known order; 99 % of 100 days is the largest loss."""
    pnl = -np.roll(np.arange(1.0, 101.0), 40)
    assert forecast(pnl, "historical", 100)[-1] == 100
    assert forecast(pnl, "historical", 100, 50_000)[-1] == 96
    weights = 0.995 ** np.arange(99, -1, -1)
    weights /= weights.sum()
    order = np.argsort(pnl)
    reached = np.searchsorted(np.cumsum(weights[order]), 0.05)
    assert forecast(pnl, "age-weighted", 100, 50_000)[-1] == -pnl[order][reached]
    start = np.mean(pnl**2)
    path = [start]
    for value in pnl:
        path.append(0.94 * path[-1] + 0.06 * value**2)
    sigma = np.sqrt(path)
    assert volatility(pnl, 100) == pytest.approx(sigma, rel=1e-12)
    assert forecast(pnl, "normal", 100)[-1] == round(2.3263478740408408 * sigma[-1])
    scaled = np.rint(pnl * sigma[-1] / sigma[:-1])
    assert forecast(pnl, "volatility-scaled", 100)[-1] == -scaled.min()


def test_draws_have_the_weighted_variance_of_the_window() -> None:
    pnl = 1e6 * np.random.default_rng(3).standard_normal(300)
    weights = 0.995 ** np.arange(299, -1, -1)
    deviation = np.sqrt((weights / weights.sum()) @ pnl**2)
    found = forecast(pnl, "monte-carlo", 300, seed=5)[-1]
    closed = stats.norm.isf(0.01) * deviation
    error = np.sqrt(0.01 * 0.99 / 5_000) / stats.norm.pdf(stats.norm.isf(0.01)) * deviation
    assert abs(found - closed) < 3 * error


@pytest.mark.parametrize("model", MODELS)
def test_nothing_looks_ahead(model: str) -> None:
    """What comes after a day changes no VaR up to it, and a full window is asked."""
    rng = np.random.default_rng(1)
    pnl = np.rint(1_000 * rng.standard_normal(130))
    other = pnl.copy()
    other[120:] *= 10
    found, changed = (forecast(days, model, 100) for days in (pnl, other))
    assert np.isnan(found[:99]).all()
    assert np.isfinite(found[99:]).all()
    assert np.array_equal(found[99:120], changed[99:120])
    assert not np.array_equal(found[120:], changed[120:])


@pytest.mark.parametrize(
    ("pnl", "window", "says"),
    [
        ([1.0, np.nan, 2.0], 2, "not finite"),
        ([1.0, 2.0], 3, "a window of 3 days in a history of 2"),
        (np.zeros(200), 99, "99 days have no tail of 10000 ppm"),
    ],
)
def test_what_cannot_be_forecast_is_refused(pnl, window, says) -> None:
    with pytest.raises(ValueError, match=says):
        forecast(pnl, "historical", window)


def test_a_day_that_cannot_be_judged_counts_and_is_named() -> None:
    line = Line(
        np.arange(4), np.array([0.0, -5.0, np.nan, -2.0]), np.array([4.0, 9.0, 3.0, 1.0]), None
    )
    one = judged("x", line, 10_000)
    assert (one.found.count, one.found.missing.tolist(), one.lately) == (2, [1], None)
