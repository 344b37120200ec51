"""Who has had dealings with whom, and how many new counterparties a node usually has.

A relation ends with a pause as long as the memory; then the two are new to each other again, and a
node that pauses so long begins anew.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.step import State
from udfs.motifs.edges import Array, paired


@dataclass(frozen=True)
class Habit:
    """What one end of each new edge has been used to, this edge included.

    Attributes:
        begun: How many relations it has begun on this side, as payer or as payee.
        first: When it was first seen, microseconds UTC.
    """

    begun: Array
    first: Array

    def of(self, some: slice) -> "Habit":
        """The habits for some of the edges."""
        return Habit(self.begun[some], self.first[some])


@dataclass(frozen=True)
class Relations:
    """Since when the two ends of each new edge have had dealings, either way; their habits."""

    since: Array
    paying: Habit
    paid: Habit


def relate(state: State, source: Array, target: Array, at: Array, memory: int) -> Relations:
    """Take in new edges, in order; `memory` in microseconds."""
    pair = paired(np.minimum(source, target), np.maximum(source, target))
    known = pl.DataFrame({"code": pair}).unique()
    known = known.hstack(state["pairs"].lookup(known["code"].cast(pl.String)).drop("pair"))
    pairs = _stretches(pl.DataFrame({"code": pair, "at": at}), known, memory)
    pairs = pairs.with_columns(since=_from_the_start("since", pl.col("at").first()))
    newest = _latest(pairs, "since").rename({"code": "pair"})
    state["pairs"].upsert(newest.with_columns(pl.col("pair").cast(pl.String)))
    ends = pl.DataFrame(
        {
            "code": np.column_stack([source, target]).ravel(),
            "at": np.repeat(at, 2),
            "new": np.repeat(pairs["anew"].to_numpy(), 2),
            "pays": np.tile([True, False], len(at)),
        }
    )
    new, pays = pl.col("new"), pl.col("pays")
    ends = _stretches(ends, state["nodes"].lookup(ends["code"].unique()), memory).with_columns(
        first=_from_the_start("first", pl.col("at").first()),
        paid=_running("paid", new & ~pays),
        paying=_running("paying", new & pays),
    )
    state["nodes"].upsert(_latest(ends, "first", "paid", "paying"))
    first, paid, paying = (ends[name].to_numpy() for name in ("first", "paid", "paying"))
    return Relations(
        pairs["since"].to_numpy(), Habit(paying[::2], first[::2]), Habit(paid[1::2], first[1::2])
    )


def _stretches(rows: pl.DataFrame, known: pl.DataFrame, memory: int) -> pl.DataFrame:
    """The rows with what is known of their codes, and the stretches that pauses divide them into.

    Adds `anew`, whether a stretch begins with the row, and `stretch`: 0 goes on from what is known.
    """
    known = known.with_columns(last=pl.when("known").then("last"))
    known = known.select("code", pl.exclude("code").name.prefix("known_"))
    before = pl.coalesce(pl.col("at").shift(1).over("code"), "known_last")
    anew = (pl.col("at") - before >= memory).fill_null(value=True)
    return (
        rows.join(known, on="code", how="left", maintain_order="left")
        .with_columns(anew=anew)
        .with_columns(stretch=pl.col("anew").cast(pl.Int64).cum_sum().over("code"))
    )


def _from_the_start(name: str, start: pl.Expr) -> pl.Expr:
    goes_on = pl.col("stretch") == 0
    return pl.when(goes_on).then(f"known_{name}").otherwise(start.over("code", "stretch"))


def _running(name: str, counts: pl.Expr) -> pl.Expr:
    """How often something was so in a node's stretch, up to and with each row."""
    before = pl.when(pl.col("stretch") == 0).then(f"known_{name}").otherwise(0)
    return before + counts.cast(pl.Int64).cum_sum().over("code", "stretch")


def _latest(rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
    return rows.group_by("code", maintain_order=True).agg(
        pl.col(columns).last(), last=pl.col("at").last()
    )
