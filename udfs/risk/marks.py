"""Which quote a position may be valued at, and at which of its prices.

A quote that cannot be used gives no price, and says why. Nothing is valued at zero in silence: a
sum over positions carries how many of them had no mark and how many a stale one.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

from udfs.risk.integers import LARGEST_FACTOR, Bools, Ints, ints, mul_div

Rule = Literal["mid", "exit"]
"""Where a position is marked.

"mid": (bid + ask) / 2, rounded half to even to a whole price unit; long and short alike.
"exit": the price it could be closed at: long at the bid, short at the ask (as exchange-core does in
`SymbolPositionRecord.estimateProfit`). No rounding, and never above "mid" by more than half a price
unit times the position.
"""


class Quality(IntEnum):
    """What is wrong with a mark; from MISSING on there is none."""

    GOOD = 0
    STALE = 1
    MISSING = 2
    NOT_POSITIVE = 3
    CROSSED = 4
    NOT_WHOLE = 5
    NO_RATE = 6


@dataclass(frozen=True)
class Quotes:
    """Bid and ask by instrument, and what they are worth; arrays of shape (instruments,).

    Attributes:
        bid: Price units; 0 where there is no usable quote.
        ask: Price units; 0 where there is no usable quote.
        quality: A `Quality` each, int64.
    """

    bid: Ints
    ask: Ints
    quality: Ints


def quotes(
    bid: npt.ArrayLike,
    ask: npt.ArrayLike,
    age: npt.ArrayLike = 0,
    stale_after: int = 2**62,
    *,
    negative: npt.ArrayLike = False,
) -> Quotes:
    """Bid and ask with what is wrong with them.

    NOT_WHOLE: NaN, infinite, a fraction of a price unit, or beyond 2^50. NOT_POSITIVE: bid or ask
    is zero or below, unless the instrument may have such prices. CROSSED: bid > ask; a locked
    quote, bid == ask, is good. STALE: older than `stale_after`, and otherwise good. The first of
    these that applies is named.

    Args:
        bid: Price units, shape (instruments,); integers, or floats that hold them.
        ask: The same.
        age: Now minus the quote's time, microseconds of business time.
        stale_after: Greatest age of a good quote, microseconds.
        negative: Whether an instrument's prices may be zero or negative (spreads, power).
    """
    bid_whole, bid_price = _whole(bid)
    ask_whole, ask_price = _whole(ask)
    wrong = [
        ~(bid_whole & ask_whole),
        ((bid_price <= 0) | (ask_price <= 0)) & ~np.asarray(negative, np.bool_),
        bid_price > ask_price,
        ints(age) > stale_after,
    ]
    names = [Quality.NOT_WHOLE, Quality.NOT_POSITIVE, Quality.CROSSED, Quality.STALE]
    shape = np.broadcast_shapes(*(w.shape for w in wrong))
    quality = np.select([np.broadcast_to(w, shape) for w in wrong], names, Quality.GOOD)
    unusable = quality >= Quality.MISSING
    return Quotes(
        np.where(unusable, 0, bid_price), np.where(unusable, 0, ask_price), quality.astype(np.int64)
    )


def mark(
    quantity: npt.ArrayLike, instrument: npt.ArrayLike, given: Quotes, rule: Rule
) -> tuple[Ints, Ints]:
    """The price each position is valued at, and its quality.

    Args:
        quantity: Signed units, shape (positions,).
        instrument: Index of each position's instrument among the quotes; -1 if it is unknown or
            was never quoted.
        given: The quotes.
        rule: "mid" or "exit".

    Returns:
        Prices in price units, 0 where there is none, and the `Quality` of each. A flat position
        needs no mark: its quality is GOOD.
    """
    q, at = np.broadcast_arrays(ints(quantity), ints(instrument))
    nowhere = given.bid.size
    place = np.where((at >= 0) & (at < nowhere), at, nowhere)
    bid, ask = np.append(given.bid, 0)[place], np.append(given.ask, 0)[place]
    quality = np.append(given.quality, Quality.MISSING)[place]
    price = np.where(q >= 0, bid, ask) if rule == "exit" else mul_div(bid + ask, 1, 2)
    return price, np.where(q == 0, Quality.GOOD, quality).astype(np.int64)


def _whole(prices: npt.ArrayLike) -> tuple[Bools, Ints]:
    """Which prices are whole numbers below 2^50, and those prices; 0 for the others."""
    array = np.asarray(prices)
    if array.dtype.kind in "iu":
        fits = (array < LARGEST_FACTOR) & (array > -LARGEST_FACTOR)
    else:
        array = array.astype(np.float64)
        fits = np.abs(array) < LARGEST_FACTOR
        fits &= np.where(fits, array, 0.5) % 1 == 0
    return fits, np.where(fits, array, 0).astype(np.int64)
