"""When the exchange is open, and when in a day business is done."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from connectors.generators.arrays import Ints
from connectors.generators.feed import DAY, SECOND

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
FIRST_DAY = date(2026, 3, 2)
LONGEST = 250
"""Days a simulation may have."""


@dataclass(frozen=True)
class Session:
    """The phases of a trading day, microseconds after midnight UTC.

    A call of orders, trading from `opened` on, a second call from `closing` on, the end at
    `closed`.
    """

    call: int = 7 * HOUR + 50 * MINUTE
    opened: int = 8 * HOUR
    closing: int = 16 * HOUR + 30 * MINUTE
    closed: int = 16 * HOUR + 35 * MINUTE

    @property
    def length(self) -> int:
        """Continuous trading, microseconds."""
        return self.closing - self.opened


def trading_days(first: date, days: int) -> list[int]:
    """Midnights of `days` business days, the first one on or after `first`, microseconds UTC.

    Raises:
        ValueError: So many days are not simulated.
    """
    if not 1 <= days <= LONGEST:
        raise ValueError(f"{days} days: 1 to {LONGEST} are possible")
    start = np.busday_offset(np.datetime64(first, "D"), 0, roll="forward")
    found = np.busday_offset(start, np.arange(days)).astype("datetime64[D]").astype(np.int64)
    return [int(day) * DAY for day in found]


def busy_times(rng: np.random.Generator, n: int, begin: int, length: int) -> Ints:
    """Moments of `n` arrivals in order: busy at both ends of the day, and in clusters.

    The intensity over x in [0, 1) is 0.4 + 1.8 (2x - 1)^2 (mean 1) times a log-normal factor of
    each two-minute slot that is correlated from slot to slot (0.7): activity comes in bursts, as it
    does in markets.
    """
    slots = max(1, length // (2 * MINUTE))
    x = (np.arange(slots) + 0.5) / slots
    noise = rng.standard_normal(slots)
    state = np.empty(slots)
    last = 0.0
    for slot in range(slots):
        last = 0.7 * last + 0.714 * noise[slot]
        state[slot] = last
    weight = (0.4 + 1.8 * (2.0 * x - 1.0) ** 2) * np.exp(0.6 * state)
    edges = np.concatenate([[0.0], np.cumsum(weight)])
    drawn = np.sort(rng.random(n)) * edges[-1]
    at = np.interp(drawn, edges, np.arange(slots + 1) / slots)
    times: Ints = begin + np.minimum((at * length).astype(np.int64), length - 1)
    return times
