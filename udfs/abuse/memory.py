"""What the abuse job remembers of orders, owners in books, and books."""

from collections.abc import Mapping

from schemas.step import ColumnKind, TableSpec
from udfs.abuse.intake import ORDERS
from udfs.abuse.windows import SECOND, Window

DAY = 86_400 * SECOND
MINUTE = 60 * SECOND

ENTRY = (
    *("pair", "side", "entry_time", "entry_at", "entry_offset", "size", "shown", "depth"),
    *("opposite_depth", "level", "behind", "spread", "limit0", "bid", "bid_size", "ask"),
    *("ask_size", "bid0", "bid_size0", "ask0", "ask_size0"),
    *("bought0", "sold0", "trades_buy0", "trades_sell0", "open_same0", "open_opposite0"),
    *("provider", "slice"),
)
"""What an order was when it was entered, and the book before and (0) after it."""
CARRIED = (
    *("time", "quantity", "remaining", "price", "displayed", "filled", "taken", "self"),
    *("repriced", "away", "away_at", "counter_age", "counter_lesser", "counter_greater"),
    *("traded_first", "traded_last"),
)
"""What an order is after its last event."""
SUMS = (
    *("messages", "entered", "entered_buy", "entered_sell", "ordered", "ended", "cancelled"),
    *("fast", "bought", "sold", "trades", "taken", "self", "matched", "reprices"),
    *("withdrawn_buy", "withdrawn_sell", "close", "push_buy", "push_sell"),
)
"""What an owner did in a book: running sums that windows are differences of."""
STOCK = ("open_buy", "open_sell", "open_buy_size", "open_sell_size", "trades_buy", "trades_sell")
"""Further running sums; the first four are what is open now."""
BOOK_SUMS = (
    *("messages", "traded", "close", "entered", "entered_size"),
    *("minutes", "minute_sum", "minute_squares"),
)
"""Running sums of a book; the last three over minutes with messages that are over."""

PAIR_WINDOWS: Mapping[str, Window] = {
    "60s": Window("abuse.pair.seconds", SECOND, 60, SUMS),
    "1h": Window("abuse.pair.minutes", MINUTE, 60, SUMS),
    "day": Window("abuse.pair.days", DAY, 1, SUMS),
}
BOOK_WINDOWS: Mapping[str, Window] = {
    "60s": Window("abuse.book.seconds", SECOND, 60, ("messages", "traded")),
    "1h": Window("abuse.book.minutes", MINUTE, 60, ("traded", "mid")),
    "day": Window("abuse.book.days", DAY, 21, BOOK_SUMS),
}


TRADES, WITHDRAWN, CLOCK = "abuse.trades", "abuse.withdrawn", "abuse.clock"
PAIRS = "abuse.pairs"
FORGOTTEN = 31 * DAY
"""An owner with nothing open in a book is forgotten there after so long; so is an older trade."""
OPEN = 2**62
"""Stands for the time since which an owner has nothing open, where it has."""
KEPT = 7_200 * SECOND
"""Rules look back so long at trades and withdrawn orders, and no further."""
SNAPSHOT = ("bid", "bid_size", "ask", "ask_size")
AFTER = tuple(f"{name}_after" for name in SNAPSHOT)


def _ints(*names: str) -> dict[str, ColumnKind]:
    return dict.fromkeys(names, "int")


TABLES: Mapping[str, TableSpec] = {
    ORDERS: TableSpec(
        {"key": "str", "entry_event": "str", "live": "int", **_ints(*ENTRY, *CARRIED)}, "key"
    ),
    PAIRS: TableSpec(
        {
            "name": "str",
            **_ints("pair", "at", "idle", "bought_at", "sold_at", "top", "top_day", *SUMS, *STOCK),
        },
        "name",
    ),
    "abuse.books": TableSpec(
        {"name": "str", **_ints("book", "at", "minute", "minute_start", *BOOK_SUMS)}, "name"
    ),
    "abuse.counterparties": TableSpec({"name": "str", **_ints("day", "size", "matched")}, "name"),
    "abuse.halves": TableSpec({"execution": "str", **_ints("at", "entry_time", "quantity")}),
    "abuse.groups": TableSpec({"owner": "str", "group": "str"}, "owner"),
    CLOCK: TableSpec({"name": "str", **_ints("at", "n", "pairs")}, "name"),
    TRADES: TableSpec(
        {
            **dict.fromkeys(("event_id", "order_id", "execution_id"), "str"),
            **dict.fromkeys(("owner", "counter_owner"), "str"),
            **_ints("n", "at", "time", "pair", "booked", "side", "price", "quantity", "passive"),
            **_ints("offset", "inside", "near", "slice", *SNAPSHOT, *AFTER),
        }
    ),
    WITHDRAWN: TableSpec(
        {
            **dict.fromkeys(("event_id", "order_id", "entry_event"), "str"),
            **_ints("n", "at", "time", "pair", "side", "price", "quantity", "removed", "filled"),
            **_ints("depth", "entry_time", "entry_offset", "offset", *SNAPSHOT, *AFTER),
            **_ints(*(f"entry_{name}" for name in (*SNAPSHOT, *AFTER))),
        }
    ),
    **{window.table: window.spec for window in (*PAIR_WINDOWS.values(), *BOOK_WINDOWS.values())},
}
"""State of a shard, but for that of rules.

`orders` holds what is open; an order leaves with its end. `pairs` are owners in books, numbered in
order of appearance; with nothing open (since `idle`) they leave after FORGOTTEN. `books` stay.
`counterparties` says how much an owner traded with another on a day, `halves` one side of trades
whose other side was not yet seen. `trades` and `withdrawn` are what rules look back at, by `n`, the
number of the event in the log of the shard. `pair.*` and `book.*` are what windows need
(udfs.abuse.windows).
"""
