"""How many orders a second the books take on one core, and how long one command takes.

Three depths: the books alone, command by command; the step, with records and state, in batches; the
fold of a shard, from messages to messages, as a worker does it without Flink. One partition, so one
core: the rate is what a shard can do, and shards share nothing.
"""

from time import perf_counter_ns, process_time

import numpy as np
import polars as pl

from connectors.batches import Shard
from connectors.log import MemoryLog, slices
from connectors.store import TableStore
from deploy.bench.harness import Result
from jobs.catalogue import Config, matching_job
from schemas.codec import encode_frame
from schemas.ids import isin_check_digit
from schemas.records import record
from schemas.step import MIN_TIME, Clock
from udfs.matching.book import Book
from udfs.matching.messages import Command, Control
from udfs.matching.step import CONTROLS, INSTRUMENTS, ORDERS, TABLES, MatchingStep

INSTRUMENT_COUNT = 50
BATCH = 5_000
MIC, LEI = "XETR", "529900T8BM49AURSDO55"
START_US = 1_772_438_400_000_000
MIDDLE = 10_000
BAR = 50_000
CANCELS, REPLACES, MARKETS = 0.45, 0.50, 0.54
"""Up to here cancels, replacements, market orders; the rest are new limit orders."""


def run(seed: int, count: int) -> list[Result]:
    """Rates and times of `count` commands of a seeded flow on 50 instruments."""
    found = commands(seed, count)
    what = f"{count:,} commands on {INSTRUMENT_COUNT} instruments"
    return [*_books(found, what), *_step(found, what), *_shard(found, what)]


def commands(seed: int, count: int) -> list[Command]:
    """New orders near a middle price, icebergs among them; cancels, replacements, market orders."""
    rng = np.random.default_rng(seed)
    isins = _isins()
    at = rng.integers(0, len(isins), count).tolist()
    dice, sizes = rng.random(count).tolist(), rng.integers(1, 500, count).tolist()
    away, sides = rng.geometric(0.15, count).tolist(), rng.integers(0, 2, count).tolist()
    picks, parts = rng.random(count).tolist(), rng.random(count).tolist()
    standing: list[list[Command]] = [[] for _ in isins]
    out = []
    for number in range(count):
        kept, die = standing[at[number]], dice[number]
        name, time = f"c{number}", START_US + 40 * number
        if die < REPLACES and len(kept) > 20:
            pick = int(picks[number] * len(kept))
            entry = kept[pick]
            if die < CANCELS:
                kept[pick] = kept[-1]
                kept.pop()
                out.append(entry._replace(command_id=name, time=time, action="CANCEL"))
                continue
            price = entry.price + (sizes[number] % 7 - 3)
            moved = entry._replace(command_id=name, time=time, action="REPLACE", price=price)
            out.append(moved)
            continue
        buy, market = bool(sides[number]), REPLACES <= die < MARKETS
        price = 0 if market else MIDDLE + (2 - away[number]) * (1 if buy else -1)
        shown = 1 + sizes[number] // 5 if parts[number] < 0.05 else sizes[number]
        order = _order(number, isins[at[number]], buy, price, sizes[number], shown)
        order = order._replace(command_id=name, time=time)
        out.append(order)
        if not market:
            kept.append(order)
    return out


def _order(number: int, isin: str, buy: bool, price: int, quantity: int, shown: int) -> Command:
    return Command(
        command_id="",
        time=0,
        isin=isin,
        mic=MIC,
        action="NEW",
        order_id=f"o{number}",
        side="BUY" if buy else "SELL",
        kind="LIMIT" if price else "MARKET",
        time_in_force="DAY",
        price=price,
        stop_price=0,
        quantity=quantity,
        display_quantity=shown,
        price_scale=2,
        currency="EUR",
        member=LEI,
        client=LEI,
        owner=f"owner-{number % 1_000}",
        trader="trader",
        executor="algo",
        capacity="DEAL",
        liquidity_provision=False,
        parent_id="",
        self_trade="NONE",
    )


def _opening() -> Control:
    zero = dict.fromkeys(Control._fields[7:], 0)
    return Control("open", START_US, MIC, "", "PHASE", "CONTINUOUS", "*", **zero)


def _isins() -> list[str]:
    bodies = [f"DE{number:09d}" for number in range(INSTRUMENT_COUNT)]
    return [body + isin_check_digit(body) for body in bodies]


