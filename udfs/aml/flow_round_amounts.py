"""Round amounts: most of an owner's larger transfers are whole thousands.

Definition: of at least 5 transfers or wires in the window (t - 30 d, t], each of at least 1,000, at
least 60 % are divisible by 1,000 units of their own currency (a rule set may choose 100). Source:
FFIEC examination manual, appendix F (transfers in large, round dollar amounts); the numbers are
starting values from practice.
Units: the least amount in minor units of the base currency, scaled with the owner's factor; what is
round is judged by the amount as ordered, whose decimal places are those of ISO 4217. The bands are
by the share in parts per million, rounded down. Debits and credits both count; what moves between
accounts of one owner, as savings do in round amounts, does not.

State: the transfers that are large enough, for 30 days.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.money import EXPONENTS
from schemas.step import State, TableSpec
from udfs.aml.flow_groups import Added, dense
from udfs.aml.flow_groups import Group as Owners
from udfs.aml.flow_said import SAID, History, Report, newly, ranked
from udfs.aml.flow_windows import Moved
from udfs.aml.rule import DAY, NOTHING, WHOLE, Band, Moment, RuleParams

NAME = "round-amounts"
_SAID = f"aml.{NAME}.said"
_TRANSFERS = f"aml.{NAME}.transfers"
_WINDOW = 30 * DAY


class Params(RuleParams):
    """What a rule set chooses; the bands are by the share of round transfers.

    Attributes:
        unit: Round is what is divisible by so many whole units of the currency.
        count: Least number of transfers in the window.
        floor: Least amount of each.
    """

    unit: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    count: Annotated[int, Field(ge=1, le=10_000)] = 5
    floor: Annotated[int, Field(ge=0, le=1_000_000_000_000_000)] = 100_000
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=600_000, score=200_000),
        Band(name="MEDIUM", at_least=800_000, score=400_000),
        Band(name="HIGH", at_least=WHOLE, score=600_000),
    )


class RoundAmounts:
    """The rule; see the module."""

    name = NAME
    tables: Mapping[str, TableSpec] = {
        _TRANSFERS: TableSpec(
            {
                "at": "int",
                "posting_id": "str",
                "owner_number": "int",
                "account": "str",
                "base": "int",
                "whole": "bool",
                "offset": "int",
                "late": "bool",
            }
        ),
        _SAID: SAID,
    }

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """Outcomes of the transfers after which too many are round."""
        large = _large(events, params)
        table = state[_TRANSFERS]
        if len(table):
            table.expire("at", moment.since - _WINDOW + 1)
        found = NOTHING
        if large.height:
            table.append(large.select(*self.tables[_TRANSFERS].columns))
            met = ranked(_counted(state, large, params), "share", params.bands)
            found = _told(state, newly(state[_SAID], met, params, moment), params)
        return found


def _large(events: pl.DataFrame, params: Params) -> pl.DataFrame:
    """The transfers that count, with `whole`: whether they are round."""
    transfers = events.filter(
        pl.col("channel").is_in(["TRANSFER", "WIRE"])
        & ~pl.col("own")
        & (pl.col("base") * (WHOLE / pl.col("factor")) >= params.floor * (1 - 1e-9))
    )
    wide, places = pl.Int128(), {}
    for currency in transfers["currency"].unique().to_list():
        places[currency] = params.unit * 10 ** EXPONENTS.get(currency, 2)
    enough = pl.col("base").cast(wide) * WHOLE >= pl.lit(params.floor, wide) * pl.col("factor")
    unit = pl.col("currency").replace_strict(places, default=1, return_dtype=pl.Int64)
    return transfers.filter(enough).with_columns(whole=pl.col("amount") % unit == 0)


def _counted(state: State, large: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Those of `large` with at least `count` in the window, with the share that is round."""
    rows = state[_TRANSFERS].having("owner_number", large["owner_number"])
    owners, codes = dense(rows["owner_number"].to_numpy())
    at, whole = rows["at"].to_numpy(), rows["whole"].to_numpy().astype(np.int64)
    values = {"count": np.ones(len(at), dtype=np.int64), "whole": whole}
    before = {name: np.zeros(len(owners), dtype=np.int64) for name in values}
    moved = Moved(Added(Owners(owners, codes, at), values, {}), before, codes, at + _WINDOW, values)
    _, sums = moved.exact(np.ones(len(owners), dtype=bool))
    counted = rows.select("posting_id").with_columns(
        count=pl.Series(sums["count"]), round=pl.Series(sums["whole"])
    )
    now = large.join(counted, on="posting_id", maintain_order="left")
    share = pl.col("round") * WHOLE // pl.col("count")
    return now.filter(pl.col("count") >= params.count).with_columns(share=share)


def _told(state: State, found: pl.DataFrame, params: Params) -> pl.DataFrame:
    if found.is_empty():
        return NOTHING
    history = History(state, found["owner_number"], ("base",), _TRANSFERS)
    report, base = Report(history), history.rows["base"].to_numpy()
    for row in found.rows(named=True):
        places = history.up_to(row["owner_number"], row["at"] - _WINDOW, row["posting_id"])
        measured = f"{row['round']} of {row['count']} transfers in 30 d divisible by {params.unit}"
        share = params.bands[0].at_least / 10_000
        report.add(
            row,
            places,
            amount=int(base[places].sum()),
            measured=measured,
            limit=f"{share:g} % of at least {params.count} transfers in 30 d",
            reason=f"Round amounts: {measured}",
        )
    return report.frame()


RULE = RoundAmounts()
