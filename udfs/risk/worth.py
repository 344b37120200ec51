"""What positions are worth and gained in the reporting currency, and what books do.

Every position is converted once: its P&L, from realised and unrealised in its own currency, and its
realised part; unrealised is the rest. So a total does not depend on the order of the fills, and a
book is the sum of its positions to the last minor unit.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from udfs.risk.integers import LARGEST, Bools, Ints, sums
from udfs.risk.listed import Terms
from udfs.risk.market import Prices
from udfs.risk.marks import Quality
from udfs.risk.parameters import EXPONENT, LARGEST_AMOUNT, RATE_SCALE
from udfs.risk.pnl import converted

_SAFE = 1 - 2.0**-30
SUMMED = ("realised", "realised_fifo", "unrealised", "fees", "total", "gross", "net")
COUNTED = ("positions", "stale", "unvalued")


@dataclass(frozen=True)
class Worth:
    """Positions valued; int64 arrays of shape (positions,), minor units unless said otherwise.

    Attributes:
        price: Price units; 0 if there is none.
        quality: `Quality` of the valuation.
        mark_time: Microseconds UTC.
        unrealised_local: Value less cost, value units of the instrument's currency.
        pnl: Realised and unrealised, without fees.
        realised: At average cost.
        realised_fifo: By FIFO.
        fees: Fees paid.
        value: Value at the mark.
        counted: Whether the position is in the sums.
    """

    price: Ints
    quality: Ints
    mark_time: Ints
    unrealised_local: Ints
    pnl: Ints
    realised: Ints
    realised_fifo: Ints
    fees: Ints
    value: Ints
    counted: Bools


def valued(held: pl.DataFrame, known: Terms, prices: Prices) -> Worth:
    """Positions at prices.

    A position without a price or rate, or of an amount beyond LARGEST_AMOUNT, is not counted: all
    its amounts are 0 and its quality says why. A flat one needs a rate alone.

    Args:
        held: instrument, quantity, cost, realised, realised_fifo (value units), fees (minor units
            of the instrument's currency).
        known: The instruments.
        prices: What a unit of each is worth.
    """
    at = held["instrument"].to_numpy()
    q, cost, realised, fifo, fees = (
        held[name].to_numpy() for name in ("quantity", "cost", "realised", "realised_fifo", "fees")
    )
    price, rate = prices.price[at], prices.rate[at]
    quality = np.where(q == 0, Quality.GOOD, prices.quality[at])
    scale, exponent = known.scale[at], known.exponent[at]
    size = np.abs(q * 1.0) * price * known.multiplier[at]
    largest = np.max(np.abs([size, size - cost, realised * 1.0, fifo * 1.0]), axis=0) + size
    minor = largest * rate * 10.0 ** (EXPONENT - RATE_SCALE - scale)
    minor = np.maximum(minor, np.abs(fees) * rate * 10.0 ** (EXPONENT - RATE_SCALE - exponent))
    fits = (largest < LARGEST * _SAFE) & (minor < LARGEST_AMOUNT * _SAFE)
    used = (q != 0) | (realised != 0) | (fifo != 0) | (fees != 0)
    quality = np.where((rate == 0) & used & (quality < Quality.MISSING), Quality.NO_RATE, quality)
    quality = np.where(~fits & (quality < Quality.MISSING), Quality.NOT_WHOLE, quality)
    counted = quality < Quality.MISSING
    value = np.where(counted, q * price * known.multiplier[at], 0)
    paid = np.where(counted, cost, 0)
    gained = np.where(counted, realised, 0)

    amounts = (gained + value - paid, gained, fifo, value, fees)
    scales = (scale, scale, scale, scale, exponent)
    pnl, realised, realised_fifo, minor_value, minor_fees = converted(
        np.where(counted, amounts, 0),
        np.where(rate > 0, rate, 1),
        value_scale=np.stack(scales),
        rate_scale=RATE_SCALE,
        exponent=EXPONENT,
    )
    return Worth(
        price=price,
        quality=quality.astype(np.int64),
        mark_time=prices.time[at],
        unrealised_local=np.where(q == 0, 0, value - paid),
        pnl=pnl,
        realised=realised,
        realised_fifo=realised_fifo,
        fees=minor_fees,
        value=minor_value,
        counted=counted,
    )


def by_book(held: pl.DataFrame, worth: Worth, books: int) -> pl.DataFrame:
    """Sums by book: book, SUMMED, COUNTED and offsets, one row a book in order of number."""
    book = held["book"].to_numpy()
    opened = (held["quantity"].to_numpy() != 0) | ~worth.counted
    stale = opened & (worth.quality == Quality.STALE)
    amounts = {
        "realised": worth.realised,
        "realised_fifo": worth.realised_fifo,
        "unrealised": worth.pnl - worth.realised,
        "fees": worth.fees,
        "total": worth.pnl - worth.fees,
        "gross": np.abs(worth.value),
        "net": worth.value,
    }
    counts = {"positions": opened, "stale": stale, "unvalued": ~worth.counted}
    columns = {name: sums(amount, book, books) for name, amount in amounts.items()}
    columns |= {name: np.bincount(book[flag], minlength=books) for name, flag in counts.items()}
    first, last = np.full(books, 2**62, np.int64), np.zeros(books, np.int64)
    np.minimum.at(first, book, held["first"].to_numpy())
    np.maximum.at(last, book, held["last"].to_numpy())
    columns |= {"first": np.where(first == 2**62, 0, first), "last": last}
    return pl.DataFrame(columns | {"book": np.arange(books)})
