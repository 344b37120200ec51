"""What a rule is: parameters with bands, the events it is shown, the outcomes it says.

A rule decides on postings in the order of business time. It is called with every event that has
come due since the last call, so what it finds is the same however the log was cut.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol, TypeVar

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.step import State, TableSpec

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WHOLE = 1_000_000
"""A share or a score is in parts per million."""
LISTED = 1_000
"""An alert names at most so many of the events behind it."""

BandName = Literal["LOW", "MEDIUM", "HIGH"]

EVENTS: Mapping[str, type[pl.DataType]] = {
    "posting_id": pl.String,
    "at": pl.Int64,
    "owner": pl.String,
    "owner_number": pl.Int64,
    "account": pl.String,
    "direction": pl.String,
    "channel": pl.String,
    "amount": pl.Int64,
    "currency": pl.String,
    "base": pl.Int64,
    "counterparty": pl.String,
    "counterparty_name": pl.String,
    "counterparty_account": pl.String,
    "counterparty_country": pl.String,
    "country": pl.String,
    "area": pl.String,
    "latitude": pl.Int64,
    "longitude": pl.Int64,
    "card_present": pl.Boolean,
    "own": pl.Boolean,
    "late": pl.Boolean,
    "offset": pl.Int64,
    "kind": pl.String,
    "home_area": pl.String,
    "home_country": pl.String,
    "opened": pl.Int64,
    "zone": pl.String,
    "factor": pl.Int64,
}
"""Columns of the events a rule sees, sorted by (at, posting_id).

`at` is the business time at which an event counts, microseconds UTC; `owner_number` the owner as a
whole number (udfs.aml.flow_owners), by which state is found without looking at texts; `base` the
amount in minor units of the base currency; `own` whether the money stays with the owner, between
accounts of theirs; from `kind` on it is what is known of the owner at that moment; `factor` scales
every limit of money for this owner, parts per million.
"""

CASH_TABLE, FLOWS_TABLE = "aml.cash", "aml.flows"
CASH = TableSpec(
    {
        "at": "int",
        "posting_id": "str",
        "owner": "str",
        "account": "str",
        "direction": "str",
        "base": "int",
        "area": "str",
        "counterparty": "str",
        "offset": "int",
        "late": "bool",
    }
)
CASH_KEPT = 14 * DAY
"""Cash postings of so long are remembered; no rule's window over cash may be longer."""
FLOWS = TableSpec(
    {
        "at": "int",
        "posting_id": "str",
        "owner": "str",
        "owner_number": "int",
        "account": "str",
        "direction": "str",
        "base": "int",
        "own": "bool",
        "offset": "int",
        "late": "bool",
    }
)
FLOWS_KEPT = 8 * DAY
"""Postings of so long are remembered; no rule's window over all of them may be longer."""

OUTCOME: Mapping[str, pl.DataType] = {
    "at": pl.Int64(),
    "subject": pl.String(),
    "account": pl.String(),
    "band": pl.String(),
    "score": pl.Int64(),
    "amount": pl.Int64(),
    "measured": pl.String(),
    "limit": pl.String(),
    "reason": pl.String(),
    "events": pl.List(pl.String()),
    "event_count": pl.Int64(),
    "first_time": pl.Int64(),
    "last_time": pl.Int64(),
    "first_offset": pl.Int64(),
    "last_offset": pl.Int64(),
    "late": pl.Boolean(),
}
"""Columns of what a rule says: schemas/avro/alerts/Alert.avsc tells what each means."""

NOTHING = pl.DataFrame(schema=OUTCOME)


@dataclass(frozen=True)
class Moment:
    """What a call covers: the business time (since, until] of one shard, microseconds UTC."""

    shard: int
    since: int
    until: int


class Band(BaseModel):
    """A band of a rule's measure: from `at_least` on, until the next band begins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: BandName
    at_least: Annotated[int, Field(ge=0)]
    score: Annotated[int, Field(ge=0, le=WHOLE)]


class RuleParams(BaseModel):
    """What every rule lets a rule set choose.

    Attributes:
        enabled: Whether the rule runs.
        cool_down_s: So long after an alert the same rule and subject raise no further one, seconds.
        bands: Bands of the rule's measure, ascending without overlap; below the first: no outcome.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    cool_down_s: Annotated[int, Field(ge=0, le=31_536_000)] = 86_400
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)]

    @model_validator(mode="after")
    def _ascending(self) -> "RuleParams":
        for low, high in zip(self.bands, self.bands[1:], strict=False):
            if low.at_least >= high.at_least:
                raise ValueError(
                    f"bands {low.name} from {low.at_least} and {high.name} from {high.at_least} "
                    "overlap: each must begin above the one before"
                )
        return self


P = TypeVar("P", bound=RuleParams, contravariant=True)


class Rule(Protocol[P]):
    """One rule: a name, the state it keeps, and the decision."""

    name: str
    tables: Mapping[str, TableSpec]

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: P
    ) -> pl.DataFrame:
        """The outcomes (columns OUTCOME) of the events that came due.

        An outcome counts at the first event that is not before its `at`.
        """


def banded(found: pl.DataFrame, value: str, bands: Sequence[Band]) -> pl.DataFrame:
    """The rows whose `value` reaches a band, with its name and score as columns band and score."""
    if found.is_empty():
        return found.with_columns(band=pl.lit("", pl.String), score=pl.lit(0, pl.Int64)).head(0)
    band, score = pl.lit(None, pl.String), pl.lit(0, pl.Int64)
    for one in bands:
        reached = pl.col(value) >= one.at_least
        band = pl.when(reached).then(pl.lit(one.name)).otherwise(band)
        score = pl.when(reached).then(pl.lit(one.score, pl.Int64)).otherwise(score)
    return found.with_columns(band=band, score=score).filter(pl.col("band").is_not_null())


def outcomes(found: pl.DataFrame) -> pl.DataFrame:
    """Exactly the columns OUTCOME, in order and types; at most LISTED events are named."""
    listed = found.with_columns(events=pl.col("events").list.head(LISTED))
    return listed.select(pl.col(name).cast(kind) for name, kind in OUTCOME.items())


def money(minor: str) -> pl.Expr:
    """A column of minor units as text with two decimals, as in 9,500.00 without the comma."""
    value = pl.col(minor)
    return pl.format("{}.{}", value // 100, (value % 100).cast(pl.String).str.zfill(2))
