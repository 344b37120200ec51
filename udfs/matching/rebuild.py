"""Books again from what was published of them: orders from events, levels and best from orders.

Order events are the feed of single orders (L3). After the last event of a message they say of every
order that is not over where it stands; between those of one message an order that trades stands
nowhere.
"""

import polars as pl

from udfs.matching.side import AT_MARKET, FOR_CLOSE, IN_BOOK, STOPPED

_BOOK = ("isin", "mic")
_KEPT = ("side", "kind", "time_in_force", "price", "stop_price", "quantity", "remaining",
         "displayed", "priority", "entry_time", "owner", "member")  # fmt: skip


def resting(events: pl.DataFrame) -> pl.DataFrame:
    """The orders that are not over after some events of any books.

    Args:
        events: Records OrderEvent in order, from the first of each order on, to the end of a
            message.

    Returns:
        A row an order, by book, side and priority: isin, mic, order_id, what its last event said,
        and `place`: BOOK, STOP, CLOSE or MARKET.
    """
    orders = events.group_by(*_BOOK, "order_id", maintain_order=True).agg(
        *(pl.col(name).last() for name in _KEPT),
        triggered=(pl.col("event") == "TRIG").any(),
        closing=(pl.col("phase") == "CLOSING_CALL").any(),
    )
    waits = pl.col("kind").is_in(["STOP", "STOP_LIMIT"]) & ~pl.col("triggered")
    early = (pl.col("time_in_force") == "AT_CLOSE") & ~pl.col("closing")
    place = (
        pl.when(waits)
        .then(pl.lit(STOPPED))
        .when(early)
        .then(pl.lit(FOR_CLOSE))
        .when(pl.col("kind").is_in(["MARKET", "STOP"]))
        .then(pl.lit(AT_MARKET))
        .otherwise(pl.lit(IN_BOOK))
    )
    orders = orders.filter(pl.col("remaining") > 0).with_columns(place=place)
    return orders.drop("triggered", "closing").sort(*_BOOK, "side", "priority")


def levels(orders: pl.DataFrame) -> pl.DataFrame:
    """What books show: isin, mic, side, price, size, orders, by price, of `resting`."""
    shown = orders.filter(pl.col("displayed") > 0)
    sums = shown.group_by(*_BOOK, "side", "price").agg(
        size=pl.col("displayed").sum(), orders=pl.len().cast(pl.Int64)
    )
    return sums.sort(*_BOOK, "side", "price")


def best(found: pl.DataFrame) -> pl.DataFrame:
    """The best prices of `levels`, 0 where there is none; a row a book that shows anything."""
    bids, asks = (found.filter(pl.col("side") == side) for side in ("BUY", "SELL"))
    bids = (
        bids.sort("price")
        .group_by(*_BOOK)
        .agg(bid=pl.col("price").last(), bid_size=pl.col("size").last())
    )
    asks = (
        asks.sort("price")
        .group_by(*_BOOK)
        .agg(ask=pl.col("price").first(), ask_size=pl.col("size").first())
    )
    both = bids.join(asks, on=_BOOK, how="full", coalesce=True)
    return both.with_columns(pl.col("bid", "bid_size", "ask", "ask_size").fill_null(0)).sort(_BOOK)


def levels_told(changes: pl.DataFrame) -> pl.DataFrame:
    """The levels that changes leave: records DepthChange in order, from the first on."""
    last = changes.group_by(*_BOOK, "side", "price", maintain_order=True).agg(
        pl.col("size").last(), pl.col("orders").last().cast(pl.Int64)
    )
    return last.filter(pl.col("size") > 0).sort(*_BOOK, "side", "price")


def best_told(found: pl.DataFrame) -> pl.DataFrame:
    """The best prices that records BestPrices, in order, leave."""
    names = ("bid", "bid_size", "ask", "ask_size")
    last = found.group_by(*_BOOK, maintain_order=True).agg(pl.col(names).last())
    return last.select(*_BOOK, *names).sort(_BOOK)
