"""Measures, limits and margin calls in the shape of the records they travel as."""

from dataclasses import dataclass

import polars as pl

from schemas.step import Clock
from udfs.risk.parameters import REPORTING
from udfs.shape import as_record


@dataclass(frozen=True)
class Behind:
    """What results of a slice rest on.

    Attributes:
        topic: The input.
        partition: Its partition.
        first: Lowest offset.
        last: Highest offset.
        version: Decision version of the job.
    """

    topic: str
    partition: int
    first: int
    last: int
    version: str

    def columns(self) -> dict[str, pl.Expr]:
        """As fields of a result."""
        return {
            "source_topic": pl.lit(self.topic),
            "source_partition": pl.lit(self.partition),
            "first_offset": pl.lit(self.first),
            "last_offset": pl.lit(self.last),
            "version": pl.lit(self.version),
        }


def risk_measures(
    rows: pl.DataFrame, scope: str, clock: Clock, behind: Behind, inputs: str
) -> pl.DataFrame:
    """Records RiskMeasure from the rows of `measures.measure`, in order of their groups."""
    told = rows.with_columns(
        name=pl.col("group"),
        scope=pl.lit(scope),
        currency=pl.lit(REPORTING),
        inputs=pl.lit(inputs),
        **_times(clock),
        **behind.columns(),
    ).with_columns(measure_id=pl.format("{}|{}|{}", "scope", "name", "slice_end"))
    return as_record(told.sort("name"), "RiskMeasure")


def limit_uses(rows: pl.DataFrame, clock: Clock, behind: Behind) -> pl.DataFrame:
    """Records LimitUse from the rows of `controls.limits_used`."""
    told = rows.with_columns(**_times(clock), **behind.columns())
    told = told.with_columns(use_id=pl.format("{}|{}", "limit_id", "slice_end"))
    return as_record(told, "LimitUse")


def margin_calls(rows: pl.DataFrame, point: int, clock: Clock, behind: Behind) -> pl.DataFrame:
    """Records MarginCall from the rows of `controls.margin_calls` at a valuation point."""
    times = _times(clock) | {"time": pl.lit(point)}
    told = rows.with_columns(**times, **behind.columns())
    told = told.with_columns(call_id=pl.format("{}|{}", "book", "time"))
    return as_record(told, "MarginCall")


def _times(clock: Clock) -> dict[str, pl.Expr]:
    return {
        "time": pl.lit(max(clock.watermark, 0)),
        "slice_end": pl.lit(clock.slice_end * 1_000),
    }
