"""Watches what a model sees day by day: a Watcher of udfs.abuse.step."""

from collections.abc import Mapping

import polars as pl

from schemas.step import State, TableSpec
from udfs.abuse import drift, drift_records
from udfs.abuse.drift import Bins
from udfs.abuse.model import Model
from udfs.abuse.scored import matrix
from udfs.abuse.telling import VERSION
from udfs.abuse.trees import Array


class Watch:
    """Drift of a model's features and score against the bins of its card."""

    tables: Mapping[str, TableSpec] = drift.TABLES

    def __init__(self, model: Model) -> None:
        """Read the bins of the card."""
        self._hash = model.hash
        self._bins = Bins.of(model.card)

    def __call__(
        self, state: State, rows: pl.DataFrame, scores: Array, shard: int
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Records ModelDrift of the days that are over, and Alert of those that drifted."""
        at, offset = rows["time"].to_numpy(), rows["offset"].to_numpy()
        days = drift.watched(state, self._bins, at, offset, matrix(rows), scores)
        told = days, self._hash, shard, VERSION
        return drift_records.drift(*told), drift_records.alerts(*told)
