"""From fill records to the arrays that positions are folded from, and why some are refused.

Functions over frames, to be chained: `accepted` -> `numbered` -> `positions.apply`.
"""

from dataclasses import dataclass

import polars as pl

from udfs.risk.integers import LARGEST, LARGEST_FACTOR

ORDER = ("trade_time", "sequence", "fill_id")
"""Fills count in this order, so that how they arrived changes nothing."""

KEY = ("book", "isin")
"""What a position is: one instrument in one book."""

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
    up = pl.col("instrument_scale") - pl.col("price_scale").cast(pl.Int64)
    raised = pl.col("price").cast(pl.Int128) * _power(up)
    price = pl.when(up >= 0).then(raised).otherwise(pl.col("price").cast(pl.Int128) // _power(-up))
    exact = (up >= 0) | (pl.col("price").cast(pl.Int128) % _power(-up) == 0)
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
    marked = rows.with_columns(reason=reason)
    refused = marked.filter(pl.col("reason").is_not_null())
    good = marked.filter(pl.col("reason").is_null()).with_columns(
        units=pl.when(pl.col("side") == "BUY").then("quantity").otherwise(-pl.col("quantity")),
        price=price.cast(pl.Int64),
    )
    return Accepted(
        good.drop("reason", "instrument_currency", "instrument_scale"),
        refused.drop(name for name in _REFERENCE if name != "isin"),
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


def _power(places: pl.Expr) -> pl.Expr:
    """10^places in 128 bits; 1 where places is negative or above 18."""
    usable = pl.when((places >= 0) & (places <= 18)).then(places).otherwise(0)
    return usable.replace_strict(
        list(range(19)), [10**n for n in range(19)], return_dtype=pl.Int64
    ).cast(pl.Int128)
