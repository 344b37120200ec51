"""Alerts as the records they travel as."""

from collections.abc import Mapping, Sequence

import polars as pl

from udfs.aml.rule import WHOLE
from udfs.shape import as_record


def alerts(
    raised: pl.DataFrame, decided_by: str, versions: Mapping[str, str], version: str, shard: int
) -> pl.DataFrame:
    """The records of raised outcomes.

    Args:
        raised: As from udfs.aml.handling.handled; amounts in minor units of the base currency.
        decided_by: The rule set, as rules:SHA-256.
        versions: Version of each rule that is not at its first.
        version: Decision version of the job.
        shard: Partition of the postings.
    """
    return as_record(
        raised.with_columns(
            time=pl.col("at"),
            domain=pl.lit("AML"),
            rule_version=pl.col("rule").replace_strict(dict(versions) or {"": "1"}, default="1"),
            decided_by=pl.lit(decided_by),
            subject_kind=pl.lit("CUSTOMER"),
            instrument=pl.lit(""),
            venue=pl.lit(""),
            currency=pl.lit("USD"),
            scale=pl.lit(2),
            events=pl.col("events").list.join(";"),
            source_topic=pl.lit("postings"),
            source_partition=pl.lit(shard),
            version=pl.lit(version),
        ),
        "Alert",
    )


def refusals(found: Sequence[Mapping[str, object]], version: str, shard: int) -> pl.DataFrame:
    """The records of rule sets that do not count: at, name, epoch, offset and why.

    Each job that reads the set refuses it for itself, in each partition, so the id names both.
    """
    if not found:
        return pl.DataFrame()
    rows = pl.DataFrame(list(found))
    place = f"{version.partition('/')[0]}-{shard}"
    return as_record(
        rows.with_columns(
            alert_id=pl.format("rule-set-{}-{}-{}-{}", "name", "epoch", pl.lit(place), "offset"),
            time="at",
            domain=pl.lit("AML"),
            rule=pl.lit("rule-set-refused"),
            rule_version=pl.lit("1"),
            decided_by=pl.lit(""),
            subject="name",
            subject_kind=pl.lit("OTHER"),
            **{name: pl.lit("") for name in ("account", "instrument", "venue", "currency")},
            band=pl.lit("HIGH"),
            score=pl.lit(WHOLE),
            amount=pl.lit(0),
            scale=pl.lit(0),
            measured=pl.format("epoch {}", "epoch"),
            limit=pl.lit("a rule set signed by a trusted key, of a greater epoch"),
            reason=pl.col("why"),
            events=pl.lit(""),
            event_count=pl.lit(0),
            first_time="at",
            last_time="at",
            corrects=pl.lit(""),
            source_topic=pl.lit("rules"),
            source_partition=pl.lit(shard),
            first_offset="offset",
            last_offset="offset",
            version=pl.lit(version),
        ),
        "Alert",
    )
