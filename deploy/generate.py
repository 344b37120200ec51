"""One run of a generator from start to summary: into Kafka at a pace, or into files."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from connectors.generators import (
    LABELS,
    AmlWorld,
    Amount,
    Chunk,
    Faults,
    Feed,
    MarketWorld,
    Payments,
    Plan,
    Trades,
    Wanted,
    chunks,
    expected_counts,
    producer,
    to_files,
    topics,
)
from connectors.generators.calendar import Burst
from connectors.generators.market.history import History
from connectors.producer import DeliveryError, KafkaEnd, Pace, Sent, deliver
from deploy import terminal
from deploy.erasure import Pseudonymous, Vault
from deploy.errors import UserError
from deploy.exchange.feed import ExchangeWorld
from schemas.codec import decode_batch
from schemas.records import record
from udfs.aml.ruleset import DEFAULT

TICKS_PER_SECOND = 20
FASTEST_CHUNK = 5_000
"""Records of a chunk when no rate is asked for."""
RECORDS_OF_A_UNIT = {MarketWorld.kind: 1, ExchangeWorld.kind: 1}
"""About how many records a unit of a feed gives; 3 if it is not named."""
LONGEST_DAYS = 366
_SECOND = 1_000_000


@dataclass(frozen=True)
class Order:
    """What was asked for on the command line; times in seconds, see `Plan` for the rest.

    With a `vault`, personal values are sent as commitments (deploy.erasure). `people` and `schemes`
    are for the feed aml; schemes in the text form of `Wanted`. `bad`, a share of the quotes,
    `halted`, a number of instruments, `burst`, how many times as much at noon, and `history`, a
    file, are for market. `mix`, the name of what is planted, is for exchange, which
    knows `bad` too: messages that no book can follow.
    """

    kind: str
    count: int
    seed: int
    partitions: int
    faults: str
    first: str
    days: int | None
    lateness: float
    jitter: float
    rate: float | None
    vault: Path | None = None
    people: int | None = None
    schemes: str | None = None
    bad: float | None = None
    halted: int | None = None
    burst: float | None = None
    history: Path | None = None
    mix: str | None = None

    def feed(self) -> Feed:
        """The world and its calendar; ValueError if there is none such."""
        try:
            first = date.fromisoformat(self.first)
        except ValueError:
            raise ValueError(f"--date is a day as in 2026-03-02, not {self.first!r}") from None
        if self.days is not None and not 1 <= self.days <= LONGEST_DAYS:
            raise ValueError(f"--days is {self.days}: 1 to {LONGEST_DAYS} are possible")
        if self.seed < 0:
            raise ValueError(f"--seed is {self.seed}: it cannot be negative")
        if self.count < 1:
            raise ValueError(f"--count is {self.count}: at least 1 is asked")
        if self.vault is not None and self.kind != Payments.kind:
            raise ValueError(f"--vault is for payments, not for {self.kind}: leave it out")
        market = (self.halted, self.burst, self.history)
        if any(asked is not None for asked in market) and self.kind != MarketWorld.kind:
            raise ValueError(f"--halted, --burst and --history are for market, not {self.kind}")
        if self.bad is not None and self.kind not in (MarketWorld.kind, ExchangeWorld.kind):
            raise ValueError(f"--bad is for market and exchange, not for {self.kind}")
        if self.mix is not None and self.kind != ExchangeWorld.kind:
            raise ValueError(f"--mix is for exchange, not for {self.kind}: leave it out")
        if self.kind == AmlWorld.kind:
            wanted = None if self.schemes is None else Wanted.parse(self.schemes)
            asked = self.days or 30, self.count, self.people, wanted
            return AmlWorld(self.seed, first, *asked, DEFAULT.rates)
        if self.people is not None or self.schemes is not None:
            raise ValueError(f"--people and --schemes are for aml, not for {self.kind}")
        if self.kind == MarketWorld.kind:
            amount = Amount(self.count, self.bad or 0.0, halted=self.halted or 0)
            burst = None if self.burst is None else Burst(self.burst)
            return MarketWorld(self.seed, first, self.days or 1, amount, burst)
        if self.kind == ExchangeWorld.kind:
            if Faults.parse(self.faults).rate:
                raise ValueError("--faults is not for exchange: leave it out")
            mix = self.mix or "default"
            asked_days = self.days or 3
            return ExchangeWorld(self.seed, mix, first, asked_days, self.count, self.bad or 0.0)
        if self.kind == Trades.kind:
            return Trades(self.seed, first, self.days or 1)
        return Payments(self.seed, first, self.days or 7)

    def plan(self, feed: Feed) -> Plan:
        """The plan for its feed; ValueError if it makes no sense."""
        if self.rate is not None and self.rate <= 0:
            raise ValueError(f"--rate is {self.rate:g}: more than 0 records a second are asked")
        worlds = AmlWorld | MarketWorld | ExchangeWorld
        return Plan(
            count=feed.count if isinstance(feed, worlds) else self.count,
            seed=self.seed,
            partitions=self.partitions,
            faults=Faults.parse(self.faults),
            lateness=round(self.lateness * _SECOND),
            jitter=round(self.jitter * _SECOND),
            chunk=FASTEST_CHUNK if self.rate is None else max(1, int(self.rate / TICKS_PER_SECOND)),
        )


@dataclass
class _Told:
    """What passed by on its way out: the labels, and counts where nobody else counts."""

    sent: Sent = field(default_factory=Sent)
    labels: list[bytes | None] = field(default_factory=list)

    def listen(self, run: Iterator[Chunk]) -> Iterator[Chunk]:
        """Keep the labels of the chunks that pass."""
        for chunk in run:
            for batch in chunk:
                if batch.topic == LABELS and not batch.ticks:
                    self.labels += batch.values
            yield chunk

    def count(self, run: Iterator[Chunk], progress: Callable[[Sent], None]) -> Iterator[Chunk]:
        """Count the chunks that pass, and tell of them."""
        for chunk in run:
            for batch in chunk:
                self.sent.add(batch)
            yield chunk
            progress(self.sent)


def generate(order: Order, brokers: str, out: Path | None) -> dict[str, Any]:
    """Carry an order out; the summary.

    Raises:
        UserError: The order makes no sense, or its destination does not take it.
    """
    try:
        if out is not None and order.rate is not None:
            raise ValueError("--rate is for Kafka only: leave it out, or --out")
        feed = order.feed()
        plan = order.plan(feed)
        if isinstance(feed, MarketWorld) and order.history is not None:
            _write(feed.past.instruments.and_of(feed.past.factors), order.history)
        told = _Told()
        began = time.perf_counter()
        with _bar(feed, plan) as progress, _sent_as(feed, order.vault) as feed:
            run = told.listen(chunks(feed, plan))
            if out is not None:
                to_files(told.count(run, progress), out, topics(feed, plan), feed.start)
            else:
                end = KafkaEnd(brokers)
                end.check(topics(feed, plan), plan.partitions)
                rate = order.rate
                pace = None if rate is None else Pace(rate, time.monotonic, time.sleep)
                told.sent = deliver(run, end, pace, progress)
        seconds = time.perf_counter() - began
    except (ValueError, OverflowError, DeliveryError, OSError) as error:
        raise UserError(str(error)) from None
    return _summary(feed, plan, told, seconds, str(out) if out is not None else brokers)


def _write(history: History, path: Path) -> None:
    """The history as Parquet if the file is named so, else as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        history.to_parquet(path)
    else:
        history.to_csv(path)


