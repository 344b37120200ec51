"""Order events and orders as streams to measure on.

Order events are those of a simulated market of two days, said again week after week under new ids,
so that a stretch of any length needs one simulation. Orders are the flow of deploy.bench.matching.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import polars as pl

from connectors.generators.feed import DAY, Batch, Chunk
from connectors.topics import partitions_of
from deploy.bench import matching
from deploy.exchange.simulate import Simulated, simulate
from schemas.codec import encode_frame
from schemas.records import Record, record
from udfs.abuse.step import EVENTS, INSTRUMENTS, OWNERS
from udfs.matching.step import CONTROLS, ORDERS
from udfs.matching.step import INSTRUMENTS as TERMS

ORDERS_OF_IT, DAYS, MIX = 100_000, 2, "default"
_WEEK = 7 * DAY
_A_SECOND = 20
"""Chunks a second."""
_AGAIN = ("event_id", "order_id", "counter_order", "execution_id")
Ints = np.ndarray[tuple[int], np.dtype[np.int64]]


def market(seed: int, orders: int = ORDERS_OF_IT) -> Simulated:
    """The market that is said again and again."""
    return simulate(seed, MIX, DAYS, orders)


def events(made: Simulated, wanted: int) -> Iterator[pl.DataFrame]:
    """At least so many records OrderEvent, a frame a week, in order of time."""
    told = 0
    for week in range(-(-wanted // made.events.height)):
        renamed = [
            pl.when(pl.col(name) == "").then(pl.lit("")).otherwise(pl.format("{}.{}", name, week))
            for name in _AGAIN
        ]
        shifted = [pl.col(name) + week * _WEEK for name in ("time", "entry_time")]
        frame = made.events.with_columns(
            *(one.alias(name) for one, name in zip(renamed, _AGAIN, strict=True)), *shifted
        )
        yield frame[: wanted - told]
        told += frame.height


def links(made: Simulated, partitions: int) -> Chunk:
    """Who acts together and what goes together, a copy in every partition."""
    sent = {OWNERS: made.owner_links, INSTRUMENTS: made.instrument_links}
    names = {OWNERS: "OwnerLink", INSTRUMENTS: "InstrumentLink"}
    return _copied(
        {topic: (record(names[topic]), frame) for topic, frame in sent.items()}, partitions
    )


def event_chunks(made: Simulated, wanted: int, rate: float, partitions: int) -> Iterator[Chunk]:
    """So many order events, in chunks of a 20th of a second at that rate."""
    next_of = np.zeros(partitions, dtype=np.int64)
    for frame in events(made, wanted):
        shards = partitions_of(frame["isin"], partitions)
        yield from _chunks(EVENTS, record("OrderEvent"), frame, shards, rate, next_of)


def order_chunks(
    seed: int, wanted: int, rate: float, partitions: int
) -> tuple[Chunk, Iterator[Chunk]]:
    """What comes first, instruments and an opening; then so many orders, in such chunks."""
    tables = matching.tables(matching.commands(seed, wanted))
    names = {TERMS: "Instrument", CONTROLS: "VenueControl"}
    settings = {topic: (record(name), tables[topic]) for topic, name in names.items()}
    orders = tables[ORDERS]
    shards = partitions_of(orders["isin"], partitions)
    start = np.zeros(partitions, dtype=np.int64)
    run = _chunks(ORDERS, record("Order"), orders, shards, rate, start)
    return _copied(settings, partitions), run


def _copied(tables: Mapping[str, tuple[Record, pl.DataFrame]], partitions: int) -> Chunk:
    """All records of some topics in every partition."""
    return [
        Batch(topic, partition, b"bench", list(encode_frame(rec, frame)))
        for topic, (rec, frame) in tables.items()
        for partition in range(partitions)
    ]


def _chunks(
    topic: str,
    rec: Record,
    frame: pl.DataFrame,
    shards: Ints,
    rate: float,
    next_of: Ints,
) -> Iterator[Chunk]:
    """A frame in chunks, numbered by partition from `next_of` on, which follows."""
    size = max(1, int(rate / _A_SECOND))
    for low in range(0, frame.height, size):
        part, at = frame[low : low + size], shards[low : low + size]
        order = np.argsort(at, kind="stable")
        bounds = np.searchsorted(at[order], np.arange(len(next_of) + 1)).tolist()
        counts = np.diff(bounds)
        numbers = np.repeat(next_of - bounds[:-1], counts) + np.arange(len(at))
        next_of += counts
        values: list[bytes | None] = list(
            encode_frame(rec, part[order].with_columns(sequence=pl.Series(numbers)))
        )
        yield [
            Batch(topic, partition, b"bench", values[a:b])
            for partition, (a, b) in enumerate(pairwise(bounds))
            if a < b
        ]
