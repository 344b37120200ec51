"""Motifs in the graph of transfers, over the log of all of them.

State: transfers the business watermark has not passed, the newest edges of each node, and what was
reported (udfs.motifs.memory). A transfer is looked at once everything before it is known, in the
order of (time, transfer id), so that other cuts of the log give the same alerts. A late transfer
counts at its place in the log.
"""

from dataclasses import dataclass, field

import polars as pl

from schemas.step import MIN_TIME, Batch, Clock, Outputs, State, effective_time
from udfs.motifs import memory
from udfs.motifs.params import Params
from udfs.motifs.report import Decision, report
from udfs.motifs.search import search

VERSION = "motifs/1"
"""Changes when the alerts of the same transfers do."""

TABLES = memory.TABLES

AT_ONCE = 4_096
"""So many new edges are looked around at once; it bounds memory and changes no result."""


@dataclass(frozen=True)
class MotifStep:
    """The step contract: transfers in, alerts out.

    Attributes:
        params: What counts as a motif.
        topic: The feed of transfers, all in one partition.
        result: Where alerts go.
        currency: The base currency that the amounts of transfers are in.
        scale: Its decimal places.
    """

    params: Params = field(default_factory=Params)
    topic: str = "transfers"
    result: str = "alerts"
    currency: str = "USD"
    scale: int = 2

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """Alerts of the motifs that the transfers that came due complete."""
        due = self._due(state, batch, clock)
        if due.is_empty():
            return {}
        arrival = memory.arrive(state, due, self.params)
        decision = Decision(
            self.params,
            self.params.digest(),
            VERSION,
            self.topic,
            clock.shard,
            self.currency,
            self.scale,
        )
        alerts = []
        for start in range(0, len(arrival.edges), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            found = search(arrival.scene(some), self.params)
            alerts.append(report(state, found, decision))
            memory.count(
                state,
                {
                    f"{name}|{what}": count
                    for name, one in found.items()
                    for what, count in (("looked", one.looked), ("cut", one.cut))
                },
            )
        memory.remember(state, arrival, self.params)
        told = pl.concat(alerts)
        return {} if told.is_empty() else {self.result: told}

    def _due(self, state: State, batch: Batch, clock: Clock) -> pl.DataFrame:
        """The transfers that the watermark has passed, in order: no other can come before them."""
        arrived, columns = batch.get(self.topic), TABLES["waiting"].columns
        if arrived is not None:
            arrived = arrived.filter(
                (pl.col("amount") > self.params.floor) & (pl.col("source") != pl.col("target"))
            ).select(
                at=effective_time("time"),
                **{name: name for name in columns if name not in ("at", "outside")},
                outside=pl.col("target") == pl.col("target_account"),
            )
            arrived = arrived.select(*columns)
        passed = clock.watermarks.get(self.topic, MIN_TIME)
        below = passed if passed == MIN_TIME else passed - 1
        return state["waiting"].due(arrived, "at", below).sort("at", "transfer_id")
