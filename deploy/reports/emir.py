"""An extract of nets and obligations with the fields of an EMIR report that the log has.

Fields after Commission Delegated Regulation (EU) 2022/1855, Annex, Tables 1 and 2. What we net are
obligations to deliver cash and securities through a central counterparty, which are no derivatives:
the extract gives parties, sums and lineage in that shape, and lists every field that is missing.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from connectors.topics import TICK_KEY
from deploy.proofs.sources import Source, pieces
from deploy.reports import fields, form
from deploy.reports.walk import Log, Window
from schemas.codec import decode_batch
from schemas.money import EXPONENTS
from schemas.records import record

KINDS = ("NetPosition",)
OBLIGATIONS = "obligations"


def report(log: Log) -> dict[str, pl.DataFrame]:
    """The files of the extract, by name: nets and fields."""
    asked = fields.load("emir")
    return {"nets": _nets(log.results["NetPosition"], asked), "fields": fields.listing(asked)}


def _nets(nets: pl.DataFrame, asked: Sequence[fields.Field]) -> pl.DataFrame:
    """One line a net: its place, sums as exact decimals, and the given fields of the tables."""
    ccp = pl.col("netting_set").str.split("|").list.first()
    bilateral = pl.col("kind") == "BILATERAL"
    given = {
        "1.4": pl.col("member"),
        "1.8": pl.lit("true"),
        "1.9": pl.when(bilateral).then("counterparty").otherwise(ccp),
        "2.19": pl.when(pl.col("asset").is_in(list(EXPONENTS))).then("asset").otherwise(pl.lit("")),
        "2.31": pl.lit("Y"),
        "2.33": ccp,
        "2.153": form.moment("cycle_end").str.head(10),
        "2.154": pl.lit("PSTN"),
    }
    return nets.select(
        "event",
        "net_id",
        form.moment("cycle_start").alias("cycle_start"),
        form.moment("cycle_end").alias("cycle_end"),
        "kind",
        "asset",
        *(form.decimal(name, "scale").alias(name) for name in ("receives", "delivers", "net")),
        "obligations",
        "late",
        pl.col("event_lineage").alias("lineage"),
        pl.col("version").alias("decision_version"),
        *(given[one.field].alias(one.column) for one in asked if one.field in given),
    )


def obligations(source: Source, partitions: Sequence[int], window: Window) -> pl.DataFrame:
    """The obligations traded in the window, one line each with its place; refused ones left out.

    They are taken as they stand in the input topic: which were used is what batch indexes say.
    """
    frames = [_obligations(pl.DataFrame(schema=record("Obligation").columns), pl.Series([""])[:0])]
    for partition in partitions:
        for span in pieces(source, OBLIGATIONS, partition):
            kept = [index for index, key in enumerate(span.keys) if key != TICK_KEY]
            values = [span.values[index] for index in kept]
            frame, rows, _ = decode_batch(record("Obligation"), values)
            places = pl.Series(
                [f"{OBLIGATIONS}/{partition}/{span.offsets[index]}" for index in kept],
                dtype=pl.String,
            )
            inside = frame["trade_time"].is_between(window.start, window.end, closed="left")
            frames.append(_obligations(frame.filter(inside), places.gather(rows).filter(inside)))
    return pl.concat(frames)


def _obligations(frame: pl.DataFrame, places: pl.Series) -> pl.DataFrame:
    day = pl.col("settlement_date").cast(pl.Date).dt.strftime("%Y-%m-%d")
    return frame.with_columns(place=places).select(
        "place",
        "obligation_id",
        "trade_id",
        form.moment("trade_time").alias("trade_time"),
        "ccp",
        "payer",
        "receiver",
        "asset",
        form.decimal("amount", "scale").alias("amount"),
        day.alias("settlement_date"),
        "mic",
    )


def write(folder: Path, tables: dict[str, pl.DataFrame]) -> None:
    """Write the extract, one CSV file a table."""
    for name, frame in tables.items():
        form.write_csv(folder / f"{name}.csv", frame)
