"""Velocity: more postings, or more money, in a short time than is allowed or usual.

Definition: in a window (t - W, t], for debits and credits apart, the count or the sum lies above a
fixed limit; or above so many times the owner's own average of 180 days. A sum, and the own average,
count from three postings on. What moves between accounts of one owner does not count. Source:
transaction velocity as in Ballerine's rules, with twice the own average; why the defaults here are
other ones, udfs.aml.flow_velocity_params says.
Units: amounts in minor units of the base currency, averages an hour: postings in millionths, money
in whole minor units, both rounded down. The measure of the bands is value / limit in parts per
million, rounded up: 1,000,001 is the least that lies above the limit. An event that passes several
limits is told with the one it passes by most. Fixed limits are stretched for a business; those of a
sum and the least sum scale with the owner's factor; the own average does not.

Own average: the six blocks of thirty days that were finished when the running one began, over the
hours since the first of them or since the owner was first seen. It is not known until there are
enough days and postings. While a rule set leaves the rule out, or switches it off, nothing is
learnt: afterwards the averages are too low until six blocks have gone by.

Other windows in a new rule set, or in one that begins in the shadow, are summed anew from the
remembered postings, which reach back further than any window may: counts and sums are exact from
the first event on. So a shadow set says what it would say alone, but for three things: a cool-down
that the live set began holds it back until that ends; it knows the own average only as far as the
live set had learnt it; and its sums are by the rates of the live set for as long as it lasts.

State: count and sum an owner, window and direction; the ledger of blocks (udfs.aml.flow_blocks).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.step import State, TableSpec
from udfs.aml.flow_blocks import BLOCK, Ledger, Page, by_block
from udfs.aml.flow_groups import Added, Array, Group, Sums, group
from udfs.aml.flow_kinds import stretch
from udfs.aml.flow_said import SAID, History, Report, newly, ranked, scaled, usd
from udfs.aml.flow_velocity_params import WINDOWS, Params, VelocityWindow
from udfs.aml.flow_windows import Moved, Windows, as_remembered
from udfs.aml.rule import HOUR, NOTHING, WHOLE, Moment

NAME = "velocity"
_SAID = f"aml.{NAME}.said"
_BLOCKS = 6
DIRECTIONS = ("debit", "credit")
_NAMES = ("debits", "debited", "credits", "credited")
_WIDE = pl.Int128()
_SAFE = 1 - 1e-9
_LIMITS = ("slot", "side", "hours", "most_count", "most_sum", "own_times")
_NEAR = ("event", "count", "sum", "usual_count", "usual_sum", *_LIMITS)


def _measured(rows: pl.DataFrame) -> Sums:
    debit, other = (rows["direction"] == "DEBIT").to_numpy(), ~rows["own"].to_numpy()
    base = rows["base"].to_numpy() * other
    debits = (debit & other).astype(np.int64)
    debited = base * debits
    return dict(zip(_NAMES, (debits, debited, other - debits, base - debited), strict=True))


_WINDOWS = Windows(NAME, WINDOWS, _NAMES, _measured)
_USUAL = tuple(f"usual_{name}" for name in _NAMES)
_LEDGER = Ledger(f"aml.{NAME}.blocks", _NAMES, _BLOCKS, _USUAL, by_basis=True)


@dataclass(frozen=True)
class _Share:
    """How much of a limit applies: the owner's factor, and how far limits are stretched."""

    factor: Array
    stretch: Array

    def least(self, events: Group) -> "_Share":
        """By owner the least of their events."""
        return _Share(events.least(self.factor), events.least(self.stretch))

    def of(self, chosen: Array) -> "_Share":
        """Those at these places."""
        return _Share(self.factor[chosen], self.stretch[chosen])


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
        events = events.with_columns(stretch(params.business))
        parts = [_part(state, *part, params) for part in by_block(events, moment)]
        return pl.concat(parts)


def _part(
    state: State, block: int, events: pl.DataFrame, moment: Moment, params: Params
) -> pl.DataFrame:
    added = Added.of(group(events), _measured(as_remembered(state, events, moment)))
    page = _turned(state, block, added, params)
    share = _Share(events["factor"].to_numpy(), events["stretch"].to_numpy())
    least = share.least(added.events)
    lengths = [window.hours * HOUR for window in params.windows]
    near = []
    for slot, moved in enumerate(_WINDOWS.move(state, added, moment, lengths)):
        for side in range(len(DIRECTIONS)):
            chosen = _possible(moved, page, least, params, slot, side)
            if chosen.any():
                near.append(_near(moved, page, share, chosen, params, slot, side))
    shown = events["at", "posting_id", "owner", "owner_number", "late", "factor", "stretch"]
    found = _met(near, shown, params)
    return _told(state, newly(state[_SAID], found, params, moment), params)


