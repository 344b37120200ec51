"""From fill records to the arrays that positions are folded from, and why some are refused.

Functions over frames, to be chained: `accepted` -> `numbered` -> `positions.apply`.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from udfs.risk.integers import LARGEST, LARGEST_FACTOR, Ints

ORDER = ("trade_time", "sequence", "fill_id")
"""Fills count in this order, so that how they arrived changes nothing."""

KEY = ("book", "isin")
"""What a position is: one instrument in one book."""

_PARTS = (pl.col("reason").is_null(), pl.col("reason").is_not_null())
_REFERENCE = ("isin", "instrument_currency", "instrument_scale", "multiplier", "value_scale")


@dataclass(frozen=True)
class Accepted:
    """Fills that can be counted, and the others with their reason.

    Attributes:
        fills: Ordered by ORDER, with `units` (signed, a sale negative), `price` in the instrument's
            price_scale, `multiplier` and `value_scale` of the instrument, and `fee_currency`.
        refused: The other fills as they came, ordered by ORDER, with `reason`.
    """

    fills: pl.DataFrame
    refused: pl.DataFrame

    def reasons(self) -> dict[str, int]:
        """How many fills were refused for each reason, in order of the reason."""
        counts = self.refused.group_by("reason").len().sort("reason")
        return {str(reason): int(count) for reason, count in counts.rows()}


def accepted(fills: pl.DataFrame, instruments: pl.DataFrame) -> Accepted:
    """The fills that positions can be folded from.

    Refused are, by the first that applies: "unknown instrument"; "currency", a price in another
    currency than the instrument's; "no quantity"; "price scale", a price with more places than the
    instrument's, unless they are zeros; "too large", units of 2^50 or a value of 2^62.

    Args:
        fills: Columns of the record Fill that are named here: fill_id, trade_time (microseconds
            UTC), sequence, book, isin, side (BUY or SELL), quantity, price, price_scale, currency,
            fee. `fee_currency` may be given; a fee is in the price's currency without it.
        instruments: isin (unique), currency, price_scale, multiplier, and value_scale, the places
            of units * price * multiplier (see `positions`).
    """
    if "fee_currency" not in fills.columns:
        fills = fills.with_columns(fee_currency=pl.col("currency"))
    reference = instruments.select(
        "isin",
        pl.col("currency").alias("instrument_currency"),
        pl.col("price_scale").cast(pl.Int64).alias("instrument_scale"),
        pl.col("multiplier").cast(pl.Int64),
        pl.col("value_scale").cast(pl.Int64),
    )
    rows = fills.join(reference, on="isin", how="left", validate="m:1").sort(ORDER)
    up = (rows["instrument_scale"] - rows["price_scale"].cast(pl.Int64)).fill_null(0).to_numpy()
    raised, lowered = pl.Series(_powers(up)), pl.Series(_powers(-up))
    price = pl.col("price").cast(pl.Int128) * raised // lowered
    exact = pl.col("price") % lowered == 0
    value = price.abs() * pl.col("quantity").cast(pl.Int128) * pl.col("multiplier").abs()
    checks = {
        "unknown instrument": pl.col("instrument_currency").is_null(),
        "currency": pl.col("currency") != pl.col("instrument_currency"),
        "no quantity": pl.col("quantity") <= 0,
        "price scale": ~exact,
        "too large": (pl.col("quantity") >= LARGEST_FACTOR)
        | (price.abs() >= LARGEST)
        | (value >= LARGEST),
    }
    reason = pl.coalesce(pl.when(wrong).then(pl.lit(name)) for name, wrong in checks.items())
    marked = rows.with_columns(reason=reason, whole=price)
    if marked["reason"].null_count() == marked.height:
        good, refused = marked, marked.slice(0, 0)
    else:
        good, refused = (marked.filter(which) for which in _PARTS)
    good = good.with_columns(
        units=pl.when(pl.col("side") == "BUY").then("quantity").otherwise(-pl.col("quantity")),
        price=pl.col("whole").cast(pl.Int64),
    )
    return Accepted(
        good.drop("reason", "whole", "instrument_currency", "instrument_scale"),
        refused.drop("whole", *(name for name in _REFERENCE if name != "isin")),
    )


def numbered(keys: pl.DataFrame, fills: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Give every position a number, from 0 in order of first appearance; numbers never change.

    Args:
        keys: book and isin of the positions so far, in order of their numbers; empty at first.
        fills: Fills in their order.

    Returns:
        The keys with those of new positions added, and the number of each fill's position.
    """
    seen = fills.select(KEY).unique(maintain_order=True)
    fresh = seen.join(keys, on=KEY, how="anti", maintain_order="left")
    every = pl.concat([keys.select(KEY), fresh])
    index = every.with_row_index("position")
    found = fills.select(KEY).join(index, on=KEY, how="left", maintain_order="left")
    return every, found["position"].cast(pl.Int64)


def _powers(places: Ints) -> Ints:
    """10^places; 1 where places is negative or above 18."""
    powers = 10 ** np.arange(19, dtype=np.int64)
    found: Ints = powers[np.where((places >= 0) & (places <= 18), places, 0)]
    return found
