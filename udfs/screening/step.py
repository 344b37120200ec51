"""Screening of customers' and payments' names against lists, record by record in log order.

A name is judged by the lists in force at its place in the log: append time, then lists before
customers before actions before postings, then offset. A version of a list is in force from the
place of the part that completes it; there all customers known are screened anew. So a result is a
function of the log alone, whatever the slices, and waits for no other feed's business time, which
decides only when exceptions and quiet times end. Every posting is screened by the name on its other
side, on the debit and on the credit side: each party of a payment once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.step import MIN_TIME, Batch, Clock, Outputs, State, TableSpec
from udfs.screening import known, versions
from udfs.screening.alerts import frame
from udfs.screening.config import VERSION, Config
from udfs.screening.events import LISTS, POSTINGS
from udfs.screening.known import NEVER
from udfs.screening.versions import Refused
from udfs.screening.work import Work

TABLES: Mapping[str, TableSpec] = {
    **versions.TABLES,
    **known.TABLES,
    "screening.customers": TableSpec(
        key="customer",
        columns={
            "customer": "str",
            "name": "str",
            "country": "str",
            "event": "str",
            "offset": "int",
        },
    ),
    "screening.counts": TableSpec(key="what", columns={"what": "str", "count": "int"}),
}


__all__ = ["TABLES", "VERSION", "Config", "ScreeningStep"]


@dataclass(frozen=True)
class ScreeningStep:
    """The step contract: names and lists in, alerts and runs out."""

    config: Config = field(default_factory=Config)

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """The alerts of the batch's names, and a run for each version that takes effect in it."""
        work = Work(state, self.config, clock.shard)
        start = MIN_TIME
        parts = batch.get(LISTS)
        for part in () if parts is None else parts.sort("appended", "offset").to_dicts():
            taken = work.versions.take(part)
            if taken is None:
                continue
            work.stretch(batch, start, part["appended"])
            start = part["appended"]
            at = max(part["time"], part["watermark"])
            if isinstance(taken, Refused):
                work.refused(taken, at)
            else:
                work.effect(taken, at)
        work.stretch(batch, start, NEVER)
        _expire(state, clock)
        outputs = {}
        if work.alerts:
            outputs["alerts"] = frame(work.alerts, "Alert")
        if work.runs:
            outputs["screening.runs"] = frame(work.runs, "ScreeningRun")
        return outputs


def _expire(state: State, clock: Clock) -> None:
    """Drop what can decide nothing any more, as no event counts before its feed's watermark."""
    paid = clock.watermarks.get(POSTINGS, MIN_TIME)
    if paid != MIN_TIME:
        state["screening.raised"].expire("expires", paid + 1)
    if clock.watermark != MIN_TIME:
        state["screening.exceptions"].expire("until", clock.watermark + 1)
