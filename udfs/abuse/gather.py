"""Take a batch of events in: what is known at each, and state as after them.

Everything is a function of the log up to the event, so it is the same however the log is cut.
Business time of an event is the greatest that its book has seen, but not more than SLACK behind the
greatest that the shard has seen: so much is remembered beyond a window's length.
"""

import numpy as np
import polars as pl

from schemas.step import State
from udfs.abuse import lives, numbers, sums, trades
from udfs.abuse.facts import Columns, Facts
from udfs.abuse.intake import PARF, Taken, over
from udfs.abuse.memory import DAY

_COLUMNS = (
    *("code", "time", "quantity", "remaining", "removed", "price", "displayed", "last_price"),
    *("last_quantity", "entry_time", "level", "depth", "opposite_depth", "bid", "bid_size", "ask"),
    *("ask_size", "bid_after", "ask_after", "bid_size_after", "ask_size_after", "tick", "offset"),
)


def facts(state: State, taken: Taken, close: int) -> Facts:
    """Take events in: state is as after them.

    Args:
        state: Has udfs.abuse.memory.TABLES.
        taken: Events that can be used.
        close: Time of the day from which trades count as near the close, microseconds.
    """
    frame, now = taken.frame, _columns(taken.frame)
    books, booked = numbers.booked(state, frame, now)
    pairs, paired = numbers.paired(state, frame, now)
    sides = trades.sides(state, frame, now["pair"], now["at"], paired)
    lives.carried(taken, now, sides)
    near = (now["at"] % DAY >= close) & (now["traded"] == 1)
    did = sums.of_pairs(state, now, pairs, paired, sides, near)
    book = sums.of_books(state, now, books, booked, near)
    entry, events = lives.entries(taken, now, did)
    lives.save(state, taken, now, entry, events)
    return Facts(frame, now, entry, events, did, book, sides, pairs, books)


def _columns(frame: pl.DataFrame) -> Columns:
    """Whole numbers of the events, by name."""
    now = {name: frame[name].cast(pl.Int64).to_numpy() for name in _COLUMNS}
    now["tick"] = np.maximum(now["tick"], 1)
    now["side"] = (frame["side"] == "SELL").to_numpy().astype(np.int64)
    now["passive"] = frame["passive"].to_numpy().astype(np.int64)
    now["ended"] = over(now["code"], now["remaining"]).astype(np.int64)
    now["traded"] = (now["code"] >= PARF).astype(np.int64)
    return now
