"""What the risk jobs last said, and what a question needs to be computed again: read from topics.

A time asks for what had been said by then by business time: of each thing its last record whose
`time` is not later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from connectors.topics import TOPICS
from deploy.errors import UserError
from deploy.proofs.sources import Source, events, pieces
from deploy.rules.recorded import recorded
from schemas.codec import decode_batch
from schemas.records import record
from udfs.risk.limits import in_force
from udfs.risk.marks import Quality
from udfs.risk.rates import rates
from udfs.risk.scenario_parts import Head, fault
from udfs.risk.scenario_sets import BuiltSet, build

EVER = 2**62
RESULTS = (
    *("positions", "pnl", "pnl.corrections", "var", "limits.used", "margin.calls"),
    *("firm.pnl", "firm.var", "firm.limits"),
)
BEHIND = ("marks", "scenarios", "limits")
"""What every partition has a copy of: one is read."""
_HEAD = (*Head.__dataclass_fields__,)


@dataclass(frozen=True)
class Book:
    """What a book's risk is computed from.

    Attributes:
        held: group, isin, quantity of the positions that are open.
        marks: As `exposures.exposures` takes them.
        built: The scenario set in force.
        time: Business time, microseconds UTC.
    """

    held: pl.DataFrame
    marks: pl.DataFrame
    built: BuiltSet
    time: int


def latest(
    source: Source,
    topic: str,
    partitions: Iterable[int],
    keys: Sequence[str],
    as_of: int = EVER,
    only: pl.Expr | None = None,
) -> pl.DataFrame:
    """The last record of each key that is not later than a time, in order of the keys.

    Args:
        source: The log.
        topic: One of the results, or of the marks.
        partitions: Those that are read.
        keys: Columns of the record.
        as_of: Business time, microseconds UTC.
        only: Records that count; all if None.
    """
    rec = record(TOPICS[topic].record)
    kept = decode_batch(rec, [])[0]
    for partition in partitions:
        for span in pieces(source, topic, partition):
            frame = decode_batch(rec, events(span)[1])[0].filter(pl.col("time") <= as_of)
            frame = frame if only is None else frame.filter(only)
            both = pl.concat([kept, frame]).sort("time", maintain_order=True)
            kept = both.unique(keys, keep="last", maintain_order=True)
    return kept.sort(keys)


def corrections(source: Source, partitions: Iterable[int], as_of: int = EVER) -> pl.DataFrame:
    """All corrections of points that are not later than a time, by point, book and instrument."""
    rec = record(TOPICS["pnl.corrections"].record)
    parts = [decode_batch(rec, [])[0]]
    for partition in partitions:
        for span in pieces(source, "pnl.corrections", partition):
            parts.append(decode_batch(rec, events(span)[1])[0].filter(pl.col("time") <= as_of))
    return pl.concat(parts).sort("time", "book", "isin", "sequence")


def marks(source: Source, as_of: int = EVER) -> pl.DataFrame:
    """The standing mark of each instrument with its rate in units of 10^-RATE_SCALE."""
    found = latest(source, "marks", [0], ["isin"], as_of, ~pl.col("late"))
    names = {kind.name: int(kind) for kind in Quality}
    pairs = found.filter(kind="FX").with_columns(
        quality=pl.col("quality").replace_strict(names, default=99, return_dtype=pl.Int64)
    )
    worth = rates(pairs, found["currency"]).select("currency", "rate")
    return found.join(worth, on="currency", how="left", maintain_order="left").with_columns(
        pl.col("rate").fill_null(0)
    )


def scenario_set(source: Source, known: pl.DataFrame, as_of: int) -> BuiltSet:
    """The scenarios for books that are in force at a time.

    Args:
        source: The log.
        known: The marks, which tell what instruments are.
        as_of: Business time, microseconds UTC.

    Raises:
        UserError: There is none that is complete and sound.
    """
    rows = [one.row for one in recorded(source, "scenarios", [0]) if one.row["time"] <= as_of]
    if rows:
        frame = pl.DataFrame(rows, infer_schema_length=None)
        for part in frame.sort("epoch", descending=True).partition_by(
            "set_digest", maintain_order=True
        ):
            head = Head(*part.select(_HEAD).row(0))
            parts = part.unique("part").sort("part")
            if parts.height == head.parts and not fault(head, parts):
                return build(head, parts, known, "book")
    raise UserError("no scenario set is in force; publish one: tidemark risk publish scenarios")


def book(source: Source, partitions: Iterable[int], name: str, as_of: int = EVER) -> Book:
    """What the risk of a book is computed from, as of a time.

    Raises:
        UserError: It has no position, or there are no scenarios.
    """
    of = pl.col("book") == name
    positions = latest(source, "positions", partitions, ["book", "isin"], as_of, of)
    if positions.is_empty():
        raise UserError(f"book {name[:60]!r} has no position; see: tidemark risk show")
    known = marks(source, as_of)
    if known.is_empty():
        raise UserError("there are no marks; is the job running? tidemark submit marks")
    newest = [positions["time"].max(), known["time"].max()]
    time = min(as_of, max(int(str(one)) for one in newest))
    held = positions.filter(pl.col("quantity") != 0).select("isin", "quantity", group="book")
    return Book(held, known, scenario_set(source, known, time), time)


def limits(source: Source, name: str, at: int) -> pl.DataFrame:
    """The limits of a book that are in force at a time, as `limits.used` takes them."""
    rows = [dict(one.row) | {"sequence": one.offset} for one in recorded(source, "limits", [0])]
    schema = {"limit_id": pl.String, "scope": pl.String, "name": pl.String, "measure": pl.String}
    numbers = {"soft": pl.Int64, "hard": pl.Int64, "time": pl.Int64, "sequence": pl.Int64}
    frame = pl.DataFrame(rows, schema={**schema, **numbers, "revoked": pl.Boolean})
    found = in_force(frame.rename({"time": "effective_from"}), at)
    return found.filter(scope="BOOK", name=name)
