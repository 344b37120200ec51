"""What flowed from one account or member to another in a window of business time.

Functions from frames to frames: `in_windows` takes the events of a feed, `aggregated` adds up flows
between the same ends, as often as one likes and in any order, `edges` makes the records of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from schemas.step import effective_time
from udfs.exact import require_sums

KEY = ("window_end", "source", "target", "asset", "scale")
"""What flows must have in common to be one edge."""

CURRENCY_LENGTH = 3
"""An asset is a currency code (ISO 4217) or an ISIN of 12 characters."""


@dataclass(frozen=True)
class Feed:
    """How the events of a feed become edges: kind of edge, kind of its ends, and fields.

    With `cash` only events in a currency count. An obligation to deliver securities is one leg of a
    trade whose other leg is cash between the same members: one edge says that they traded.
    """

    kind: str
    ends: str
    source: str
    target: str
    asset: str
    time: str
    cash: bool = False


FEEDS: Mapping[str, Feed] = {
    "payments": Feed(
        "PAYMENT", "ACCOUNT", "debtor_account", "creditor_account", "currency", "time"
    ),
    "obligations": Feed(
        "OBLIGATION", "MEMBER", "payer", "receiver", "asset", "trade_time", cash=True
    ),
}


def in_windows(events: pl.DataFrame, feed: Feed, window_us: int) -> pl.DataFrame:
    """Each event as a flow of its own.

    Windows are tumbling, [window_end - window_us, window_end), aligned to the epoch. A late event
    counts at its place in the log, in the window that is open there.

    Returns:
        KEY, count, amount, late, first_offset, last_offset.
    """
    if feed.cash:
        events = events.filter(pl.col(feed.asset).str.len_bytes() == CURRENCY_LENGTH)
    return events.select(
        window_end=(effective_time(feed.time) // window_us + 1) * window_us,
        source=feed.source,
        target=feed.target,
        asset=feed.asset,
        scale=pl.col("scale").cast(pl.Int64),
        count=pl.lit(1, pl.Int64),
        amount="amount",
        late=pl.col("late").cast(pl.Int64),
        first_offset="offset",
        last_offset="offset",
    )


def aggregated(flows: pl.DataFrame) -> pl.DataFrame:
    """One flow for each KEY, ordered by it; amounts are sums in minor units.

    Raises:
        OverflowError: The amounts of one KEY add up to more than 2^63 - 1.
    """
    require_sums(flows, KEY, "amount")
    return (
        flows.group_by(KEY)
        .agg(
            pl.col("count", "amount", "late").sum(),
            pl.col("first_offset").min(),
            pl.col("last_offset").max(),
        )
        .sort(KEY)
    )


def edges(flows: pl.DataFrame, feed: Feed, window_us: int, shard: int) -> pl.DataFrame:
    """The edges of aggregated flows.

    edge_id = kind|source|target|asset|scale|window start|shard, with % and | inside a name written
    as %25 and %7C, so that two edges never share an id: account numbers may hold any sign. The
    shard is part of it because payments between the same accounts are spread over all shards.
    """
    return flows.with_columns(
        kind=pl.lit(feed.kind),
        source_kind=pl.lit(feed.ends),
        target_kind=pl.lit(feed.ends),
        window_start=pl.col("window_end") - window_us,
        source_partition=pl.lit(shard),
    ).with_columns(
        edge_id=pl.format(
            "{}|{}|{}|{}|{}|{}|{}",
            "kind",
            *(escaped(name) for name in ("source", "target", "asset")),
            *("scale", "window_start", "source_partition"),
        )
    )


def escaped(name: str) -> pl.Expr:
    """A column of names in which a bar can only be one between the parts of an id."""
    percent = pl.col(name).str.replace_all("%", "%25", literal=True)
    return percent.str.replace_all("|", "%7C", literal=True)
