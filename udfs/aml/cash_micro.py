"""Micro-structuring: very many small cash-ins that together exceed the reporting threshold.

Definition: at least 20 cash-ins of less than 0.3 T each within 10 days, on all accounts of a
person, together more than T; the last of them is the event that meets it. T = 10,000 USD
(31 CFR 1010.311); evading it is structuring over any number of days (31 CFR 1010.314). The numbers
are starting values from practice, after the open issue on small deposits in AMLSim (number 87).

Measure: number of those cash-ins; the lowest band says from how many on. Amounts are minor units
of the base currency and scale with the customer's factor.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import State, TableSpec
from udfs.aml import cash_window as cash
from udfs.aml.rule import DAY, NOTHING, Band, Moment, RuleParams, banded, money, outcomes


class Params(RuleParams):
    """What a rule set chooses.

    Attributes:
        limit: T: the sum must be above it.
        below: Cash-ins smaller than this count.
        window_days: Length of the window, days of 24 hours.
    """

    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=20, score=300_000),
        Band(name="MEDIUM", at_least=30, score=600_000),
        Band(name="HIGH", at_least=50, score=850_000),
    )
    limit: Annotated[int, Field(gt=0, le=cash.MOST_MONEY)] = 1_000_000
    below: Annotated[int, Field(gt=0, le=cash.MOST_MONEY)] = 300_000
    window_days: Annotated[int, Field(ge=1, le=13)] = 10


class MicroStructuring:
    """The rule `micro-structuring`."""

    name: str = "micro-structuring"
    tables: Mapping[str, TableSpec] = {}

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """One outcome for each small cash-in with which its window meets the rule."""
        due = cash.due_cash(events, cash.CASH_IN)
        if due.is_empty():
            return NOTHING
        window = params.window_days * DAY
        rows = cash.gathered(state, due, cash.CASH_IN, moment, window, ["factor"])
        factor = cash.integers(rows, "factor")
        rows = rows.with_columns(
            limit_minor=cash.at_most(params.limit, factor),
            below=cash.at_least(params.below, factor),
        ).filter(pl.col("base") < pl.col("below"))
        begin = cash.starts(cash.integers(rows, "case"), cash.integers(rows, "at"), window)
        total = cash.sums(cash.integers(rows, "base"), begin)
        count = np.arange(1, len(rows) + 1) - begin
        met = rows["due"].to_numpy() & (total > cash.integers(rows, "limit_minor"))
        hit = np.flatnonzero(met & (count >= params.bands[0].at_least))
        hits = rows[hit].select("limit_minor", "below")
        hits = hits.with_columns(
            hit=hit, begin=begin[hit], end=hit + 1, count=count[hit], amount=total[hit]
        )
        found = banded(hits, "count", params.bands)
        if found.is_empty():
            return NOTHING
        found = cash.told(rows, np.arange(len(rows)), found)
        return outcomes(
            found.with_columns(
                measured=pl.format(
                    "{} cash-ins, {} USD together, within {} h",
                    "count",
                    money("amount"),
                    pl.lit(24 * params.window_days),
                ),
                limit=pl.format(
                    "{} cash-ins of less than {} USD, more than {} USD together",
                    pl.lit(params.bands[0].at_least),
                    money("below"),
                    money("limit_minor"),
                ),
                reason=pl.lit(
                    "Many small cash-ins that would have to be reported if they were one."
                ),
            )
        )
