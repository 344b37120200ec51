"""A firm in a seeded market: reference data, quotes, and the fills of its books.

    reference data of all instruments, a quote of each, the books' positions   at the opening
    quotes and fills in order of time                                          until the close

Units bear their own times. All books belong to the house, the market's first member.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np
import polars as pl

from connectors.generators.arrays import Floats, Ints
from connectors.generators.calendar import Burst, TradingDays
from connectors.generators.feed import SECOND
from connectors.generators.market.listing import universe
from connectors.generators.market.past import Past, past
from connectors.generators.market.ticks import FILL, OPENING, QUOTE, REFERENCE, Amount, Ticks
from connectors.generators.trades import FIRST_DAY
from schemas.money import EXPONENTS

LONGEST = 250
"""Days a market may be open: every bond lives longer."""
_FEE_SHARE = 20_000
"""The fee is a 20,000th of what is paid: half a basis point."""


class MarketWorld:
    """A feed of reference data, quotes and fills."""

    kind = "market"
    step = 60 * SECOND
    topics: tuple[str, ...] = ("instruments", "quotes", "fills")
    clocks: tuple[str, ...] = ()

    def __init__(
        self,
        seed: int,
        day: date = FIRST_DAY,
        days: int = 1,
        amount: Amount | None = None,
        burst: Burst | None = None,
    ) -> None:
        """Open the market on `days` business days from `day` on.

        Raises:
            ValueError: It would be open for more than `LONGEST` days, or too many would halt.
        """
        if not 1 <= days <= LONGEST:
            raise ValueError(f"{days} days: a market is open for 1 to {LONGEST}")
        self.seed, self.amount = seed, amount or Amount(100_000)
        self._days = TradingDays(day, days, burst)
        self.start, self.end, self.times = self._days.start, self._days.end, self._days.times
        first, last = int(self._days.days[0]), int(self._days.days[-1])
        self.universe = universe(seed, first, last)
        self.past: Past = past(seed, self.universe, first)
        """The 750 days before, for scenarios."""
        halted = self._ticks().halted
        self.halted: list[str] = self.universe.frame["isin"][halted].to_list()
        """Instruments that stop in the middle of the business."""
        opened = len(self.universe.market.books) * self.amount.positions
        self.count = 2 * len(self.universe) + opened + self.amount.count
        """Units there are: reference data, quotes, fills."""

    def units(self) -> Iterator[pl.DataFrame]:
        """The opening, then quotes and trades in order of time."""
        yield from self._ticks().units()

    def _ticks(self) -> Ticks:
        h: Floats = self.past.volatility[-1]
        return Ticks(self.seed, self.universe, self._days, self.amount, h)

    def records(self, units: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
        """The records of units by topic, in order of `unit`."""
        units = units.with_columns(unit=pl.int_range(units.height, dtype=pl.Int64))
        makers = {
            "instruments": ((REFERENCE,), self._references),
            "quotes": ((QUOTE,), self._quotes),
            "fills": ((FILL, OPENING), self._fills),
        }
        found = {}
        for topic, (kinds, make) in makers.items():
            part = units.filter(pl.col("what").is_in(kinds))
            if part.height:
                found[topic] = make(part)
        return found

    def _terms(self, units: pl.DataFrame, *names: str) -> pl.DataFrame:
        return self.universe.frame.select(names)[units["instrument"].to_numpy()]

    def _references(self, units: pl.DataFrame) -> pl.DataFrame:
        terms = self._terms(units, *self.universe.frame.columns)
        return terms.with_columns(
            reference_id=pl.lit(f"I{self.seed}-") + terms["isin"],
            time=units["at"],
            unit=units["unit"],
        )

    def _quotes(self, units: pl.DataFrame) -> pl.DataFrame:
        told = units.select("bid", "ask", "bid_size", "ask_size", "unit", time="at")
        return pl.concat(
            [told, self._terms(units, "isin", "mic", "price_scale", "currency")], how="horizontal"
        ).with_columns(quote_id=_ids(f"Q{self.seed}-", units["number"]))

    def _fills(self, units: pl.DataFrame) -> pl.DataFrame:
        market = self.universe.market
        terms = self._terms(units, "isin", "mic", "price_scale", "currency", "multiplier")
        opening = units["what"].to_numpy() == OPENING
        mark = pl.Series(["", "O"]).gather(opening.astype(np.int64))
        book = market.books.gather(units["book"])
        price, quantity = units["bid"].to_numpy(), units["bid_size"].to_numpy()
        return terms.drop("multiplier").with_columns(
            fill_id=_ids(f"F{self.seed}-" + mark, units["number"]),
            trade_id=_ids(f"T{self.seed}-" + mark, units["number"]),
            trade_time=units["at"],
            book=book,
            account=book + "-A" + units["account"].cast(pl.String),
            member=pl.lit(market.members[0]),
            counterparty=market.members.gather(units["counterparty"]),
            side=pl.Series(["SELL", "BUY"]).gather(units["buys"].cast(pl.Int64)),
            quantity=units["bid_size"],
            price=units["bid"],
            fee=pl.Series(np.where(opening, 0, _fee(terms, price * quantity))),
            unit=units["unit"],
        )


def _ids(prefix: str | pl.Series, number: pl.Series) -> pl.Series:
    return prefix + number.cast(pl.String).str.zfill(10)


def _fee(terms: pl.DataFrame, paid: Ints) -> Ints:
    """The fee in minor units, rounded down, of price times quantity."""
    exponent = terms["currency"].replace_strict(EXPONENTS, return_dtype=pl.Int64).to_numpy()
    scale = terms["price_scale"].to_numpy().astype(np.int64)
    minor = paid * terms["multiplier"].to_numpy() * 10**exponent
    fee: Ints = minor // (10**scale * _FEE_SHARE)
    return fee
