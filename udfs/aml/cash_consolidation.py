"""Consolidation: small cash deposits into several accounts are merged in one and sent abroad.

Source: FFIEC BSA/AML Manual, appendix F: many deposits of less than 3,000 USD into several
accounts, then merged into one master account and sent abroad. The other numbers are starting values
from practice. All within 10 days; the transfer abroad is the event that meets it: a transfer or
wire out of the master account to a country that is not the owner's, of which as many as lie in the
window add up to at least 80 % of what was merged before.

What is found, on the postings of the owner of the master account alone:

- own accounts: at least 3 other accounts of the same owner, together with at least 6 cash deposits
  of less than 3,000 USD each, from which transfers go to the master account after these deposits,
  together more than T = 10,000 USD;
- accounts of others: at least 5 other customers from whom transfers of at least 1,000 USD each
  come, together more than T. Whether cash is behind them is not seen, as their postings lie with
  their own owners: such an outcome never has more than the lowest band. `payers` 0 leaves it out.

What is not found here and is left to the motifs over transfers: that the accounts of others were
fed with cash, money that passes through a further account before it is merged or sent, payers that
are no customers, and a master account abroad.

State: an account is followed from its first such incoming transfer on, until 10 days have passed
without any; its latest 256 transfers are looked at. Own transfers are remembered only if small cash
was paid into the feeding account in the 10 days before. Nothing is seen from before the rule was
put into the rule set.

Measure: number of feeding accounts of the owner; the lowest band says from how many on. Amounts are
minor units of the base currency and scale with the customer's factor.
"""

from collections.abc import Mapping
from typing import Annotated

import polars as pl
from pydantic import Field

from schemas.step import State, TableSpec
from udfs.aml import cash_log as log
from udfs.aml import cash_merging as merging
from udfs.aml import cash_window as cash
from udfs.aml.rule import (
    CASH_TABLE,
    DAY,
    NOTHING,
    WHOLE,
    Band,
    Moment,
    RuleParams,
    banded,
    money,
    outcomes,
)

_TABLE = "aml.consolidation"
_ORDERED = ["TRANSFER", "WIRE"]
_SOURCE = "counterparty_account"
_OTHER_SIDE = ["counterparty", _SOURCE, "counterparty_country"]
_POSTING = ["owner", "account", "at", "posting_id", "base", "offset", "late"]


class Params(RuleParams):
    """What a rule set chooses.

    Attributes:
        limit: T: what was merged must be above it.
        small: Cash deposits of less than this count.
        deposits: Least number of such deposits on all feeding accounts.
        payers: Least number of other customers who pay in, 0: never enough.
        payment: Least transfer of one of them.
        sent: Least share of what was merged that goes abroad, ppm.
        window_days: Length of the window, days of 24 hours.
    """

    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=3, score=400_000),
        Band(name="MEDIUM", at_least=4, score=650_000),
        Band(name="HIGH", at_least=6, score=900_000),
    )
    limit: Annotated[int, Field(gt=0, le=cash.MOST_MONEY)] = 1_000_000
    small: Annotated[int, Field(gt=0, le=cash.MOST_MONEY)] = 300_000
    deposits: Annotated[int, Field(ge=1)] = 6
    payers: Annotated[int, Field(ge=0)] = 5
    payment: Annotated[int, Field(ge=0, le=cash.MOST_MONEY)] = 100_000
    sent: Annotated[int, Field(gt=0, le=WHOLE)] = 800_000
    window_days: Annotated[int, Field(ge=1, le=13)] = 10


class Consolidation:
    """The rule `consolidation`."""

    name: str = "consolidation"
    tables: Mapping[str, TableSpec] = {_TABLE: log.LOG}

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """One outcome for each transfer abroad with which an account meets the rule."""
        window, leading = params.window_days * DAY, [merging.OWN, merging.OTHER]
        fresh = _fresh(state, events, moment, params)
        entries = log.followed(state[_TABLE], fresh, leading)
        log.remember(state[_TABLE], entries, leading, moment.until, window)
        factor = entries["factor"].fill_null(WHOLE).to_numpy()
        entries = entries.with_columns(
            limit_minor=cash.at_most(params.limit, factor),
            small=cash.at_least(params.small, factor),
            begin=log.starts(entries, window),
        )
        lowest = params.bands[0].at_least
        hits = list(merging.by_others(entries, params.payers, params.sent)) if params.payers else []
        rows, suspects = entries, merging.suspects(entries, lowest)
        if len(suspects):
            asked = entries[suspects]
            low = int(asked["at"].min()) - window  # type: ignore[arg-type]
            paid_in = _paid_in(state, events, moment, low, asked.select("owner").unique())
            rows = pl.concat([entries, paid_in], how="diagonal")
            found = merging.by_own(rows, len(entries), suspects, window, params.sent)
            hits += [h for h in found if h.feeders >= lowest and h.deposits >= params.deposits]
        if not hits:
            return NOTHING
        measure = pl.when("own").then("feeders").otherwise(pl.lit(lowest))
        chosen, best = merging.best(hits)
        best = banded(best.with_columns(measure=measure), "measure", params.bands)
        return outcomes(_worded(cash.told(rows, chosen, best), rows, params))


