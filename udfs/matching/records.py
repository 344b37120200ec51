"""What books said, as the records that travel: order events, trades, levels, best prices."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import polars as pl

from schemas.records import record
from udfs.matching.messages import BUY, Change, Command, Event, Refused, Top
from udfs.shape import as_record

VERSION = "matching/1"
"""Changes when what the same messages cause does."""
EVENTS, EXECUTIONS, DEPTH = "order.events", "executions", "depth"
BEST, REFUSED = "best", "orders.refused"


class Place(NamedTuple):
    """Where a message stood, and the terms by which it was judged."""

    topic: str
    offset: int
    tick: int
    price_scale: int
    currency: str


class Level(NamedTuple):
    """A visible level after a message."""

    message: str
    time: int
    isin: str
    mic: str
    change: Change
    place: Place


class Best(NamedTuple):
    """What a book shows after a message."""

    message: str
    time: int
    isin: str
    mic: str
    top: Top
    last_price: int
    phase: str
    place: Place


class Refusal(NamedTuple):
    """A message that was not followed."""

    record_id: str
    time: int
    isin: str
    mic: str
    subject: str
    why: Refused
    place: Place


_EVENT = Event._fields
_TOPS = ("bid", "bid_size", "ask", "ask_size")


def order_events(events: Sequence[Event], places: Sequence[Place], shard: int = 0) -> pl.DataFrame:
    """Records OrderEvent, without what the engine fills.

    Args:
        events: In order.
        places: Of the message behind each.
        shard: Partition of the messages.
    """
    columns = _columns(events, _EVENT)
    entries = _columns(columns.pop("entry"), Command._fields)
    before = _columns(columns.pop("before"), Top._fields)
    after = _columns(columns.pop("after"), Top._fields)
    counters = columns.pop("counter")
    columns["counter_order"] = [c.order_id if c else "" for c in counters]
    columns["counter_owner"] = [c.owner if c else "" for c in counters]
    columns["counter_member"] = [c.member if c else "" for c in counters]
    buys = [side == BUY for side in entries["side"]]
    depths = zip(buys, before["bid_depth"], before["ask_depth"], strict=True)
    both = [(bid, ask) if buy else (ask, bid) for buy, bid, ask in depths]
    columns |= _columns(both, ("depth", "opposite_depth"))
    columns |= {name: before[name] for name in _TOPS}
    columns |= {f"{name}_after": after[name] for name in _TOPS}
    return _told({**entries, **columns}, places, shard, "OrderEvent")


def executions(events: Sequence[Event], places: Sequence[Place], shard: int = 0) -> pl.DataFrame:
    """Records Execution of the trades among events: the two of a trade follow one another."""
    traded = [(event, place) for event, place in zip(events, places, strict=True) if event.counter]
    rows, whence = [], []
    for (one, place), (two, _) in zip(traded[::2], traded[1::2], strict=True):
        buy, sell = (one, two) if one.entry.side == BUY else (two, one)
        taker = sell if buy.passive else buy
        auction = not (buy.passive or sell.passive)
        whence.append(place)
        rows.append(
            (
                one.execution_id,
                one.time,
                one.entry.isin,
                one.entry.mic,
                one.last_price,
                one.last_quantity,
                "NONE" if auction else taker.entry.side,
                one.phase,
                *_party(buy.entry),
                *_party(sell.entry),
                *one.before[:4],
            )
        )
    parties = [f"{s}_{n}" for s in ("buy", "sell") for n in _PARTY]
    names = ("execution_id", "time", "isin", "mic", "price", "quantity", "aggressor", "phase")
    return _told(_columns(rows, (*names, *parties, *_TOPS)), whence, shard, "Execution")


_PARTY = ("order", "member", "client", "owner", "trader")


def _party(entry: Command) -> tuple[str, str, str, str, str]:
    return entry.order_id, entry.member, entry.client, entry.owner, entry.trader


def depth(levels: Sequence[Level], shard: int = 0) -> pl.DataFrame:
    """Records DepthChange."""
    columns = _columns(levels, Level._fields)
    changes = _columns(columns.pop("change"), Change._fields)
    keys = zip(columns["message"], changes["side"], changes["price"], strict=True)
    columns["change_id"] = [f"{message}.{side}.{price}" for message, side, price in keys]
    return _told(columns | changes, columns.pop("place"), shard, "DepthChange")


def best(found: Sequence[Best], shard: int = 0) -> pl.DataFrame:
    """Records BestPrices."""
    columns = _columns(found, Best._fields)
    columns |= _columns(columns.pop("top"), Top._fields)
    columns["change_id"] = [f"{message}.best" for message in columns["message"]]
    return _told(columns, columns.pop("place"), shard, "BestPrices")


def refusals(found: Sequence[Refusal], shard: int = 0) -> pl.DataFrame:
    """Records Refusal; a message that several books refuse has one each."""
    columns = _columns(found, Refusal._fields)
    columns |= _columns(columns.pop("why"), Refused._fields)
    whence = zip(columns["record_id"], columns["isin"], columns["mic"], strict=True)
    columns["refusal_id"] = [f"{one}|{isin}|{mic}|{shard}" for one, isin, mic in whence]
    return _told(columns, columns.pop("place"), shard, "Refusal")


def _columns(rows: Sequence[tuple[Any, ...]], names: Sequence[str]) -> dict[str, Sequence[Any]]:
    """Columns of rows, also where there are none; column by column is faster than `zip(*rows)`."""
    return {name: list(map(itemgetter(i), rows)) for i, name in enumerate(names)}


def _told(
    columns: dict[str, Sequence[Any]], places: Sequence[Place], shard: int, name: str
) -> pl.DataFrame:
    """Columns as a record, with where its input stood; terms fill what the columns do not say."""
    columns = {**_columns(places, Place._fields), **columns}
    columns["source_topic"] = columns["topic"]
    columns["first_offset"] = columns["last_offset"] = columns["offset"]
    wanted = {n: t for n, t in record(name).columns.items() if n in columns}
    series = [pl.Series(n, columns[n], dtype=t) for n, t in wanted.items()]
    frame = pl.DataFrame(series).with_columns(
        source_partition=pl.lit(shard), version=pl.lit(VERSION)
    )
    return as_record(frame, name)
