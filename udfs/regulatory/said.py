"""What an event says of its result beside the message: the input it rests on, and what it omits."""

import polars as pl

from schemas.codec import encode_frame
from schemas.records import Record

REDACTED = frozenset({"DeadLetter"})
"""Records that are chained without what a sender put into them."""


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


def redacted(letters: pl.DataFrame, rec: Record) -> pl.Series:
    """The messages of dead letters without what a sender put into them.

    A refused record may hold anything, personal data too, and a chain cannot forget: the event has
    its hash and the code of the reason, the dead letter's own topic has the rest.
    """
    kept = letters.with_columns(
        payload=pl.lit(b"", dtype=pl.Binary), reason=pl.col("reason").str.split(":").list.first()
    )
    return pl.Series(encode_frame(rec, kept), dtype=pl.Binary)
