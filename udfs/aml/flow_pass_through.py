"""Pass-through: money comes in and goes out again within a day or three.

Definition: at a debit, of what an owner was credited in the window (t - W, t], W = 24 h or 72 h, at
least 5,000, between 0.9 and 1.1 times has been debited in the same window, and the balance is under
10 % of it. Source: FFIEC examination manual, appendix F (money moved on soon after it came in); the
numbers are starting values from practice. What moves between accounts of one owner came neither in
nor went out, and does not count.
Units: minor units of the base currency, shares in parts per million. The bands are by the sum
credited; their limits scale with the owner's factor, and are stretched for a business: 5,000 is a
day's takings of a shop, which pays its suppliers of them. Of two windows the shorter one is told.

The balance is credits less debits since the owner was first seen; what was there before is not
known and counts as nothing, as what is posted while the rule is off. How long the money stayed is
found by matching each debit of the window with the oldest credits of it (first in, first out) and
is the average of what was matched, weighted by amount.

State: credits and debits an owner and window, and the balance of each owner.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import State, TableSpec
from udfs.aml.flow_groups import Added, Array, Sums, group
from udfs.aml.flow_kinds import Times, stretched
from udfs.aml.flow_said import SAID, History, Report, lasting, newly, ranked, scaled, usd
from udfs.aml.flow_windows import Moved, Windows, as_remembered, by_owner
from udfs.aml.rule import HOUR, NOTHING, WHOLE, Band, Moment, RuleParams

NAME = "pass-through"
_SAID = f"aml.{NAME}.said"
_BALANCE = f"aml.{NAME}.balance"
_SAFE = 1 - 1e-9
_FOUND = ("event", "hours", "paid_in", "paid_out", "value")
Hours = Annotated[int, Field(ge=1, le=168)]
Share = Annotated[int, Field(ge=0, le=100 * WHOLE)]


class Params(RuleParams):
    """What a rule set chooses.

    Attributes:
        hours: The windows, the shortest first.
        least: Least share of what came in that has gone out, parts per million.
        most: Greatest such share.
        balance: The balance must be under this share of what came in.
        business: So many times as much must come in for a business, parts per million.
    """

    hours: Annotated[tuple[Hours, ...], Field(min_length=1, max_length=2)] = (24, 72)
    least: Share = 900_000
    most: Share = 1_100_000
    balance: Share = 100_000
    business: Times = 10 * WHOLE
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=500_000, score=400_000),
        Band(name="MEDIUM", at_least=2_500_000, score=700_000),
        Band(name="HIGH", at_least=10_000_000, score=900_000),
    )


def _measured(rows: pl.DataFrame) -> Sums:
    credit, other = (rows["direction"] == "CREDIT").to_numpy(), ~rows["own"].to_numpy()
    base = rows["base"].to_numpy() * other
    paid_in = base * credit
    return {"paid_in": paid_in, "paid_out": base - paid_in}


_WINDOWS = Windows(NAME, 2, ("paid_in", "paid_out"), _measured)


class PassThrough:
    """The rule; see the module."""

    name = NAME
    tables: Mapping[str, TableSpec] = {
        **_WINDOWS.tables,
        _BALANCE: by_owner(("balance",)),
        _SAID: SAID,
    }

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """Outcomes of the debits by which money has passed through."""
        added = Added.of(group(events), _measured(as_remembered(state, events, moment)))
        balance = _balances(state, added)
        events = events.with_columns(stretched(params.business))
        factor = events["factor"].to_numpy()
        lengths = [hours * HOUR for hours in params.hours]
        found: list[tuple[int, ...]] = []
        for slot, moved in enumerate(_WINDOWS.move(state, added, moment, lengths)):
            chosen = _possible(moved, factor, params)
            if chosen.any():
                found += _met(moved, balance, factor, chosen, params, params.hours[slot])
        shown = events["at", "posting_id", "owner", "owner_number", "late", "factor"]
        if not found:
            return _told(state, newly(state[_SAID], shown.clear(), params, moment), params)
        columns = dict.fromkeys(_FOUND, pl.Int64)
        rows = pl.DataFrame(found, schema=columns, orient="row").sort("event", "hours")
        rows = rows.unique("event", keep="first", maintain_order=True)
        rows = ranked(
            pl.concat([shown[rows["event"]], rows], how="horizontal"), "value", params.bands
        )
        return _told(state, newly(state[_SAID], rows, params, moment), params)


def _balances(state: State, added: Added) -> Moved:
    """Balances, as a window that nothing leaves."""
    net = added.totals["paid_in"] - added.totals["paid_out"]
    change = pl.DataFrame({"owner_number": added.events.owners, "balance": net})
    before = state[_BALANCE].add(change)["balance"].to_numpy() - net
    values = {"balance": added.values["paid_in"] - added.values["paid_out"]}
    none = np.empty(0, dtype=np.int64)
    moved = Added(added.events, values, {"balance": net})
    return Moved(moved, {"balance": before}, none, none, {"balance": none})


def _possible(moved: Moved, factor: Array, params: Params) -> Array:
    """By owner, whether enough may have come in and gone out: what leaves is not taken off."""
    enough = moved.added.events.least(factor) / WHOLE * params.bands[0].at_least * _SAFE
    paid_out = moved.most("paid_out") >= enough * (params.least / WHOLE)
    debits = moved.added.totals["paid_out"] > 0
    return np.asarray((moved.most("paid_in") >= enough) & paid_out & debits)


def _met(
    moved: Moved, balance: Moved, factor: Array, chosen: Array, params: Params, hours: int
) -> Iterable[tuple[int, ...]]:
    """The debits of `chosen` owners that meet the rule, as rows of _FOUND; exact."""
    events, sums = moved.exact(chosen)
    held = balance.exact(chosen)[1]["balance"]
    paid_in, paid_out, share = sums["paid_in"], sums["paid_out"], factor[events]
    near = (moved.added.values["paid_out"][events] > 0) & (paid_in > 0)
    near &= paid_in >= share / WHOLE * params.bands[0].at_least * _SAFE
    near &= (paid_out >= paid_in * (params.least / WHOLE * _SAFE)) & (
        paid_out * _SAFE <= paid_in * (params.most / WHOLE)
    )
    near &= held * _SAFE <= paid_in * (params.balance / WHOLE)
    columns = (events, paid_in, paid_out, held, share)
    for event, came, went, kept, scale in zip(*(c[near].tolist() for c in columns), strict=True):
        right = params.least * came <= went * WHOLE <= params.most * came
        if right and kept * WHOLE < params.balance * came:
            yield event, hours, came, went, min(came * WHOLE // scale, 2**62)


def _told(state: State, found: pl.DataFrame, params: Params) -> pl.DataFrame:
    if found.is_empty():
        return NOTHING
    history = History(state, found["owner_number"], ("direction", "base", "own"))
    report, credit = Report(history), (history.rows["direction"] == "CREDIT").to_numpy()
    base, other = history.rows["base"].to_numpy(), ~history.rows["own"].to_numpy()
    for row in found.rows(named=True):
        after = row["at"] - row["hours"] * HOUR
        places = history.up_to(row["owner_number"], after, row["posting_id"])
        places = places[other[places]]
        matched, stayed = retention(history.at[places], base[places], credit[places])
        within = f"within {row['hours']} h"
        share = row["paid_out"] * 1_000 // row["paid_in"]
        measured = (
            f"{usd(row['paid_in'])} in and {usd(row['paid_out'])} out {within}, "
            f"{share // 10}.{share % 10} %; {usd(matched)} stayed {lasting(stayed)} on average"
        )
        limit = (
            f"{params.least / 10_000:g} % to {params.most / 10_000:g} % of at least "
            f"{usd(scaled(params.bands[0].at_least, row['factor']))} {within}, "
            f"balance under {params.balance / 10_000:g} %"
        )
        reason = f"Money passed through: {measured}"
        amount = row["paid_in"]
        report.add(row, places, amount=amount, measured=measured, limit=limit, reason=reason)
    return report.frame()


def retention(at: Array, base: Array, credit: Array) -> tuple[int, int]:
    """How much of the debits is matched by credits before them, and how long that stayed.

    First in, first out; postings in order of time.

    Returns:
        The sum matched, and the average time between credit and debit, weighted by amount, whole
        microseconds rounded down; 0 if nothing is matched.
    """
    waiting: list[list[int]] = []
    oldest = matched = stayed = 0
    for time, amount, came in zip(at.tolist(), base.tolist(), credit.tolist(), strict=True):
        if came:
            waiting.append([time, amount])
            continue
        while amount and oldest < len(waiting):
            part = min(amount, waiting[oldest][1])
            matched, stayed = matched + part, stayed + part * (time - waiting[oldest][0])
            amount -= part
            waiting[oldest][1] -= part
            oldest += not waiting[oldest][1]
    return matched, stayed // matched if matched else 0


RULE = PassThrough()
