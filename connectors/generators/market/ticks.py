"""A trading day tick by tick: quotes around the model's prices, and trades at those quotes.

    share of the business done -> time of day     ticks are as dense as business is
    factor steps, one a tick                      sd * exp(h / 2) * sqrt(dt) * z + jumps
    own steps, one a tick of the same root        so an option sees its underlying where it is
    price -> bid below, ask above, on the tick grid
    trade -> buys at the last sound ask, sells at the last sound bid, no more than its size

Time of the model is business done: a day has the variance of a day however many ticks it has, and a
burst moves prices as much as its ticks would elsewhere. Volatility moves from block to block.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors.generators.arrays import Bools, Floats, Ints
from connectors.generators.calendar import TradingDays
from connectors.generators.draw import choose, log_normal, stream, zipf_weights
from connectors.generators.feed import BLOCK, DAY
from connectors.generators.market.factors import (
    GROUPS,
    YEAR,
    leveraged,
    volatility_after,
)
from connectors.generators.market.instruments import Universe
from connectors.generators.market.runs import carried, last_row, summed

REFERENCE, QUOTE, FILL, OPENING = range(4)
"""What a unit is; an opening is a fill that makes a position at the start."""
TRADED = 0.1
"""Share of the ticks that are own trades."""
ACCOUNTS = 3
_SIZE_SIGMA, _TOP = 0.8, 100_000
UNIT = {
    "what": pl.Int64(),
    "number": pl.Int64(),
    "instrument": pl.Int64(),
    "bid": pl.Int64(),
    "ask": pl.Int64(),
    "bid_size": pl.Int64(),
    "ask_size": pl.Int64(),
    "buys": pl.Boolean(),
    "book": pl.Int64(),
    "counterparty": pl.Int64(),
    "account": pl.Int64(),
    "at": pl.Int64(),
}
"""Columns of a unit; of a fill, its price stands in `bid` and `ask`, its quantity in both sizes."""


@dataclass(frozen=True)
class Amount:
    """How much happens.

    Attributes:
        count: Ticks, quotes and trades, after the opening.
        bad: Share of the quotes that are crossed, zero or negative, on purpose.
        positions: Instruments each book opens with.
        halted: Instruments that neither quote nor trade in the second half of the business, so that
            their last quote goes stale.
    """

    count: int
    bad: float = 0.0
    positions: int = 30
    halted: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no amount."""
        least = min(self.positions, self.halted)
        if self.count < 1 or not 0.0 <= self.bad <= 1.0 or least < 0:
            raise ValueError(
                f"count {self.count}, bad quotes {self.bad:g}, positions {self.positions}, "
                f"halted {self.halted}: at least 1, a share, and not less than 0 are asked"
            )


