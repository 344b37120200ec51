"""Running sums of what owners did in books, and of books; windows are differences of them."""

import numpy as np
import polars as pl

from schemas.step import State
from udfs.abuse.facts import NEVER, Columns
from udfs.abuse.features import Array
from udfs.abuse.groups import Groups
from udfs.abuse.intake import CAME, NEWO, REME
from udfs.abuse.memory import (
    BOOK_SUMS,
    BOOK_WINDOWS,
    DAY,
    FORGOTTEN,
    MINUTE,
    OPEN,
    PAIR_WINDOWS,
    PAIRS,
    STOCK,
    SUMS,
)
from udfs.abuse.trades import Sides
from udfs.abuse.windows import SECOND

FAST = 5 * SECOND


def of_pairs(
    state: State, now: Columns, pairs: Groups, known: pl.DataFrame, sides: Sides, near: Array
) -> Columns:
    """Running sums of owners in books, SUMS and STOCK; state is told."""
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
    there = known["known"].to_numpy()
    for name, did in (("bought_at", traded & buy), ("sold_at", traded & ~buy)):
        last = pairs.latest(now["at"], did, np.where(there, known[name].to_numpy(), NEVER))
        out[name] = np.where(now["at"] - last > FORGOTTEN, NEVER, last)
    top, day = np.zeros(len(code), np.int64), np.zeros(len(code), np.int64)
    top[sides.rows], day[sides.rows] = sides.top, now["at"][sides.rows] // DAY
    out["top"] = pairs.latest(top, traded, known["top"].to_numpy())
    out["top_day"] = pairs.latest(day, traded, known["top_day"].to_numpy())
    ends = pairs.lasts
    saved = {name: column[ends] for name, column in out.items()}
    at, nothing = now["at"][ends], (saved["open_buy"] == 0) & (saved["open_sell"] == 0)
    saved |= {"pair": number, "at": at, "idle": np.where(nothing, at, OPEN)}
    state[PAIRS].upsert(pl.DataFrame({"name": known["name"], **saved}))
    return out


def of_books(
    state: State, now: Columns, books: Groups, known: pl.DataFrame, near: Array
) -> Columns:
    """Running sums of books, BOOK_SUMS; state is told."""
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
