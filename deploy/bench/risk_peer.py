"""QuantLib beside us on the same numbers: tails of the same vectors, Greeks of the same options.

Its objects are made before the clock starts. A list of Python numbers is what its statistics take,
so that loading them is part of its time; sorting is too, since a new vector has to be sorted. It
has no product over 100,000 scenarios that Python can fill, so the full pass is that of a book.
"""

import importlib
import importlib.util
from functools import partial
from typing import Any

import numpy as np

from deploy.bench.harness import Result
from deploy.bench.risk_made import Options, part
from deploy.bench.timing import median_ms
from udfs.risk import options
from udfs.risk.scenarios import ScenarioSet, vector
from udfs.risk.tails import historical
from udfs.risk.whole import Floats, Ints

CONFIDENCE, TAIL_PPM = 0.99, 10_000
BOOK_SCENARIOS = 5_000
GREEKS = ("NPV", "delta", "gamma", "vega", "theta", "rho", "dividendRho")
OURS = ("price", "delta", "gamma", "vega", "theta", "rho", "dividend_rho")
_DAYS = 365


def run(firm: ScenarioSet, held: Ints, book: Options, repeats: int) -> list[Result]:
    """Its times, how many times as long they are as ours, and how far its numbers are off ours."""
    if importlib.util.find_spec("QuantLib") is None:
        return [Result("QuantLib", "not installed", "")]
    ql = importlib.import_module("QuantLib")
    return [
        Result("QuantLib", str(ql.__version__), "version"),
        *_tail(ql, firm, held, repeats),
        *_book(ql, firm, held, repeats),
        *_greeks(ql, book, repeats),
    ]


def _tail(ql: Any, firm: ScenarioSet, held: Ints, repeats: int) -> list[Result]:
    pnl = vector(firm, held).pnl
    values = pnl.tolist()
    ours = median_ms(partial(historical, pnl), repeats)
    theirs = median_ms(partial(_statistics, ql, values), repeats)
    tail, (var, es) = historical(pnl), _statistics(ql, values)
    assert tail.var is not None
    assert tail.es_inclusive is not None
    what = f"VaR and ES of a vector of {pnl.size:,} scenarios"
    return [
        Result(f"QuantLib: {what}", theirs, "ms"),
        Result(f"QuantLib / tidemark: {what}", round(theirs / ours, 1), "times our time"),
        Result("QuantLib's VaR less ours", round(1e6 * (var / tail.var - 1), 1), "ppm"),
        Result("QuantLib's ES less ours", round(1e6 * (es / tail.es_inclusive - 1), 1), "ppm"),
    ]


def _statistics(ql: Any, values: list[float]) -> tuple[float, float]:
    statistics = ql.RiskStatistics()
    statistics.add(values)
    return statistics.valueAtRisk(CONFIDENCE), statistics.expectedShortfall(CONFIDENCE)


def _book(ql: Any, firm: ScenarioSet, held: Ints, repeats: int) -> list[Result]:
    """The full pass of a book: scenarios times positions, then the tail."""
    small = part(firm, len(firm.instruments), min(BOOK_SCENARIOS, firm.changes.shape[1]))
    matrix = ql.Matrix(small.changes.T.tolist())
    array = ql.Array(held.astype(np.float64).tolist())

    def theirs() -> tuple[float, float]:
        return _statistics(ql, list(matrix * array))

    def ours() -> object:
        return historical(vector(small, held).pnl)

    assert np.array_equal(np.array(list(matrix * array)), vector(small, held).pnl)
    our_ms, their_ms = median_ms(ours, repeats), median_ms(theirs, repeats)
    count, rows = small.changes.shape[1], len(small.instruments)
    what = f"full pass of a book, {count:,} scenarios x {rows} instruments"
    return [
        Result(what, our_ms, "ms"),
        Result(f"QuantLib: {what}", their_ms, "ms"),
        Result(f"QuantLib / tidemark: {what}", round(their_ms / our_ms, 1), "times our time"),
    ]


def _greeks(ql: Any, book: Options, repeats: int) -> list[Result]:
    """Prices and six Greeks of the options after each spot moved; their engines stand ready."""
    spots, priced = _options(ql, book)

    def theirs(factor: float) -> Floats:
        for quote, spot in zip(spots, book.spot.tolist(), strict=True):
            quote.setValue(spot * factor)
        return np.array([[getattr(option, name)() for name in GREEKS] for option in priced])

    def moved() -> None:
        theirs(1.01)
        theirs(1.0)

    years = np.rint(book.years * _DAYS) / _DAYS
    same = book._replace(years=years)
    ours = options.value(*same)
    off = np.abs(theirs(1.0) - np.array([getattr(ours, name) for name in OURS]).T).max()
    our_ms = median_ms(partial(options.value, *same), repeats)
    their_ms = round(median_ms(moved, repeats) / 2, 4)
    what = f"prices and Greeks of {len(spots)} options"
    return [
        Result(f"QuantLib: {what}", their_ms, "ms"),
        Result(f"QuantLib / tidemark: {what}", round(their_ms / our_ms, 1), "times our time"),
        Result(f"largest difference of {what}", float(f"{off:.1e}"), "of 1"),
    ]


def _options(ql: Any, book: Options) -> tuple[list[Any], list[Any]]:
    """Their quotes of spot, and the options with an engine each."""
    today = ql.Date(2, 3, 2026)
    ql.Settings.instance().evaluationDate = today
    count, calendar = ql.Actual365Fixed(), ql.NullCalendar()
    spots, priced = [], []
    for call, spot, strike, years, rate, dividend, volatility in zip(
        *(column.tolist() for column in book), strict=True
    ):
        quote = ql.SimpleQuote(spot)
        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(quote),
            ql.YieldTermStructureHandle(ql.FlatForward(today, dividend, count)),
            ql.YieldTermStructureHandle(ql.FlatForward(today, rate, count)),
            ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, calendar, volatility, count)),
        )
        side = ql.Option.Call if call else ql.Option.Put
        expiry = ql.EuropeanExercise(today + round(years * _DAYS))
        option = ql.VanillaOption(ql.PlainVanillaPayoff(side, strike), expiry)
        option.setPricingEngine(ql.AnalyticEuropeanEngine(process))
        spots.append(quote)
        priced.append(option)
    return spots, priced
