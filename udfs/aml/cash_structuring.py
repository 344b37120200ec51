"""Structuring: cash paid in so that no day needs a report, though the sum would.

Definition, on all accounts of a person; T = 10,000 USD (31 CFR 1010.311), evading the report is
structuring at any number of branches, over any number of days (31 CFR 1010.314, 31 USC 5324):

- near: at least 3 cash-ins of 0.8 T to T each, both ends included, together more than T, within 1,
  3, 5 or 10 days; the last of them is the event that meets it;
- spread: cash-ins of any size, together more than T within one of these windows, on at least 2
  business days in the customer's time zone, and no business day of the window with more than T.
  A day counts whole, also where the window cuts it.

The numbers are starting values from practice.

Measure: strength in ppm, the weighted mean of three shares; the window and form with the greatest
strength are told. `closeness` is the mean cash-in (near) or the mean business day (spread) over T.
`areas` is 0 with one area and full with `areas_full`. `spacing` is 1 - the squared coefficient of
variation of the times between the cash-ins, at least 0; 0 with fewer than three cash-ins.
With the default weights the near form has a strength of at least 400,000: a lowest band from there
on leaves out who pays in small takings day by day.

Amounts are minor units of the base currency and scale with the customer's factor.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from schemas.step import State, TableSpec
from udfs.aml import cash_window as cash
from udfs.aml.cash_window import Flags, Ints
from udfs.aml.rule import DAY, NOTHING, WHOLE, Band, Moment, RuleParams, banded, money, outcomes

_SECOND = 1_000_000


class Params(RuleParams):
    """What a rule set chooses.

    Attributes:
        limit: T.
        near: Least cash-in of the near form, 0.8 T.
        deposits: Least number of cash-ins of the near form.
        days: Least number of business days of the spread form.
        window_days: Lengths of the windows, days of 24 hours.
        closeness_weight: Weight of the closeness in the strength, ppm.
        areas_weight: Weight of the areas.
        spacing_weight: Weight of the spacing; the three make up 1,000,000.
        areas_full: Number of areas at which their share is full.
    """

    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=0, score=300_000),
        Band(name="MEDIUM", at_least=600_000, score=650_000),
        Band(name="HIGH", at_least=800_000, score=900_000),
    )
    limit: Annotated[int, Field(gt=0, le=cash.MOST_MONEY)] = 1_000_000
    near: Annotated[int, Field(gt=0, le=cash.MOST_MONEY)] = 800_000
    deposits: Annotated[int, Field(ge=2)] = 3
    days: Annotated[int, Field(ge=2)] = 2
    window_days: Annotated[
        tuple[Annotated[int, Field(ge=1, le=11)], ...], Field(min_length=1, max_length=8)
    ] = (1, 3, 5, 10)
    closeness_weight: Annotated[int, Field(ge=0, le=WHOLE)] = 500_000
    areas_weight: Annotated[int, Field(ge=0, le=WHOLE)] = 250_000
    spacing_weight: Annotated[int, Field(ge=0, le=WHOLE)] = 250_000
    areas_full: Annotated[int, Field(ge=2)] = 4

    @model_validator(mode="after")
    def _consistent(self) -> "Params":
        weights = self.closeness_weight + self.areas_weight + self.spacing_weight
        if weights != WHOLE:
            raise ValueError(f"the weights of closeness, areas and spacing make {weights} ppm")
        if self.near > self.limit:
            raise ValueError(f"near {self.near} is above the limit {self.limit}")
        return self


class Structuring:
    """The rule `structuring`."""

    name: str = "structuring"
    tables: Mapping[str, TableSpec] = {}

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """One outcome for each cash-in with which a window meets one of the forms."""
        due = cash.due_cash(events, cash.CASH_IN)
        if due.is_empty():
            return NOTHING
        longest = max(params.window_days) * DAY
        facts = ["factor", "zone"]
        rows = cash.gathered(state, due, cash.CASH_IN, moment, longest + cash.MARGIN, facts)
        rows = _suspects(rows, longest, params)
        hits = [*_near(rows, params), *_spread(rows, params)]
        if not hits:
            return NOTHING
        order = ["hit", "strength", "spread", "days"]
        best = pl.concat(hits).sort(order, descending=[False, True, False, False])
        best = best.unique("hit", keep="first", maintain_order=True)
        best = banded(best, "strength", params.bands)
        if best.is_empty():
            return NOTHING
        chosen = np.concatenate([_nearly(rows), np.arange(len(rows))])
        return outcomes(_worded(cash.told(rows, chosen, best), params))


def _suspects(rows: pl.DataFrame, longest: int, params: Params) -> pl.DataFrame:
    """The cases in which a due window holds more than T, with their limits."""
    factor = cash.integers(rows, "factor")
    limit = cash.at_most(params.limit, factor)
    rows = rows.with_columns(limit_minor=limit, near=cash.at_least(params.near, factor))
    begin = cash.starts(cash.integers(rows, "case"), cash.integers(rows, "at"), longest)
    over = rows["due"].to_numpy() & (cash.sums(cash.integers(rows, "base"), begin) > limit)
    return rows.filter(pl.col("case").is_in(rows["case"].filter(pl.Series(over)).implode()))


def _nearly(rows: pl.DataFrame) -> Ints:
    """Row numbers of the cash-ins just below T."""
    return np.flatnonzero(rows["base"].is_between(rows["near"], rows["limit_minor"]).to_numpy())


def _near(rows: pl.DataFrame, params: Params) -> Iterator[pl.DataFrame]:
    """Hits of the near form, window by window."""
    chosen = _nearly(rows)
    rows = rows[chosen].with_columns(row=chosen)
    case, at, base, limit = (cash.integers(rows, n) for n in ("case", "at", "base", "limit_minor"))
    for days in params.window_days:
        begin = cash.starts(case, at, days * DAY)
        count, total = np.arange(1, len(rows) + 1) - begin, cash.sums(base, begin)
        met = rows["due"].to_numpy() & (count >= params.deposits) & (total > limit)
        if met.any():
            hits = _hits(rows, begin, met, total, count, params)
            yield hits.with_columns(spread=pl.lit(False), days=pl.lit(days))


def _spread(rows: pl.DataFrame, params: Params) -> Iterator[pl.DataFrame]:
    """Hits of the spread form, window by window."""
    near, rows = len(_nearly(rows)), cash.business_days(rows)
    rows = rows.with_columns(
        row=pl.int_range(pl.len()), paid=pl.col("base").cum_sum().over("case", "day")
    )
    case, at, base, limit = (cash.integers(rows, n) for n in ("case", "at", "base", "limit_minor"))
    day = cash.integers(rows, "day")
    turn = (np.diff(case, prepend=-1) != 0) | (np.diff(day, prepend=-1) != 0)
    rank = np.cumsum(turn)
    index = np.arange(len(rows))
    over = np.maximum.accumulate(np.where(cash.integers(rows, "paid") > limit, index, -1))
    for days in params.window_days:
        begin = cash.starts(case, at, days * DAY)
        spent, total = rank - rank[begin] + 1, cash.sums(base, begin)
        met = rows["due"].to_numpy() & (total > limit) & (spent >= params.days)
        met &= over < begin
        if met.any():
            hits = _hits(rows, begin, met, total, spent, params)
            shift = [pl.col("begin") + near, pl.col("end") + near]
            yield hits.with_columns(*shift, spread=pl.lit(True), days=pl.lit(days))


def _hits(
    rows: pl.DataFrame, begin: Ints, met: Flags, total: Ints, parts: Ints, params: Params
) -> pl.DataFrame:
    """The rows that meet a form; closeness is the sum over so many `parts` of it over T."""
    hit = np.flatnonzero(met)
    limit = cash.integers(rows, "limit_minor")[hit]
    closeness = np.rint(total[hit] / (parts[hit] * limit) * WHOLE).astype(np.int64)
    known = (rows["area"] != "").to_numpy()
    areas = cash.distinct(cash.codes(rows, "area"), begin, known)[hit]
    full = params.areas_full - 1
    area_share = np.clip(areas - 1, 0, full) * WHOLE // full
    spacing = _regularity(cash.integers(rows, "at"), begin)[hit]
    strength = (
        closeness * params.closeness_weight
        + area_share * params.areas_weight
        + spacing * params.spacing_weight
    ) // WHOLE
    return rows[hit].select("limit_minor", "near", hit="row").with_columns(
        begin=begin[hit], end=hit + 1, amount=total[hit], parts=parts[hit], strength=strength,
        areas=areas, closeness=closeness, spacing=spacing,
    )  # fmt: skip


def _regularity(at: Ints, begin: Ints) -> Ints:
    """1 - squared coefficient of variation of the gaps in each window, ppm, at least 0.

    With n gaps g it is 2 - n * sum(g^2) / sum(g)^2; gaps are whole seconds.
    """
    gaps = np.diff(at // _SECOND, prepend=0)
    first = np.minimum(begin + 1, np.arange(len(at)))
    count = np.arange(len(at)) - begin
    total, squares = cash.sums(gaps, first), cash.sums(gaps * gaps, first)
    usable = (count >= 2) & (total > 0)
    square = np.where(usable, total, 1).astype(np.float64) ** 2
    share = np.where(usable, 2 - count * squares.astype(np.float64) / square, 0)
    ppm: Ints = np.rint(np.clip(share, 0, 1) * WHOLE).astype(np.int64)
    return ppm


def _worded(found: pl.DataFrame, params: Params) -> pl.DataFrame:
    what = pl.when("spread").then(pl.lit("business days")).otherwise(pl.lit("cash-ins"))
    many = pl.when("spread").then(pl.lit(params.days)).otherwise(pl.lit(params.deposits))
    least = pl.when("spread").then(pl.lit("at most")).otherwise(
        pl.format("{} to", money("near"))
    )  # fmt: skip
    said = pl.when("spread").then(
        pl.lit("Cash-ins over several days, no day above the threshold for a report")
    ).otherwise(pl.lit("Repeated cash-ins just below the threshold for a report"))  # fmt: skip
    return found.with_columns(
        measured=pl.format(
            "{} {}, {} USD together, within {} h; strength {} ppm",
            "parts", what, money("amount"), pl.col("days") * 24, "strength",
        ),
        limit=pl.format(
            "{} {} of {} {} USD, more than {} USD together; strength {} ppm",
            many, what, least, money("limit_minor"), money("limit_minor"),
            pl.lit(params.bands[0].at_least),
        ),
        reason=pl.format(
            "{}: closeness {} ppm, {} areas, even spacing {} ppm.",
            said, "closeness", "areas", "spacing",
        ),
    )  # fmt: skip
