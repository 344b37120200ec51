"""Messages that are sound records and that no book can follow, among those that it can."""

import numpy as np
import polars as pl

from connectors.generators.draw import stream

REASONS = ("UNKNOWN_ORDER", "DUPLICATE_ORDER", "OFF_TICK", "OTHER_UNIT")
"""Why a book refuses them, in the words of `orders.refused`."""


def with_bad(
    orders: pl.DataFrame, instruments: pl.DataFrame, share: float, seed: int
) -> pl.DataFrame:
    """Messages with about that share of others that are refused, in order of time.

    Each is made from a limit order that is entered, and comes a microsecond after it: a cancel of
    an order that nobody knows, the order once more, one off the tick, one in another currency. Its
    `command_id` ends with the reason.

    Raises:
        ValueError: The share is not from 0 to 0.1.
    """
    if not 0.0 <= share <= 0.1:
        raise ValueError(f"--bad is {share:g}: 0 to 0.1 of the messages are possible")
    rng = stream(seed, "exchange bad")
    ticks = instruments.select("isin", "tick")
    able = orders.with_row_index("row").join(ticks, on="isin", how="left", maintain_order="left")
    able = able.filter((pl.col("action") == "NEW") & (pl.col("kind") == "LIMIT"))
    able = able.filter(pl.Series(rng.random(able.height) < share * orders.height / able.height))
    why = pl.Series(np.array(REASONS)[rng.integers(0, len(REASONS), able.height)])
    able = able.with_columns(why=why).with_columns(
        why=pl.when((pl.col("why") == "OFF_TICK") & (pl.col("tick") == 1))
        .then(pl.lit("OTHER_UNIT"))
        .otherwise("why")
    )
    reason = pl.col("why")
    other = reason.is_in(["UNKNOWN_ORDER", "OFF_TICK", "OTHER_UNIT"])
    extra = able.with_columns(
        time=pl.col("time") + 1,
        command_id=pl.col("command_id") + "-" + reason,
        order_id=pl.when(other).then(pl.col("order_id") + "-bad").otherwise("order_id"),
        action=pl.when(reason == "UNKNOWN_ORDER").then(pl.lit("CANCEL")).otherwise("action"),
        price=pl.when(reason == "OFF_TICK").then(pl.col("price") + 1).otherwise("price"),
        currency=pl.when(reason == "OTHER_UNIT").then(pl.lit("JPY")).otherwise("currency"),
    )
    return pl.concat([orders, extra.select(orders.columns)]).sort("time", maintain_order=True)
