"""Turns what floors leave behind into frames with the columns of the records."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from deploy.exchange.listing import Terms
from deploy.exchange.parties import Party
from deploy.exchange.world import World
from schemas.records import record
from udfs.matching import records
from udfs.matching.messages import Command, Control

PRODUCER = "exchange"
_RESULTS = {"OrderEvent": "matching/0", "Execution": "matching/0"}
"""Who writes what the job would write."""


class Tape:
    """The messages, events and truths of all floors, floor by floor."""

    def __init__(self, events: bool = True) -> None:
        """An empty tape; without `events` those are not kept."""
        self._keep = events
        self._orders: list[pl.DataFrame] = []
        self._events: list[pl.DataFrame] = []
        self._trades: list[pl.DataFrame] = []
        self._labels: list[pl.DataFrame] = []

    def add(self, world: World, listed: Mapping[str, Terms]) -> None:
        """Take down a floor; `listed` has the terms of each instrument."""
        if not world.commands:
            return
        entries = _columns([held.order for held in world.held.values()], Command)
        self._orders.append(_columns(world.commands, Command))
        self._labels.append(_label_frame(world, entries))
        if self._keep:
            known = {
                isin: records.Place("orders", 0, terms.tick, terms.price_scale, terms.currency)
                for isin, terms in listed.items()
            }
            places = [known[event.entry.isin] for event in world.events]
            self._events.append(records.order_events(world.events, places))
            self._trades.append(records.executions(world.events, places))

    def orders(self) -> pl.DataFrame:
        """Records Order in order of time."""
        return numbered(self._orders, "Order")

    def labels(self) -> pl.DataFrame:
        """Records AbuseLabel in order of the last event of their orders."""
        return numbered(self._labels, "AbuseLabel")

    def events(self) -> pl.DataFrame:
        """Records OrderEvent in order of time; none if they are not kept."""
        return numbered(self._events, "OrderEvent")

    def executions(self) -> pl.DataFrame:
        """Records Execution in order of time; none if they are not kept."""
        return numbered(self._trades, "Execution")


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


def numbered(frames: Sequence[pl.DataFrame], name: str) -> pl.DataFrame:
    """Records in order of time, as one producer would number them on one partition."""
    columns = record(name).columns
    if not frames:
        return pl.DataFrame(schema=columns)
    frame = pl.concat(frames).sort("time", maintain_order=True)
    return frame.with_columns(
        producer=pl.lit(_RESULTS.get(name, PRODUCER)),
        sequence=pl.int_range(pl.len(), dtype=pl.Int64),
    ).select(*columns)
