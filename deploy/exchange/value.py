"""What an instrument is worth from moment to moment, and how trading moves what is believed of it.

The value is a random walk whose volatility is itself random and persistent, so that returns come in
clusters and with fat tails; the belief adds a trace of each trade, which fades.
"""

import numpy as np

from connectors.generators.arrays import Floats
from connectors.generators.feed import SECOND

STEP = 5 * SECOND
_PERSISTENCE = 0.9985
_ROUGH = 0.9
"""Standard deviation of the logarithm of volatility in the long run."""
_FADE = 1.0 / (600.0 * SECOND)
"""A trade's trace is down to 37 % after ten minutes."""


def day_path(
    rng: np.random.Generator, volatility: float, length: int, news: list[tuple[int, float]]
) -> Floats:
    """Logarithm of the value against the day's start, a row each `STEP`; shape (steps + 1,).

    Args:
        rng: Where it is drawn from.
        volatility: Standard deviation of a day's return.
        length: Microseconds from start to end.
        news: Moments after the start and the jumps that come with them.
    """
    steps = length // STEP + 1
    noise, shocks = rng.standard_normal(steps), rng.standard_normal(steps)
    h = np.empty(steps)
    last = _ROUGH * float(rng.standard_normal())
    spread = _ROUGH * np.sqrt(1.0 - _PERSISTENCE**2)
    for i in range(steps):
        last = _PERSISTENCE * last + spread * noise[i]
        h[i] = last
    moves = volatility / np.sqrt(steps) * np.exp(h - _ROUGH**2) * shocks
    for at, jump in news:
        moves[min(at // STEP, steps - 1)] += jump
    path: Floats = np.concatenate([[0.0], np.cumsum(moves)])
    return path


class Belief:
    """What traders hold an instrument worth, price units; one for all its venues."""

    __slots__ = ("_day", "_log", "_start", "_trace", "_traced", "base", "direction", "size", "tick")

    def __init__(self, price: int, tick: int, size: int, direction: int) -> None:
        """Begin at a price."""
        self.base, self.tick, self.size, self.direction = float(price), tick, size, direction
        self._log = [0.0]
        self._start = self._day = self._traced = 0
        self._trace = 0.0

    def begin(self, start: int, path: Floats) -> None:
        """A day begins: its value comes from `path`, `STEP` apart from `start` on."""
        self.base *= float(np.exp(self._log[-1] * self.direction))
        self._log, self._start = path.tolist(), start

    def at(self, time: int) -> float:
        """The belief at a moment, price units."""
        place = (time - self._start) // STEP
        place = 0 if place < 0 else min(place, len(self._log) - 1)
        worth = self.base * (1.0 + self._log[place] * self.direction)
        return worth + self._faded(time)

    def traded(self, time: int, signed: int) -> None:
        """A trade was forced by a buyer (`signed` pieces > 0) or a seller (< 0)."""
        size = min(abs(signed) / self.size, 6.0) ** 0.5
        trace = self._faded(time) + 0.8 * self.tick * (size if signed > 0 else -size)
        self._trace, self._traced = trace, time

    def _faded(self, time: int) -> float:
        return self._trace * float(np.exp(-(time - self._traced) * _FADE))
