"""VaR of each day for the next one from the days before it, by several models: for backtests.

    historical           the tail of the window's P&L
    age-weighted         the same with weights that fall with age
    volatility-scaled    the window's P&L brought to the volatility forecast for the next day
    normal               that volatility times the normal quantile
    monte-carlo          draws with the weighted variance of the window, as of published sets

P&L is what the positions of today would have made on each day; the model sees a day only after it.
Volatility is EWMA; its start value is the mean square of the first window, before which nothing is
forecast.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from udfs.risk import ewma, tails
from udfs.risk.montecarlo import plain
from udfs.risk.whole import PPM, Floats, whole

Model = Literal["historical", "age-weighted", "volatility-scaled", "normal", "monte-carlo"]
MODELS: tuple[Model, ...] = get_args(Model)
DRAWS = 5_000
_DECAY = 0.995
"""Of ages, as in Hull's example; that of volatility is `ewma.DAILY`."""


def forecast(
    pnl: ArrayLike,
    model: Model,
    window: int,
    tail_ppm: int = 10_000,
    seed: int = 0,
) -> Floats:
    """VaR at the end of each day for the next one; NaN until a window is full.

    Args:
        pnl: Shape (n,): P&L in whole units, oldest first; a loss is negative.
        model: How VaR is told.
        window: Days that the model looks back.
        tail_ppm: 1 - confidence in parts per million.
        seed: Of the draws of monte-carlo.

    Returns:
        Shape (n,), whole units, as `backtests.exceptions` takes it.

    Raises:
        ValueError: The window is longer than the history, too short for the tail, the model is
            unknown, or a P&L is not finite.
    """
    days = np.asarray(pnl, dtype=np.float64)
    if not np.isfinite(days).all():
        raise ValueError("a P&L is not finite: say what is missing and leave the day out")
    if not 2 <= window <= days.size:
        raise ValueError(f"a window of {window} days in a history of {days.size}")
    if window * tail_ppm < PPM:
        raise ValueError(f"{window} days have no tail of {tail_ppm} ppm: take a longer window")
    if model not in MODELS:
        raise ValueError(f"there is no model {model}; there are: {', '.join(MODELS)}")
    sigma = volatility(days, window)
    windows = np.lib.stride_tricks.sliding_window_view(days, window)
    found = np.full(days.size, np.nan)
    found[window - 1 :] = (
        _drawn(windows, tail_ppm, seed)
        if model == "monte-carlo"
        else [
            _told(model, past, sigma[end - window + 1 : end + 2], tail_ppm)
            for end, past in enumerate(windows, start=window - 1)
        ]
    )
    return found


def volatility(pnl: ArrayLike, window: int, decay: float = ewma.DAILY) -> Floats:
    """Standard deviation forecast for each day, and for the one after the last, shape (n + 1,).

    EWMA of the P&L with a mean of zero, started with the mean square of the first `window` days:
    the forecasts for these have seen them.
    """
    days = np.asarray(pnl, dtype=np.float64)
    start = float(np.mean(days[:window] ** 2))
    deviation: Floats = np.sqrt(ewma.variances(days, decay, start).values[:, 0])
    return deviation


def _told(model: Model, past: Floats, sigma: Floats, tail_ppm: int) -> float:
    """VaR of one window; `sigma` has a value for each of its days and the one to come."""
    if model == "normal":
        return float(np.rint(-ndtri(tail_ppm / PPM) * sigma[-1]))
    if model == "historical":
        tail = tails.historical(past, tail_ppm)
    elif model == "age-weighted":
        tail = tails.age_weighted(past, tail_ppm, _DECAY)
    else:
        tail = tails.volatility_scaled_tail(past, sigma[:-1], float(sigma[-1]), tail_ppm)
    return np.nan if tail.var is None else float(tail.var)


def _drawn(windows: Floats, tail_ppm: int, seed: int) -> list[float]:
    """VaR of each window by the same draws: sum over days of sqrt(weight) P&L z."""
    size = windows.shape[1]
    root = np.sqrt(tails.age_weights(size, _DECAY) / tails.WEIGHT_UNIT)
    draws = plain(DRAWS, size, seed) * root
    found = []
    for part in np.array_split(windows, -(-len(windows) // 250)):
        pnl = whole(part @ draws.T)
        found += [float(tails.historical(row, tail_ppm).var or 0) for row in pnl]
    return found
