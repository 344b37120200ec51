"""What a unit of each currency is worth in the reporting currency, from marks of currency pairs.

A pair that buys B and pays C says C for one B. A rate is taken from the pair of the two currencies,
else from the inverse pair, else over one common currency, either leg again from a pair or its
inverse. It is rounded once, half to even, whatever the way.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from schemas.money import divide
from udfs.risk.integers import LARGEST_FACTOR
from udfs.risk.marks import Quality
from udfs.risk.parameters import RATE_SCALE, REPORTING, VIA

ALWAYS = 2**62
"""Time of the rate of the reporting currency against itself: it is never stale."""


@dataclass(frozen=True)
class Leg:
    """How many units of the second currency one of the first is worth: up / down, at a time."""

    up: int
    down: int
    time: int

    def inverse(self) -> "Leg":
        """The other way round."""
        return Leg(self.down, self.up, self.time)

    def times(self, other: "Leg") -> "Leg":
        """One leg after the other; as old as the older one."""
        return Leg(self.up * other.up, self.down * other.down, min(self.time, other.time))


Legs = dict[tuple[str, str], Leg]


Quoted = tuple[tuple[str, str, int], int, int, int, int]
"""A pair: its base currency, currency and price scale; bid and ask (price units), time
(microseconds UTC), quality (`Quality`)."""


def legs(pairs: Iterable[Quoted]) -> Legs:
    """The pairs that have a price; of several marks for one pair the first one.

    Args:
        pairs: In order of their ISINs.
    """
    found: Legs = {}
    for (base, quote, scale), bid, ask, time, quality in pairs:
        if quality < Quality.MISSING and bid > 0 and ask > 0:
            found.setdefault((base, quote), Leg(bid + ask, 2 * 10**scale, time))
    return found


def rate(found: Legs, currency: str) -> tuple[int, int]:
    """The rate of a currency and its time; (0, 0) if there is none.

    Returns:
        Units of the reporting currency for one of `currency` in 10^-RATE_SCALE, and the business
        time of the older mark behind it, microseconds UTC.
    """
    if currency == REPORTING:
        return 10**RATE_SCALE, ALWAYS
    way = _leg(found, currency, REPORTING)
    if way is None:
        first, second = _leg(found, currency, VIA), _leg(found, VIA, REPORTING)
        if first is None or second is None:
            return 0, 0
        way = first.times(second)
    value = divide(way.up * 10**RATE_SCALE, way.down)
    return (value, way.time) if 0 < value < LARGEST_FACTOR else (0, 0)


def rates(pairs: pl.DataFrame, currencies: pl.Series) -> pl.DataFrame:
    """The rates of some currencies: currency (sorted), rate and time as in `rate`.

    Args:
        pairs: isin and the columns of `Quoted`, of instruments of kind FX.
        currencies: Their names.
    """
    columns = ("base_currency", "currency", "price_scale", "bid", "ask", "time", "quality")
    rows = pairs.sort("isin").select(columns).rows()
    found = legs((row[:3], *row[3:]) for row in rows)
    names = sorted(currencies.unique().to_list())
    rows = [(name, *rate(found, name)) for name in names]
    schema = {"currency": pl.String, "rate": pl.Int64, "time": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _leg(found: Legs, base: str, quote: str) -> Leg | None:
    direct = found.get((base, quote))
    if direct is not None:
        return direct
    inverse = found.get((quote, base))
    return None if inverse is None else inverse.inverse()