@contextmanager
def _sent_as(feed: Feed, vault: Path | None) -> Iterator[Feed]:
    """The feed itself, or with commitments for personal values, which go into a vault."""
    if vault is None:
        yield feed
        return
    with Vault(vault, make=True) as kept:
        yield Pseudonymous(feed, kept)


@contextmanager
def _bar(feed: Feed, plan: Plan) -> Iterator[Callable[[Sent], None]]:
    """A progress bar; what to tell it of all that was sent so far."""
    shown = 0
    with terminal.bar(feed.kind, plan.count * RECORDS_OF_A_UNIT.get(feed.kind, 3)) as advance:

        def tell(sent: Sent) -> None:
            nonlocal shown
            done = sent.records.total() - sent.records[LABELS]
            advance(done - shown)
            shown = done

        yield tell


def _summary(feed: Feed, plan: Plan, told: _Told, seconds: float, to: str) -> dict[str, Any]:
    """What went out, and what a reader must make of it."""
    labels, _, _ = decode_batch(record("Label"), told.labels)
    expected = expected_counts(labels)
    records = told.sent.records
    rows = {}
    for topic in sorted(records):
        row: dict[str, Any] = {"records": records[topic], "used": records[topic]}
        row |= {"duplicates": 0, "late": 0, "dead": {}}
        if topic in expected:
            counts = expected[topic]
            row |= {"used": counts.used(records[topic]), "duplicates": counts.duplicates}
            row |= {"late": counts.late, "dead": dict(counts.dead)}
        rows[topic] = row
    return {
        "kind": feed.kind,
        "seed": plan.seed,
        "producer": producer(feed, plan),
        "partitions": plan.partitions,
        "to": to,
        "topics": rows,
        "records": records.total(),
        "ticks": told.sent.ticks,
        "labels": dict(labels["kind"].value_counts(sort=True).rows()),
        "seconds": round(seconds, 3),
        "records_per_second": round(records.total() / max(seconds, 1e-9)),
    }
