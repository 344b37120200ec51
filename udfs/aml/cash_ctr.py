"""Currency transactions that have to be reported: one person's cash of one business day.

Definition: all cash-in, or all cash-out, of one person in one business day, at all branches and on
all accounts, of more than 10,000 USD; 10,000.00 itself does not count. The two directions are never
netted. Sources: 31 CFR 1010.311 (more than 10,000), 1010.313 (aggregation by or for one person),
1010.306 (report within 15 days). It is a duty to report, not a suspicion.

The business day is a date in the customer's time zone, so it has 23 or 25 hours where clocks
change. A late event counts on the day in which its place in the log lies. One outcome a person, day
and direction, at the event that first exceeds the limit; what follows on that day raises no other.
Cash that one depositor pays in for several persons is not added up here: each person's postings are
seen alone.

Measure: the sum in minor units of the base currency; the lowest band begins at 10,000.01 and may
not begin higher. The customer's factor does not apply.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from schemas.step import State, TableSpec
from udfs.aml import cash_window as cash
from udfs.aml.rule import DAY, NOTHING, Band, Moment, RuleParams, banded, money, outcomes

LAWFUL = 1_000_001
"""Least sum that has to be reported, minor units of USD."""
_TOLD = "aml.ctr-aggregation"


class Params(RuleParams):
    """What a rule set chooses.

    Attributes:
        due_days: A report is due so many days after the business day.
    """

    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=LAWFUL, score=100_000),
        Band(name="MEDIUM", at_least=5_000_001, score=300_000),
        Band(name="HIGH", at_least=10_000_001, score=500_000),
    )
    due_days: Annotated[int, Field(ge=1, le=15)] = 15

    @model_validator(mode="after")
    def _lawful(self) -> "Params":
        if self.bands[0].at_least > LAWFUL:
            raise ValueError(
                f"the lowest band begins at {self.bands[0].at_least}, above {LAWFUL}: "
                "the law asks for a report of more than 10,000.00 USD"
            )
        return self


class CtrAggregation:
    """The rule `ctr-aggregation`."""

    name: str = "ctr-aggregation"
    tables: Mapping[str, TableSpec] = {
        _TOLD: TableSpec({"key": "str", "at": "int"}, key="key"),
    }

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """One outcome for each person, business day and direction that came to exceed the limit."""
        state[_TOLD].expire("at", moment.since - 3 * DAY)
        said = [
            _exceeded(state, due, direction, moment, params)
            for direction in (cash.CASH_IN, cash.CASH_OUT)
            if len(due := cash.due_cash(events, direction))
        ]
        said = [found for found in said if len(found)]
        if not said:
            return NOTHING
        found = pl.concat(said)
        state[_TOLD].upsert(found.select("key", "at"))
        return outcomes(found.sort("at", "trigger"))


def _exceeded(
    state: State, due: pl.DataFrame, direction: str, moment: Moment, params: Params
) -> pl.DataFrame:
    """The events of one direction that first exceed the limit of their day."""
    lowest = params.bands[0].at_least
    rows = cash.gathered(state, due, direction, moment, cash.MARGIN, ["zone"])
    rows = rows.filter(pl.col("base").sum().over("case") >= lowest)
    rows = cash.business_days(rows).with_columns(
        hit=pl.int_range(pl.len()),
        paid=pl.col("base").cum_sum().over("case", "day"),
        key=pl.format("{} {} {}", "day", pl.lit(direction), "owner"),
    )
    rows = rows.with_columns(begin=pl.col("hit").min().over("case", "day"), end=pl.col("hit") + 1)
    hits = rows.filter(pl.col("due") & (pl.col("paid") >= lowest))
    hits = hits.sort("at", "posting_id").unique("key", keep="first", maintain_order=True)
    hits = hits.filter(~state[_TOLD].lookup(hits["key"])["known"])
    hits = hits.select("hit", "begin", "end", "day", "key", amount="paid")
    hits = banded(hits, "amount", params.bands)
    return hits if hits.is_empty() else _worded(rows, hits, direction, params)


def _worded(rows: pl.DataFrame, hits: pl.DataFrame, direction: str, params: Params) -> pl.DataFrame:
    found = cash.told(rows, np.arange(len(rows)), hits)
    way = pl.lit("cash-in" if direction == cash.CASH_IN else "cash-out")
    day = pl.col("day").cast(pl.Int32).cast(pl.Date)
    limit = pl.lit(params.bands[0].at_least - 1, pl.Int64).alias("limit_minor")
    return found.with_columns(limit).with_columns(
        measured=pl.format(
            "{} USD of {} in {} transactions on {}", money("amount"), way, "event_count", day
        ),
        limit=pl.format("more than {} USD a business day", money("limit_minor")),
        reason=pl.format(
            "The {} of one person in one business day exceeds the limit: report due by {}.",
            way,
            day.dt.offset_by(f"{params.due_days}d"),
        ),
    )