def _books(found: list[Command], what: str) -> list[Result]:
    """The books alone: once for the rate, once command by command."""
    books = _opened()
    began, events = process_time(), 0
    for command in found:
        events += len(books[command.isin].apply(command))
    rate = len(found) / (process_time() - began)
    books, times = _opened(), np.empty(len(found), dtype=np.int64)
    for number, command in enumerate(found):
        book, start = books[command.isin], perf_counter_ns()
        book.apply(command)
        times[number] = perf_counter_ns() - start
    p50, p99 = (round(float(np.percentile(times, q)) / 1_000, 1) for q in (50, 99))
    return [
        Result(f"books alone, {what}", round(rate), "commands/s", BAR),
        Result(f"books alone, {what}: events a command", round(events / len(found), 2), "events"),
        Result(f"p50 a command, {what}", p50, "us"),
        Result(f"p99 a command, {what}", p99, "us"),
    ]


def _opened() -> dict[str, Book]:
    books = {isin: Book(isin, MIC) for isin in _isins()}
    for book in books.values():
        book.control(_opening())
    return books


def tables(found: list[Command]) -> dict[str, pl.DataFrame]:
    """Each feed as its records, numbered."""
    isins = _isins()
    terms = {"mic": MIC, "kind": "EQUITY", "sector": "", "currency": "EUR", "price_scale": 2}
    terms |= {"tick": 1, "multiplier": 1, "option_side": "NONE", "base_currency": ""}
    terms |= {"underlying": "", "time": START_US}
    instruments = pl.DataFrame({"reference_id": isins, "isin": isins})
    instruments = instruments.with_columns(pl.lit(value).alias(n) for n, value in terms.items())
    rows = pl.DataFrame(found, schema=list(Command._fields), orient="row")
    control = pl.DataFrame([_opening()], schema=list(Control._fields), orient="row")
    control = control.with_columns(user=pl.lit("bench"), reason=pl.lit(""))
    frames = {INSTRUMENTS: instruments, CONTROLS: control, ORDERS: rows}
    return {topic: _filled(topic, frame) for topic, frame in frames.items()}


def _filled(topic: str, frame: pl.DataFrame) -> pl.DataFrame:
    names = {INSTRUMENTS: "Instrument", CONTROLS: "VenueControl", ORDERS: "Order"}
    columns = record(names[topic]).columns
    frame = frame.with_columns(producer=pl.lit("bench"), sequence=pl.int_range(pl.len()))
    zero = [pl.lit(0).alias(name) for name in columns if name not in frame.columns]
    return frame.with_columns(zero).select(pl.col(n).cast(t) for n, t in columns.items())


def _step(found: list[Command], what: str) -> list[Result]:
    """The step alone, on frames, with the tables' deltas."""
    frames = {}
    for topic, frame in tables(found).items():
        frames[topic] = frame.with_columns(
            offset=pl.int_range(pl.len()), appended=pl.int_range(pl.len()) // 25
        )
    store, step, events = TableStore(TABLES, {}), MatchingStep(), 0
    first = {topic: frames[topic] for topic in (INSTRUMENTS, CONTROLS)}
    step(store.tables, first, Clock(0, MIN_TIME, {}, 0))
    began = process_time()
    for start in range(0, len(found), BATCH):
        batch = {ORDERS: frames[ORDERS][start : start + BATCH]}
        out = step(store.tables, batch, Clock(start, MIN_TIME, {}, 0))
        events += out["order.events"].height
        store.commit()
    used = process_time() - began
    return [
        Result(f"step in batches of {BATCH:,}, {what}", round(len(found) / used), "commands/s"),
        Result(f"step in batches of {BATCH:,}, {what}: events", round(events / used), "events/s"),
    ]


def _shard(found: list[Command], what: str) -> list[Result]:
    """The fold of a shard: decoding, edge, step, state, encoding of five topics."""
    spec, log = matching_job(Config(partitions=1)), MemoryLog()
    frames = tables(found)
    for feed in spec.feeds:
        for number, message in enumerate(encode_frame(feed.record, frames[feed.topic])):
            log.append(feed.topic, 0, START_US // 1_000 + number // 25, message, b"k")
    shard, names = Shard(spec, 0, {}), [feed.topic for feed in spec.feeds]
    began, records, outputs = process_time(), 0, 0
    for batch in slices(names, log.partition(names, 0), spec.slice_ms):
        folded = shard.fold(*batch)
        records += folded.counts["used"]
        outputs += len(folded.results)
    used = process_time() - began
    return [
        Result(f"fold of a shard, messages to messages, {what}", round(records / used), "orders/s"),
        Result(f"fold of a shard, {what}: records written", round(outputs / used), "records/s"),
    ]