class Ticks:
    """The ticks of some days: call `units` once; what it yields depends on what came before."""

    def __init__(
        self, seed: int, universe: Universe, days: TradingDays, amount: Amount, h: Floats
    ) -> None:
        """Begin at the opening of the first day, in volatility `h`, shape (GROUPS,)."""
        self.seed, self.universe, self.days, self.amount, self.h = seed, universe, days, amount, h
        n = len(universe)
        self._span = float(len(days.days))
        self._clock = 0.0
        self._factors = np.zeros(len(universe.factors.names))
        self._own, self._last = np.zeros(n), np.zeros(n)
        self._sound = {name: np.zeros(n, dtype=np.int64) for name in _QUOTED}
        drawn = stream(seed, "market halts").permutation(n)
        if amount.halted > n // 2:
            raise ValueError(f"halted is {amount.halted}: at most half of {n} instruments can be")
        self.halted: Ints = np.sort(drawn[: amount.halted])
        """Instruments that halt in the middle of the business."""
        self._instead = np.arange(n)
        self._instead[drawn[: amount.halted]] = drawn[n - amount.halted :]

    def units(self) -> Iterator[pl.DataFrame]:
        """The opening, then blocks of at most `BLOCK` ticks in order of time."""
        yield from self._opening()
        for block, first in enumerate(range(0, self.amount.count, BLOCK)):
            rng = stream(self.seed, "market ticks", block)
            yield self._block(rng, first, min(BLOCK, self.amount.count - first))

    def _opening(self) -> Iterator[pl.DataFrame]:
        """Reference data and a quote of each instrument, and the positions of the books."""
        rng, n = stream(self.seed, "market opening"), len(self.universe)
        every, start = np.arange(n), np.full(n, self.days.start)
        yield _units(what=REFERENCE, number=every, instrument=every, at=start)
        level = self.universe.level
        quotes = self._quotes(rng, every, self._prices(every, level, start))
        self._sound = quotes
        yield _units(what=QUOTE, number=every, instrument=every, at=start, **quotes)
        books = len(self.universe.market.books)
        size = books * self.amount.positions
        if not size:
            return
        which = choose(rng, self.universe.weight, size)
        book = np.repeat(np.arange(books), self.amount.positions)
        yield self._fills(rng, OPENING, np.arange(size), which, book, quotes, self.days.start)

    def _block(self, rng: np.random.Generator, first: int, n: int) -> pl.DataFrame:
        number = np.arange(first, first + n)
        share = (number + rng.random(BLOCK)[:n]) / self.amount.count
        at, clock = self.days.times(share), share * self._span
        which = choose(rng, self.universe.weight, BLOCK)[:n]
        which = np.where(share < 0.5, which, self._instead[which])
        traded = rng.random(BLOCK)[:n] < TRADED
        level = self._levels(rng, clock, self.universe.root[which])
        quotes = self._quotes(rng, which, self._prices(which, level, at))
        sound = ~traded & ~self._spoil(rng, quotes, ~traded)
        standing = self._standing(which, sound, quotes)
        later = number + len(self.universe)
        told = _units(what=QUOTE, number=later, instrument=which, at=at, **quotes)
        books = choose(rng, zipf_weights(len(self.universe.market.books), 0.5), n)
        fills = self._fills(rng, FILL, number, which, books, standing, at)
        order = np.argsort(np.concatenate([np.flatnonzero(~traded), np.flatnonzero(traded)]))
        return pl.concat([told.filter(~traded), fills.filter(traded)])[order]

    def _levels(self, rng: np.random.Generator, clock: Floats, root: Ints) -> Floats:
        """Level of each tick's root instrument, and all that moves it carried on."""
        universe, factors, h = self.universe, self.universe.factors, self.h
        dt = np.diff(clock, prepend=self._clock)
        z = factors.shocks(rng, len(clock))
        jumped, _ = factors.jumps(rng, dt)
        scale = factors.sd * np.exp(h[factors.group] / 2.0)
        path = self._factors + np.cumsum(scale * np.sqrt(dt)[:, None] * z + jumped, axis=0)
        past = clock - carried(root, clock, self._last)
        own = universe.own[root] * np.exp(h[universe.group[root]] / 2.0) * np.sqrt(past)
        counts = rng.poisson(universe.own_rate[root] / YEAR * past)
        steps = own * rng.standard_normal(len(root))
        steps += np.sqrt(counts) * universe.own_jump[root] * rng.standard_normal(len(root))
        walked = summed(root, steps, self._own)
        moved = np.zeros(len(root))
        for f in range(path.shape[1]):
            moved += path[:, f] * universe.loadings[root, f]
        market = float(np.sum(np.sqrt(dt) * z[:, 0]) / np.sqrt(dt.sum()))
        self.h = volatility_after(h, dt.sum(), leveraged(market, rng.standard_normal(GROUPS)))
        self._factors, self._clock = path[-1], float(clock[-1])
        level: Floats = universe.level[root] + moved + walked
        return level

    def _prices(self, which: Ints, level: Floats, at: Ints) -> Floats:
        h = self.h[self.universe.group[which]]
        return self.universe.prices(which, level, at / DAY, h)

    def _quotes(self, rng: np.random.Generator, which: Ints, price: Floats) -> dict[str, Ints]:
        """Bid below and ask above each price, at least a tick and a tick apart, and sizes."""
        universe = self.universe
        tick = self._tick[which]
        half = price * universe.half_spread[which] * (0.5 + rng.standard_exponential(len(which)))
        bid = np.maximum(np.floor((price - half) / tick).astype(np.int64), 1) * tick
        ask = np.maximum(np.ceil((price + half) / tick).astype(np.int64) * tick, bid + tick)
        sizes = [
            log_normal(rng, 2.0 * universe.size[which], _SIZE_SIGMA, len(which), _TOP)
            * universe.lot[which]
            for _ in range(2)
        ]
        return {"bid": bid, "ask": ask, "bid_size": sizes[0], "ask_size": sizes[1]}

    @property
    def _tick(self) -> Ints:
        tick: Ints = self.universe.frame["tick"].to_numpy()
        return tick

    def _spoil(self, rng: np.random.Generator, quotes: dict[str, Ints], told: Bools) -> Bools:
        """Make a share of the quotes crossed, zero or negative; which ones."""
        n = len(told)
        hit = told & (rng.random(n) < self.amount.bad)
        way = rng.integers(0, 3, n)
        bid, ask = quotes["bid"].copy(), quotes["ask"].copy()
        crossed, zero, negative = (hit & (way == kind) for kind in range(3))
        quotes["bid"] = np.where(crossed, ask, np.where(zero, 0, np.where(negative, -bid, bid)))
        quotes["ask"] = np.where(crossed, bid, np.where(zero, 0, ask))
        return hit

    def _standing(self, which: Ints, sound: Bools, quotes: dict[str, Ints]) -> dict[str, Ints]:
        """The last sound quote of its instrument at each tick."""
        source = last_row(which, sound)
        found = {}
        for name, values in quotes.items():
            found[name] = np.where(source >= 0, values[source], self._sound[name][which])
            self._sound[name][which[sound]] = values[sound]
        return found

    def _fills(
        self,
        rng: np.random.Generator,
        what: int,
        number: Ints,
        which: Ints,
        book: Ints,
        standing: dict[str, Ints],
        at: Ints | int,
    ) -> pl.DataFrame:
        """Trades at standing quotes (by tick, or at the opening by instrument)."""
        n = len(which)
        place = which if what == OPENING else np.arange(n)
        buys = rng.random(n) < 0.5
        wanted = log_normal(rng, self.universe.size[which], _SIZE_SIGMA, n, _TOP)
        wanted = wanted * self.universe.lot[which]
        price = np.where(buys, standing["ask"][place], standing["bid"][place])
        offered = np.where(buys, standing["ask_size"][place], standing["bid_size"][place])
        size = np.minimum(wanted, offered)
        return _units(
            what=what,
            number=number,
            instrument=which,
            bid=price,
            ask=price,
            bid_size=size,
            ask_size=size,
            buys=buys,
            book=book,
            counterparty=1 + choose(rng, self.universe.market.credit[1:], n),
            account=rng.integers(1, ACCOUNTS + 1, n),
            at=np.broadcast_to(at, (n,)),
        )


_QUOTED = ("bid", "ask", "bid_size", "ask_size")


def _units(what: int, instrument: Ints, **given: Ints | Bools) -> pl.DataFrame:
    """Units of one kind; columns that are not given are 0."""
    none = np.zeros(len(instrument), dtype=np.int64)
    columns = {"what": none + what, "instrument": instrument} | given
    return pl.DataFrame(
        {
            name: pl.Series(np.ascontiguousarray(columns.get(name, none))).cast(kept_as)
            for name, kept_as in UNIT.items()
        }
    )
