"""Time of day: a large payment in an hour in which the owner is never active.

Definition: at a debit that the owner ordered (any channel but DIRECT_DEBIT), less than 1 % of the
owner's such debits of the last 90 days fell in the hour of the day, in the owner's time zone, and
the amount lies above a percentile of theirs. At least 100 of them must be known, or else 1 % is
less than one debit, and the amount must lie above a floor. Source: common practice; all numbers are
starting values. Practice takes the 95th percentile; here it is the 99th, because what is due once a
month, as rent, is one debit in thirty or forty: above the 95th of everybody, in every month.
Units: minor units of the base currency, shares in parts per million. The bands are by amount /
percentile in parts per million, rounded up: 1,000,001 is the least above it. The floor scales with
the owner's factor, the percentile does not.

What is approximate: the 90 days are the three blocks of thirty days that were finished when the
running one began (udfs.aml.flow_blocks); the percentile is the upper end of its power of two, so
an amount up to twice the percentile may be missed and none below it is told (udfs.aml.
flow_profile). An hour is the one the clock on the wall shows: at the end of summer time one lasts
twice as long, and at its begin one is left out. A zone that is not known counts as UTC. Late events
are passed over: when they count is not when they were made.

State: counts by hour and by class of amount of each owner, the running block and three finished.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.ids import is_zone
from schemas.step import State, TableSpec
from udfs.aml.flow_blocks import Ledger, Page, by_block
from udfs.aml.flow_groups import Array, Group, group
from udfs.aml.flow_profile import CLASSES, classes, counted, counts, quantile, words
from udfs.aml.flow_said import ranked, single
from udfs.aml.rule import NOTHING, WHOLE, Band, Moment, RuleParams, money

NAME = "time-of-day"
HOURS = 24
_TIMES, _AMOUNTS = words("hour", HOURS), words("amount", CLASSES)
_PACKED = (*_TIMES, *_AMOUNTS)
_SUMMARY = ("seen", "usual", "high")
_LEDGER = Ledger(f"aml.{NAME}.blocks", ("count", *_PACKED), 3, _SUMMARY, by_basis=True)


class Params(RuleParams):
    """What a rule set chooses; the bands are by amount / percentile, parts per million.

    Attributes:
        share: An hour with less than this share of the debits is unusual, parts per million.
        percentile: The amount must lie above it, parts per million.
        least: Least number of debits known.
        floor: The amount must lie above it.
    """

    share: Annotated[int, Field(ge=0, le=WHOLE)] = 10_000
    percentile: Annotated[int, Field(ge=0, le=WHOLE)] = 990_000
    least: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    floor: Annotated[int, Field(ge=0, le=1_000_000_000_000_000)] = 100_000
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=WHOLE + 1, score=200_000),
        Band(name="MEDIUM", at_least=4 * WHOLE + 1, score=400_000),
        Band(name="HIGH", at_least=10 * WHOLE + 1, score=600_000),
    )


class TimeOfDay:
    """The rule; see the module."""

    name = NAME
    tables: Mapping[str, TableSpec] = _LEDGER.tables

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """Outcomes of the debits that are large for the owner at an unusual hour."""
        ordered = events.filter(
            (pl.col("direction") == "DEBIT")
            & (pl.col("channel") != "DIRECT_DEBIT")
            & ~pl.col("late")
        )
        if ordered.is_empty():
            return NOTHING
        return pl.concat(
            _part(state, block, part, params) for block, part, _ in by_block(ordered, moment)
        )


def _part(state: State, block: int, events: pl.DataFrame, params: Params) -> pl.DataFrame:
    of_call, base, hour = group(events), events["base"].to_numpy(), hours(events)
    page = _LEDGER.turn(state, of_call, block, params.share * (WHOLE + 1) + params.percentile)
    _learn(page, params)
    seen, usual, high = (page.columns[name][of_call.codes] for name in _SUMMARY)
    odd = (seen >= params.least) & (base > high) & ((usual >> hour) & 1 == 0)
    _count(page, of_call, base, hour)
    page.save(state)
    if not odd.any():
        return NOTHING
    chosen = np.flatnonzero(odd)
    found = events[chosen].with_columns(
        hour=pl.Series(hour[chosen]), high=pl.Series(high[chosen]), seen=pl.Series(seen[chosen])
    )
    wide = pl.Int128()
    above = pl.col("base").cast(wide) * WHOLE > pl.lit(params.floor, wide) * pl.col("factor")
    ratio = (pl.col("base").cast(wide) * WHOLE + pl.col("high") - 1) // pl.col("high")
    found = found.filter(above).with_columns(ratio=ratio.cast(pl.Int64))
    return _told(ranked(found, "ratio", params.bands), params)


def _learn(page: Page, params: Params) -> None:
    """What is usual for the owners whose block has ended."""
    if not len(page.turned):
        return
    spread = counts(page.finished[:, :, 1:]).sum(axis=1)
    times, amounts = spread[:, :HOURS], spread[:, HOURS:]
    seen = times.sum(axis=1)
    often = times * WHOLE >= params.share * seen[:, None]
    page.columns["usual"][page.turned] = (often << np.arange(HOURS)).sum(axis=1)
    page.columns["high"][page.turned] = quantile(amounts, params.percentile)
    page.columns["seen"][page.turned] = seen


def _count(page: Page, events: Group, base: Array, hour: Array) -> None:
    """Put the events into the running block."""
    page.columns["count"] += events.total(np.ones(len(base), dtype=np.int64))
    for names, fields in ((_TIMES, hour), (_AMOUNTS, classes(base))):
        packed = np.stack([page.columns[name] for name in names], axis=1)
        packed = counted(packed, page.columns["count"], events.codes, fields)
        for place, name in enumerate(names):
            page.columns[name] = packed[:, place]


def hours(events: pl.DataFrame) -> Array:
    """The hour of the day, 0 to 23, at which each event counts, in the owner's zone."""
    out = np.empty(events.height, dtype=np.int64)
    zone = events["zone"]
    for name in zone.unique().to_list():
        places = (zone == name).to_numpy()
        at = pl.Series(events["at"].to_numpy()[places]).cast(pl.Datetime("us", "UTC"))
        out[places] = at.dt.convert_time_zone(_zone(name)).dt.hour().to_numpy()
    return out


@cache
def _zone(name: str) -> str:
    """The zone of that name, or UTC if there is none."""
    return name if is_zone(name) else "UTC"


def _told(found: pl.DataFrame, params: Params) -> pl.DataFrame:
    hour = pl.format("{}:00 to {}:59", pl.col("hour"), pl.col("hour"))
    measured = pl.format("{} USD between {} {}", money("base"), hour, "zone")
    share = pl.lit(f"{params.share / 10_000:g}")
    limit = pl.format("{} USD; hours with {} % of {} debits", money("high"), share, "seen")
    reason = pl.format("Unusual hour and amount: {}", measured)
    return single(found.with_columns(measured=measured, limit=limit, reason=reason))


RULE = TimeOfDay()
