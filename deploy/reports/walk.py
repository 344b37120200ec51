"""One pass over the regulatory log: is each chain whole, and what did the results of a day say.

The whole log is read, since a chain holds from its start only; results are decoded for the day
alone, whole batches at a time.
"""

import multiprocessing
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
import polars as pl
import polars.selectors as cs

from connectors.log import Span
from connectors.topics import TICK_KEY
from deploy.explain import explained
from deploy.proofs.sources import TOPIC, Source, pieces
from deploy.verification import Place
from schemas.codec import decode_batch
from schemas.records import record
from udfs.regulatory.verify import Verdict, verify_chain

DAY_US = 86_400_000_000
_ANY_US = 2**62

Clock = Literal["log", "business"]

_VOLUMES = {"hour": pl.Int64, "topic": pl.String, "kind": pl.String, "events": pl.Int64}
_DECIDERS = {
    **dict.fromkeys(("topic", "kind", "version", "decided_by"), pl.String),
    **dict.fromkeys(("shard", "events", "first", "last", "first_time", "last_time"), pl.Int64),
}
_EVENT = {"event": pl.String, "event_logged": pl.Int64, "event_lineage": pl.String}


@dataclass(frozen=True)
class Window:
    """Which events count: start <= time < end, microseconds UTC.

    `clock` says which time: when the event was appended to the log, or its business time.
    """

    start: int = -_ANY_US
    end: int = _ANY_US
    clock: Clock = "log"

    @classmethod
    def of(cls, day: date | None, clock: Clock = "log") -> "Window":
        """A day from midnight to midnight UTC; all time without one."""
        if day is None:
            return cls(clock=clock)
        start = (day - date(1970, 1, 1)).days * DAY_US
        return cls(start, start + DAY_US, clock)


@dataclass(frozen=True)
class Log:
    """What a pass found.

    Attributes:
        chains: The verdict on each shard's chain, from the log's start to its end.
        volumes: Events by hour: hour (start, microseconds UTC), topic, kind, events.
        deciders: By topic, kind, version of the deciding job, decided_by and shard: events, first
            and last place in the chain, least and greatest business time.
        results: Kind -> the results of that kind, in the columns of their record but those of
            bytes, with `event` (SHARD:SEQUENCE), `event_logged` (microseconds UTC) and
            `event_lineage`.
        unreadable: Events or results that could not be decoded.
    """

    chains: dict[int, Verdict]
    volumes: pl.DataFrame
    deciders: pl.DataFrame
    results: dict[str, pl.DataFrame]
    unreadable: int

    @property
    def ok(self) -> bool:
        """Whether every chain is whole and everything in it could be read."""
        return all(chain.ok for chain in self.chains.values()) and not self.unreadable


def read_log(
    place: Place,
    partitions: int,
    window: Window,
    kinds: Sequence[str],
    workers: int = 1,
    done: Callable[[int], None] = lambda shards: None,
) -> Log:
    """Read all partitions of a recorded log.

    Args:
        place: Where it is.
        partitions: How many there are.
        window: Which events count; chains are checked as a whole.
        kinds: Record names whose results are decoded.
        workers: Processes that share the partitions.
        done: Hears of each partition that is finished.
    """
    logs: dict[int, Log] = {}
    if workers <= 1:
        for shard in range(partitions):
            logs[shard] = _opened(place, shard, window, kinds)
            done(1)
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context) as pool:
            running = {
                pool.submit(_opened, place, shard, window, kinds): shard
                for shard in range(partitions)
            }
            for future in as_completed(running):
                logs[running[future]] = future.result()
                done(1)
    return joined([logs[shard] for shard in sorted(logs)], kinds)


def joined(logs: Sequence[Log], kinds: Sequence[str]) -> Log:
    """The partitions of a log as one, in order of shard and place."""
    volumes = pl.concat([pl.DataFrame(schema=_VOLUMES), *(log.volumes for log in logs)])
    return Log(
        chains={shard: chain for log in logs for shard, chain in log.chains.items()},
        volumes=_summed(volumes),
        deciders=pl.concat([pl.DataFrame(schema=_DECIDERS), *(log.deciders for log in logs)]),
        results={
            kind: pl.concat([_nothing(kind), *(log.results[kind] for log in logs)])
            for kind in kinds
        },
        unreadable=sum(log.unreadable for log in logs),
    )


def _opened(place: Place, shard: int, window: Window, kinds: Sequence[str]) -> Log:
    with explained(), place.opened() as source:
        return walk(source, shard, window, kinds)


def walk(source: Source, shard: int, window: Window, kinds: Sequence[str]) -> Log:
    """One pass over one partition."""
    found = _Found(shard, window, kinds)
    messages = found.messages(pieces(source, TOPIC, shard))
    verdict = verify_chain(messages, producer=f"regulatory/{shard}")
    deque(messages, maxlen=0)  # what stands behind a broken place is reported, too
    return found.log(verdict)


