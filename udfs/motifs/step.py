"""Motifs in the graph of transfers, over the log of all of them, by the rule set in force.

State: transfers and rule sets that the business watermark has not passed, the newest edges of each
node, and what was reported (udfs.motifs.memory). A transfer is looked at once everything before it
is known, in the order of (time, transfer id), so that other cuts of the log give the same alerts.
A rule set decides from its effective time on. A late transfer counts at its place in the log.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import polars as pl

from schemas.step import MIN_TIME, Batch, Clock, Outputs, State, effective_time
from udfs.aml import held, slots
from udfs.aml.ruleset import digest
from udfs.motifs import memory
from udfs.motifs.params import Params
from udfs.motifs.report import Decision, report
from udfs.motifs.search import search

VERSION = "motifs/1"
"""Changes when the alerts of the same transfers do."""
TRANSFERS, RULES, ALERTS = "transfers", "rules", "alerts"
COMING = "aml.coming"
TABLES = memory.TABLES | {COMING: held.HELD[COMING], slots.SETS: slots.TABLES[slots.SETS]}

AT_ONCE = 4_096
"""So many new edges are looked around at once; it bounds memory and changes no result."""


@dataclass(frozen=True)
class MotifStep:
    """The step contract: transfers and rule sets in, alerts out.

    Attributes:
        keys: The public keys (Ed25519, 32 bytes) whose rule sets count.
    """

    keys: tuple[bytes, ...] = ()

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """Alerts of the motifs that the transfers before the watermark complete."""
        until = clock.watermark - 1 if clock.watermark != MIN_TIME else MIN_TIME
        transfers = _due(state, batch, until)
        sets = held.due(state, batch, RULES, until)
        sets = sets.filter(pl.col("mode") == "LIVE").sort("at", "epoch")
        alerts: list[pl.DataFrame] = []
        cuts = sorted({*sets["at"].to_list()})
        for begin, end in pairwise([MIN_TIME, *cuts, until + 1]):
            now = sets.filter(pl.col("at") == begin)
            alerts.append(slots.switch(state, now, self.keys, clock.shard, VERSION))
            inside = transfers.filter(pl.col("at").is_between(begin, end, closed="left"))
            alerts += _alerts(state, inside, clock.shard)
        told = [frame for frame in alerts if frame.height]
        return {ALERTS: pl.concat(told)} if told else {}


def _due(state: State, batch: Batch, until: int) -> pl.DataFrame:
    """The transfers that the watermark has passed, in order: no other can come before them."""
    arrived, columns = batch.get(TRANSFERS), memory.TABLES["waiting"].columns
    if arrived is not None:
        arrived = arrived.filter(pl.col("source") != pl.col("target")).with_columns(
            at=effective_time("time"), outside=pl.col("target") == pl.col("target_account")
        )
        arrived = arrived.select(*columns)
    return state["waiting"].due(arrived, "at", until).sort("at", "transfer_id")


def _alerts(state: State, transfers: pl.DataFrame, shard: int) -> Iterator[pl.DataFrame]:
    """The alerts of transfers over which the same rule set decides."""
    if transfers.is_empty():
        return
    body = slots.in_force(state)[slots.LIVE]
    params = _params(body)
    due = transfers.filter(pl.col("amount") > params.floor)
    if due.is_empty():
        return
    base = slots.parsed(body).base
    decision = Decision(params, digest(body), base, VERSION, TRANSFERS, shard)
    arrival = memory.arrive(state, due, params)
    for start in range(0, len(arrival.edges), AT_ONCE):
        found = search(arrival.scene(slice(start, start + AT_ONCE)), params)
        yield report(state, found, decision, arrival.late)
        counts = {
            f"{name}|{what}": count
            for name, one in found.items()
            for what, count in (("looked", one.looked), ("cut", one.cut))
        }
        memory.count(state, counts)
    memory.remember(state, arrival, params)


@cache
def _params(body: str) -> Params:
    return Params.of(slots.parsed(body).motifs)
