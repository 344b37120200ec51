"""Velocity: more postings, or more money, in a short time than is allowed or usual.

Definition: in a window (t - W, t], for debits and credits apart, the count or the sum lies above a
fixed limit; or, with at least three postings, above twice the owner's own average of 180 days.
Source: transaction velocity as in Ballerine's rules; the numbers of the fixed limits and the least
sum of the own average are defaults of practice, not of a law.
Units: amounts in minor units of the base currency, averages an hour: postings in millionths, money
in whole minor units, both rounded down. The measure of the bands is value / limit in parts per
million, rounded up: 1,000,001 is the least that lies above the limit. An event that passes several
limits is told with the one it passes by most. The fixed limit of a sum and the least sum scale
with the owner's factor; counts and the own average do not.

Own average: the six blocks of thirty days that were finished when the running one began, over the
hours since the first of them or since the owner was first seen. Below thirty days: none.
State: count and sum an owner, window and direction; the ledger of blocks (udfs.aml.flow_blocks).
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from schemas.step import State, TableSpec
from udfs.aml.flow_blocks import BLOCK, Ledger, Page, by_block
from udfs.aml.flow_groups import Added, Array, Sums, group
from udfs.aml.flow_said import SAID, History, Report, newly, ranked, scaled, usd
from udfs.aml.flow_windows import Moved, Windows, as_remembered
from udfs.aml.rule import HOUR, NOTHING, WHOLE, Band, Moment, RuleParams

NAME = "velocity"
WINDOWS = 3
"""So many windows a rule set may ask for at most."""
_SAID = f"aml.{NAME}.said"
_LEARNT = 30 * 24
_BLOCKS = 6
DIRECTIONS = ("debit", "credit")
_NAMES = ("debits", "debited", "credits", "credited")
_WIDE = pl.Int128()
_SAFE = 1 - 1e-9
_MEASURED = ("event", "count", "sum", "usual_count", "usual_sum")
_NEAR = (*_MEASURED, "slot", "side", "hours", "most_count", "most_sum")


class VelocityWindow(BaseModel):
    """One window and its fixed limits: postings, and minor units of the base currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: Annotated[int, Field(ge=1, le=168)]
    count: Annotated[int, Field(ge=1, le=1_000_000)]
    sum: Annotated[int, Field(ge=1, le=1_000_000_000_000_000)]


class Params(RuleParams):
    """What a rule set chooses.

    Attributes:
        windows: The windows and their fixed limits, short ones first.
        own_times: So many times the own average are allowed, parts per million; 0: not compared.
        own_count: Least postings in the window for the own average to count.
        own_floor: The sum in the window must lie above it for the own average to count.
    """

    windows: Annotated[tuple[VelocityWindow, ...], Field(min_length=1, max_length=WINDOWS)] = (
        VelocityWindow(hours=1, count=10, sum=1_000_000),
        VelocityWindow(hours=24, count=30, sum=2_500_000),
        VelocityWindow(hours=168, count=100, sum=10_000_000),
    )
    own_times: Annotated[int, Field(ge=0, le=1_000_000_000)] = 2_000_000
    own_count: Annotated[int, Field(ge=1, le=1_000_000)] = 3
    own_floor: Annotated[int, Field(ge=0, le=1_000_000_000_000_000)] = 100_000
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=WHOLE + 1, score=300_000),
        Band(name="MEDIUM", at_least=2 * WHOLE + 1, score=600_000),
        Band(name="HIGH", at_least=5 * WHOLE + 1, score=900_000),
    )


def _measured(rows: pl.DataFrame) -> Sums:
    debit, base = (rows["direction"] == "DEBIT").to_numpy(), rows["base"].to_numpy()
    counts = debit.astype(np.int64)
    debited = base * counts
    return dict(zip(_NAMES, (counts, debited, 1 - counts, base - debited), strict=True))


_WINDOWS = Windows(NAME, WINDOWS, _NAMES, _measured)
_USUAL = tuple(f"usual_{name}" for name in _NAMES)
_LEDGER = Ledger(f"aml.{NAME}.blocks", _NAMES, _BLOCKS, _USUAL)


