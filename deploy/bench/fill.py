"""Puts a load into a topic, in the form a system reads: Avro with ticks, or JSON."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal

import numpy as np
import polars as pl

from connectors.generators.feed import Batch, Chunk
from connectors.topics import TICK_KEY
from deploy.bench.work import Work, chunks
from schemas.codec import encode_frame
from schemas.records import record

Form = Literal["wire", "json"]
"""`wire`: Avro in Confluent's wire format, ticks in every partition. `json`: objects, no ticks."""

TOPICS: dict[Form, str] = {"wire": "bench.events", "json": "bench.json"}
RATE = 200_000
"""Records a second while filling a `wire` topic: log time cuts it, so it must take its time."""

TICK_S = 0.05


def topic(work: Work, form: Form) -> str:
    """The topic of a load in a form."""
    return f"{work.name}.{TOPICS[form]}"


def messages(work: Work, form: Form) -> Iterator[Chunk]:
    """The load as batches to send, in order; in `wire` form ticks close each chunk of `TICK_S`."""
    name, size = topic(work, form), int(RATE * TICK_S)
    closing = [Batch(name, p, TICK_KEY, [b""]) for p in range(work.partitions)]
    ticks = closing if form == "wire" else []
    for chunk in chunks(work):
        for part in chunk.iter_slices(size):
            yield [*_batches(name, part, work.partitions, _ENCODERS[form]), *ticks]


def _batches(
    name: str, events: pl.DataFrame, partitions: int, encode: Callable[[pl.DataFrame], list[bytes]]
) -> list[Batch]:
    events = events.sort("partition", maintain_order=True)
    bounds = np.searchsorted(events["partition"].to_numpy(), np.arange(partitions + 1)).tolist()
    keys = [entity.encode() for entity in events["entity"].to_list()]
    values: list[bytes | None] = list(encode(events.drop("partition")))
    return [
        Batch(name, p, keys[a:b], values[a:b]) for p, (a, b) in enumerate(pairwise(bounds)) if a < b
    ]


def _wire(events: pl.DataFrame) -> list[bytes]:
    return encode_frame(record("BenchEvent"), events)


def _json(events: pl.DataFrame) -> list[bytes]:
    return events.write_ndjson().encode().splitlines()


_ENCODERS: dict[Form, Callable[[pl.DataFrame], list[bytes]]] = {"wire": _wire, "json": _json}
