"""Travel rule: a transfer of 3,000 or more does not say who is on the other side.

Definition: a transfer or wire of at least 3,000 US dollars lacks the name or the account of the
originator (of a credit) or the beneficiary (of a debit); the owner's own data is known. Source: 31
CFR 1010.410(e) and (f). The limit is the law's: it does not scale with the owner's factor.
Units: minor units of the base currency. The bands are by amount.

State: none.
"""

from collections.abc import Mapping
from typing import Annotated

import polars as pl
from pydantic import Field

from schemas.step import State, TableSpec
from udfs.aml.flow_said import single, usd
from udfs.aml.rule import NOTHING, Band, Moment, RuleParams, banded, money

NAME = "travel-rule"


class Params(RuleParams):
    """What a rule set chooses; the bands are by amount, the lowest is the law's."""

    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=300_000, score=400_000),
        Band(name="MEDIUM", at_least=1_000_000, score=600_000),
        Band(name="HIGH", at_least=10_000_000, score=800_000),
    )


class TravelRule:
    """The rule; see the module."""

    name = NAME
    tables: Mapping[str, TableSpec] = {}

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """An outcome for each transfer that lacks data."""
        limit = params.bands[0].at_least
        large = events.filter(
            (pl.col("base") >= limit) & pl.col("channel").is_in(["TRANSFER", "WIRE"])
        )
        name = pl.col("counterparty_name").str.strip_chars() == ""
        account = pl.col("counterparty_account") == ""
        found = banded(large.filter(name | account), "base", params.bands)
        if found.is_empty():
            return NOTHING
        debit = pl.col("direction") == "DEBIT"
        party = pl.when(debit).then(pl.lit("beneficiary")).otherwise(pl.lit("originator"))
        one = pl.when(name).then(pl.lit("name")).otherwise(pl.lit("account"))
        what = pl.when(name & account).then(pl.lit("name and account")).otherwise(one)
        missing = pl.format("{} of the {}", what, party)
        return single(
            found.with_columns(
                measured=pl.format("{} USD without the {}", money("base"), missing),
                limit=pl.lit(usd(limit)),
                reason=pl.format("Transfer without the {}", missing),
            )
        )


RULE = TravelRule()
