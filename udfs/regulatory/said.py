"""What an event says of its result beside the message: the input it rests on, and what it omits.

A chain cannot forget, so nothing that names a person goes into it. What is left out stays in the
result's own topic, which can be erased.
"""

from collections.abc import Callable, Mapping

import polars as pl

from schemas.codec import encode_frame
from schemas.records import Record

NAMED_RULES = r"-screening\z"
"""Alerts of such rules have the names that were compared in their reason."""
NOT_CHAINED = "Names are not chained: the alert in its topic has them."
COMMITMENT = r"\Ac1:[A-Za-z0-9_-]{43}\z"
"""A name that stands elsewhere and may be chained."""


def lineage(rec: Record, shard: int) -> pl.Expr:
    """`topic/partition:first-last;...` from the fields of the record that say so; else empty."""
    match [pl.col(name) for name in rec.lineage]:
        case [ranges]:
            return ranges.str.replace_all(":", f"/{shard}:", literal=True)
        case [topic, partition, offset]:
            return pl.format("{}/{}:{}-{}", topic, partition, offset, offset)
        case [topic, partition, first, last]:
            return pl.format("{}/{}:{}-{}", topic, partition, first, last)
        case _:
            return pl.lit("")


def redacted(results: pl.DataFrame, rec: Record) -> pl.Series:
    """The messages of results of a record in REDACTED without what is not to be chained."""
    return pl.Series(encode_frame(rec, REDACTED[rec.name](results)), dtype=pl.Binary)


def _letters(letters: pl.DataFrame) -> pl.DataFrame:
    """Without what a sender put into it: its hash and the code of the reason stay."""
    return letters.with_columns(
        payload=pl.lit(b"", dtype=pl.Binary), reason=pl.col("reason").str.split(":").list.first()
    )


def _customers(changes: pl.DataFrame) -> pl.DataFrame:
    """Without the name, unless a commitment stands in its place."""
    committed = pl.col("name").str.contains(COMMITMENT)
    return changes.with_columns(name=pl.when(committed).then("name").otherwise(pl.lit("")))


def _alerts(alerts: pl.DataFrame) -> pl.DataFrame:
    """Without reasons that tell names; all else stays byte for byte."""
    named = pl.col("rule").str.contains(NAMED_RULES)
    return alerts.with_columns(reason=pl.when(named).then(pl.lit(NOT_CHAINED)).otherwise("reason"))


REDACTED: Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "DeadLetter": _letters,
    "Customer": _customers,
    "Alert": _alerts,
}
"""Records that are chained without some of what they hold."""
