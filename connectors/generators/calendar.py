"""When business is done: shares of a day's or a week's business turned into moments.

A curve is the cumulated share of business at given moments; its inverse turns an even share into a
time, so that n units fall into each interval in proportion to the curve and in rising order.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from connectors.generators.arrays import Floats, Ints
from connectors.generators.feed import DAY, SECOND, midnight

OPENING = 8 * 3_600 * SECOND
CLOSING = 16 * 3_600 * SECOND + 1_800 * SECOND
_HOUR = 3_600 * SECOND
_DIP = 0.4
"""Intensity at the middle of the trading day, where 1 is the day's average."""
PAYMENT_HOURS = np.array(
    [2, 1, 1, 1, 2, 6, 14, 26, 44, 58, 62, 70, 86, 74, 60, 58, 62, 74, 82, 70, 48, 28, 14, 6],
    dtype=np.float64,
)
"""Payments of each hour of a day, UTC, in relative numbers."""
PAYMENT_WEEK = np.array([1.0, 0.95, 0.97, 1.05, 1.25, 0.8, 0.45])
"""Payments of each weekday from Monday, in relative numbers."""


@dataclass(frozen=True)
class Burst:
    """A while of each trading day in which so many times as much happens.

    Attributes:
        times: How many times the usual intensity; the rest of the day has that much less.
        begin: First moment, microseconds after midnight UTC.
        length: How long it lasts, microseconds.
    """

    times: float = 10.0
    begin: int = 12 * 3_600 * SECOND
    length: int = 600 * SECOND

    def __post_init__(self) -> None:
        """Refuse what does not fit into a trading day."""
        if not 1.0 <= self.times <= 1_000.0 or self.length < 1:
            raise ValueError(f"a burst of {self.times:g} times: 1 to 1000 for a while are asked")
        if not OPENING <= self.begin < self.begin + self.length <= CLOSING:
            raise ValueError("a burst must lie between 08:00 and 16:30 UTC")


class TradingDays:
    """Business days from `first` on, each from 08:00 to 16:30 UTC, busy at both ends.

    Intensity over a day with x from 0 to 1: d + 3 (1 - d) (2x - 1)^2, mean 1, d at the middle; in a
    burst so many times that.
    """

    def __init__(self, first: date, days: int, burst: Burst | None = None) -> None:
        """Take `days` business days, the first one on or after `first`."""
        start = np.busday_offset(np.datetime64(first, "D"), 0, roll="forward")
        self.days = (
            np.busday_offset(start, np.arange(days)).astype("datetime64[D]").astype(np.int64)
        )
        self.start = int(self.days[0]) * DAY + OPENING
        self.end = int(self.days[-1]) * DAY + CLOSING
        x = np.linspace(0.0, 1.0, 2_049)
        if burst is not None:
            edges = np.array([burst.begin, burst.begin + burst.length])
            edges = (edges - OPENING) / (CLOSING - OPENING)
            x = np.union1d(x, edges)
        self._at = OPENING + x * (CLOSING - OPENING)
        self._share = _done(x)
        if burst is not None:
            inside = _done(np.clip(x, *edges)) - _done(edges[0])
            self._share = (self._share + (burst.times - 1.0) * inside) / (
                1.0 + (burst.times - 1.0) * inside[-1]
            )

    def times(self, fractions: Floats) -> Ints:
        """Moments at which these shares of all business are done, microseconds UTC."""
        scaled = fractions * len(self.days)
        day = np.minimum(scaled.astype(np.int64), len(self.days) - 1)
        moments = np.interp(scaled - day, self._share, self._at).astype(np.int64)
        times: Ints = self.days[day] * DAY + np.minimum(moments, CLOSING - 1)
        return times


def _done(x: Floats) -> Floats:
    """Share of a usual trading day's business that is done when a share of its time is over."""
    done: Floats = _DIP * x + (1.0 - _DIP) * ((2.0 * x - 1.0) ** 3 + 1.0) / 2.0
    return done


class PaymentDays:
    """Calendar days from `first` on: quiet nights, busy noons and evenings, slow weekends."""

    def __init__(self, first: date, days: int) -> None:
        """Take `days` calendar days from midnight UTC."""
        self.start = midnight(first)
        self.end = self.start + days * DAY
        weekdays = (first.weekday() + np.arange(days)) % 7
        weights = (PAYMENT_WEEK[weekdays][:, None] * PAYMENT_HOURS[None, :]).ravel()
        self._share = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
        self._at = np.arange(days * 24 + 1, dtype=np.float64) * _HOUR

    def times(self, fractions: Floats) -> Ints:
        """Moments at which these shares of all business are done, microseconds UTC."""
        moments = np.interp(fractions, self._share, self._at).astype(np.int64)
        return self.start + np.minimum(moments, self.end - self.start - 1)