class Velocity:
    """The rule; see the module."""

    name = NAME
    tables: Mapping[str, TableSpec] = {
        **_LEDGER.tables,
        **_WINDOWS.tables,
        _SAID: SAID,
    }

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """Outcomes of the events at which a limit is passed."""
        parts = [_part(state, *part, params) for part in by_block(events, moment)]
        return pl.concat(parts)


def _part(
    state: State, block: int, events: pl.DataFrame, moment: Moment, params: Params
) -> pl.DataFrame:
    added = Added.of(group(events), _measured(as_remembered(state, events, moment)))
    page = _turned(state, block, added)
    factor = events["factor"].to_numpy()
    least = added.events.least(factor)
    lengths = [window.hours * HOUR for window in params.windows]
    near = []
    for slot, moved in enumerate(_WINDOWS.move(state, added, moment, lengths)):
        for side in range(len(DIRECTIONS)):
            chosen = _possible(moved, page, least, params, slot, side)
            if chosen.any():
                near.append(_near(moved, page, factor, chosen, params, slot, side))
    shown = events.select("at", "posting_id", "owner", "owner_number", "late", "factor")
    found = _met(near, shown, params)
    return _told(state, newly(state[_SAID], found, params, moment), params)


def _turned(state: State, block: int, added: Added) -> Page:
    """The owners' ledger rows, their averages made anew where a block has ended."""
    page = _LEDGER.turn(state, added.events, block)
    if len(page.turned):
        start = np.maximum(page.first, (block - _BLOCKS) * BLOCK)
        hours = (block * BLOCK - start) // HOUR
        sums = page.finished.sum(axis=1)
        for place, name in enumerate(_USUAL):
            unit = WHOLE if place % 2 == 0 else 1
            average = sums[:, place] * unit // np.maximum(hours, 1)
            page.columns[name][page.turned] = np.where(hours >= _LEARNT, average, 0)
    for name in _NAMES:
        page.columns[name] += added.totals[name]
    page.save(state)
    return page


def _possible(
    moved: Moved, page: Page, factor: Array, params: Params, slot: int, side: int
) -> Array:
    """By owner, whether a limit may be passed in this call: what leaves is not taken off."""
    names = slice(2 * side, 2 * side + 2)
    count, total = (moved.most(name) for name in _NAMES[names])
    usual = [page.columns[name] for name in _USUAL[names]]
    arrives = moved.added.totals[_NAMES[2 * side]] > 0
    passed = _passed(count, total, usual, factor, params.windows[slot], params)
    return np.asarray(passed & arrives)


def _passed(
    count: Array,
    total: Array,
    usual: Sequence[Array],
    factor: Array,
    window: VelocityWindow,
    params: Params,
) -> Array:
    """Whether a limit is passed or all but passed; floating point, on the safe side."""
    share, times = factor / WHOLE, params.own_times / WHOLE * window.hours * _SAFE
    passed = (count > window.count) | (total > _SAFE * window.sum * share)
    own = (count > times / WHOLE * usual[0]) | (total > times * usual[1])
    known = (params.own_times > 0) & (usual[0] > 0) & (count >= params.own_count)
    return np.asarray(passed | (own & known & (total > _SAFE * params.own_floor * share)))


def _near(
    moved: Moved, page: Page, factor: Array, chosen: Array, params: Params, slot: int, side: int
) -> Array:
    """What is measured at the events that pass a limit or all but do: shape (events, columns)."""
    window, names = params.windows[slot], slice(2 * side, 2 * side + 2)
    events, sums = moved.exact(chosen)
    codes = moved.added.events.codes[events]
    count, total = (sums[name] for name in _NAMES[names])
    usual = [page.columns[name][codes] for name in _USUAL[names]]
    passed = _passed(count, total, usual, factor[events], window, params)
    near = passed & (moved.added.values[_NAMES[2 * side]][events] > 0)
    columns = (events, count, total, *usual)
    limits = np.array([slot, side, window.hours, window.count, window.sum])
    measured = np.stack([column[near] for column in columns], axis=1)
    return np.hstack([measured, np.broadcast_to(limits, (len(measured), len(limits)))])


