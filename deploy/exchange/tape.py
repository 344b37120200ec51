"""Turns what floors leave behind into frames with the columns of the records."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from deploy.exchange.parties import Party
from deploy.exchange.world import World
from schemas.records import record
from udfs.matching.messages import Command, Control, Event

VERSION = "simulated"
_PARTIES = ("member", "client", "owner", "trader")
_ENTRY = (
    "isin", "mic", "order_id", "side", "kind", "time_in_force", "price_scale", "currency",
    "member", "client", "owner", "trader", "executor", "capacity", "liquidity_provision",
    "parent_id",
)  # fmt: skip
"""Columns of an event that come from the order's entry."""
_LINEAGE = {
    "source_topic": pl.lit("orders"),
    "source_partition": pl.lit(0, pl.Int32),
}


class Tape:
    """The messages, events and truths of all floors, floor by floor."""

    def __init__(self, events: bool = True) -> None:
        """An empty tape; without `events` those are not kept."""
        self._keep = events
        self._orders: list[pl.DataFrame] = []
        self._events: list[pl.DataFrame] = []
        self._labels: list[pl.DataFrame] = []

    def add(self, world: World, ticks: Mapping[str, int]) -> None:
        """Take down a floor; `ticks` has the smallest step of each instrument."""
        if not world.commands:
            return
        entries = [held.order for held in world.held.values()]
        frame = _columns(entries, Command)
        self._orders.append(_columns(world.commands, Command))
        self._labels.append(_label_frame(world, frame))
        place = {entry.order_id: n for n, entry in enumerate(entries)}
        if self._keep or not self._events:
            events = world.events if self._keep else world.events[:1]
            self._events.append(_event_frame(events, frame, place, ticks))

    def orders(self) -> pl.DataFrame:
        """Messages in order of time."""
        return pl.concat(self._orders).sort("time", maintain_order=True)

    def labels(self) -> pl.DataFrame:
        """The truth about each order, in order of its last event."""
        return pl.concat(self._labels).sort("time", maintain_order=True)

    def events(self) -> pl.DataFrame:
        """Events in order of time; none if they are not kept."""
        found = pl.concat(self._events).sort("time", maintain_order=True)
        return found if self._keep else found.clear()


def executions(events: pl.DataFrame) -> pl.DataFrame:
    """The trades among events, a row each; the book before them is that of their events."""
    trades = events.filter(pl.col("last_quantity") > 0)
    passive = trades.filter("passive").select("execution_id", rests="side")
    names = {"order": "order_id"} | {name: name for name in _PARTIES}
    frame = trades.unique("execution_id", keep="first", maintain_order=True)
    for side, word in (("BUY", "buy"), ("SELL", "sell")):
        own = trades.filter(side=side).select(
            "execution_id", **{f"{word}_{to}": pl.col(name) for to, name in names.items()}
        )
        frame = frame.join(own, on="execution_id", how="left", maintain_order="left")
    frame = frame.join(passive, on="execution_id", how="left", maintain_order="left")
    took = pl.col("rests").replace_strict({"BUY": "SELL", "SELL": "BUY"}, default="NONE")
    return frame.with_columns(
        price="last_price", quantity="last_quantity", aggressor=took.fill_null("NONE")
    )


def control_frame(controls: Sequence[Control]) -> pl.DataFrame:
    """Records VenueControl but for producer and sequence."""
    return _columns(controls, Control).with_columns(
        user=pl.lit("venue"), reason=pl.lit("order of trading")
    )


def link_frame(seed: int, groups: Sequence[tuple[Party, ...]], time: int) -> pl.DataFrame:
    """Records OwnerLink but for producer and sequence."""
    rows = [
        (f"G{seed}-{n:04d}-{place}", time, party.owner, f"G-{n:04d}", "same family")
        for n, group in enumerate(groups)
        for place, party in enumerate(group)
    ]
    names = ["link_id", "time", "owner", "group", "reason"]
    return pl.DataFrame(rows, names, orient="row")


def _columns(rows: Sequence[Any], of: Any) -> pl.DataFrame:
    """A frame of named tuples."""
    columns = zip(*rows, strict=True)
    kinds = {int: pl.Int64, str: pl.String, bool: pl.Boolean}
    frame = {
        name: pl.Series(name, list(values), kinds[of.__annotations__[name]])
        for name, values in zip(of._fields, columns, strict=True)
    }
    found = pl.DataFrame(frame)
    return (
        found.with_columns(pl.col("price_scale").cast(pl.Int32))
        if "price_scale" in frame
        else found
    )


def _event_frame(
    events: Sequence[Event],
    entries: pl.DataFrame,
    place: Mapping[str, int],
    ticks: Mapping[str, int],
) -> pl.DataFrame:
    columns: dict[str, Any] = dict(zip(Event._fields, zip(*events, strict=True), strict=True))
    row = [place[entry.order_id] for entry in columns.pop("entry")]
    counter = [None if c is None else place[c.order_id] for c in columns.pop("counter")]
    before = np.array(columns.pop("before"), dtype=np.int64)
    after = np.array(columns.pop("after"), dtype=np.int64)
    frame = pl.DataFrame({name: list(values) for name, values in columns.items()})
    own = entries.select(_ENTRY)[np.array(row)]
    index = pl.Series(counter, dtype=pl.UInt32)
    others = {
        name: entries[source].gather(index).fill_null("")
        for name, source in (
            ("counter_order", "order_id"), ("counter_owner", "owner"), ("counter_member", "member"),
        )
    }  # fmt: skip
    tops = {
        name + mark: top[:, n]
        for mark, top in (("", before), ("_after", after))
        for n, name in enumerate(("bid", "bid_size", "ask", "ask_size"))
    }
    buys = own["side"].to_numpy() == "BUY"
    return pl.concat([frame, own], how="horizontal").with_columns(
        pl.col("level").cast(pl.Int32),
        depth=pl.Series(np.where(buys, before[:, 4], before[:, 5])),
        opposite_depth=pl.Series(np.where(buys, before[:, 5], before[:, 4])),
        tick=pl.col("isin").replace_strict(ticks, return_dtype=pl.Int64),
        **{name: pl.Series(values) for name, values in tops.items()},
        **others,
    )


def _label_frame(world: World, entries: pl.DataFrame) -> pl.DataFrame:
    held = list(world.held.values())
    return entries.select(
        "order_id", "isin", "mic", "owner",
        label_id="order_id",
        time=pl.Series([one.last for one in held]),
        first_time=pl.Series([one.entered for one in held]),
        scheme=pl.Series([one.truth.scheme for one in held]),
        practice=pl.Series([one.truth.practice for one in held]),
        role=pl.Series([one.truth.role for one in held]),
        abusive=pl.Series([one.truth.abusive for one in held]),
    )  # fmt: skip


def numbered(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Records as one producer would number them on one partition."""
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    return frame.with_columns(producer=pl.lit("exchange"), sequence=number).select(
        *record(name).columns
    )


def as_written(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """The columns of a result's record, as one shard of the job would write them."""
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    frame = frame.with_columns(
        version=pl.lit(VERSION), first_offset=number, last_offset=number, **_LINEAGE
    )
    return numbered(frame, name).with_columns(producer=pl.lit("matching/0"))