def _turned(state: State, block: int, added: Added, params: Params) -> Page:
    """The owners' ledger rows, their averages made anew where a block has ended."""
    page = _LEDGER.turn(state, added.events, block, params.own_days << 32 | params.own_seen)
    if len(page.turned):
        start = np.maximum(page.first, (block - _BLOCKS) * BLOCK)
        hours = (block * BLOCK - start) // HOUR
        sums = page.finished.sum(axis=1)
        for place, name in enumerate(_USUAL):
            unit = WHOLE if place % 2 == 0 else 1
            average = sums[:, place] * unit // np.maximum(hours, 1)
            known = (hours >= params.own_days * 24) & (sums[:, place // 2 * 2] >= params.own_seen)
            page.columns[name][page.turned] = np.where(known, average, 0)
    for name in _NAMES:
        page.columns[name] += added.totals[name]
    page.save(state)
    return page


def _possible(
    moved: Moved, page: Page, share: _Share, params: Params, slot: int, side: int
) -> Array:
    """By owner, whether a limit may be passed in this call: what leaves is not taken off."""
    names = slice(2 * side, 2 * side + 2)
    count, total = (moved.most(name) for name in _NAMES[names])
    usual = [page.columns[name] for name in _USUAL[names]]
    arrives = moved.added.totals[_NAMES[2 * side]] > 0
    passed = _passed(count, total, usual, share, params.windows[slot], params)
    return np.asarray(passed & arrives)


def _passed(
    count: Array,
    total: Array,
    usual: Sequence[Array],
    share: _Share,
    window: VelocityWindow,
    params: Params,
) -> Array:
    """Whether a limit is passed or all but passed; floating point, on the safe side."""
    factor, wide = share.factor / WHOLE * _SAFE, share.stretch / WHOLE * _SAFE
    several = count >= params.least
    passed = (count > window.count * wide) | (several & (total > window.sum * factor * wide))
    if not window.own_times:
        return np.asarray(passed)
    times = window.own_times / WHOLE * window.hours * _SAFE
    own = (count > times / WHOLE * usual[0]) | (total > times * usual[1])
    return np.asarray(
        passed | (own & several & (usual[0] > 0) & (total > params.own_floor * factor))
    )


def _near(
    moved: Moved, page: Page, share: _Share, chosen: Array, params: Params, slot: int, side: int
) -> Array:
    """What is measured at the events that pass a limit or all but do: shape (events, columns)."""
    window, names = params.windows[slot], slice(2 * side, 2 * side + 2)
    events, sums = moved.exact(chosen)
    codes = moved.added.events.codes[events]
    count, total = (sums[name] for name in _NAMES[names])
    usual = [page.columns[name][codes] for name in _USUAL[names]]
    passed = _passed(count, total, usual, share.of(events), window, params)
    near = passed & (moved.added.values[_NAMES[2 * side]][events] > 0)
    columns = (events, count, total, *usual)
    limits = np.array([slot, side, window.hours, window.count, window.sum, window.own_times])
    measured = np.stack([column[near] for column in columns], axis=1)
    return np.hstack([measured, np.broadcast_to(limits, (len(measured), len(limits)))])


def _met(near: Sequence[Array], events: pl.DataFrame, params: Params) -> pl.DataFrame:
    """The events that reach a band, with the limit each passes by most; exact, by time."""
    rows = np.vstack([np.empty((0, len(_NEAR)), dtype=np.int64), *near])
    if not len(rows):
        return events.clear()
    found = pl.DataFrame(rows, schema=dict.fromkeys(_NEAR, pl.Int64))
    found = pl.concat([events[found["event"]], found], how="horizontal")
    counted, summed = pl.col("count").cast(_WIDE) * WHOLE, pl.col("sum").cast(_WIDE) * WHOLE
    several, factor = pl.col("count") >= params.least, pl.col("factor").cast(_WIDE)
    times = pl.col("hours").cast(_WIDE) * pl.col("own_times")
    own = several & (summed > factor * params.own_floor)
    wide = factor * pl.col("stretch")
    ratios = {
        "fixed count": _ratio(counted, pl.col("most_count").cast(_WIDE) * pl.col("stretch")),
        "fixed sum": several * _ratio(summed * WHOLE, pl.col("most_sum").cast(_WIDE) * wide),
        "own count": own * _ratio(counted * WHOLE, pl.col("usual_count") * times),
        "own sum": own * _ratio(summed, pl.col("usual_sum") * times),
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
    history = History(state, found["owner_number"], ("direction", "own"))
    report, debit = Report(history), (history.rows["direction"] == "DEBIT").to_numpy()
    other = ~history.rows["own"].to_numpy()
    for row in found.rows(named=True):
        after = row["at"] - row["hours"] * HOUR
        places = history.up_to(row["owner_number"], after, row["posting_id"])
        places = places[other[places] & (debit[places] == (row["side"] == 0))]
        measured, limit = _words(row)
        reason = f"{measured}: above the limit of {limit}"
        report.add(row, places, amount=row["sum"], measured=measured, limit=limit, reason=reason)
    return report.frame()


def _words(row: Mapping[str, int]) -> tuple[str, str]:
    """What was measured and the limit it passed."""
    direction, within = DIRECTIONS[row["side"]], f"within {row['hours']} h"
    times, wide = row["own_times"] * row["hours"], row["stretch"]
    kind, what = str(row["which"]).split(" ")
    if what == "count":
        own, fixed = row["usual_count"] * times // WHOLE // WHOLE, row["most_count"] * wide // WHOLE
        limit = own if kind == "own" else fixed
        measured, allowed = f"{row['count']} {direction}s {within}", f"{limit} {direction}s"
    else:
        own = row["usual_sum"] * times // WHOLE
        fixed = scaled(row["most_sum"] * wide // WHOLE, row["factor"])
        measured = f"{usd(row['sum'])} in {row['count']} {direction}s {within}"
        allowed = usd(own if kind == "own" else fixed)
    if kind == "own":
        allowed += f", {row['own_times'] / WHOLE:g} times the own average"
    return measured, f"{allowed} {within}"


RULE = Velocity()
