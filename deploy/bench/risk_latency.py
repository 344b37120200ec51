"""How long a mark and a quote take to a committed P&L, at steady rates.

A P&L of a slice names what was read in it. Each mark among that waits from the broker's time of
the mark to the moment a reader of committed records has the first P&L of that shard and slice; the
quote behind the mark from the broker's time of the quote. Counted are marks that a sound quote
made, after the first seconds in which books open, the firm's scenarios are drawn and the JVM warms
up.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from connectors.log import Span
from connectors.reader import LogReader
from connectors.topics import TICK_KEY
from deploy.bench import risk_feed
from deploy.bench.harness import Result
from deploy.bench.risk_site import CHECKPOINT_MS, CONFIG, PARTITIONS, RiskSite
from deploy.oracle import data
from schemas.codec import decode_batch
from schemas.records import record
from udfs.risk.whole import Floats, Ints

RATES, SECONDS = (5_000, 10_000), 90
"""Ticks a second of the feeds; business runs as fast as the clock."""
WARM_S, QUIET_S = 40.0, 5.0
BAR_MARK, BAR_QUOTE = (1.0, 2.0), (2.2, 3.5)
"""p50 and p99, seconds."""
JOBS_OF_IT = ("marks", "risk", "firm")


@dataclass
class Seen:
    """P&L records as a reader of committed records got them, with the moment, milliseconds UTC."""

    values: list[bytes] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)


def run(site: RiskSite, seed: int, echo: Callable[[str], None]) -> list[Result]:
    """Feeds at steady rates, one after the other, through jobs that start anew."""
    return [result for rate in RATES for result in _at(site, seed, rate, echo)]


def _at(site: RiskSite, seed: int, rate: int, echo: Callable[[str], None]) -> list[Result]:
    """A feed through the three jobs, and what a reader sees meanwhile."""
    prefix = f"live{rate}."
    world = risk_feed.market(seed + 1, rate)
    made = list(risk_feed.run(world, rate * SECONDS, rate, PARTITIONS))
    site.prepare(prefix, world)
    reader = LogReader(site.brokers, prefix)
    with site.ticking(prefix):
        jobs = [site.submit(name, prefix, prefix, bounded=False) for name in JOBS_OF_IT]
        for job in jobs:
            site.site.stack.flink.wait_for(job.id, "RUNNING")
        echo(f"feeding {rate:,} ticks/s for {SECONDS} s")
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(site.send, made, prefix, rate)
            seen = watched(reader, sending.done)
            sending.result()
        for job in jobs:
            site.site.stack.flink.cancel(job.id)
    try:
        return results(rate, *waited(reader, seen))
    finally:
        reader.close()


def watched(reader: LogReader, over: Callable[[], bool]) -> Seen:
    """Read P&L as it is committed, until the feed is over and nothing comes any more."""
    seen, start = Seen(), 0
    quiet_since = time.monotonic()
    while not over() or time.monotonic() - quiet_since < QUIET_S:
        span = reader.read("pnl", 0, start)
        now = round(time.time() * 1_000)
        if len(span):
            start = span.offsets[-1] + 1
            before = len(seen.values)
            seen.values += data(span)
            seen.moments += [now] * (len(seen.values) - before)
            quiet_since = time.monotonic() if not over() else quiet_since
        time.sleep(0.02)
    return seen


def waited(reader: LogReader, seen: Seen) -> tuple[Floats, Floats, Floats]:
    """Seconds from mark to P&L, from quote to P&L, and from quote to mark, each sorted."""
    slices = _slices(seen)
    quotes = [Times(reader.read("quotes", shard)) for shard in range(PARTITIONS)]
    first = min(int(part.appended[0]) for part in quotes) + WARM_S * 1_000
    parts: list[tuple[Floats, Floats, Floats]] = []
    for shard in range(PARTITIONS):
        span = reader.read("marks", shard)
        written = Times(span)
        marks, places, _ = decode_batch(record("Mark"), list(data(span)))
        marks = marks.with_columns(
            offset=pl.Series(written.data_offsets[places]),
            written=pl.Series(written.data_times[places]),
        ).filter(source_topic="quotes", quality="GOOD", late=False)
        held = slices.filter(shard=shard).sort("first")
        marks = marks.sort("offset").join_asof(held, left_on="offset", right_on="first")
        marks = marks.filter((pl.col("offset") <= pl.col("last")) & (pl.col("written") >= first))
        sent = np.zeros(marks.height, dtype=np.int64)
        for partition, times in enumerate(quotes):
            mine = (marks["source_partition"] == partition).to_numpy()
            sent[mine] = times.of(marks["last_offset"].to_numpy()[mine])
        moment, at = marks["moment"].to_numpy(), marks["written"].to_numpy()
        parts.append(tuple((a - b) / 1_000 for a, b in ((moment, at), (moment, sent), (at, sent))))
    to_pnl, whole_way, to_mark = (
        np.sort(np.concatenate(part)) for part in zip(*parts, strict=True)
    )
    return to_pnl, whole_way, to_mark


class Times:
    """When the broker took in the records of a topic partition, milliseconds UTC."""

    def __init__(self, span: Span) -> None:
        """Of all its records; ticks are told apart."""
        is_data = np.array([key != TICK_KEY for key in span.keys], dtype=np.bool_)
        self.offsets = np.array(span.offsets, dtype=np.int64)
        self.appended = np.array(span.appended, dtype=np.int64)
        self.data_offsets, self.data_times = self.offsets[is_data], self.appended[is_data]

    def of(self, offsets: Ints) -> Ints:
        """Those of some offsets."""
        found: Ints = self.appended[np.searchsorted(self.offsets, offsets)]
        return found


def _slices(seen: Seen) -> pl.DataFrame:
    """Shard, first and last offset of marks and moment of the first P&L of each slice."""
    pnl, places, _ = decode_batch(record("BookPnl"), seen.values)
    moments = pl.Series("moment", np.array(seen.moments, dtype=np.int64)[places])
    marks = pl.col("inputs").str.extract_groups(r"(?:^|;)marks:(?<first>\d+)-(?<last>\d+)")
    return (
        pnl.with_columns(moments, marks=marks)
        .filter((pl.col("kind") == "SLICE") & pl.col("marks").struct.field("first").is_not_null())
        .select(
            pl.col("producer").str.split("/").list.last().cast(pl.Int64).alias("shard"),
            pl.col("marks").struct.field("first").cast(pl.Int64),
            pl.col("marks").struct.field("last").cast(pl.Int64),
            "moment",
        )
        .group_by("shard", "first", "last")
        .agg(pl.col("moment").min())
    )


def results(rate: int, to_pnl: Floats, whole_way: Floats, to_mark: Floats) -> list[Result]:
    """Percentiles against the bars."""
    size = (
        f"{rate:,} ticks/s, 775 instruments, 60 books, slice {CONFIG.slice_ms} ms, "
        f"checkpoints {CHECKPOINT_MS} ms"
    )
    found = []
    for what, seconds, bars in (
        ("mark to committed P&L", to_pnl, BAR_MARK),
        ("quote to committed P&L", whole_way, BAR_QUOTE),
        ("quote to mark, not yet committed", to_mark, (None, None)),
    ):
        for percent, bar in zip((50, 99), bars, strict=True):
            value = round(float(np.percentile(seconds, percent)), 2)
            found.append(Result(f"p{percent} {what}, {size}", value, "s", bar, True))
    return [*found, Result(f"marks behind these, {rate:,} ticks/s", len(to_pnl), "marks")]
