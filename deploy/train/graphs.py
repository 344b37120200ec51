"""What the graph of transfers says of a customer beside the customer's own postings.

A worker holds the postings of its own customers only, so these need a step over all transfers: they
are tried here, and would have to earn that step.
"""

import numpy as np
import polars as pl

from deploy.train.worlds import World
from udfs.aml.features import SHORT
from udfs.aml.flow_groups import Array
from udfs.aml.rule import DAY

GRAPH = ("out_degree", "in_degree", "in_of_out", "shared", "most_shared", "passed_by_others")
"""Degrees, in degree per mille of both, parties that 2 to 20 customers deal with, customers of the
party with most, and the mean of what parties pass on, per mille."""


def graph_features(world: World) -> Array:
    """Columns GRAPH of each sample of a world, whole numbers; over 7 days up to the sample's."""
    moved = world.events.filter(
        pl.col("channel").is_in(["TRANSFER", "WIRE"]) & (pl.col("counterparty") != "")
    ).select("at", "owner", "direction", party="counterparty")
    keys = world.samples.select("owner", "end").with_row_index("row")
    passed = world.samples.select("end", party="owner", passed=f"passed_{SHORT}")
    parts = [
        _of_day(edges, same, passed.filter(end=end))
        for (end,), same in keys.group_by("end", maintain_order=True)
        for edges in [moved.filter(pl.col("at").is_between(end - SHORT * DAY, end - 1))]
    ]
    joined = pl.concat(parts).sort("row").select(*GRAPH)
    return np.asarray(joined.to_numpy())


def _of_day(edges: pl.DataFrame, asked: pl.DataFrame, passed: pl.DataFrame) -> pl.DataFrame:
    """GRAPH of the customers asked for, from the edges of the window."""
    pairs = edges.select("owner", "party", "direction").unique()
    shared = pairs.group_by("party").agg(customers=pl.col("owner").n_unique())
    near = pairs.join(shared, on="party").join(passed, on="party", how="left")
    credit = pl.col("direction") == "CREDIT"
    common = pl.col("customers").is_between(2, 20)
    counted = near.group_by("owner").agg(
        out_degree=(~credit).sum(),
        in_degree=credit.sum(),
        shared=pl.col("party").filter(common).n_unique(),
        most_shared=pl.col("customers").max(),
        passed_by_others=pl.col("passed").mean().fill_null(0).cast(pl.Int64),
    )
    both = pl.col("in_degree") + pl.col("out_degree")
    ratio = pl.when(both > 0).then(pl.col("in_degree") * 1_000 // both).otherwise(0)
    joined = asked.join(counted, on="owner", how="left").with_columns(pl.all().fill_null(0))
    return joined.with_columns(in_of_out=ratio).select(
        "row", *(pl.col(name).cast(pl.Int64) for name in GRAPH)
    )
