"""What a book of a generated market made on each of many days, by full revaluation and by model.

The positions are those that the books open with, and stay. P&L by full revaluation is the
hypothetical P&L of the Basel standard; that of the model takes options by delta and gamma at their
implied volatility, as the job does, and so lacks what volatility itself does.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors.generators import Amount, MarketWorld
from connectors.generators.arrays import Floats, Ints
from connectors.generators.feed import DAY
from connectors.generators.market.instruments import Universe
from connectors.generators.market.past import Past, past
from deploy.errors import UserError
from udfs.risk import options
from udfs.risk.whole import whole

REPORTING = "EUR"
CENTS = 100
_YEAR = 365


@dataclass(frozen=True)
class Days:
    """P&L of N positions on T days in cents of the reporting currency, whole numbers.

    Attributes:
        days: Days since the epoch, shape (T,).
        isins: Names of the instruments.
        kinds: Kind of each.
        full: By full revaluation, shape (N, T).
        model: By sensitivities, shape (N, T).
    """

    days: Ints
    isins: tuple[str, ...]
    kinds: tuple[str, ...]
    full: Floats
    model: Floats


def made(seed: int, days: int, book: str | None = None) -> Days:
    """The last `days` days before a generated market opens.

    Args:
        seed: Of the market.
        days: How many.
        book: One of its books; all of them together if None.

    Raises:
        UserError: There is no such book.
    """
    world = MarketWorld(seed, amount=Amount(1))
    universe = world.universe
    held = _held(world, book)
    which = np.flatnonzero(held)
    opening = world.start // DAY
    before = past(seed, universe, opening, days)
    frame = universe.frame[which]
    units = held[which] * frame["multiplier"].to_numpy()
    scale = 10.0 ** frame["price_scale"].to_numpy()
    price = _opening(universe, before, opening)
    rate, moved = _rates(universe, price, before.instruments.returns, frame["currency"])
    value = units * price[which] / scale * rate * CENTS
    change = units / scale * rate * CENTS * before.changes[:, which]
    full = change * (1 + moved) + value * moved
    model = value * ((1 + before.instruments.returns[:, which]) * (1 + moved) - 1)
    for column in np.flatnonzero(frame["kind"].to_numpy() == "OPTION").tolist():
        at = int(which[column])
        own = universe.root[at]
        terms = universe.frame.row(at, named=True)
        by_spot, by_square = _greeks(terms, price[at], price[own], opening)
        relative = (1 + before.instruments.returns[:, own]) * (1 + moved[:, column]) - 1
        per_unit = units[column] / scale[column] * rate[column] * CENTS
        model[:, column] = per_unit * (by_spot * relative + by_square * relative**2 / 2)
    return Days(
        before.instruments.days,
        tuple(frame["isin"]),
        tuple(frame["kind"]),
        np.ascontiguousarray(whole(full.T)),
        np.ascontiguousarray(whole(model.T)),
    )


def books(seed: int) -> list[str]:
    """The books of a generated market."""
    return MarketWorld(seed, amount=Amount(1)).universe.market.books.to_list()


def _held(world: MarketWorld, book: str | None) -> Ints:
    """Signed pieces of each instrument that the books open with."""
    known = world.universe.market.books
    if book is not None and book not in known.to_list():
        raise UserError(f"there is no book {book[:60]!r}; the first of them is {known[0]}")
    parts = [
        found["fills"] for units in world.units() if "fills" in (found := world.records(units))
    ]
    opened = pl.concat(parts).filter(pl.col("fill_id").str.contains("-O"))
    if book is not None:
        opened = opened.filter(pl.col("book") == book)
    signed = (
        pl.when(pl.col("side") == "BUY").then(pl.col("quantity")).otherwise(-pl.col("quantity"))
    )
    sums = opened.group_by("isin").agg(held=signed.sum())
    order = world.universe.frame.select("isin").join(
        sums, on="isin", how="left", maintain_order="left"
    )
    return order["held"].fill_null(0).to_numpy()


def _opening(universe: Universe, before: Past, opening: int) -> Floats:
    """Prices of all instruments at the opening, units of 10^-price_scale."""
    every = np.arange(len(universe))
    h = before.volatility[-1][universe.group]
    return universe.prices(every, universe.level, np.full(len(every), float(opening)), h)


def _rates(
    universe: Universe, price: Floats, returns: Floats, currency: pl.Series
) -> tuple[Floats, Floats]:
    """What a unit of each currency is worth in EUR, shape (N,), and its return, shape (T, N)."""
    pairs = universe.frame.with_row_index("row").filter(kind="FX")
    worth = {"USD": 1.0}
    moved = {"USD": np.zeros(len(returns))}
    for row, base, quoted, places in pairs.select(
        "row", "base_currency", "currency", "price_scale"
    ).rows():
        if quoted == "USD":
            worth[base], moved[base] = price[row] / 10**places, returns[:, row]
        elif base == "USD":
            worth[quoted] = 10**places / price[row]
            moved[quoted] = 1 / (1 + returns[:, row]) - 1
    rate = np.array([worth[code] / worth[REPORTING] for code in currency])
    change = [(1 + moved[code]) / (1 + moved[REPORTING]) - 1 for code in currency]
    return rate, np.column_stack(change)


def _greeks(terms: dict[str, object], price: float, spot: float, day: int) -> tuple[float, float]:
    """Delta times spot and gamma times spot squared at the implied volatility, in price units.

    Rates and yields are 0, as in the job. An option without implied volatility has none of both.
    """
    call, strike = terms["option_side"] == "CALL", float(str(terms["strike"]))
    years = max((int(str(terms["expiry"])) - day) / _YEAR, 0.0)
    found = options.implied_volatility(price, call, spot, strike, years, 0.0, 0.0)
    if int(found.status) != 0:
        return 0.0, 0.0
    greeks = options.value(call, spot, strike, years, 0.0, 0.0, found.volatility)
    return float(greeks.delta) * spot, float(greeks.gamma) * spot**2
