"""What a shadow rule set has said beside the live one: the topics alerts and alerts.shadow.

Compared is the time in which the shadow ran: from the business time at which it began to apply to
that of the set that replaced or ended it, as published.
"""

from collections.abc import Sequence

import polars as pl

from deploy.drafts.compared import Compared, compared
from deploy.drafts.folds import Range
from deploy.errors import UserError
from deploy.proofs.sources import Source
from deploy.rules.published import SHADOW, SHADOW_END, TOPIC, Published, newest, published
from deploy.rules.recorded import recorded
from schemas.records import record

ALERTS, SHADOWED = "alerts", "alerts.shadow"
TOPICS = (ALERTS, SHADOWED, TOPIC)
FOR_EVER = 2**62
_JOB = "aml/"


def said(source: Source, partitions: Sequence[int], epoch: int | None) -> tuple[Compared, Range]:
    """Compare what live and shadow said while a shadow ran: that of `epoch`, or the last one.

    Raises:
        UserError: No such shadow was published.
    """
    sets = published(source, partitions)
    ran = _ran(sets, epoch)
    live, shadow = (ran.of(_alerts(source, topic, partitions)) for topic in (ALERTS, SHADOWED))
    return compared(live, shadow), ran


def _ran(sets: Sequence[Published], epoch: int | None) -> Range:
    begun = [one for one in sets if one.mode == SHADOW and epoch in (None, one.epoch)]
    one = newest(begun, SHADOW)
    if one is None:
        what = "no shadow rule set" if epoch is None else f"no shadow of epoch {epoch}"
        raise UserError(f"{what} was published; see: tidemark rules show")
    begin = int(one.row["effective_time"])
    later = [
        int(other.row["effective_time"])
        for other in sets
        if other.mode in (SHADOW, SHADOW_END) and other.epoch > one.epoch
    ]
    return Range(begin, max(begin, min(later, default=FOR_EVER)))


def _alerts(source: Source, topic: str, partitions: Sequence[int]) -> pl.DataFrame:
    """The alerts that rules of the AML job raised; not those of other jobs, nor refused sets."""
    rows = [one.row for one in recorded(source, topic, partitions)]
    found = pl.DataFrame(rows, schema=record("Alert").columns)
    by_rules = pl.col("producer").str.starts_with(_JOB) & (pl.col("decided_by") != "")
    return found.filter(by_rules)
