"""Does a VaR model hold: exceptions, their number, their order, its zone.

    flags  = exceptions(pnl, var)              day t against the VaR of day t - 1, strict
    kupiec(flags.count, flags.days, 0.01)      are there too many or too few of them
    christoffersen(flags.flags, 0.01)          do they come in clusters; both questions at once
    traffic_light(flags.count, flags.days, 0.01), multiplier_1996, multiplier_mar32

Whether the model's P&L is that of the desk is asked in `udfs.risk.pla`.
Statistics are floats and leave as such; counts and zones are exact. 0 ln 0 is 0 throughout.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

Flags = NDArray[np.bool_]
Zone = Literal["green", "yellow", "red"]

YELLOW_FROM, RED_FROM = 0.95, 0.9999
"""A zone begins with the least number of exceptions whose cumulative probability reaches this."""
_PLUS_1996 = (0.40, 0.50, 0.65, 0.75, 0.85)
_MAR32 = (1.70, 1.76, 1.83, 1.88, 1.92)
DESK_MOST = {0.01: 12, 0.025: 30}
"""Exceptions in 250 days that a desk may have, by tail probability: MAR32."""


@dataclass(frozen=True)
class Exceptions:
    """The days on which the loss was greater than the VaR of the day before.

    Attributes:
        flags: Whether each day is an exception, shape (days,); day 0 is the second one given.
        count: Exceptions, days that cannot be judged included.
        missing: Days that cannot be judged, for P&L or VaR is NaN or infinite: they count as
            exceptions, as the Basel standard MAR32 has it, and here they are named.
    """

    flags: Flags
    count: int
    missing: NDArray[np.int64]

    @property
    def days(self) -> int:
        """Days that were judged, one less than were given."""
        return len(self.flags)


@dataclass(frozen=True)
class Test:
    """A likelihood ratio and what follows from it.

    Attributes:
        statistic: -2 ln of the ratio, at least 0.
        p_value: Chance of a greater one if the model is right.
        rejected: Whether that is less than `level`.
        level: Chance to reject a model that is right.
    """

    __test__ = False

    statistic: float
    p_value: float
    rejected: bool
    level: float


@dataclass(frozen=True)
class Coverage:
    """Christoffersen's tests.

    Attributes:
        transitions: n00, n01, n10, n11: days by whether the day before (first digit) and the day
            itself (second digit) is an exception.
        independence: Whether exceptions follow on exceptions, 1 degree of freedom.
        joint: Number and independence together, 2 degrees of freedom.
    """

    transitions: tuple[int, int, int, int]
    independence: Test
    joint: Test


@dataclass(frozen=True)
class Light:
    """The zone of a number of exceptions.

    Attributes:
        zone: green, yellow or red.
        cumulative: P(X <= exceptions) of the binomial distribution.
        yellow, red: Least number of exceptions of the zone.
    """

    zone: Zone
    cumulative: float
    yellow: int
    red: int


def exceptions(pnl: ArrayLike, var: ArrayLike) -> Exceptions:
    """The days whose loss is greater than the VaR of the day before, strictly.

    Args:
        pnl: P&L of each day, actual or hypothetical, shape (n,); a loss is negative.
        var: VaR at the end of each day for the next one, shape (n,), same unit; a loss is positive.

    Raises:
        ValueError: Lengths differ, or fewer than two days are given.
    """
    gain, limit = np.asarray(pnl), np.asarray(var)
    if gain.ndim != 1 or gain.shape != limit.shape or len(gain) < 2:
        raise ValueError(f"P&L of {gain.shape} and VaR of {limit.shape}: two equal rows are asked")
    known = np.isfinite(gain[1:]) & np.isfinite(limit[:-1])
    flags: Flags = ~known | (-gain[1:] > limit[:-1])
    return Exceptions(flags, int(flags.sum()), np.flatnonzero(~known))


def worse(actual: Exceptions, hypothetical: Exceptions) -> Exceptions:
    """The one with more exceptions, which counts: MAR32.5. Actual P&L if both have as many."""
    return hypothetical if hypothetical.count > actual.count else actual


def kupiec(count: int, days: int, p: float, level: float = 0.05) -> Test:
    """Is the number of exceptions that of a right model: proportion of failures, chi2(1).

    -2 ln[(1 - p)^(n - x) p^x / ((1 - x/n)^(n - x) (x/n)^x)]. Kupiec (1995), Techniques for
    verifying the accuracy of risk measurement models, Journal of Derivatives 3(2), 73-84.

    Args:
        count: Exceptions x.
        days: Days n.
        p: Chance of an exception if the model is right, e.g. 0.01.
        level: Chance to reject a model that is right.
    """
    _require(count, days, p)
    ratio = _likelihood(days - count, count, count / days) - _likelihood(days - count, count, p)
    return _judged(2.0 * ratio, 1, level)


def not_rejected(days: int, p: float, level: float = 0.05) -> tuple[int, int]:
    """Least and greatest number of exceptions that `kupiec` does not reject.

    Raises:
        ValueError: Every number is rejected.
    """
    passed = [x for x in range(days + 1) if not kupiec(x, days, p, level).rejected]
    if not passed:
        raise ValueError(f"any number of exceptions in {days} days is rejected at p = {p}")
    return passed[0], passed[-1]


def christoffersen(flags: ArrayLike, p: float, level: float = 0.05) -> Coverage:
    """Do exceptions come in clusters, and is their number right too.

    -2 ln[L(pi) / L(pi01, pi11)] over the n - 1 transitions, chi2(1); joint with the proportion of
    failures over all n days, chi2(2). Christoffersen (1998), Evaluating interval forecasts,
    International Economic Review 39, 841-862.

    Args:
        flags: Whether each day is an exception, in order, shape (n,).
        p: Chance of an exception if the model is right.
        level: Chance to reject a model that is right, of each test.

    Raises:
        ValueError: There are fewer than two days.
    """
    hit = np.asarray(flags, dtype=bool)
    if hit.ndim != 1 or len(hit) < 2:
        raise ValueError(f"{hit.shape} flags: a row of at least two days is asked")
    n00, n01, n10, n11 = np.bincount(2 * hit[:-1] + hit[1:], minlength=4).tolist()
    apart = _likelihood(n00, n01, _share(n01, n00)) + _likelihood(n10, n11, _share(n11, n10))
    after = n01 + n11
    alike = _likelihood(n00 + n10, after, _share(after, n00 + n10))
    ratio = max(2.0 * (apart - alike), 0.0)
    number = kupiec(int(hit.sum()), len(hit), p, level)
    return Coverage(
        (n00, n01, n10, n11),
        _judged(ratio, 1, level),
        _judged(ratio + number.statistic, 2, level),
    )


def traffic_light(count: int, days: int = 250, p: float = 0.01) -> Light:
    """The Basel zone of a number of exceptions, for any number of days and any tail.

    Yellow begins where P(X <= x) of the binomial distribution reaches 95 %, red where it reaches
    99.99 %. Basel Committee, Supervisory framework for the use of backtesting (January 1996),
    table 2; with 250 days at 99 %: 5 and 10.
    """
    _require(count, days, p)
    reached = stats.binom.cdf(np.arange(days + 1), days, p)
    yellow, red = (int(np.searchsorted(reached, least)) for least in (YELLOW_FROM, RED_FROM))
    zone: Zone = "red" if count >= red else "yellow" if count >= yellow else "green"
    return Light(zone, float(reached[count]), yellow, red)


def multiplier_1996(count: int) -> float:
    """The multiplier after that many exceptions in 250 days at 99 %: 3 to 4 (Basel, 1996)."""
    return 3.0 + _by_count(count, 0.0, _PLUS_1996, 1.0)


def multiplier_mar32(count: int) -> float:
    """The multiplier after that many exceptions in 250 days at 99 %: 1.50 to 2 (MAR32.9)."""
    return _by_count(count, 1.50, _MAR32, 2.0)


def desk_passes(at_99: int, at_975: int) -> bool:
    """Whether a desk stays in the internal model: at most 12 and 30 exceptions in 250 days.

    Args:
        at_99: Exceptions at 99 %, the greater of actual and hypothetical.
        at_975: Exceptions at 97.5 %.
    """
    return at_99 <= DESK_MOST[0.01] and at_975 <= DESK_MOST[0.025]


def _require(count: int, days: int, p: float) -> None:
    if days < 1 or not 0 <= count <= days or not 0.0 < p < 1.0:
        raise ValueError(f"{count} exceptions in {days} days at p = {p}: none such are possible")


def _share(hits: int, others: int) -> float:
    return hits / (hits + others) if hits + others else 0.0


def _likelihood(others: int, hits: int, p: float) -> Any:
    """ln[(1 - p)^others p^hits]."""
    return special.xlog1py(others, -p) + special.xlogy(hits, p)


def _judged(statistic: float, freedom: int, level: float) -> Test:
    ratio = max(float(statistic), 0.0)
    p_value = float(stats.chi2.sf(ratio, freedom))
    return Test(ratio, p_value, p_value < level, level)


def _by_count(count: int, green: float, yellow: tuple[float, ...], red: float) -> float:
    if count < 0:
        raise ValueError(f"{count} exceptions: 0 or more are asked")
    if count < 5:
        return green
    return yellow[count - 5] if count < 10 else red
