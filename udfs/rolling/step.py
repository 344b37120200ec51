"""Rolling count and sum of amounts an entity, and an alert for each event above a threshold."""

from dataclasses import dataclass

import polars as pl

from schemas.step import Batch, Clock, Outputs, State, TableSpec

VERSION = "rolling/1"
TABLES = {"entities": TableSpec({"entity": "str", "count": "int", "total": "int"}, key="entity")}


@dataclass(frozen=True)
class RollingStep:
    """Alerts of the events whose amount is above `threshold`, with count and sum after the event.

    `every` makes each event a result, for measuring what output costs.
    """

    threshold: int
    topic: str = "bench.events"
    result: str = "bench.alerts"
    every: bool = False

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """Alerts in log order."""
        events = batch.get(self.topic)
        if events is None:
            return {}
        sums = events.group_by("entity").agg(
            count=pl.len().cast(pl.Int64), total=pl.col("amount").sum()
        )
        after = state["entities"].add(sums)
        before = after.select(
            "entity",
            count_before=after["count"] - sums["count"],
            total_before=after["total"] - sums["total"],
        )
        large = pl.lit(value=True) if self.every else pl.col("amount") > self.threshold
        touched = events if self.every else _of_entities_with(events, large)
        rolled = touched.with_columns(
            count=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("entity"),
            total=pl.col("amount").cum_sum().over("entity"),
        ).filter(large)
        alerts = rolled.join(before, on="entity", how="left", maintain_order="left").select(
            "event_id",
            "time",
            "entity",
            "amount",
            count=pl.col("count") + pl.col("count_before"),
            total=pl.col("total") + pl.col("total_before"),
        )
        return {self.result: alerts}


def _of_entities_with(events: pl.DataFrame, condition: pl.Expr) -> pl.DataFrame:
    """The events of those entities that have one fulfilling the condition."""
    return events.join(events.filter(condition).select("entity").unique(), on="entity", how="semi")
