"""What the jobs do with a published set each second: exposures, measures, what-ifs, components."""

from functools import partial
from time import perf_counter

import polars as pl

from connectors.generators.market.world import MarketWorld
from deploy.bench.harness import Result
from deploy.bench.risk_controls import scenario_rows
from deploy.bench.timing import median_ms
from udfs.risk import measures, whatif
from udfs.risk.exposures import exposures
from udfs.risk.measure_parameters import RATE_UNIT
from udfs.risk.parameters import REPORTING
from udfs.risk.scenario_parts import Head
from udfs.risk.scenario_sets import BuiltSet, build, rates_path

BOOK_SCENARIOS, FIRM_SCENARIOS = 5_000, 100_000
BAR_MS = 1
_HEAD = tuple(Head.__dataclass_fields__)


def run(
    world: MarketWorld, repeats: int, book: int = BOOK_SCENARIOS, firm: int = FIRM_SCENARIOS
) -> list[Result]:
    """Of the books that a market opens with, at the quotes it opens with."""
    marks, held = opened(world)
    rows = pl.DataFrame(list(scenario_rows(world, book, firm)))
    head = Head(*rows.select(_HEAD).row(0))
    results = []
    for size, groups, count in (("book", held, book), ("firm", of_firm(held), firm)):
        began = perf_counter()
        built = build(head, rows, marks, "book" if size == "book" else "firm")
        took = perf_counter() - began
        wide = len(built.scenarios.instruments)
        what = f"{count:,} scenarios x {wide} rows"
        results += [
            Result(f"building the set of a {size}, {what}, once a set", round(took, 2), "s"),
            *_measured(groups, marks, built, world.start, size, what, repeats),
        ]
    return results


def _measured(
    held: pl.DataFrame,
    marks: pl.DataFrame,
    built: BuiltSet,
    now: int,
    size: str,
    what: str,
    repeats: int,
) -> list[Result]:
    of = exposures(held, marks, built, now)
    told = f"{len(of.groups)} {size}s" if len(of.groups) > 1 else f"the {size}"
    name = of.groups[0]
    base = whatif.base(of, built, name)
    trade = pl.DataFrame({"isin": held["isin"][:1], "quantity": [100]})
    change, lacking = whatif.trade_exposures(trade, marks, built, now)
    asked = partial(whatif.what_if, base, built, change, lacking)
    return [
        Result(
            f"exposures of {told}, options by implied volatility",
            median_ms(partial(exposures, held, marks, built, now), repeats),
            "ms",
        ),
        Result(
            f"VaR and ES at 99 and 97.5 % of {told}, {what}",
            median_ms(partial(measures.measure, of, built), repeats),
            "ms",
        ),
        Result(
            f"what-if of a trade, {size}, {what}", median_ms(asked, repeats), "ms", BAR_MS, True
        ),
        Result(
            f"components of a {size}, {what}",
            median_ms(partial(measures.components, of, built, name), repeats),
            "ms",
        ),
    ]


def of_firm(held: pl.DataFrame) -> pl.DataFrame:
    """All books as one group."""
    return held.with_columns(group=pl.lit("firm"))


def opened(world: MarketWorld) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Marks of all instruments with their rates, and what each book holds, at the opening."""
    parts: dict[str, list[pl.DataFrame]] = {"quotes": [], "fills": []}
    for units in world.units():
        found = world.records(units.filter(pl.col("at") == world.start))
        for topic, frames in parts.items():
            if topic in found:
                frames.append(found[topic])
        if (units["at"] > world.start).any():
            break
    quotes = pl.concat(parts["quotes"]).unique("isin", keep="first", maintain_order=True)
    fills = pl.concat(parts["fills"])
    signed = pl.when(side="BUY").then("quantity").otherwise(-pl.col("quantity"))
    held = fills.group_by("isin", group="book").agg(quantity=signed.sum()).sort("group", "isin")
    terms = world.universe.frame.select(
        "isin", "kind", "currency", "base_currency", "multiplier", "price_scale", "underlying",
        "option_side", "strike", "expiry",
    )  # fmt: skip
    marks = terms.join(quotes.select("isin", "bid", "ask", "time"), on="isin")
    return marks.with_columns(rates(marks), quality=pl.lit("GOOD")), held


def rates(marks: pl.DataFrame) -> pl.Series:
    """Rates of the instruments' currencies to the reporting currency, from the pairs' mids."""
    pairs = marks.filter(kind="FX")
    mid = (pl.col("bid") + pl.col("ask")) / 2 / 10.0 ** pl.col("price_scale")
    mids = dict(pairs.select("isin", mid).rows())
    known = {}
    for currency in marks["currency"].unique():
        rate = 1.0
        for isin, way in rates_path(currency, pairs, REPORTING) or ():
            rate *= mids[isin] ** way
        known[currency] = round(rate * RATE_UNIT)
    return marks["currency"].replace_strict(known, return_dtype=pl.Int64).alias("rate")
