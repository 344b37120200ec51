"""What ring search rests on: transfers of the window, and alerts on customers, from the log."""

from dataclasses import dataclass

import polars as pl

from connectors.topics import TOPICS
from deploy.errors import UserError
from deploy.graph.params import Params
from deploy.proofs.sources import Source, events, pieces
from deploy.reports.form import at
from deploy.rules.recorded import Recorded
from schemas.codec import decode_batch
from schemas.records import record

TRANSFERS = "transfers"
GATHERED = 0
"""The partition that has all transfers (jobs.catalogue.aml_job)."""


@dataclass(frozen=True)
class Evidence:
    """The input of one search.

    Attributes:
        as_of: End of the window in business time, microseconds UTC, inclusive.
        transfers: Of the window, by (time, transfer_id): the record's columns and `offset`.
        marked: Customers with an alert of the window that counts as evidence.
        read: Offset up to which `transfers` was read, exclusive.
    """

    as_of: int
    transfers: pl.DataFrame
    marked: frozenset[str]
    read: int


def evidence(
    source: Source, alerts: list[Recorded], params: Params, as_of: int | None = None
) -> Evidence:
    """The evidence of (as_of - window, as_of]; without `as_of`, up to the newest transfer.

    Raises:
        UserError: There are no transfers, or none in the window.
    """
    found, read = _transfers(source)
    if found.is_empty():
        raise UserError(
            "there are no transfers: they are written by the job aml; run: tidemark submit aml"
        )
    newest = int(found["time"].max())  # type: ignore[arg-type]
    until = newest if as_of is None else as_of
    since = until - params.window_us
    inside = found.filter((pl.col("time") > since) & (pl.col("time") <= until))
    if inside.is_empty():
        raise UserError(
            f"there are no transfers after {at(since)} up to {at(until)}, the newest is of "
            f"{at(newest)}; give another --as-of or a longer --window"
        )
    marked = frozenset(
        one.row["subject"]
        for one in alerts
        if one.row["rule"] in params.evidence and since < one.row["time"] <= until
    )
    return Evidence(until, inside.sort("time", "transfer_id"), marked, read)


def _transfers(source: Source) -> tuple[pl.DataFrame, int]:
    """All transfers, each once, and the offset after the last one read."""
    rec = record(TOPICS[TRANSFERS].record)
    frames = [pl.DataFrame(schema={**rec.columns, "offset": pl.Int64})]
    read = 0
    for span in pieces(source, TRANSFERS, GATHERED):
        offsets, messages = events(span)
        frame, places, _ = decode_batch(rec, messages)
        at_offsets = pl.Series("offset", offsets, dtype=pl.Int64)[pl.Series(places)]
        frames.append(frame.with_columns(at_offsets))
        read = span.offsets[-1] + 1
    whole = pl.concat(frames).unique(["producer", "sequence"], keep="first", maintain_order=True)
    return whole, read
