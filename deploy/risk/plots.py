"""Plots of a backtest as SVG text: equal numbers give equal bytes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from deploy.reports.plots import COLOURS, axes, svg
from deploy.risk.backtest import Backtest, Verdict
from udfs.risk.whole import Floats, Ints

_GOOD, _BAND, _BAD = COLOURS[0], COLOURS[1], COLOURS[7]
_DAYS = "datetime64[D]"
SHOWN = 12
"""Instruments that have a bar of their own."""


def band(found: Backtest, name: str, verdict: Verdict) -> str:
    """P&L by day, VaR of the day before below it, and the exceptions."""
    line = found.lines[name]
    days = line.days[1:].astype(_DAYS)
    figure, plot = axes(f"P&L, VaR {_confidence(found)} of {name}, exceptions")
    plot.bar(days, line.pnl[1:], width=1.0, color=_GOOD, label="P&L")
    plot.plot(days, -line.var[:-1], color=_BAND, linewidth=0.9, label="- VaR of the day before")
    hit = verdict.found.flags
    low = np.where(np.isfinite(line.pnl[1:]), line.pnl[1:], 0.0)
    plot.plot(
        days[hit], low[hit], linestyle="", marker="v", markersize=4, color=_BAD, label="exception"
    )
    plot.set_ylabel(found.unit, fontsize=7)
    plot.legend(fontsize=7, frameon=False, loc="upper left", ncols=3)
    return svg(figure)


def parts(found: Backtest) -> str:
    """The part of each instrument in ES, greatest first; the rest as one. Empty if unknown."""
    rows = list(found.parts)
    if not rows:
        return ""
    shown = [(f"{isin} {kind}", part) for isin, kind, part in rows[:SHOWN]]
    if rest := rows[SHOWN:]:
        shown.append((f"{len(rest)} others", sum(part for *_, part in rest)))
    figure, plot = axes(f"Components of ES {_confidence(found)} over the last days: they add up")
    values = [part / 100 for _, part in shown]
    plot.barh(range(len(shown)), values, color=[_BAND if v > 0 else _GOOD for v in values])
    plot.set_yticks(range(len(shown)), [name for name, _ in shown])
    plot.invert_yaxis()
    plot.set_xlabel(f"{found.unit}; left of 0 it hedges", fontsize=7)
    return svg(figure)


def volatility(days: Ints, deviation: Floats, pnl: Floats, unit: str) -> str:
    """The volatility forecast for each day against the size of its P&L."""
    figure, plot = axes("Volatility forecast for each day, and the size of its P&L")
    when = days.astype(_DAYS)
    plot.plot(when, np.abs(pnl), linestyle="", marker=".", markersize=2, color=_GOOD, label="|P&L|")
    plot.plot(when, deviation, color=_BAND, linewidth=1.0, label="volatility (EWMA)")
    plot.set_ylabel(unit, fontsize=7)
    plot.legend(fontsize=7, frameon=False, loc="upper left", ncols=2)
    return svg(figure)


def _confidence(found: Backtest) -> str:
    return f"{100 - found.tail_ppm / 10_000:g} %"


def every(found: Backtest) -> Sequence[tuple[str, Any]]:
    """The plots of a report with their headings."""
    first = next(iter(found.lines.values()))
    drawn = [(f"{name}", band(found, name, found.verdicts[name])) for name in found.lines]
    told = volatility(first.days[1:], found.volatility[1:], first.pnl[1:], found.unit)
    return [*drawn, ("VaR by component", parts(found)), ("Volatility", told)]
