"""Trades of a seeded market: what each one means for clearing and for the books.

A trade is written three times, as in a real firm, and always consistently:

    obligations   seller delivers `quantity` of the ISIN to the buyer    CCP|ISIN, scale 0
    obligations   buyer pays quantity * price to the seller             CCP|currency, scale 2
    fills         the house's side if it takes part, else the buyer's   the book

Both legs settle two business days after the trade. Prices walk in whole minor units, trade by
trade, between a quarter and four times the first one.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np
import polars as pl

from connectors.generators.arrays import Ints
from connectors.generators.calendar import TradingDays
from connectors.generators.draw import choose, log_normal, other_than, stream
from connectors.generators.feed import BLOCK, DAY, SECOND
from connectors.generators.market import Market

FIRST_DAY = date(2026, 3, 2)
SCALE = 2
_QUANTITY = 150.0
_QUANTITY_SIGMA = 1.3
_QUANTITY_TOP = 1_000_000
_FEE_SHARE = 20_000
"""The fee is a 20,000th of the notional: half a basis point."""
_ACCOUNTS = 3
_SETTLEMENT_DAYS = 2


class Trades:
    """A feed of trades: topics `obligations` and `fills`."""

    kind = "trades"
    step = 60 * SECOND
    topics: tuple[str, ...] = ("obligations", "fills")
    clocks: tuple[str, ...] = ()

    def __init__(
        self, seed: int, day: date = FIRST_DAY, days: int = 1, market: Market | None = None
    ) -> None:
        """Trade on `days` business days from `day` on; without a market, in that of the seed."""
        self.seed = seed
        self.market = market or Market.of(seed)
        self._days = TradingDays(day, days)
        self.start, self.end, self.times = self._days.start, self._days.end, self._days.times
        currencies = sorted(set(self.market.currencies))
        self._assets = pl.concat([self.market.isins, pl.Series(currencies)])
        self._money = np.array([currencies.index(c) for c in self.market.currencies]) + len(
            self.market.isins
        )
        self._sets = pl.Series(
            [f"{ccp}|{asset}" for ccp in self.market.ccps for asset in self._assets]
        )
        books = np.arange(len(self.market.books))
        self._books = [
            books[books % len(self.market.members) == m] for m in range(len(self.market.members))
        ]

    def units(self) -> Iterator[pl.DataFrame]:
        """Blocks of trades in order: parties and instrument by index, quantity, price."""
        walk = _Walk(self.market.prices)
        block = 0
        while True:
            yield self._block(stream(self.seed, "trades", block), block * BLOCK, walk)
            block += 1

    def _block(self, rng: np.random.Generator, first: int, walk: "_Walk") -> pl.DataFrame:
        market = self.market
        buyer = choose(rng, market.credit, BLOCK)
        seller = other_than(rng, buyer, market.credit)
        isin = choose(rng, market.popularity, BLOCK)
        own_is_buyer = (buyer == 0) | (seller != 0)
        own = np.where(own_is_buyer, buyer, seller)
        shelf = np.array([len(books) for books in self._books])[own]
        book = own + len(market.members) * np.floor(rng.random(BLOCK) * shelf).astype(np.int64)
        return pl.DataFrame(
            {
                "number": np.arange(first, first + BLOCK),
                "buyer": buyer,
                "seller": seller,
                "isin": isin,
                "ccp": choose(rng, market.ccp_weights, BLOCK),
                "quantity": log_normal(rng, _QUANTITY, _QUANTITY_SIGMA, BLOCK, _QUANTITY_TOP),
                "price": walk.steps(rng, isin),
                "own_is_buyer": own_is_buyer,
                "book": book,
                "account": rng.integers(1, _ACCOUNTS + 1, BLOCK),
            }
        )

    def records(self, units: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
        """Two obligations and one fill for each trade, in order of trade."""
        number = pl.col("number").cast(pl.String).str.zfill(9)
        ids = units.select(
            trade=pl.concat_str(pl.lit(f"T{self.seed}-"), number),
            fill=pl.concat_str(pl.lit(f"F{self.seed}-"), number),
        )
        return {
            "obligations": self._obligations(units, ids["trade"]),
            "fills": self._fills(units, ids),
        }

    def _obligations(self, units: pl.DataFrame, trade: pl.Series) -> pl.DataFrame:
        """Both legs of each trade, securities first."""
        n = units.height
        unit, cash = np.repeat(np.arange(n), 2), np.tile([False, True], n)
        column = {name: units[name].to_numpy()[unit] for name in units.columns}
        buyer, seller = column["buyer"], column["seller"]
        asset = np.where(cash, self._money[column["isin"]], column["isin"])
        trade = trade.gather(unit)
        return pl.DataFrame(
            {
                "obligation_id": trade + pl.Series(["-S", "-C"]).gather(cash.astype(np.int64)),
                "trade_id": trade,
                "trade_time": column["at"],
                "netting_set": self._sets.gather(column["ccp"] * len(self._assets) + asset),
                "ccp": self.market.ccps.gather(column["ccp"]),
                "payer": self.market.members.gather(np.where(cash, buyer, seller)),
                "receiver": self.market.members.gather(np.where(cash, seller, buyer)),
                "asset": self._assets.gather(asset),
                "amount": column["quantity"] * np.where(cash, column["price"], 1),
                "scale": np.where(cash, SCALE, 0).astype(np.int32),
                "settlement_date": _settlement(column["at"]),
                "mic": self.market.venues.gather(column["isin"]),
                "unit": unit,
            }
        )

    def _fills(self, units: pl.DataFrame, ids: pl.DataFrame) -> pl.DataFrame:
        """The own side of each trade."""
        buys = units["own_is_buyer"].to_numpy()
        buyer, seller = units["buyer"].to_numpy(), units["seller"].to_numpy()
        isin = units["isin"].to_numpy()
        book = self.market.books.gather(units["book"].to_numpy())
        return pl.DataFrame(
            {
                "fill_id": ids["fill"],
                "trade_id": ids["trade"],
                "trade_time": units["at"],
                "book": book,
                "account": book + "-A" + units["account"].cast(pl.String),
                "member": self.market.members.gather(np.where(buys, buyer, seller)),
                "counterparty": self.market.members.gather(np.where(buys, seller, buyer)),
                "isin": self.market.isins.gather(isin),
                "mic": self.market.venues.gather(isin),
                "side": pl.Series(["SELL", "BUY"]).gather(buys.astype(np.int64)),
                "quantity": units["quantity"],
                "price": units["price"],
                "price_scale": np.full(units.height, SCALE, dtype=np.int32),
                "currency": self.market.currencies.gather(isin),
                "fee": units["quantity"] * units["price"] // _FEE_SHARE,
                "unit": np.arange(units.height),
            }
        )


class _Walk:
    """Prices of all instruments, moved on by every trade."""

    def __init__(self, first: Ints) -> None:
        self.first = first
        self.moved = np.zeros_like(first)

    def steps(self, rng: np.random.Generator, isin: Ints) -> Ints:
        """Price of each trade: its instrument's last one and a step of about 2 basis points."""
        tick = np.maximum(self.first // 10_000, 1)[isin]
        step = np.rint(2.0 * rng.standard_normal(len(isin))).astype(np.int64) * tick
        order = np.argsort(isin, kind="stable")
        grouped = isin[order]
        total = np.cumsum(step[order])
        starts = np.flatnonzero(np.diff(grouped, prepend=-1))
        base = np.concatenate([[0], total])[starts]
        sizes = np.diff(starts, append=len(isin))
        moved = np.empty_like(total)
        moved[order] = total - np.repeat(base, sizes) + self.moved[grouped]
        self.moved[grouped[starts + sizes - 1]] = moved[order[starts + sizes - 1]]
        return _folded(self.first[isin] + moved, self.first[isin] // 4, self.first[isin] * 4)


def _folded(walk: Ints, low: Ints, high: Ints) -> Ints:
    """A walk thrown back at both walls: whole numbers stay whole, steps keep their size."""
    span = high - low
    folded: Ints = low + span - np.abs((walk - low) % (2 * span) - span)
    return folded


def _settlement(at: Ints) -> pl.Series:
    """Two business days after the day of each trade, days since the epoch."""
    days, place = np.unique(at // DAY, return_inverse=True)
    due = np.busday_offset(days.astype("datetime64[D]"), _SETTLEMENT_DAYS, roll="forward")
    return pl.Series(due.astype(np.int64)[place], dtype=pl.Int32)
