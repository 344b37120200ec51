"""Netting cycle by cycle over a log of obligations.

State: the obligations of the cycles that are still open, in the order of arrival. A cycle is netted
once the business watermark of the obligations has reached its end; nothing of it can come later,
because a late obligation counts at its place in the log.
"""

from dataclasses import dataclass

import polars as pl

from schemas.step import MIN_TIME, Batch, Clock, Outputs, State, Step, TableSpec
from udfs.netting import nets, provenance
from udfs.shape import as_record

VERSION = "netting/1"
"""Changes when the results of the same obligations do."""

TABLES = {
    "obligations": TableSpec(
        columns={
            "cycle_end": "int",
            "netting_set": "str",
            "asset": "str",
            "scale": "int",
            "payer": "str",
            "receiver": "str",
            "amount": "int",
            "late": "bool",
            "offset": "int",
            "leaf": "bytes",
        }
    )
}

_ORDER = (*nets.GROUP, "kind", "member", "counterparty")


@dataclass(frozen=True)
class Config:
    """How netting runs.

    Attributes:
        cycle_us: Length of a netting cycle in business time, microseconds.
        chunk: Most obligations that one provenance record lists.
        topic: The feed of obligations.
    """

    cycle_us: int
    chunk: int = 10_000
    topic: str = "obligations"

    def __post_init__(self) -> None:
        """Refuse cycles and chunks without length."""
        if self.cycle_us < 1 or self.chunk < 1:
            raise ValueError(f"cycle_us and chunk must be at least 1: {self}")


@dataclass(frozen=True)
class NettingStep:
    """The step contract: obligations in, nets of the cycles that are complete out."""

    config: Config

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """Nets, their provenance and the figures of each cycle that this batch completes."""
        config = self.config
        arrived = batch.get(config.topic)
        if arrived is not None:
            arrived = _buffered(arrived, config.cycle_us)
        complete = clock.watermarks.get(config.topic, MIN_TIME)
        due = state["obligations"].due(arrived, "cycle_end", complete)
        return {} if due.is_empty() else net_cycles(due, config, clock.shard)


def netting_step(config: Config) -> Step:
    """The step that nets in the cycles of `config`."""
    return NettingStep(config)


def net_cycles(obligations: pl.DataFrame, config: Config, shard: int) -> Outputs:
    """All results of the cycles that `obligations`, columns as in the state table, make up."""
    pairs = nets.paired(obligations)
    bilaterals = nets.bilateral(pairs).with_columns(
        kind=pl.lit("BILATERAL"), chunks=provenance.chunk_counts(config.chunk)
    )
    bilaterals = bilaterals.with_columns(provenance.pair_roots(pairs, bilaterals), net_id=_net_id())
    views = nets.both_views(bilaterals)
    multilaterals = nets.multilateral(views).rename({"pairs": "chunks"})
    multilaterals = multilaterals.with_columns(
        provenance.member_roots(views), kind=pl.lit("MULTILATERAL"), counterparty=pl.lit("")
    ).with_columns(net_id=_net_id())
    common = {
        "cycle_start": pl.col("cycle_end") - config.cycle_us,
        "source_topic": pl.lit(config.topic),
        "source_partition": pl.lit(shard),
        "cycle_id": _cycle_id(),
        "version": pl.lit(VERSION),
    }
    positions = pl.concat([bilaterals, multilaterals], how="diagonal").sort(_ORDER)
    chunks = provenance.listing(pairs, bilaterals, config.chunk).with_columns(
        version=common["version"]
    )
    totals = nets.cycles(bilaterals, multilaterals).with_columns(**common)
    return {
        "nets": as_record(positions.with_columns(**common), "NetPosition"),
        "nets.provenance": as_record(chunks, "NetProvenance"),
        "cycles": as_record(totals, "NettingCycle"),
    }


def _buffered(obligations: pl.DataFrame, cycle_us: int) -> pl.DataFrame:
    columns = TABLES["obligations"].columns
    return nets.in_cycles(obligations, cycle_us).select(*columns).cast({"scale": pl.Int64})


def _cycle_id() -> pl.Expr:
    return pl.format("{}|{}|{}|{}", "netting_set", "asset", "scale", "cycle_end")


def _net_id() -> pl.Expr:
    return pl.format("{}|{}|{}|{}", _cycle_id(), "kind", "member", "counterparty")
