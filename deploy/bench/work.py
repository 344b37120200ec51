"""The work every system of the bench does: which events go in, which alerts must come out.

Events are trades of entities, in order of time; the entity is the key and so fixes the partition.
For each event an entity's count and sum grow; an event whose amount is above `THRESHOLD` (about 1 %
of them) sends an alert with both as they are after the event. Everything follows from the numbers
in `Work`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from connectors.topics import partitions_of

Ints = np.ndarray[Any, np.dtype[np.int64]]

THRESHOLD = 86_000_000
"""Alerts are for amounts above: the 99 % point of quantity * price, minor units."""

CHUNK = 100_000
FIRST_TIME = 1_767_225_600_000_000
STEP_US = 20
INSTRUMENTS = 500
VENUES = ("XETR", "XPAR", "XAMS", "XLON", "XMIL")


@dataclass(frozen=True)
class Work:
    """One load: how many events, of how many entities, over how many partitions."""

    events: int
    entities: int = 100_000
    partitions: int = 2
    seed: int = 1

    @property
    def name(self) -> str:
        """Short and unique, for topic names."""
        return f"s{self.seed}-n{self.events}-e{self.entities}-p{self.partitions}"


def chunks(work: Work) -> Iterator[pl.DataFrame]:
    """The load in order: the columns of `BenchEvent`, and `partition`."""
    sequences = np.zeros(work.partitions, dtype=np.int64)
    for first in range(0, work.events, CHUNK):
        frame = _events(work, first, min(CHUNK, work.events - first))
        partition = partitions_of(frame["entity"], work.partitions)
        numbers = np.empty(frame.height, dtype=np.int64)
        for p in range(work.partitions):
            rows = np.flatnonzero(partition == p)
            numbers[rows] = sequences[p] + np.arange(len(rows))
            sequences[p] += len(rows)
        yield frame.with_columns(sequence=pl.Series(numbers), partition=pl.Series(partition))


@lru_cache(maxsize=4)
def expected(work: Work) -> pl.DataFrame:
    """Every alert there must be: event_id, entity, count, total; in order of event_id."""
    counts = np.zeros(work.entities, dtype=np.int64)
    totals = np.zeros(work.entities, dtype=np.int64)
    found = []
    for first in range(0, work.events, CHUNK):
        entity, amount = _draw(work, first, min(CHUNK, work.events - first))[:2]
        rows = pl.DataFrame({"entity": entity, "amount": amount}).with_columns(
            event_id=pl.int_range(first, first + len(entity), dtype=pl.Int64),
            count=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("entity")
            + pl.Series(counts[entity]),
            total=pl.col("amount").cum_sum().over("entity") + pl.Series(totals[entity]),
        )
        found.append(rows.filter(pl.col("amount") > THRESHOLD))
        counts += np.bincount(entity, minlength=work.entities)
        np.add.at(totals, entity, amount)
    alerts = pl.concat(found)
    return alerts.select("event_id", "count", "total", entity=_names(alerts["entity"]))


def _draw(work: Work, first: int, count: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Entity number, amount, quantity and price of the events from number `first`."""
    rng = np.random.default_rng([work.seed, first])
    entity = rng.integers(0, work.entities, count)
    quantity = rng.integers(1, 1_001, count)
    price = rng.integers(1_000, 100_001, count)
    return entity, quantity * price, quantity, price


def _names(entities: pl.Series) -> pl.Series:
    return "E" + entities.cast(pl.String).str.zfill(7)


def _events(work: Work, first: int, count: int) -> pl.DataFrame:
    entity, amount, quantity, price = _draw(work, first, count)
    numbers = np.arange(first, first + count)
    return pl.DataFrame({"event_id": numbers}).with_columns(
        producer=pl.lit("bench"),
        sequence=pl.lit(0, dtype=pl.Int64),
        time=pl.Series(FIRST_TIME + STEP_US * numbers),
        entity=_names(pl.Series(entity)),
        instrument="DE" + pl.Series(numbers % INSTRUMENTS).cast(pl.String).str.zfill(10),
        venue=pl.Series(VENUES).gather(numbers % len(VENUES)),
        currency=pl.lit("EUR"),
        quantity=pl.Series(quantity),
        price=pl.Series(price),
        amount=pl.Series(amount),
    )
