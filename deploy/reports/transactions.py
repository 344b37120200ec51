"""Transaction reports in the shape of RTS 22: one line a fill, and a list of what is missing.

Source: Commission Delegated Regulation (EU) 2017/590, Annex I, Table 2 (65 fields). What the feed
`fills` does not say stays empty. Lines are in order of partition and offset; `lineage.csv` says for
each line which record it comes from. Field 2 is the fill's id less what is no letter or digit; if
that is no reference of its own (empty, longer than 52, the same for two lines) it stays open.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl

from connectors.log import Span
from connectors.topics import TICK_KEY
from deploy.errors import UserError
from deploy.proofs.sources import Source, pieces
from deploy.reports import fields, form
from deploy.reports.walk import Window
from schemas.checks import violations
from schemas.codec import decode_batch
from schemas.ids import is_lei
from schemas.records import record

TOPIC = "fills"
_REFERENCE = r"\A[A-Za-z0-9]{1,52}\z"
_NO_REFERENCE = r"[^A-Za-z0-9]"
_SLICE = 100_000
_DIGEST = 12
"""Octets of a body's SHA-256 by which repeats are compared."""


@dataclass(frozen=True)
class Fills:
    """The fills of a window.

    Attributes:
        frame: One row a fill, in the columns of Fill, with `place` (TOPIC/PARTITION/OFFSET).
        refused: place and reason of each record that is no fill, whatever its time.
        repeats: Fills left out because producer and sequence came before, with the same body.
    """

    frame: pl.DataFrame
    refused: pl.DataFrame
    repeats: int


def fills(source: Source, partitions: Sequence[int], window: Window) -> Fills:
    """The fills whose trade time is in the window, judged as a job's edge judges records."""
    frames = [pl.DataFrame(schema={**record("Fill").columns, "place": pl.String})]
    bodies = [pl.DataFrame(schema={"body": pl.Binary})]
    refused: list[tuple[str, str]] = []
    for partition in partitions:
        for span in pieces(source, TOPIC, partition):
            frame, body, bad = _fills(span, partition)
            frames.append(frame)
            bodies.append(body)
            refused += bad
    frame = pl.concat([pl.concat(frames), pl.concat(bodies)], how="horizontal")
    kept, conflicts = _told_apart(frame)
    refused += [(place, _CONFLICT) for place in conflicts["place"]]
    repeats = frame.height - kept.height - conflicts.height
    in_window = pl.col("trade_time").is_between(window.start, window.end, closed="left")
    return Fills(
        kept.filter(in_window).drop("body"),
        pl.DataFrame(refused, schema={"place": pl.String, "reason": pl.String}, orient="row"),
        repeats,
    )


_CONFLICT = "conflicting-duplicate: this producer and sequence came before with another body"


def _fills(
    span: Span, partition: int
) -> tuple[pl.DataFrame, pl.DataFrame, Iterator[tuple[str, str]]]:
    kept = [index for index, key in enumerate(span.keys) if key != TICK_KEY]
    places = pl.Series(
        [f"{TOPIC}/{partition}/{span.offsets[index]}" for index in kept], dtype=pl.String
    )
    values = [span.values[index] for index in kept]
    rec = record("Fill")
    frame, rows, bad = decode_batch(rec, values)
    reasons = [(int(one.index), one.reason) for one in bad]
    broken = violations(rec, frame)
    reasons += [(int(rows[one.index]), one.reason) for one in broken]
    good = np.ones(frame.height, dtype=np.bool_)
    good[[one.index for one in broken]] = False
    frame = frame.with_columns(place=places.gather(rows)).filter(pl.Series(good))
    digests = [sha256(values[row] or b"").digest()[:_DIGEST] for row in rows[good].tolist()]
    body = pl.DataFrame({"body": digests}, schema={"body": pl.Binary})
    return frame, body, ((places[index], reason) for index, reason in sorted(reasons))


def _told_apart(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The first record of each producer and sequence, and those that contradict it."""
    partition = pl.col("place").str.extract(r"/(\d+)/").alias("partition")
    number = ("partition", "producer", "sequence")
    marked = frame.with_columns(partition)
    first = marked.select(pl.struct(number).is_first_distinct()).to_series()
    if first.all():
        return frame, frame[:0]
    kept, again = marked.filter(first), marked.filter(~first)
    known = kept.select(*number, known="body")
    compared = again.join(known, on=number, how="left", maintain_order="left")
    conflicts = compared.filter(pl.col("body") != pl.col("known"))
    return kept.drop("partition"), conflicts.select(frame.columns)


def report(found: Fills, submitter: str = "") -> dict[str, pl.DataFrame]:
    """The tables of the report, by name: transactions, fields, lineage, open, refused.

    Args:
        found: The fills.
        submitter: LEI of the submitting entity; without it field 6 is missing.
    """
    frame = _referenced(found.frame)
    return {"transactions": _lines(frame, submitter), **_sides(found, frame, submitter)}


def write(folder: Path, found: Fills, submitter: str = "") -> dict[str, int]:
    """Write the report, `transactions.csv` and its side files; how many lines each has."""
    frame = _referenced(found.frame)
    with (folder / "transactions.csv").open("wb") as file:
        file.write(form.csv(_lines(frame[:0], submitter)))
        for part in frame.iter_slices(_SLICE):
            file.write(form.csv(_lines(part, submitter), heading=False))
    sides = _sides(found, frame, submitter)
    for name, side in sides.items():
        form.write_csv(folder / f"{name}.csv", side)
    return {"transactions": frame.height, **{name: side.height for name, side in sides.items()}}


def checked(submitter: str) -> str:
    """The submitter's LEI, or nothing; UserError if it is neither."""
    if submitter and not is_lei(submitter):
        raise UserError(f"--submitter {submitter!r} is no LEI; mend it (20 characters)")
    return submitter


def _referenced(frame: pl.DataFrame) -> pl.DataFrame:
    """The fills with `line` and `reference`, which is empty where the id gives none."""
    short = pl.col("fill_id").str.replace_all(_NO_REFERENCE, "")
    good = short.str.contains(_REFERENCE) & short.is_unique()
    return frame.with_columns(
        line=pl.int_range(1, pl.len() + 1),
        reference=pl.when(good).then(short).otherwise(pl.lit("")),
    )


def _lines(frame: pl.DataFrame, submitter: str) -> pl.DataFrame:
    """One line a fill with all 65 fields."""
    buys = pl.col("side") == "BUY"
    given = {
        "1": pl.lit("NEWT"),
        "2": pl.col("reference"),
        "4": pl.col("member"),
        "6": pl.lit(submitter),
        "7": pl.when(buys).then("member").otherwise("counterparty"),
        "16": pl.when(buys).then("counterparty").otherwise("member"),
        "28": form.moment("trade_time"),
        "30": pl.col("quantity").cast(pl.String),
        "33": form.decimal("price", "price_scale"),
        "34": pl.col("currency"),
        "36": pl.col("mic"),
        "41": pl.col("isin"),
    }
    return frame.select(
        given.get(field.field, pl.lit("")).alias(field.column) for field in fields.load("rts22")
    )


def _sides(found: Fills, frame: pl.DataFrame, submitter: str) -> dict[str, pl.DataFrame]:
    lacking = frozenset() if submitter else frozenset({"6"})
    return {
        "fields": fields.listing(fields.load("rts22"), lacking),
        "lineage": frame.select("line", "place", "fill_id", "producer", "sequence"),
        "open": frame.filter(pl.col("reference") == "").select(
            "line", "place", field=pl.lit("2"), found="fill_id"
        ),
        "refused": found.refused,
    }
