"""Records that decode and keep to their schema, but that a job of market risk cannot use.

Each is told with its reason on `risk.refused`. Control records are told by every shard, as each
has its own copy.
"""

from collections.abc import Iterable

import polars as pl

from schemas.step import Batch, Clock, State
from udfs.risk import controls, scenario_state
from udfs.risk.risk_telling import Behind
from udfs.shape import as_record

TOPIC = "risk.refused"
SCENARIOS, LIMITS, MARGIN = "scenarios", "limits", "margin.terms"


def take_controls(
    state: State, batch: Batch, scope: str, clock: Clock, version: str
) -> list[pl.DataFrame]:
    """Put scenarios, limits and margin terms into state; those that cannot be used, as records.

    Args:
        state: The tables of the shard.
        batch: What came in.
        scope: BOOK or FIRM: whose limits and terms count here; a firm has no terms.
        clock: The clock of the batch.
        version: Decision version of the job.
    """
    told = []
    if SCENARIOS in batch:
        rows = batch[SCENARIOS].with_columns(record_id="row_id")
        sets = rows.group_by("name", "epoch").agg(pl.col("record_id").last())
        last = {(name, epoch): record for name, epoch, record in sets.rows()}
        why = {last[one.name, one.epoch]: one.reason for one in scenario_state.gather(state, rows)}
        told.append(refusals(SCENARIOS, rows, "name", why.items(), clock, version))
    if LIMITS in batch:
        rows = batch[LIMITS].filter(pl.col("scope") == scope)
        refused = ((one.record, one.reason) for one in controls.take_limits(state, rows))
        told.append(refusals(LIMITS, rows, "limit_id", refused, clock, version))
    if MARGIN in batch and scope == "BOOK":
        rows = batch[MARGIN]
        refused = ((one.record, one.reason) for one in controls.take_terms(state, rows))
        told.append(refusals(MARGIN, rows, "book", refused, clock, version))
    return told


def refusals(
    topic: str,
    records: pl.DataFrame,
    subject: str,
    refused: Iterable[tuple[str, str]],
    clock: Clock,
    version: str,
) -> pl.DataFrame:
    """Records Refusal, in order of offset.

    Args:
        topic: Where the records came from.
        records: Columns record_id, time, offset, `subject`, and isin if they have one.
        subject: The column that says whom or what a record concerns.
        refused: Id and reason of those that cannot be used; the last of a set of scenarios stands
            for all parts that came with it.
        clock: The clock of the batch.
        version: Decision version of the job.
    """
    schema = {"record_id": pl.String(), "reason": pl.String()}
    why = pl.DataFrame(list(refused), schema=schema, orient="row")
    rows = records.drop("reason", strict=False).join(why, on="record_id").sort("offset")
    behind = Behind(topic, clock.shard, 0, 0, version).columns()
    told = rows.with_columns(
        refusal_id=pl.format("{}|{}|{}", pl.lit(topic), pl.lit(clock.shard), "offset"),
        subject=subject,
        isin="isin" if "isin" in rows.columns else pl.lit(""),
        mic=pl.lit(""),
        detail=pl.lit(""),
        **behind | {"first_offset": pl.col("offset"), "last_offset": pl.col("offset")},
    )
    return as_record(told, "Refusal")
