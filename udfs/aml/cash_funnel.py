"""Funnel account: cash is paid in far from home and soon taken out somewhere else.

Definition: an account gets at least 3 cash deposits in at least 3 areas other than its owner's home
area within 3 or 10 days, and at least 80 % of their sum leaves it elsewhere within 3 days; the
posting with which it does is the event that meets it. Source: FinCEN FIN-2014-A005 (an account in
one area gets many cash deposits in others and is emptied elsewhere with little time between); the
numbers are starting values from practice. One depositor or many makes no difference.

A deposit is away from home by the home area known when it is paid in; without a known home area, or
in an unknown one, it does not count. Of the debits those count that follow the first deposit of the
window, lie in the last 3 days and are not made in an area of its deposits; a transfer or wire,
which has no area, is made elsewhere. Money is not told apart: what else leaves the account counts.

State: an account is followed from its first deposit away from home on, until 10 days have passed
without any; its latest 256 deposits and debits are looked at. The rule therefore sees nothing from
before it was put into the rule set.

Measure: number of areas; the lowest band says from how many on. The window with more areas is told,
the shorter one of equals. Amounts are minor units of the base currency; `floor` scales with the
customer's factor.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import State, TableSpec
from udfs.aml import cash_log as log
from udfs.aml import cash_window as cash
from udfs.aml.rule import DAY, NOTHING, WHOLE, Band, Moment, RuleParams, banded, money, outcomes

_TABLE = "aml.funnel-account"
_IN, _OUT = "IN", "OUT"
_POSTING = ["account", "owner", "at", "posting_id", "base", "offset", "late", "factor"]
_HIT: Mapping[str, pl.DataType] = {
    "hit": pl.Int64(),
    "days": pl.Int64(),
    "areas": pl.Int64(),
    "deposits": pl.Int64(),
    "paid_in": pl.Int64(),
    "amount": pl.Int64(),
}


class Params(RuleParams):
    """What a rule set chooses.

    Attributes:
        deposits: Least number of deposits away from home.
        floor: Least sum of these deposits.
        gather_days: Windows in which they are counted, days of 24 hours.
        taken: Least share of their sum that leaves the account elsewhere, ppm.
        taken_days: Window in which it leaves, days of 24 hours.
    """

    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=3, score=500_000),
        Band(name="MEDIUM", at_least=4, score=700_000),
        Band(name="HIGH", at_least=6, score=900_000),
    )
    deposits: Annotated[int, Field(ge=1)] = 3
    floor: Annotated[int, Field(ge=0, le=cash.MOST_MONEY)] = 0
    gather_days: Annotated[
        tuple[Annotated[int, Field(ge=1, le=90)], ...], Field(min_length=1, max_length=8)
    ] = (3, 10)
    taken: Annotated[int, Field(gt=0, le=WHOLE)] = 800_000
    taken_days: Annotated[int, Field(ge=1, le=90)] = 3


class FunnelAccount:
    """The rule `funnel-account`."""

    name: str = "funnel-account"
    tables: Mapping[str, TableSpec] = {_TABLE: log.LOG}

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """One outcome for each debit with which a followed account meets the rule."""
        entries = log.followed(state[_TABLE], _fresh(events), [_IN])
        hits = [hit for days in params.gather_days for hit in _hits(entries, days, params)]
        reach = max(*params.gather_days, params.taken_days) * DAY
        log.remember(state[_TABLE], entries, [_IN], moment.until, reach)
        if not hits:
            return NOTHING
        chosen, frame = cash.runs(hits, _HIT)
        best = frame.sort("hit", "areas", "days", descending=[False, True, False])
        best = banded(best.unique("hit", keep="first", maintain_order=True), "areas", params.bands)
        if best.is_empty():
            return NOTHING
        found = cash.told(entries, chosen, best)
        return outcomes(_worded(found, params))


def _fresh(events: pl.DataFrame) -> pl.DataFrame:
    """Deposits away from home and all debits among the events that came due."""
    area, home = pl.col("area"), pl.col("home_area")
    away = (area != "") & (home != "") & (area != home)
    deposits = cash.due_cash(events, cash.CASH_IN).filter(away).with_columns(role=pl.lit(_IN))
    columns = [*_POSTING, pl.col("area").alias("place"), "role"]
    debits = events.lazy().filter(pl.col("direction") == "DEBIT").with_columns(role=pl.lit(_OUT))
    return pl.concat([deposits.select(columns), debits.select(columns).collect()])


def _hits(entries: pl.DataFrame, days: int, params: Params) -> Iterator[tuple[object, ...]]:
    """The debits that meet the rule with deposits of so many days, as rows of _HIT and postings."""
    begin = log.starts(entries, days * DAY)
    place, base = cash.codes(entries, "place"), cash.integers(entries, "base")
    paid_in = (entries["role"] == _IN).to_numpy()
    index = np.arange(len(entries))
    many, gained = cash.sums(paid_in, begin), cash.sums(np.where(paid_in, base, 0), begin)
    areas = cash.distinct(place, begin, paid_in)
    following = np.minimum.accumulate(np.where(paid_in, index, len(index))[::-1])[::-1]
    factor = entries["factor"].fill_null(WHOLE).to_numpy()
    floor = cash.at_least(params.floor, factor)
    needed = -cash.part(-gained, params.taken)
    met = entries["due"].to_numpy() & ~paid_in & (gained >= floor)
    met &= (areas >= params.bands[0].at_least) & (many >= params.deposits)
    since = np.maximum(log.starts(entries, params.taken_days * DAY), following[begin])
    since = np.minimum(since, index)
    met &= cash.sums(np.where(paid_in, 0, base), since) >= needed
    for hit in np.flatnonzero(met).tolist():
        window = index[begin[hit] : hit + 1]
        deposits = window[paid_in[window]]
        out = index[since[hit] : hit + 1]
        out = out[~paid_in[out] & ~np.isin(place[out], place[deposits])]
        taken = int(base[out].sum())
        if taken >= needed[hit] and out.size and out[-1] == hit:
            chosen = np.union1d(deposits, out)
            yield hit, days, int(areas[hit]), len(deposits), int(gained[hit]), taken, chosen


def _worded(found: pl.DataFrame, params: Params) -> pl.DataFrame:
    hours = 24 * params.taken_days
    return found.with_columns(
        measured=pl.format(
            "{} areas, {} deposits of {} USD together within {} h, {} USD out within {} h",
            "areas", "deposits", money("paid_in"), pl.col("days") * 24, money("amount"),
            pl.lit(hours),
        ),
        limit=pl.lit(
            f"{params.bands[0].at_least} areas, {params.deposits} deposits, "
            f"{params.taken} ppm of their sum out within {hours} h"
        ),
        reason=pl.lit(
            "Cash paid in at several areas away from home was soon taken out elsewhere."
        ),
    )  # fmt: skip