@dataclass
class _Found:
    """Collects what the events of one shard say, piece by piece."""

    shard: int
    window: Window
    kinds: Sequence[str]
    volumes: list[pl.DataFrame] = field(default_factory=list)
    deciders: list[pl.DataFrame] = field(default_factory=list)
    results: list[tuple[str, pl.DataFrame]] = field(default_factory=list)
    unreadable: int = 0

    def messages(self, spans: Iterator[Span]) -> Iterator[bytes]:
        """The events' messages, each piece taken in before it is handed out."""
        for span in spans:
            rows = zip(span.appended, span.keys, span.values, strict=True)
            kept = [(at, value) for at, key, value in rows if key != TICK_KEY]
            values = [value or b"" for _, value in kept]
            self._take([at for at, _ in kept], values)
            yield from values

    def _take(self, appended: Sequence[int], values: Sequence[bytes]) -> None:
        """Count and decode those of a piece that are in the window; append times in ms."""
        first, last = 0, len(values)
        if self.window.clock == "log":
            first = bisect_left(appended, -(-self.window.start // 1_000))
            last = bisect_left(appended, -(-self.window.end // 1_000))
        if first >= last:
            return
        frame, rows, bad = decode_batch(record("RegulatoryEvent"), values[first:last])
        self.unreadable += len(bad)
        logged = np.array(appended[first:last], dtype=np.int64)[rows] * 1_000
        frame = frame.with_columns(logged=pl.Series(logged))
        time = pl.col("logged" if self.window.clock == "log" else "event_time")
        if self.window.clock == "business":
            frame = frame.filter(time >= self.window.start, time < self.window.end)
        self.volumes.append(_counted(frame, time))
        self.deciders.append(_decided(frame, self.shard))
        for kind in self.kinds:
            events = frame.filter(pl.col("kind") == kind)
            if events.height:
                self.results.append((kind, self._decoded(kind, events)))

    def _decoded(self, kind: str, events: pl.DataFrame) -> pl.DataFrame:
        results, rows, bad = decode_batch(record(kind), events["payload"].to_list())
        self.unreadable += len(bad)
        told = events[rows].select(
            event=pl.format("{}:{}", pl.lit(self.shard), "sequence"),
            event_logged="logged",
            event_lineage="lineage",
        )
        return pl.concat([results.drop(cs.binary()), told], how="horizontal")

    def log(self, verdict: Verdict) -> Log:
        """What was found in all."""
        keys = ("topic", "kind", "version", "decided_by", "shard")
        deciders = pl.concat([pl.DataFrame(schema=_DECIDERS), *self.deciders])
        return Log(
            chains={self.shard: verdict},
            volumes=_summed(pl.concat([pl.DataFrame(schema=_VOLUMES), *self.volumes])),
            deciders=deciders.group_by(keys, maintain_order=True)
            .agg(
                pl.sum("events"),
                pl.first("first"),
                pl.last("last"),
                pl.min("first_time"),
                pl.max("last_time"),
            )
            .select(list(_DECIDERS))
            .sort(keys),
            results={
                kind: pl.concat(
                    [_nothing(kind), *(frame for name, frame in self.results if name == kind)]
                )
                for kind in self.kinds
            },
            unreadable=self.unreadable,
        )


def _counted(frame: pl.DataFrame, time: pl.Expr) -> pl.DataFrame:
    hour = time - time % 3_600_000_000
    return (
        frame.group_by(hour.alias("hour"), pl.col("source_topic").alias("topic"), "kind")
        .agg(events=pl.len().cast(pl.Int64))
        .select(list(_VOLUMES))
    )


def _summed(volumes: pl.DataFrame) -> pl.DataFrame:
    keys = ("hour", "topic", "kind")
    return volumes.group_by(keys).agg(pl.sum("events")).sort(keys)


def _decided(frame: pl.DataFrame, shard: int) -> pl.DataFrame:
    """Who decided the events of a piece, which are in the chain's order."""
    return (
        frame.group_by(
            pl.col("source_topic").alias("topic"),
            "kind",
            pl.col("result_version").alias("version"),
            "decided_by",
            maintain_order=True,
        )
        .agg(
            events=pl.len().cast(pl.Int64),
            first=pl.first("sequence"),
            last=pl.last("sequence"),
            first_time=pl.min("event_time"),
            last_time=pl.max("event_time"),
        )
        .with_columns(shard=pl.lit(shard, dtype=pl.Int64))
        .select(list(_DECIDERS))
    )


def _nothing(kind: str) -> pl.DataFrame:
    return pl.DataFrame(schema={**record(kind).columns, **_EVENT}).drop(cs.binary())
