"""Features of the orders that are over, out of what is known at their last events."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from schemas.step import State
from udfs.abuse.facts import NEVER, Columns, Facts
from udfs.abuse.features import FEATURES, FULL, Array
from udfs.abuse.intake import CAME, PARF
from udfs.abuse.memory import BOOK_SUMS, BOOK_WINDOWS, DAY, PAIR_WINDOWS, SUMS
from udfs.abuse.windows import SECOND, Kept

LEAST_MINUTES = 30
"""Means and deviations of a book's minutes are known once so many of them are over."""
ROW = ("event_id", "order_id", "isin", "mic", "owner", "member", "trader", "time", "offset")
"""Columns of the event that scored rows keep."""


def rows(state: State, seen: Facts, close: int) -> pl.DataFrame:
    """The orders that ended in the batch: ROW, `row` (place in the batch), FEATURES as Float32.

    Args:
        state: Has udfs.abuse.memory.TABLES, as after the batch.
        seen: The batch.
        close: As in udfs.abuse.facts.facts.
    """
    at = np.flatnonzero(seen.now["ended"] == 1)
    now, entry, sums, book = (
        {name: column[at] for name, column in part.items()}
        for part in (seen.now, seen.entry, seen.sums, seen.book)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        found = _order(now, entry, sums)
        windows = _bases(state, now)
        kept = {
            name: window.kept(state, now["booked"], now["at"])
            for name, window in BOOK_WINDOWS.items()
        }
        traded = _booked(kept, book)
        for window, base in windows.items():
            found |= _windowed(window, base, now, sums, traded[window])
        found |= _day(now, sums, windows["day"], traded["close"])
        found |= _book(kept, now, sums, book, windows["60s"], close)
    known = seen.frame.select(*ROW)[at]
    columns = {name: _finite(found[name]) for name in FEATURES}
    return known.with_columns(row=pl.Series(at), **{n: pl.Series(c) for n, c in columns.items()})


def matrix(scored: pl.DataFrame) -> Array:
    """FEATURES of the rows, float32, shape (orders, len(FEATURES))."""
    return np.asarray(scored.select(*FEATURES).to_numpy(), dtype=np.float32)


def _finite(values: Array) -> Array:
    """float32 within FULL; NaN where there is no value."""
    known = np.where(np.isfinite(values), values, np.nan)
    return np.asarray(np.clip(known, -FULL, FULL).astype(np.float32))


def _mine(now: Columns, buys: Array, sells: Array) -> Array:
    """Of two columns that of each order's own side."""
    return np.where(now["side"] == 0, buys, sells)


def _or_nan(values: Array, known: Array) -> Array:
    return np.where(known, values, np.nan)


def _order(now: Columns, entry: Columns, sums: Columns) -> Columns:
    """Features of the orders themselves; `size_to_mean` comes with the book."""
    size, life = entry["size"], now["time"] - entry["entry_time"]
    sign = 1 - 2 * now["side"]
    bid_moved, ask_moved = (
        _or_nan((now[name] - then) / now["tick"], (now[name] > 0) & (then > 0))
        for name, then in (("bid", entry["bid0"]), ("ask", entry["ask0"]))
    )
    bought, sold = sums["bought"] - entry["bought0"], sums["sold"] - entry["sold0"]
    trades_buy, trades_sell = (
        sums["trades_buy"] - entry["trades_buy0"],
        sums["trades_sell"] - entry["trades_sell0"],
    )
    open_mine = _mine(now, sums["open_buy_size"], sums["open_sell_size"])
    open_other = _mine(now, sums["open_sell_size"], sums["open_buy_size"])
    opposite_at = _mine(now, sums["sold_at"], sums["bought_at"])
    same_at = _mine(now, sums["bought_at"], sums["sold_at"])
    mine_before = open_mine + now["open_before"] - now["remaining"]
    both0 = entry["depth"] + entry["opposite_depth"]
    return {
        "size_to_depth": entry["shown"] / (entry["depth"] + entry["shown"]),
        "size_to_touch": size / _mine(entry, entry["bid_size"], entry["ask_size"]),
        "shown": entry["shown"] / size,
        "level": entry["level"].astype(np.float64),
        "ticks_behind": _or_nan(entry["behind"], entry["behind"] != NEVER),
        "spread_ticks": _or_nan(entry["spread"], entry["spread"] != NEVER),
        "imbalance": entry["depth"] / both0,
        "lifetime_s": life / SECOND,
        "filled": now["filled"] / size,
        "taken": now["taken"] / now["filled"],
        "withdrawn": now["removed"] / size,
        "cancelled": (now["code"] == CAME).astype(np.float64),
        "repriced": now["repriced"].astype(np.float64),
        "repriced_away": now["away"].astype(np.float64),
        "repriced_per_s": now["repriced"] / (life / SECOND),
        "moved_opposite": np.where(now["side"] == 0, ask_moved, -bid_moved),
        "moved_own": sign * np.where(now["side"] == 0, bid_moved, ask_moved),
        "opposite_traded": _mine(now, sold, bought) / size,
        "opposite_trades": _mine(now, trades_sell, trades_buy).astype(np.float64),
        "same_traded": (_mine(now, bought, sold) - now["filled"]) / size,
        "since_opposite_s": _or_nan((now["at"] - opposite_at) / SECOND, opposite_at != NEVER),
        "since_same_s": _or_nan((now["at"] - same_at) / SECOND, same_at != NEVER),
        "open_same": _mine(now, sums["open_buy"], sums["open_sell"]).astype(np.float64),
        "open_opposite": _mine(now, sums["open_sell"], sums["open_buy"]).astype(np.float64),
        "open_imbalance": (mine_before - open_other) / (mine_before + open_other),
        "entered_imbalance": (entry["open_same0"] - entry["open_opposite0"])
        / (entry["open_same0"] + entry["open_opposite0"]),
        "counter_age_s": _or_nan(now["counter_age"] / SECOND, now["counter_greater"] > 0),
        "counter_size": now["counter_lesser"] / now["counter_greater"],
        "self_traded": now["self"] / now["filled"],
        "provider": entry["provider"].astype(np.float64),
        "slice": entry["slice"].astype(np.float64),
    }


def _bases(state: State, now: Columns) -> Mapping[str, Columns]:
    """By window the sums of the owner in the book at which it began."""
    out = {}
    for name, window in PAIR_WINDOWS.items():
        base = window.kept(state, now["pair"], now["at"]).base()
        out[name] = {column: base[:, place] for place, column in enumerate(SUMS)}
    return out


def _booked(kept: Mapping[str, Kept], book: Columns) -> Columns:
    """What each book traded in each window, and near the close on the day."""
    seconds, minutes = kept["60s"].base(), kept["1h"].base()
    days = kept["day"].base(buckets=1)
    return {
        "60s": book["traded"] - seconds[:, 1],
        "1h": book["traded"] - minutes[:, 0],
        "day": book["traded"] - days[:, BOOK_SUMS.index("traded")],
        "close": book["close"] - days[:, BOOK_SUMS.index("close")],
    }


def _windowed(
    window: str, base: Columns, now: Columns, sums: Columns, traded_book: Array
) -> Columns:
    """Features of the owner in the book over one window."""
    did = {name: (sums[name] - base[name]).astype(np.float64) for name in SUMS}
    bought, sold = did["bought"], did["sold"]
    traded, entered = bought + sold, did["entered_buy"] + did["entered_sell"]
    buys, sells = did["withdrawn_buy"], did["withdrawn_sell"]
    mine = np.where(now["side"] == 0, buys, sells)
    opposite = np.where(now["side"] == 0, sold, bought)
    found = {
        "messages": did["messages"],
        "cancel_ratio": did["cancelled"] / did["ended"],
        "otr_number": did["messages"] / did["trades"] - 1,
        "otr_volume": did["ordered"] / traded - 1,
        "fast_share": did["fast"] / did["ended"],
        "one_sided": np.abs(did["entered_buy"] - did["entered_sell"]) / entered,
        "withdrawn_imbalance": (2 * mine - buys - sells) / (buys + sells),
        "net_share": np.abs(bought - sold) / traded,
        "trade_share": traded / traded_book,
        "self_share": did["self"] / traded,
        "matched_share": did["matched"] / traded,
        "taken_share": did["taken"] / traded,
        "against_withdrawn": opposite / mine,
        "reprices": did["reprices"] / did["entered"],
    }
    return {f"{name}_{window}": values for name, values in found.items()}


def _day(now: Columns, sums: Columns, base: Columns, close_book: Array) -> Columns:
    """Features of the owner's day in the book."""
    traded = sums["bought"] + sums["sold"] - base["bought"] - base["sold"]
    top = np.where(sums["top_day"] == now["at"] // DAY, sums["top"], 0)
    buys, sells = sums["push_buy"] - base["push_buy"], sums["push_sell"] - base["push_sell"]
    return {
        "counterparty_share": top / traded,
        "close_share": (sums["close"] - base["close"]) / close_book,
        "push_ticks": np.where(now["side"] == 0, buys - sells, sells - buys).astype(np.float64),
    }


def _book(
    kept: Mapping[str, Kept],
    now: Columns,
    sums: Columns,
    book: Columns,
    recent: Columns,
    close: int,
) -> Columns:
    """Features of the book, and the order's size against its mean on the day before."""
    days = kept["day"]
    today = days.base(buckets=1)
    before = days.base(buckets=1, back=1)
    past = today - days.base()
    place = {name: BOOK_SUMS.index(name) for name in BOOK_SUMS}
    count, total, squares = (
        past[:, place[name]].astype(np.float64)
        for name in ("minutes", "minute_sum", "minute_squares")
    )
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean * mean, 1.0))
    mean = _or_nan(mean, count >= LEAST_MINUTES)
    messages = book["messages"] - kept["60s"].base()[:, 0]
    own = sums["messages"] - recent["messages"]
    entered = today - before
    mids = kept["1h"].base(buckets=6)[:, 1]
    mid = now["bid"] + now["ask"]
    known = (mids > 0) & (now["bid"] > 0) & (now["ask"] > 0)
    moved = (mid - mids) / (2 * now["tick"]) * (1 - 2 * now["side"])
    average = entered[:, place["entered_size"]] / entered[:, place["entered"]]
    auction = (now["code"] >= PARF) & (now["at"] % DAY >= close)
    return {
        "size_to_mean": now["quantity"] / average,
        "rate_sigmas": (messages - mean) / deviation,
        "owner_rate_sigmas": (own - mean) / deviation,
        "return_5min": _or_nan(moved, known),
        "message_share_60s": own / messages,
        "auction": auction.astype(np.float64),
    }
