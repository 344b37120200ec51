"""What is known at each event of a batch: of its order, its owner in the book, and the book.

Everything is a function of the log up to the event, so it is the same however the log is cut.
Business time of an event is the greatest that its book has seen, but not more than SLACK behind the
greatest that the shard has seen: so much is remembered beyond a window's length.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.step import State
from udfs.abuse import trades
from udfs.abuse.features import Array
from udfs.abuse.groups import Groups, coded
from udfs.abuse.intake import CAME, NEWO, ORDERS, PARF, REME, Taken, over
from udfs.abuse.memory import (
    BOOK_SUMS,
    BOOK_WINDOWS,
    CARRIED,
    CLOCK,
    ENTRY,
    MINUTE,
    OWNERS,
    PAIR_WINDOWS,
    SNAPSHOT,
    STOCK,
    SUMS,
)
from udfs.abuse.windows import SECOND, SLACK

FAST = 5 * SECOND
NEVER = -(2**62)
_COLUMNS = (
    *("code", "time", "quantity", "remaining", "removed", "price", "displayed", "last_price"),
    *("last_quantity", "entry_time", "level", "depth", "opposite_depth", "bid", "bid_size", "ask"),
    *("ask_size", "bid_after", "ask_after", "bid_size_after", "ask_size_after", "tick", "offset"),
)
Columns = dict[str, Array]


@dataclass
class Facts:
    """A batch of events and what is known at each.

    Attributes:
        frame: The events in log order, as from udfs.abuse.intake.take.
        now: Whole numbers by name, a value an event: columns of the event, `at`, `side` (0 buys, 1
            sells), `ended`, `traded`, `pair`, `booked` (number of the book), `book_at` (time of the
            event before in the book), CARRIED of the order.
        entry: ENTRY of the order of each event.
        entry_event: Id of the event that entered it.
        sums: SUMS and STOCK of the owner in the book after each event.
        book: BOOK_SUMS after each event.
        sides: The trades among the events.
        pairs, books: The events by owner in the book, and by book.
    """

    frame: pl.DataFrame
    now: Columns
    entry: Columns
    entry_event: pl.Series
    sums: Columns
    book: Columns
    sides: trades.Sides
    pairs: Groups
    books: Groups


def facts(state: State, taken: Taken, close: int) -> Facts:
    """Take events in: state is as after them.

    Args:
        state: Has udfs.abuse.memory.TABLES.
        taken: Events that can be used.
        close: Time of the day from which trades count as near the close, microseconds.
    """
    frame = taken.frame
    now = {name: frame[name].cast(pl.Int64).to_numpy() for name in _COLUMNS}
    now["tick"] = np.maximum(now["tick"], 1)
    now["side"] = (frame["side"] == "SELL").to_numpy().astype(np.int64)
    now["passive"] = frame["passive"].to_numpy().astype(np.int64)
    now["ended"] = over(now["code"], now["remaining"]).astype(np.int64)
    now["traded"] = (now["code"] >= PARF).astype(np.int64)
    names, books = _booked(state, frame, now)
    now["n"] = _clocked(state, now)
    known_pairs, pairs = _paired(state, frame, now)
    sides = trades.sides(state, frame, now["pair"], now["at"])
    _carried(taken, now, sides)
    near = (now["at"] % (24 * 60 * MINUTE) >= close) & (now["traded"] == 1)
    sums = _summed(state, now, pairs, known_pairs, sides, near)
    booked = _book_sums(state, now, books, names, near)
    entry, events = _entries(taken, now, sums)
    _save_orders(state, taken, now, entry, events)
    return Facts(frame, now, entry, events, sums, booked, sides, pairs, books)


def _booked(state: State, frame: pl.DataFrame, now: Columns) -> tuple[pl.DataFrame, Groups]:
    """Numbers of the books, and the business time of each event."""
    names, codes = coded(frame["book"])
    table = state["abuse.books"]
    known = table.lookup(names.alias("name"))
    there = known["known"].to_numpy()
    number = known["book"].to_numpy().copy()
    number[~there] = len(table) + np.arange((~there).sum())
    since = np.where(there, known["at"].to_numpy(), NEVER)
    at = pl.DataFrame({"code": codes, "time": now["time"]})
    risen = at.select(pl.col("time").cum_max().over("code"))["time"].to_numpy()
    own = np.maximum(risen, since[codes])
    newest = np.maximum.accumulate(np.maximum(now["time"], _clock(state)[0]))
    now["at"] = np.maximum(own, newest - SLACK)
    now["booked"] = number[codes]
    groups = Groups.of(codes, len(names))
    now["book_at"] = groups.previous(now["at"], since)
    return known.with_columns(book=pl.Series(number), at=pl.Series(since)), groups


def _clock(state: State) -> tuple[int, int]:
    """The newest time of the shard, and how many events it has seen."""
    row = state[CLOCK].lookup(pl.Series("name", ["shard"]))
    return int(row["at"][0]), int(row["n"][0])


def _clocked(state: State, now: Columns) -> Array:
    """Number of each event in the log of the shard, from 1; the clock is moved."""
    newest, count = _clock(state)
    newest = max(newest, int(now["time"].max(initial=0)))
    numbers = count + 1 + np.arange(len(now["time"]))
    row = {"name": ["shard"], "at": [newest], "n": [count + len(numbers)]}
    state[CLOCK].upsert(pl.DataFrame(row))
    return numbers


def _paired(state: State, frame: pl.DataFrame, now: Columns) -> tuple[pl.DataFrame, Groups]:
    """Numbers of the owners in books; what was known of them."""
    named = frame.select(pl.concat_str("book", "owner", separator="|")).to_series()
    names, codes = coded(named)
    table = state["abuse.pair.names"]
    found = table.lookup(names.alias("name"))
    there = found["known"].to_numpy()
    number = found["pair"].to_numpy().copy()
    number[~there] = len(table) + np.arange((~there).sum())
    now["pair"] = number[codes]
    groups = Groups.of(codes, len(names))
    if not there.all():
        first = groups.firsts[~there]
        table.upsert(
            pl.DataFrame(
                {
                    "name": names.filter(pl.Series(~there)),
                    "pair": number[~there],
                }
            )
        )
        new = {"pair": number[~there], "owner": frame["owner"][first]}
        state[OWNERS].upsert(pl.DataFrame(new))
    return state["abuse.pairs"].lookup(pl.Series("pair", number)), groups


def _carried(taken: Taken, now: Columns, sides: trades.Sides) -> None:
    """What each order is after each event: adds CARRIED, and `open_before`, `limit_before`."""
    groups, known = taken.groups, taken.known
    held = {name: known[name].to_numpy() for name in CARRIED}
    traded = now["traded"] == 1
    moved = now["code"] == REME
    buys = 1 - 2 * now["side"]
    now["open_before"] = groups.previous(now["remaining"], held["remaining"])
    now["limit_before"] = groups.previous(now["price"], held["price"])
    change = np.where(moved, now["price"] - now["limit_before"], 0)
    now["change"] = change
    inside = np.zeros(len(traded), np.int64)
    inside[sides.rows] = sides.inside
    counts = {
        "filled": now["last_quantity"] * traded,
        "taken": now["last_quantity"] * (traded & (now["passive"] == 0)),
        "self": now["last_quantity"] * inside,
        "repriced": (change != 0).astype(np.int64),
        "away": (change * buys < 0).astype(np.int64),
    }
    added = np.stack(list(counts.values()), axis=1)
    before = np.stack([held[name] for name in counts], axis=1)
    sums = groups.running(added, before)
    for place, name in enumerate(counts):
        now[name] = sums[:, place]
    first = traded & (now["filled"] == now["last_quantity"])
    now["traded_first"] = groups.latest(now["time"], first, held["traded_first"])
    now["traded_last"] = groups.latest(now["time"], traded, held["traded_last"])
    now["away_at"] = groups.latest(now["at"], change * buys < 0, held["away_at"])
    age, other = np.full(len(traded), trades.NOT_KNOWN), np.zeros(len(traded), np.int64)
    age[sides.rows], other[sides.rows] = sides.age, sides.other_size
    seen = other > 0
    now["counter_age"] = groups.latest(age, seen, held["counter_age"])
    lesser, greater = np.minimum(other, now["quantity"]), np.maximum(other, now["quantity"])
    now["counter_lesser"] = groups.latest(lesser, seen, held["counter_lesser"])
    now["counter_greater"] = groups.latest(greater, seen, held["counter_greater"])


def _summed(
    state: State, now: Columns, pairs: Groups, known: pl.DataFrame, sides: trades.Sides, near: Array
) -> Columns:
    """Running sums of owners in books; state is told."""
    code, buy = now["code"], now["side"] == 0
    traded, entered = now["traded"] == 1, code == NEWO
    asked = entered | (code == REME) | (code == CAME)
    cancelled = (now["ended"] == 1) & (code == CAME)
    withdrawn = now["removed"] * ((code == CAME) | (code == REME))
    size = now["last_quantity"] * traded
    inside, matched = np.zeros(len(code), np.int64), np.zeros(len(code), np.int64)
    inside[sides.rows], matched[sides.rows] = sides.inside, sides.matched
    took = traded & (now["passive"] == 0)
    up = (now["ask"] > 0) & (now["ask_after"] > now["ask"])
    down = (now["bid"] > 0) & (now["bid_after"] > 0) & (now["bid_after"] < now["bid"])
    risen = (now["ask_after"] - now["ask"]) // now["tick"] * (up & took & buy)
    fallen = (now["bid"] - now["bid_after"]) // now["tick"] * (down & took & ~buy)
    open_now = now["remaining"]
    count = (open_now > 0).astype(np.int64) - (now["open_before"] > 0)
    more = open_now - now["open_before"]
    added = {
        "messages": asked,
        "entered": entered,
        "entered_buy": now["quantity"] * (entered & buy),
        "entered_sell": now["quantity"] * (entered & ~buy),
        "ordered": np.where(code == CAME, now["removed"], now["quantity"]) * asked,
        "ended": now["ended"],
        "cancelled": cancelled,
        "fast": cancelled & (now["filled"] == 0) & (now["time"] - now["entry_time"] < FAST),
        "bought": size * buy,
        "sold": size * ~buy,
        "trades": traded,
        "taken": size * took,
        "self": size * inside,
        "matched": size * matched,
        "reprices": now["change"] != 0,
        "withdrawn_buy": withdrawn * buy,
        "withdrawn_sell": withdrawn * ~buy,
        "close": size * near,
        "push_buy": risen,
        "push_sell": fallen,
        "open_buy": count * buy,
        "open_sell": count * ~buy,
        "open_buy_size": more * buy,
        "open_sell_size": more * ~buy,
        "trades_buy": traded & buy,
        "trades_sell": traded & ~buy,
    }
    names = (*SUMS, *STOCK)
    plus = np.stack([added[name].astype(np.int64) for name in names], axis=1)
    held = np.stack([known[name].to_numpy() for name in names], axis=1)
    after = pairs.running(plus, held)
    since = np.where(known["known"].to_numpy(), known["at"].to_numpy(), -1)
    number, begun = known["pair"].to_numpy(), (after - plus)[:, : len(SUMS)]
    for window in PAIR_WINDOWS.values():
        window.starts(state, number, pairs, now["at"], since, begun)
    out = {name: after[:, place] for place, name in enumerate(names)}
    never = ~known["known"].to_numpy()
    for name, there in (("bought_at", traded & buy), ("sold_at", traded & ~buy)):
        before = np.where(never, NEVER, known[name].to_numpy())
        out[name] = pairs.latest(now["at"], there, before)
    top, day = np.zeros(len(code), np.int64), np.zeros(len(code), np.int64)
    top[sides.rows], day[sides.rows] = sides.top, now["at"][sides.rows] // (24 * 60 * MINUTE)
    out["top"] = pairs.latest(top, traded, known["top"].to_numpy())
    out["top_day"] = pairs.latest(day, traded, known["top_day"].to_numpy())
    last = pairs.lasts
    saved = {name: column[last] for name, column in out.items()}
    state["abuse.pairs"].upsert(pl.DataFrame({"pair": number, "at": now["at"][last], **saved}))
    return out


def _book_sums(
    state: State, now: Columns, books: Groups, known: pl.DataFrame, near: Array
) -> Columns:
    """Running sums of books; state is told."""
    code, size = now["code"], now["last_quantity"] * (now["traded"] == 1)
    entered = (code == NEWO).astype(np.int64)
    asked = entered + (code == REME) + (code == CAME)
    minute = now["at"] // MINUTE
    held = {name: known[name].to_numpy() for name in (*BOOK_SUMS, "minute", "minute_start")}
    there = known["known"].to_numpy()
    messages = books.running(asked, held["messages"])
    before = books.previous(minute, np.where(there, held["minute"], NEVER))
    turned = minute != before
    start = books.latest(messages - asked, turned, held["minute_start"])
    count = (messages - asked) - books.previous(start, held["minute_start"])
    over_now = (turned & (before != NEVER)).astype(np.int64)
    count = count * over_now
    added = [asked, size, size * near, entered, entered * now["quantity"]]
    minutes = [over_now, count, count * count]
    plus = np.stack([*added, *minutes], axis=1)
    after = books.running(plus, np.stack([held[name] for name in BOOK_SUMS], axis=1))
    begun = after - np.stack([*added, *(0 * one for one in minutes)], axis=1)
    number, since = known["book"].to_numpy(), np.where(there, known["at"].to_numpy(), -1)
    mid = now["bid"] + now["ask"]
    for name, columns in (
        ("60s", begun[:, :2]),
        ("1h", np.stack([begun[:, 1], np.where((now["bid"] > 0) & (now["ask"] > 0), mid, 0)], 1)),
        ("day", begun),
    ):
        BOOK_WINDOWS[name].starts(state, number, books, now["at"], since, columns)
    out = {name: after[:, place] for place, name in enumerate(BOOK_SUMS)}
    last = books.lasts
    saved = {name: column[last] for name, column in out.items()}
    saved |= {"at": now["at"][last], "minute": minute[last], "minute_start": start[last]}
    state["abuse.books"].upsert(pl.DataFrame({"name": known["name"], "book": number, **saved}))
    return out


def _entries(taken: Taken, now: Columns, sums: Columns) -> tuple[Columns, pl.Series]:
    """ENTRY of the order of each event, and the event that entered it."""
    first, known = taken.groups.firsts, taken.known
    there, buy = known["known"].to_numpy(), now["side"][first] == 0
    one = {name: column[first] for name, column in now.items()}
    best = np.where(buy, one["bid"], one["ask"])
    behind = np.where(buy, best - one["price"], one["price"] - best)
    two = (one["bid"] > 0) & (one["ask"] > 0)
    mine, other = (
        np.where(buy, sums[a][first], sums[b][first])
        for a, b in (("open_buy_size", "open_sell_size"), ("open_sell_size", "open_buy_size"))
    )
    flags = taken.frame.select("liquidity_provision", "parent_id", "event_id")[first]
    new = {
        "pair": one["pair"],
        "side": one["side"],
        "entry_time": one["entry_time"],
        "entry_at": one["at"],
        "entry_offset": one["offset"],
        "size": one["quantity"],
        "shown": one["displayed"],
        "depth": one["depth"],
        "opposite_depth": one["opposite_depth"],
        "level": one["level"],
        "behind": np.where((best > 0) & (one["price"] > 0), behind // one["tick"], NEVER),
        "spread": np.where(two, (one["ask"] - one["bid"]) // one["tick"], NEVER),
        "limit0": one["price"],
        **{name: one[name] for name in SNAPSHOT},
        **{f"{name}0": one[f"{name}_after"] for name in SNAPSHOT},
        "bought0": sums["bought"][first],
        "sold0": sums["sold"][first],
        "trades_buy0": sums["trades_buy"][first],
        "trades_sell0": sums["trades_sell"][first],
        "open_same0": mine,
        "open_opposite0": other,
        "provider": flags["liquidity_provision"].to_numpy().astype(np.int64),
        "slice": (flags["parent_id"] != "").to_numpy().astype(np.int64),
    }
    codes = taken.groups.codes
    entry = {name: np.where(there, known[name].to_numpy(), new[name])[codes] for name in ENTRY}
    ids = pl.select(pl.when(known["known"]).then(known["entry_event"]).otherwise(flags["event_id"]))
    return entry, ids.to_series()[codes].alias("entry_event")


def _save_orders(
    state: State, taken: Taken, now: Columns, entry: Columns, events: pl.Series
) -> None:
    """What is open after the batch stays; what is over goes."""
    last = taken.groups.lasts
    live = now["ended"][last] == 0
    gone = ~live & taken.known["known"].to_numpy()
    rows = last[live | gone]
    columns = {name: now[name][rows] for name in CARRIED}
    state[ORDERS].upsert(
        pl.DataFrame(
            {
                "key": taken.keys.filter(pl.Series(live | gone)),
                "entry_event": events[rows],
                "live": 1 - now["ended"][rows],
                **{name: entry[name][rows] for name in ENTRY},
                **columns,
            }
        )
    )
    if gone.any():
        state[ORDERS].expire("live", 1)
