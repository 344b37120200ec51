"""Does a VaR model hold over many days: of a generated market, or of a file of P&L and VaR.

    P&L of day t against the VaR of day t - 1 -> exceptions -> Kupiec, Christoffersen, traffic light
    P&L of the model against that by full revaluation -> attribution

All of it is in udfs/risk: `forecasts`, `backtests`, `pla`, `attribution` take arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import stats

from deploy.risk.made import CENTS, Days, made
from udfs.risk.attribution import components
from udfs.risk.backtests import (
    Coverage,
    Exceptions,
    Light,
    Test,
    christoffersen,
    exceptions,
    kupiec,
    multiplier_mar32,
    traffic_light,
)
from udfs.risk.forecasts import MODELS, Model, forecast, volatility
from udfs.risk.pla import Attribution, attribution
from udfs.risk.scenarios import scenario_set, vector
from udfs.risk.whole import PPM, Floats, Ints

JUDGED, WINDOW = 750, 500
LEVEL = 0.05
YEAR = 250
"""Days of the zones that have a multiplier."""
Valuation = Literal["full", "delta-gamma"]


@dataclass(frozen=True)
class Line:
    """What was lost and what could have been, T + 1 days; day 0 gives the first VaR only.

    Attributes:
        days: Days since the epoch.
        pnl: Hypothetical P&L, whole units; NaN where it is missing.
        var: VaR at the end of each day for the next one; NaN where it is missing.
        model: P&L by the risk model; None if it is not known.
    """

    days: Ints
    pnl: Floats
    var: Floats
    model: Floats | None


@dataclass(frozen=True)
class Verdict:
    """How a model did.

    Attributes:
        name: Of the model.
        found: The exceptions.
        expected: How many there are on average if it is right.
        low, high: Central 95 % of the binomial distribution of them, inclusive.
        number: Kupiec's test.
        order: Christoffersen's.
        light: The zone over all days.
        lately: Exceptions in the last 250 days, None where there are fewer days.
        multiplier: By MAR32 for these; None if there are not 250 days, or not at 99 %.
    """

    name: str
    found: Exceptions
    expected: float
    low: int
    high: int
    number: Test
    order: Coverage
    light: Light
    lately: int | None
    multiplier: float | None

    @property
    def holds(self) -> bool:
        """Whether the number of exceptions is one that a right model has."""
        return self.low <= self.found.count <= self.high


@dataclass(frozen=True)
class Backtest:
    """One or several models over the same days.

    Attributes:
        title: Of what.
        unit: Of the amounts.
        tail_ppm: 1 - confidence in parts per million.
        lines: By model.
        verdicts: By model.
        attribution: Of the model's P&L against the hypothetical one; None if it is not known.
        parts: Instrument, kind and its part of ES over the last window in cents, which add up;
            empty if unknown.
        volatility: Standard deviation forecast for each of the days of a line, shape (T + 1,).
    """

    title: str
    unit: str
    tail_ppm: int
    lines: dict[str, Line]
    verdicts: dict[str, Verdict]
    attribution: Attribution | None
    parts: Sequence[tuple[str, str, int]]
    volatility: Floats


def judged(name: str, line: Line, tail_ppm: int) -> Verdict:
    """The tests of a line of P&L and VaR."""
    p = tail_ppm / PPM
    found = exceptions(line.pnl, line.var)
    low, high = (int(x) for x in stats.binom.interval(1 - LEVEL, found.days, p))
    lately = int(found.flags[-YEAR:].sum()) if found.days >= YEAR else None
    at_99 = lately is not None and tail_ppm == 10_000
    return Verdict(
        name=name,
        found=found,
        expected=found.days * p,
        low=low,
        high=high,
        number=kupiec(found.count, found.days, p, LEVEL),
        order=christoffersen(found.flags, p, LEVEL),
        light=traffic_light(found.count, found.days, p),
        lately=lately,
        multiplier=multiplier_mar32(lately) if at_99 and lately is not None else None,
    )


def of_market(
    seed: int,
    book: str | None = None,
    models: Sequence[Model] = MODELS,
    valuation: Valuation = "full",
    tail_ppm: int = 10_000,
    scale: float = 1.0,
    days: int = JUDGED,
    window: int = WINDOW,
) -> Backtest:
    """The models over the last days before a generated market opens.

    Args:
        seed: Of the market.
        book: One of its books; all together if None.
        models: What tells VaR.
        valuation: What they see of options: full revaluation, or delta and gamma as the job does.
        tail_ppm: 1 - confidence in parts per million.
        scale: VaR times this: 0.5 is a model with half of the volatility.
        days: Days that are judged.
        window: Days that a model looks back.

    Raises:
        UserError: There is no such book.
        ValueError: A window has no such tail.
    """
    held = made(seed, window + days, book)
    title = f"seed {seed}, {book or 'firm'}"
    return of_days(held, models, valuation, tail_ppm, scale, window, title)


def of_days(
    held: Days,
    models: Sequence[Model],
    valuation: Valuation,
    tail_ppm: int,
    scale: float,
    window: int,
    title: str,
) -> Backtest:
    """`of_market` for days that are there already."""
    full, model = held.full.sum(axis=0), held.model.sum(axis=0)
    seen = full if valuation == "full" else model
    lines: dict[str, Line] = {}
    for name in models:
        var = np.rint(forecast(seen, name, window, tail_ppm) * scale)
        part = slice(window - 1, None)
        lines[name] = Line(
            held.days[part], full[part] / CENTS, var[part] / CENTS, model[part] / CENTS
        )
    return Backtest(
        title=f"generated market, {title}, valuation {valuation}"
        + ("" if scale == 1.0 else f", VaR times {scale:g}"),
        unit="EUR",
        tail_ppm=tail_ppm,
        lines=lines,
        verdicts={name: judged(name, line, tail_ppm) for name, line in lines.items()},
        attribution=attribution(model[window:], full[window:]),
        parts=_parts(held, valuation, tail_ppm, window),
        volatility=volatility(seen, window)[window - 1 : -1] / CENTS,
    )


def of_line(title: str, line: Line, tail_ppm: int) -> Backtest:
    """A backtest of P&L and VaR that somebody else told."""
    known = np.where(np.isfinite(line.pnl), line.pnl, 0.0)
    name = "as given"
    pla = None if line.model is None else attribution(line.model[1:], line.pnl[1:])
    return Backtest(
        title=title,
        unit="as in the file",
        tail_ppm=tail_ppm,
        lines={name: line},
        verdicts={name: judged(name, line, tail_ppm)},
        attribution=pla,
        parts=(),
        volatility=volatility(known, min(len(known), WINDOW))[:-1],
    )


def summary(found: Backtest) -> dict[str, Any]:
    """The verdicts as JSON."""
    pla = found.attribution
    return {
        "of": found.title,
        "tail_ppm": found.tail_ppm,
        "models": [_told(one) for one in found.verdicts.values()],
        "attribution": None
        if pla is None
        else {
            "spearman": _number(pla.spearman),
            "ks": _number(pla.ks),
            "zone": pla.zone,
            "days": pla.days,
            "missing": len(pla.missing),
        },
    }


def _told(one: Verdict) -> dict[str, Any]:
    return {
        "model": one.name,
        "days": one.found.days,
        "exceptions": one.found.count,
        "missing": len(one.found.missing),
        "expected": round(one.expected, 2),
        "range": [one.low, one.high],
        "holds": one.holds,
        "kupiec": _test(one.number),
        "independence": _test(one.order.independence),
        "joint": _test(one.order.joint),
        "zone": one.light.zone,
        "last_250_days": one.lately,
        "multiplier": one.multiplier,
    }


def _test(one: Test) -> dict[str, Any]:
    return {
        "statistic": round(one.statistic, 4),
        "p_value": round(one.p_value, 4),
        "rejected": one.rejected,
    }


def _number(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


def _parts(
    held: Days, valuation: Valuation, tail_ppm: int, window: int
) -> list[tuple[str, str, int]]:
    """Instrument, kind and part of ES over the last window, greatest first."""
    pnl = (held.full if valuation == "full" else held.model)[:, -window:]
    found = scenario_set(held.isins, pnl)
    book = vector(found, np.ones(len(held.isins), dtype=np.int64))
    parts = components(book, found, tail_ppm).es
    rows = zip(held.isins, held.kinds, parts, strict=True)
    return sorted(rows, key=lambda row: (-abs(row[2]), row[0]))
