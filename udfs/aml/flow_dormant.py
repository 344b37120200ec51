"""Dormant wake-up: nothing for months, then much within a week.

Definition: no posting of an owner for at least D days (bands 90, 180, 365); then, at an event less
than 7 days after the first one, the postings since sum to more than 5,000 and more than 5 times the
median month. Source: Ballerine (180 days), Tazama (bands of 3, 6, 12 months), FFIEC; the numbers of
the sum are starting values from practice.
Units: minor units of the base currency; debits and credits both count, in the sum and in the month.
The fixed limit scales with the owner's factor, the median does not. The bands are by whole days.

A month is a block of thirty days (udfs.aml.flow_blocks). The median is over the twelve months that
end with the month of the owner's last posting before the pause, months without postings included,
or since the owner was first seen if that is less; of two in the middle their mean, rounded down.
An owner never seen before has been at rest since the account was opened; the median is then 0. No
pause is longer than this rule has been seeing all postings, so that none is made up from a time
before the log begins or in which the rule was switched off.

State: an owner's last posting, what is going on since a wake-up, and the ledger of months.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from schemas.step import State, TableSpec
from udfs.aml.flow_blocks import BLOCK, Ledger, Page, by_block
from udfs.aml.flow_groups import Array, Group, by_code, group
from udfs.aml.flow_said import SAID, History, Report, newly, ranked, scaled, usd
from udfs.aml.flow_windows import missed
from udfs.aml.rule import DAY, NOTHING, WHOLE, Band, Moment, RuleParams

NAME = "dormant-wake-up"
_SAID = f"aml.{NAME}.said"
_START = f"aml.{NAME}.start"
_MONTHS = 12
_SHORTEST = BLOCK // DAY
_FOUND = ("event", "sum", "woke", "days", "median")
_LEDGER = Ledger(
    f"aml.{NAME}.months", ("total",), _MONTHS - 1, ("last", "woke", "gap", "sum", "median")
)


class Params(RuleParams):
    """What a rule set chooses; the bands are by days without a posting.

    Attributes:
        floor: The sum must lie above it.
        times: The sum must lie above so many times the median month, parts per million.
        days: So long after the first posting the sum runs on.
    """

    floor: Annotated[int, Field(ge=0, le=1_000_000_000_000_000)] = 500_000
    times: Annotated[int, Field(ge=0, le=1_000 * WHOLE)] = 5 * WHOLE
    days: Annotated[int, Field(ge=1, le=7)] = 7
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=90, score=300_000),
        Band(name="MEDIUM", at_least=180, score=600_000),
        Band(name="HIGH", at_least=365, score=900_000),
    )

    @field_validator("bands")
    @classmethod
    def _at_least_a_month(cls, bands: tuple[Band, ...]) -> tuple[Band, ...]:
        if bands[0].at_least < _SHORTEST:
            raise ValueError(f"bands begin at {_SHORTEST} days or more, not {bands[0].at_least}")
        return bands


class DormantWakeUp:
    """The rule; see the module."""

    name = NAME
    tables: Mapping[str, TableSpec] = {
        **_LEDGER.tables,
        _START: TableSpec({"one": "int", "start": "int", "until": "int"}, "one"),
        _SAID: SAID,
    }

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """Outcomes of the events that make much after a wake-up."""
        start = _start(state, events, moment)
        if events.is_empty():
            return NOTHING
        return pl.concat(_part(state, *part, params, start) for part in by_block(events, moment))


def _start(state: State, events: pl.DataFrame, moment: Moment) -> int:
    """Since when this rule has seen every posting; up to where it has is noted."""
    one = pl.Series("one", [0])
    row = state[_START].lookup(one)
    known, start, until = row.select("known", "start", "until").row(0)
    if not known and events.is_empty():
        return 0
    if not known or missed(state, until, moment.since):
        start = moment.since if known else int(events["at"][0])
    now = {"one": one, "start": [start], "until": [moment.until]}
    state[_START].upsert(pl.DataFrame(now))
    return int(start)


def _part(
    state: State, block: int, events: pl.DataFrame, moment: Moment, params: Params, start: int
) -> pl.DataFrame:
    of_call, base = group(events), events["base"].to_numpy()
    page = _LEDGER.turn(state, of_call, block)
    order = by_code(of_call.codes)
    gaps = _gaps(of_call, order, page, events["opened"].to_numpy(), start)
    week, columns = params.days * DAY, page.columns
    wakes = np.zeros(len(of_call), dtype=bool)
    wakes[of_call.codes[order[gaps >= params.bands[0].at_least * DAY]]] = True
    awake = (columns["woke"] > 0) & (of_call.first() < columns["woke"] + week)
    active = np.flatnonzero(wakes | awake)
    found: list[tuple[int, ...]] = []
    if len(active):
        ends = np.cumsum(np.bincount(of_call.codes, minlength=len(of_call)))
        places = np.arange(len(order))
        for code in active.tolist():
            own = places[(ends[code - 1] if code else 0) : ends[code]]
            rows = (order[own], of_call.at[order[own]], gaps[own], base[order[own]])
            found += _followed(page, code, rows, events["factor"], params)
    columns["total"] += of_call.total(base)
    np.maximum.at(columns["last"], of_call.codes, of_call.at)
    page.save(state)
    shown = events["at", "posting_id", "owner", "owner_number", "late", "factor"]
    if not found:
        return _told(state, newly(state[_SAID], shown.clear(), params, moment), params)
    met = pl.DataFrame(sorted(found), schema=dict.fromkeys(_FOUND, pl.Int64), orient="row")
    met = ranked(pl.concat([shown[met["event"]], met], how="horizontal"), "days", params.bands)
    return _told(state, newly(state[_SAID], met, params, moment), params)


def _gaps(events: Group, order: Array, page: Page, opened: Array, start: int) -> Array:
    """Time since the owner's posting before, by event in `order`; 0 if none is known."""
    at, codes = events.at[order], events.codes[order]
    first = np.flatnonzero(np.diff(codes, prepend=-1))
    before = np.roll(at, 1)
    begun, owners = opened[order[first]], codes[first]
    last = np.where(page.known[owners], page.columns["last"][owners], begun)
    before[first] = np.where(last > 0, np.maximum(last, start), at[first])
    return np.asarray(at - before)


