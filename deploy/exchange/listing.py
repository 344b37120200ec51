"""What is traded: 60 instruments, eight of them at two venues, eight linked pairs among them.

A floor is what is simulated together: an instrument, an instrument at two venues, or two linked
instruments (a second class of shares of the same issuer, or a product that falls when it rises).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from connectors.generators.draw import codes, stream, zipf_weights
from connectors.generators.market.instruments import EQUITY
from connectors.generators.market.parts import reference
from schemas.ids import isin_check_digit

SINGLE, TWO_VENUES, LINKED = 36, 8, 8
_HOMES = (
    ("DE", "XETR", "EUR"),
    ("FR", "XPAR", "EUR"),
    ("NL", "XAMS", "EUR"),
    ("GB", "XLON", "GBP"),
)
SECOND_VENUE = "CEUX"
_POPULARITY = 0.8
_STEPS = (1, 2, 5, 10, 20, 50)
_STEP_SHARE = 0.0004
"""The step of a price is at most so much of it, and at least one unit."""


class Terms(NamedTuple):
    """An instrument as traders know it.

    Attributes:
        isin: ISIN.
        currency: Currency of its price.
        price_scale: Decimal places.
        tick: Smallest step, price units.
        price: At the start, price units.
        size: Median pieces of an order.
        volatility: Standard deviation of a day's return.
        direction: How it follows the floor's first instrument: 1 or -1.
    """

    isin: str
    currency: str
    price_scale: int
    tick: int
    price: int
    size: int
    volatility: float
    direction: int


class Floor(NamedTuple):
    """Books that are simulated together: a place is an instrument at a venue."""

    number: int
    places: tuple[tuple[Terms, str], ...]
    weight: float


@dataclass(frozen=True)
class Listing:
    """All floors, their weights adding up to 1, and the records of what is listed."""

    floors: Sequence[Floor]
    instruments: pl.DataFrame
    links: pl.DataFrame

    @classmethod
    def of(cls, seed: int, time: int) -> "Listing":
        """Draw what is listed from `time` on."""
        rng = stream(seed, "exchange listing")
        count = SINGLE + TWO_VENUES + 2 * LINKED
        bodies = codes(rng, count, 9, symbols=10)
        weights = zipf_weights(SINGLE + TWO_VENUES + LINKED, _POPULARITY)
        kinds = rng.permutation(np.repeat([0, 1, 2], [SINGLE, TWO_VENUES, LINKED])).tolist()
        floors, mains, pairs = [], [], []
        for number, kind in enumerate(kinds):
            terms, mic = _terms(rng, bodies.pop())
            places = [(terms, mic)]
            if kind == 1:
                places.append((terms, SECOND_VENUE))
            if kind == 2:
                other, _ = _terms(rng, bodies.pop())
                direction = 1 if rng.random() < 0.75 else -1
                other = other._replace(
                    isin=_isin(terms.isin[:2], other.isin[2:11]),
                    currency=terms.currency,
                    volatility=terms.volatility,
                    direction=direction,
                )
                places.append((other, mic))
                pairs.append((terms.isin, other.isin, direction))
            mains += [(found, mic) for found, where in places if where == mic]
            floors.append(Floor(number, tuple(places), float(weights[number])))
        return cls(floors, _instruments(seed, mains, time), _links(seed, pairs, time))


def _terms(rng: np.random.Generator, body: str) -> tuple[Terms, str]:
    country, mic, currency = _HOMES[int(rng.integers(len(_HOMES)))]
    scale = 3 if rng.random() < 0.25 else 2
    price = float(np.clip(50.0 * np.exp(0.7 * rng.standard_normal()), 8.0, 400.0))
    units = round(price * 10**scale)
    tick = max([step for step in _STEPS if step <= units * _STEP_SHARE], default=1)
    size = max(20, int(np.rint(20_000.0 / price * np.exp(0.4 * rng.standard_normal())) // 10 * 10))
    volatility = 0.012 * float(np.exp(0.3 * rng.standard_normal()))
    found = Terms(
        _isin(country, body), currency, scale, tick, units // tick * tick, size, volatility, 1
    )
    return found, mic


def _isin(country: str, body: str) -> str:
    return country + body + isin_check_digit(country + body)


def _instruments(seed: int, listed: list[tuple[Terms, str]], time: int) -> pl.DataFrame:
    """Records Instrument but for producer and sequence; the second venue is not told of."""
    terms = [one for one, _ in listed]
    isin = pl.Series([one.isin for one in terms])
    frame = reference(
        EQUITY,
        isin,
        mic=pl.Series([mic for _, mic in listed]),
        currency=pl.Series([one.currency for one in terms]),
        price_scale=pl.Series([one.price_scale for one in terms]),
        tick=pl.Series([one.tick for one in terms]),
    )
    return frame.with_columns(reference_id=pl.lit(f"X{seed}-") + isin, time=pl.lit(time))


def _links(seed: int, pairs: list[tuple[str, str, int]], time: int) -> pl.DataFrame:
    """Records InstrumentLink but for producer and sequence."""
    return pl.DataFrame(
        {
            "link_id": [f"L{seed}-{isin}" for isin, _, _ in pairs],
            "time": pl.Series([time] * len(pairs), dtype=pl.Int64),
            "isin": [isin for isin, _, _ in pairs],
            "other": [other for _, other, _ in pairs],
            "direction": pl.Series([way for _, _, way in pairs], dtype=pl.Int32),
            "reason": [
                "classes of shares of one issuer" if way > 0 else "inverse product on it"
                for _, _, way in pairs
            ],
        }
    )
