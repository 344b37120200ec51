"""Model score: how much a customer's day looks like laundering to a model, and by what.

Definition: when a day of UTC is closed, every customer with postings on it is scored from features
of 1, 7 and 28 days (udfs.aml.features) by the model that the rule set names by its hash. The bands
are by the score in parts per million: of the boosted trees, or, where a firm has no labels yet, of
the isolation forest. The outcome counts at the posting that closes the day and rests on those of
the day. It names the features that add most to the score, beside the medians of the peer group.
What was tried, on which data, and how well it does: docs/models.md.

State: that of the features; for each owner when the last cool-down began.
"""

from collections.abc import Mapping
from typing import Annotated

import polars as pl
from pydantic import Field, field_validator

from schemas.step import State, TableSpec
from udfs.aml import features, model
from udfs.aml.flow_groups import Array
from udfs.aml.flow_said import SAID, newly, ranked
from udfs.aml.model import Kind, Model
from udfs.aml.rule import NOTHING, WHOLE, Band, Moment, RuleParams, outcomes

NAME = "model-score"
DEFAULT = "aml-1"
"""Name of the model that is proposed."""
_SAID = f"aml.{NAME}.said"


class Params(RuleParams):
    """What a rule set chooses; the bands are by the score, parts per million.

    Attributes:
        model: SHA-256 of the card of a model that ships with this release.
        by: Whose score counts: boosted (fitted on labels) or forest (isolation forest, without).
        named: At most so many features are named.
    """

    cool_down_s: Annotated[int, Field(ge=0, le=31_536_000)] = 7 * 86_400
    model: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = model.named(DEFAULT)
    by: Kind = "boosted"
    named: Annotated[int, Field(ge=1, le=10)] = 5
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=3)] = (
        Band(name="LOW", at_least=500_000, score=300_000),
        Band(name="MEDIUM", at_least=800_000, score=500_000),
        Band(name="HIGH", at_least=950_000, score=800_000),
    )

    @field_validator("model")
    @classmethod
    def _known(cls, digest: str) -> str:
        return model.check(digest)


class ModelScore:
    """The rule; see the module."""

    name = NAME
    tables: Mapping[str, TableSpec] = {**features.TABLES, _SAID: SAID}

    def __call__(
        self, state: State, events: pl.DataFrame, moment: Moment, params: Params
    ) -> pl.DataFrame:
        """Outcomes of the days that these events close."""
        found = [_scored(state, day, moment, params) for day in features.closed(state, events)]
        return pl.concat([NOTHING, *found])


def _scored(state: State, day: features.Closed, moment: Moment, params: Params) -> pl.DataFrame:
    """Outcomes of the customers of one day, in the order of their numbers."""
    scorer = model.load(params.model)
    values = model.matrix(day.rows)
    scores = pl.Series("value", scorer.scores(params.by, values), dtype=pl.Int64)
    reached = ranked(
        day.rows.select("owner_number", "owner").with_row_index("row").with_columns(scores),
        "value",
        params.bands,
    )
    if reached.is_empty():
        return NOTHING
    resting = day.postings.join(reached, on="owner_number", how="semi", maintain_order="left")
    based = resting.group_by("owner_number").agg(
        events=pl.col("posting_id"),
        event_count=pl.len(),
        amount=pl.col("base").sum(),
        first_time=pl.col("at").first(),
        last_time=pl.col("at").last(),
        first_offset=pl.col("offset").min(),
        last_offset=pl.col("offset").max(),
        late=pl.col("late").any(),
    )
    reached = reached.join(based, on="owner_number", maintain_order="left").with_columns(
        at=pl.lit(day.at, pl.Int64)
    )
    said = newly(state[_SAID], reached, params, Moment(moment.shard, day.at - 1, day.at))
    if said.is_empty():
        return NOTHING
    words = _words(scorer, values[said["row"].to_numpy()], said["value"].to_list(), params)
    return outcomes(pl.concat([said, words], how="horizontal").with_columns(
        subject="owner", account=pl.lit(""),
        limit=pl.lit(f"{_share(params.bands[0].at_least)} by model {params.model}"),
    ))  # fmt: skip


def _words(scorer: Model, values: Array, scores: list[int], params: Params) -> pl.DataFrame:
    """What is told of each customer: measured and reason."""
    other: Kind = "forest" if params.by == "boosted" else "boosted"
    beside = scorer.scores(other, values).tolist()
    groups = scorer.groups(values).tolist()
    measured, reasons = [], []
    for row, score, second, group in zip(values, scores, beside, groups, strict=True):
        measured.append(
            f"{params.by} {_share(score)}, {other} {_share(second)}, peer group {group}"
        )
        parts = model.told(scorer.parts(params.by, row, params.named))
        reasons.append(f"Model {scorer.name}: {parts or 'no single feature stands out'}")
    return pl.DataFrame({"measured": measured, "reason": reasons})


def _share(ppm: int) -> str:
    return f"{ppm // WHOLE}.{ppm % WHOLE:06d}"