def _met(near: Sequence[Array], events: pl.DataFrame, params: Params) -> pl.DataFrame:
    """The events that reach a band, with the limit each passes by most; exact, by time."""
    rows = np.vstack([np.empty((0, len(_NEAR)), dtype=np.int64), *near])
    found = pl.DataFrame(rows, schema=dict.fromkeys(_NEAR, pl.Int64))
    found = pl.concat([events[found["event"]], found], how="horizontal")
    counted, summed = pl.col("count").cast(_WIDE), pl.col("sum").cast(_WIDE)
    times = pl.col("hours").cast(_WIDE) * params.own_times
    own = (pl.col("count") >= params.own_count) & (
        summed * WHOLE > pl.lit(params.own_floor, _WIDE) * pl.col("factor")
    )
    ratios = {
        "fixed count": _ratio(counted, pl.col("most_count")),
        "fixed sum": _ratio(summed * WHOLE, pl.col("most_sum").cast(_WIDE) * pl.col("factor")),
        "own count": own * _ratio(counted * WHOLE * WHOLE, pl.col("usual_count") * times),
        "own sum": own * _ratio(summed * WHOLE, pl.col("usual_sum") * times),
    }
    ratio = pl.max_horizontal(*ratios)
    which = pl.coalesce(pl.when(pl.col(name) == ratio).then(pl.lit(name)) for name in ratios)
    found = found.with_columns(**ratios).with_columns(ratio=ratio, which=which)
    found = found.sort("event", "ratio", "slot", descending=[False, True, False])
    found = found.unique("event", keep="first", maintain_order=True)
    return ranked(found, "ratio", params.bands)


def _ratio(value: pl.Expr, limit: pl.Expr) -> pl.Expr:
    """`value` / `limit` in parts per million, rounded up; 0 if there is no limit."""
    ratio = (value * WHOLE + limit - 1) // pl.max_horizontal(limit, pl.lit(1, _WIDE))
    bounded = pl.min_horizontal(ratio, pl.lit(2**62, _WIDE))
    return pl.when(limit > 0).then(bounded).otherwise(0).cast(pl.Int64)


def _told(state: State, found: pl.DataFrame, params: Params) -> pl.DataFrame:
    if found.is_empty():
        return NOTHING
    history = History(state, found["owner_number"], ("direction",))
    report, debit = Report(history), (history.rows["direction"] == "DEBIT").to_numpy()
    for row in found.rows(named=True):
        after = row["at"] - row["hours"] * HOUR
        places = history.up_to(row["owner_number"], after, row["posting_id"])
        places = places[debit[places] == (row["side"] == 0)]
        measured, limit = _words(row, params)
        reason = f"{measured}: above the limit of {limit}"
        report.add(row, places, amount=row["sum"], measured=measured, limit=limit, reason=reason)
    return report.frame()


def _words(row: Mapping[str, int], params: Params) -> tuple[str, str]:
    """What was measured and the limit it passed."""
    direction, within = DIRECTIONS[row["side"]], f"within {row['hours']} h"
    times = params.own_times * row["hours"]
    kind, what = str(row["which"]).split(" ")
    if what == "count":
        limit = row["usual_count"] * times // WHOLE // WHOLE if kind == "own" else row["most_count"]
        measured, allowed = f"{row['count']} {direction}s {within}", f"{limit} {direction}s"
    else:
        fixed, own = scaled(row["most_sum"], row["factor"]), row["usual_sum"] * times // WHOLE
        measured = f"{usd(row['sum'])} in {row['count']} {direction}s {within}"
        allowed = usd(own if kind == "own" else fixed)
    if kind == "own":
        allowed += f", {params.own_times / WHOLE:g} times the own average"
    return measured, f"{allowed} {within}"


RULE = Velocity()