def _followed(
    page: Page, code: int, rows: tuple[Array, ...], factors: pl.Series, params: Params
) -> list[tuple[int, ...]]:
    """The events of one owner that make much after a wake-up, as rows of _FOUND."""
    own = {name: int(page.columns[name][code]) for name in ("woke", "gap", "sum", "median")}
    found: list[tuple[int, ...]] = []
    for event, at, gap, base in zip(*(column.tolist() for column in rows), strict=True):
        if gap >= params.bands[0].at_least * DAY:
            own = {"woke": at, "gap": gap, "sum": 0, "median": _median(page, code)}
        if own["woke"] and at < own["woke"] + params.days * DAY:
            own["sum"] += base
            total = own["sum"] * WHOLE
            if total > params.floor * factors[event] and total > params.times * own["median"]:
                days = own["gap"] // DAY
                found.append((event, own["sum"], own["woke"], days, own["median"]))
    for name, value in own.items():
        page.columns[name][code] = value
    return found


def _median(page: Page, code: int) -> int:
    """The median month of an owner up to the last posting before a pause."""
    place = int(np.searchsorted(page.turned, code))
    if place == len(page.turned) or page.turned[place] != code:
        return 0
    months = int(page.latest[place]) - int(page.first[place]) // BLOCK + 1
    totals = sorted(page.before[place, : min(months, _MONTHS), 0].tolist())
    return int(totals[(len(totals) - 1) // 2] + totals[len(totals) // 2]) // 2


def _told(state: State, found: pl.DataFrame, params: Params) -> pl.DataFrame:
    if found.is_empty():
        return NOTHING
    history = History(state, found["owner_number"])
    report = Report(history)
    for row in found.rows(named=True):
        places = history.up_to(row["owner_number"], row["woke"] - 1, row["posting_id"])
        fixed, own = scaled(params.floor, row["factor"]), params.times * row["median"] // WHOLE
        measured = f"{usd(row['sum'])} since a pause of {row['days']} d"
        limit = f"{usd(max(fixed, own))} in {params.days} d after {params.bands[0].at_least} d"
        if own > fixed:
            limit += f", {params.times / WHOLE:g} times the median month"
        reason = f"Owner at rest for {row['days']} d, then {usd(row['sum'])} moved"
        amount = row["sum"]
        report.add(row, places, amount=amount, measured=measured, limit=limit, reason=reason)
    return report.frame()


RULE = DormantWakeUp()
