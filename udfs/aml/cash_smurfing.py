"""Smurfing: several people pay cash in for one beneficiary, each below the threshold.

Definition: within 1 or 3 days at least 4 different depositors pay cash into the accounts of one
person, each of them less than T in that window, together more than T; the deposit of one of them is
the event that meets it. A depositor is the counterparty of a cash credit. Deposits of the owner and
of unknown depositors do not count, nor does a depositor with T or more. T = 10,000 USD
(31 CFR 1010.311). Source: FFIEC BSA/AML Manual, appendix F, groups of people at branches; the
numbers are starting values from practice.

Measure: number of depositors; the lowest band says from how many on. The window with more
depositors is told, the shorter one of equals. T in minor units of the base currency scales with the
beneficiary's factor.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import State, TableSpec
from udfs.aml import cash_window as cash
from udfs.aml.cash_window import Ints
from udfs.aml.rule import DAY, NOTHING, Band, Moment, RuleParams, banded, money, outcomes


class Params(RuleParams):
    """What a rule set chooses.

    Attributes:
        limit: T: each depositor pays in less, all together more.
        window_days: Lengths of the windows, days of 24 hours.
    """

    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=4, score=500_000),
        Band(name="MEDIUM", at_least=6, score=700_000),
        Band(name="HIGH", at_least=10, score=900_000),
    )
    limit: Annotated[int, Field(gt=0, le=cash.MOST_MONEY)] = 1_000_000
    window_days: Annotated[
        tuple[Annotated[int, Field(ge=1, le=13)], ...], Field(min_length=1, max_length=8)
    ] = (1, 3)


class Smurfing:
    """The rule `smurfing`."""

    name: str = "smurfing"
    tables: Mapping[str, TableSpec] = {}

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """One outcome for each deposit with which a window meets the rule."""
        foreign = (pl.col("counterparty") != "") & (pl.col("counterparty") != pl.col("owner"))
        due = cash.due_cash(events, cash.CASH_IN).filter(foreign)
        if due.is_empty():
            return NOTHING
        longest = max(params.window_days) * DAY
        rows = cash.gathered(state, due, cash.CASH_IN, moment, longest, ["factor"]).filter(foreign)
        factor = cash.integers(rows, "factor")
        rows = rows.with_columns(
            limit_minor=cash.at_most(params.limit, factor),
            below=cash.at_least(params.limit, factor),
        )
        rows = _suspects(rows, longest, params)
        if rows.is_empty():
            return NOTHING
        hits = pl.concat(_hits(rows, days, params) for days in params.window_days)
        best = hits.sort("hit", "people", "days", descending=[False, True, False])
        best = best.unique("hit", keep="first", maintain_order=True)
        best = banded(best, "people", params.bands)
        if best.is_empty():
            return NOTHING
        return outcomes(_worded(cash.told(rows, *_chosen(rows, best)), params))


def _suspects(rows: pl.DataFrame, longest: int, params: Params) -> pl.DataFrame:
    """The cases in which a due window has the people and the sum, some of whom may not count."""
    begin = cash.starts(cash.integers(rows, "case"), cash.integers(rows, "at"), longest)
    over = cash.sums(cash.integers(rows, "base"), begin) > cash.integers(rows, "limit_minor")
    many = np.arange(1, len(rows) + 1) - begin >= params.bands[0].at_least
    met = pl.Series(rows["due"].to_numpy() & over & many)
    return rows.filter(pl.col("case").is_in(rows["case"].filter(met).implode()))


def _hits(rows: pl.DataFrame, days: int, params: Params) -> pl.DataFrame:
    """The deposits that meet the rule within so many days."""
    begin = cash.starts(cash.integers(rows, "case"), cash.integers(rows, "at"), days * DAY)
    people, total, own = _below(rows, begin)
    limit, below = cash.integers(rows, "limit_minor"), cash.integers(rows, "below")
    met = (people >= params.bands[0].at_least) & (total > limit) & (own < below)
    hit = np.flatnonzero(met & rows["due"].to_numpy())
    return rows[hit].select("limit_minor", "below").with_columns(
        hit=hit, begin=begin[hit], end=hit + 1, people=people[hit], amount=total[hit],
        days=pl.lit(days),
    )  # fmt: skip


def _below(rows: pl.DataFrame, begin: Ints) -> tuple[Ints, Ints, Ints]:
    """Of each window: depositors below T, what they paid in, what the last depositor paid in.

    One pass over the suspects: each deposit enters and leaves the window once.
    """
    who, paid = cash.codes(rows, "counterparty").tolist(), rows["base"].to_list()
    below, start = rows["below"].to_list(), begin.tolist()
    sums: dict[int, int] = defaultdict(int)
    out = np.empty((3, len(who)), dtype=np.int64)
    people = total = left = 0
    for right, one in enumerate(who):
        steps = [(who[j], -paid[j], below[j]) for j in range(left, start[right])]
        left = start[right]
        for person, change, limit in [*steps, (one, paid[right], below[right])]:
            was = sums[person]
            sums[person] = now = was + change
            people += (0 < now < limit) - (0 < was < limit)
            total += (now if now < limit else 0) - (was if was < limit else 0)
        out[:, right] = people, total, sums[one]
    return out[0], out[1], out[2]


def _chosen(rows: pl.DataFrame, hits: pl.DataFrame) -> tuple[Ints, pl.DataFrame]:
    """The deposits of each hit without those of depositors with T or more."""
    who, paid = cash.codes(rows, "counterparty"), cash.integers(rows, "base")
    chosen, begins, ends = [np.arange(len(rows))], [], []
    size = len(rows)
    columns = hits.select("begin", "end", "amount", "below").rows()
    for begin, end, amount, below in columns:
        if int(paid[begin:end].sum()) == amount:
            begins.append(begin)
            ends.append(end)
            continue
        _, person = np.unique(who[begin:end], return_inverse=True)
        sums = np.zeros(int(person.max()) + 1, dtype=np.int64)
        np.add.at(sums, person, paid[begin:end])
        kept = begin + np.flatnonzero(sums[person] < below)
        chosen.append(kept)
        begins.append(size)
        size += len(kept)
        ends.append(size)
    return np.concatenate(chosen), hits.with_columns(
        begin=pl.Series(begins, dtype=pl.Int64), end=pl.Series(ends, dtype=pl.Int64)
    )


def _worded(found: pl.DataFrame, params: Params) -> pl.DataFrame:
    return found.with_columns(
        measured=pl.format(
            "{} depositors, {} USD together, within {} h",
            "people", money("amount"), pl.col("days") * 24,
        ),
        limit=pl.format(
            "{} depositors with less than {} USD each, more than {} USD together",
            pl.lit(params.bands[0].at_least), money("below"), money("limit_minor"),
        ),
        reason=pl.lit("Several people paid in cash for one beneficiary, each below the threshold."),
    )  # fmt: skip