def _fresh(state: State, events: pl.DataFrame, moment: Moment, params: Params) -> pl.DataFrame:
    """What came due of the three roles, as cash_log takes it."""
    there, here = pl.col("counterparty_country"), pl.col("home_country")
    payer, owner = pl.col("counterparty"), pl.col("owner")
    asked = events.lazy().filter(pl.col("channel").is_in(_ORDERED))
    asked = asked.select(*_POSTING, "factor", "direction", "home_country", *_OTHER_SIDE)
    ordered = asked.filter((payer != "") | (there != here)).collect()
    credit = pl.col("direction") == "CREDIT"
    own = ordered.filter(credit & (payer == owner) & (pl.col(_SOURCE) != pl.col("account")))
    others = ordered.filter(credit & (payer != "") & (payer != owner) & (params.payers > 0))
    least = cash.at_least(params.payment, cash.integers(others, "factor"))
    others = others.filter(pl.Series(cash.integers(others, "base") >= least))
    abroad = ordered.filter(~credit & (there != "") & (here != "") & (there != here))
    return pl.concat(
        [
            _entries(_fed(state, events, own, moment, params), merging.OWN, _SOURCE),
            _entries(others, merging.OTHER, "counterparty"),
            _entries(abroad, merging.OUT, "counterparty_country"),
        ]
    )


def _fed(
    state: State, events: pl.DataFrame, own: pl.DataFrame, moment: Moment, params: Params
) -> pl.DataFrame:
    """Those of the transfers between own accounts whose source got small cash before."""
    if own.is_empty():
        return own
    window = params.window_days * DAY
    low = int(own["at"].min()) - window  # type: ignore[arg-type]
    paid_in = _paid_in(state, events, moment, low, own.select("owner").unique())
    small = cash.at_least(params.small, cash.integers(own, "factor"))
    pairs = own.with_columns(small=small).join(
        paid_in.select("owner", pl.col("account").alias(_SOURCE), cash="base", paid_at="at"),
        on=["owner", _SOURCE],
    )
    before = pl.col("paid_at").is_between(pl.col("at") - window, "at", closed="right")
    fed = pairs.filter(before & (pl.col("cash") < pl.col("small")))
    return own.join(fed.select("posting_id").unique(), on="posting_id", how="semi")


def _entries(events: pl.DataFrame, role: str, place: str) -> pl.DataFrame:
    return events.select(*_POSTING, "factor", role=pl.lit(role), place=place)


def _paid_in(
    state: State, events: pl.DataFrame, moment: Moment, low: int, owners: pl.DataFrame
) -> pl.DataFrame:
    """Cash-ins of these owners after `low`, those of this call included, by owner and time."""
    past = state[CASH_TABLE].frame()
    past = past.filter(pl.col("at").is_between(low, moment.since, closed="right"))
    past = past.join(owners, on="owner", how="semi")
    past = past.filter(pl.col("direction") == cash.CASH_IN).select(_POSTING)
    due = cash.due_cash(events, cash.CASH_IN).join(owners, on="owner", how="semi")
    return pl.concat([past, due.select(_POSTING)]).sort("owner", "at", "posting_id")


def _worded(found: pl.DataFrame, rows: pl.DataFrame, params: Params) -> pl.DataFrame:
    hours = 24 * params.window_days
    own = pl.format(
        "{} own accounts with {} small cash deposits", pl.col("feeders"), pl.col("deposits")
    )
    said = pl.when("own").then(own).otherwise(pl.format("{} other customers", "feeders"))
    least = pl.format(
        "{} own accounts with {} cash deposits of less than {} USD",
        pl.lit(params.bands[0].at_least),
        pl.lit(params.deposits),
        money("small"),
    )
    others = pl.format("{} other customers", pl.lit(params.payers))
    found = found.with_columns(
        rows[found["hit"]].select("account", "limit_minor", "small").get_columns()
    )
    return found.with_columns(
        measured=pl.format(
            "{}, {} USD merged, {} USD sent abroad within {} h",
            said, money("merged"), money("amount"), pl.lit(hours),
        ),
        limit=pl.format(
            "{}, more than {} USD merged, {} ppm of it sent abroad",
            pl.when("own").then(least).otherwise(others), money("limit_minor"),
            pl.lit(params.sent),
        ),
        reason=pl.when("own").then(pl.lit(
            "Small cash deposits into several accounts were merged in one and sent abroad."
        )).otherwise(pl.lit(
            "Transfers of several customers were merged in one account and sent abroad; "
            "whether cash is behind them is not seen."
        )),
    )  # fmt: skip
