"""A run of a generator: business cut into chunks, each closed by a tick in every partition.

    units -> records -> faults -> partition, sequence, bytes -> chunks + ticks

Records are the same bytes however the run is cut into chunks; ticks mark the cuts. A tick carries
the business clock: everything dated at or before it has been sent, but for faults and the natural
jitter. The first chunk is a tick at the start of business, so that every partition has a clock from
the beginning; the last one is dated `margin` after its end, so that all windows close.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl

from connectors.generators.draw import stream
from connectors.generators.feed import BLOCK, DAY, Batch, Chunk, Feed, Plan
from connectors.generators.line import Line, Queue
from connectors.topics import TICK_KEY

LABELS = "labels"
_BARREN = 64
"""So many blocks without any unit mean that the idle partition leaves nothing to send."""


def topics(feed: Feed, plan: Plan) -> tuple[str, ...]:
    """Every topic of a run: the feed's, the labels if there are faults, those that are ticked."""
    return (*_written(feed, plan), *feed.clocks)


def _written(feed: Feed, plan: Plan) -> tuple[str, ...]:
    return (*feed.topics, LABELS) if plan.faults.rate else feed.topics


def producer(feed: Feed, plan: Plan) -> str:
    """The name under which a run numbers its records."""
    return f"gen-{feed.kind}-{plan.seed}"


def chunks(feed: Feed, plan: Plan) -> Iterator[Chunk]:
    """The whole run, chunk by chunk, in the order in which it is to be sent."""
    lines = {
        topic: Line(topic, producer(feed, plan), plan, feed.start) for topic in _written(feed, plan)
    }
    ticker = _Ticker(topics(feed, plan), plan, feed)
    yield ticker.tick([feed.start])
    sent = 0
    for block, units in _blocks(feed, plan, lines):
        queues = _encode(feed, units, lines, block)
        yield from _cut(queues, units, sent, ticker)
        sent += units.height
    yield ticker.tick([*ticker.pending(feed.end), *_closing(feed.end, plan.margin)])


def _blocks(feed: Feed, plan: Plan, lines: dict[str, Line]) -> Iterator[tuple[int, pl.DataFrame]]:
    """At most `count` units with `clock`, when they are sent, and `at`, the time they bear."""
    sent = barren = 0
    for block, units in enumerate(feed.units()):
        if plan.faults.idle is not None:
            if "at" in units.columns:
                raise ValueError(
                    f"{feed.kind}: no partition can be idle, for much would be missing"
                )
            units = _sparing(feed, units, plan.faults.idle, lines)
        units = units.head(plan.count - sent)
        barren = barren + 1 if units.is_empty() else 0
        if barren == _BARREN:
            raise ValueError(
                f"all business touches partition {plan.faults.idle}: leave another one idle"
            )
        if units.is_empty():
            continue
        rng = stream(plan.seed, "arrival", block)
        drawn = max(BLOCK, units.height)
        within = rng.random(drawn)[: units.height]
        if "at" in units.columns:
            clock = units["at"].to_numpy()
        else:
            clock = feed.times((np.arange(sent, sent + units.height) + within) / plan.count)
        delay = rng.integers(0, plan.jitter + 1, drawn)[: units.height]
        yield block, units.with_columns(clock=pl.Series(clock), at=pl.Series(clock - delay))
        sent += units.height
        if sent == plan.count:
            return


def _sparing(feed: Feed, units: pl.DataFrame, idle: int, lines: dict[str, Line]) -> pl.DataFrame:
    """The units none of whose records has its place in the partition `idle`."""
    keep = np.ones(units.height, dtype=bool)
    for topic, frame in feed.records(units.with_columns(at=pl.lit(feed.start))).items():
        keep[frame["unit"].to_numpy()[lines[topic].partitions(frame) == idle]] = False
    return units.filter(keep)


def _encode(feed: Feed, units: pl.DataFrame, lines: dict[str, Line], block: int) -> list[Queue]:
    """A block's messages by topic and partition, labels last."""
    queues: list[Queue] = []
    labels = []
    for topic, frame in feed.records(units).items():
        encoded, found = lines[topic].encode(frame, block, LABELS in lines)
        queues += encoded
        labels.append(found)
    if LABELS in lines:
        told = pl.concat(labels).sort("unit", maintain_order=True)
        told = told.with_columns(time=units["clock"].gather(told["unit"]))
        queues += lines[LABELS].encode(told, block, spoil=False)[0]
    return queues


def _cut(
    queues: list[Queue], units: pl.DataFrame, first: int, ticker: "_Ticker"
) -> Iterator[Chunk]:
    """A block's chunks: none longer than the plan's, none across a step of business time.

    Units with `apart` are in no chunk with others: what they say has an exact place among these.
    """
    clock = units["clock"].to_numpy()
    apart = units["apart"].to_numpy() if "apart" in units.columns else np.zeros(len(clock), bool)
    records = sum(len(queue.values) for queue in queues)
    size = max(1, ticker.plan.chunk * len(clock) // max(records, 1))
    mark = (first + np.arange(len(clock))) // size
    split = (np.diff(mark) != 0) | (np.diff(clock // ticker.step) != 0) | np.diff(apart)
    cuts = np.flatnonzero(split) + 1
    starts, ends = [0, *cuts.tolist()], [*cuts.tolist(), len(clock)]
    bounds = [np.searchsorted(queue.unit, [*starts, len(clock)]).tolist() for queue in queues]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        chunk = ticker.tick(ticker.pending(int(clock[start])))
        for queue, bound in zip(queues, bounds, strict=True):
            a, b = bound[number], bound[number + 1]
            if a < b:
                chunk.append(
                    Batch(queue.topic, queue.partition, queue.keys[a:b], queue.values[a:b])
                )
        yield chunk + ticker.tick([int(clock[end - 1])])


class _Ticker:
    """Ticks for every partition of every topic, and the business time of the last one."""

    def __init__(self, names: tuple[str, ...], plan: Plan, feed: Feed) -> None:
        self.plan = plan
        self.step = plan.step or feed.step
        self._places = [(topic, p) for topic in names for p in range(plan.partitions)]
        self._last = feed.start

    def pending(self, until: int) -> list[int]:
        """Steps of business time between the last tick and `until` in which nothing happened."""
        return list(range((self._last // self.step + 1) * self.step, until, self.step))

    def tick(self, times: Iterable[int]) -> Chunk:
        """Ticks of these business times, in order, for every partition."""
        values: list[bytes | None] = [time.to_bytes(8, "big", signed=True) for time in times]
        if not values:
            return []
        self._last = int.from_bytes(values[-1] or b"", "big", signed=True)
        return [Batch(topic, p, TICK_KEY, values) for topic, p in self._places]


def _closing(end: int, margin: int) -> list[int]:
    """Ticks from the end of business to the closing one, no more than a day apart."""
    return [*range(end, end + margin, DAY), end + margin]
