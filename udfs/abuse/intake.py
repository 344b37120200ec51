"""Which events of orders can be used: those of orders that are known, in order of their time."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.step import State
from udfs.abuse.features import Array
from udfs.abuse.groups import Groups, coded

ORDERS = "abuse.orders"
CODES = (
    *("NEWO", "TRIG", "REME", "REMA", "REMH", "CHME", "CHMO", "CAME", "CAMO", "REMO", "EXPI"),
    *("PARF", "FILL"),
)
NEWO, REME, CAME, CAMO, REMO, EXPI, PARF, FILL = (
    CODES.index(code) for code in ("NEWO", "REME", "CAME", "CAMO", "REMO", "EXPI", "PARF", "FILL")
)
ENDS = (CAME, CAMO, EXPI, FILL)
COLUMNS = (
    *("event_id", "order_id", "isin", "mic", "event", "side", "time", "quantity", "remaining"),
    *("removed", "price", "displayed", "last_price", "last_quantity", "entry_time", "level"),
    *("depth", "opposite_depth", "bid", "bid_size", "ask", "ask_size", "bid_after", "ask_after"),
    *("bid_size_after", "ask_size_after", "tick", "offset", "passive", "execution_id"),
    *("counter_order", "counter_owner", "owner", "member", "client", "trader", "capacity"),
    *("parent_id", "liquidity_provision", "phase", "currency", "price_scale", "appended"),
)
"""Columns of an event that are used."""
NAMES: Mapping[str, str] = {
    "EXECUTION_WITHOUT_ORDER": "a trade of an order of which no entry was seen",
    "UNKNOWN_ORDER": "an event of an order of which no entry was seen, or that is over",
    "DUPLICATE_ORDER": "the entry of an order that is open",
    "TIME_BACKWARDS": "an event of an order dated before the one before it",
}
"""Reason of a refusal -> what was found."""


@dataclass(frozen=True)
class Taken:
    """Events that can be used, up to the first place where an order's id is used again.

    Attributes:
        frame: They, in log order, with columns `key` (book and order), `book` and `code`.
        keys: Distinct orders, in order of appearance.
        groups: The events by order.
        known: What state has of each order, by code.
        refused: Those that cannot be used, with column `why`.
        rest: What comes from that place on.
    """

    frame: pl.DataFrame
    keys: pl.Series
    groups: Groups
    known: pl.DataFrame
    refused: pl.DataFrame
    rest: pl.DataFrame


def keyed(events: pl.DataFrame) -> pl.DataFrame:
    """Events in log order with their keys, but those of orders that never entered a book."""
    code = pl.col("event").cast(pl.Enum(CODES), strict=False).to_physical().cast(pl.Int64)
    return (
        events.lazy()
        .filter(pl.col("event") != CODES[REMO])
        .select(*COLUMNS, code=code, book=pl.concat_str("isin", "mic", separator="|"))
        .with_columns(key=pl.concat_str("book", "order_id", separator="|"))
        .collect()
    )


def take(state: State, events: pl.DataFrame) -> Taken:
    """Part events, as from `keyed`, into those that can be used, others, and a rest."""
    keys, codes = coded(events["key"])
    known = state[ORDERS].lookup(keys)
    groups = Groups.of(codes, len(keys))
    wrong = _wrong(events, groups, known)
    nothing = events.clear().with_columns(why=pl.lit(""))
    if not wrong.any():
        return Taken(events, keys, groups, known, nothing, events.clear())
    why, stop = _judged(events, codes, known, wrong)
    told = events.with_columns(why=pl.Series(why, dtype=pl.String))[:stop]
    used = told.filter(pl.col("why") == "").drop("why")
    keys, codes = coded(used["key"])
    refused = told.filter(pl.col("why") != "")
    known = state[ORDERS].lookup(keys)
    return Taken(used, keys, Groups.of(codes, len(keys)), known, refused, events[stop:])


def over(code: Array, remaining: Array) -> Array:
    """Which events end their order."""
    return np.asarray(np.isin(code, ENDS) & (remaining == 0))


def _wrong(events: pl.DataFrame, groups: Groups, known: pl.DataFrame) -> Array:
    """By order, whether any of its events cannot be used."""
    code, time = events["code"].to_numpy(), events["time"].to_numpy()
    there, since = known["known"].to_numpy(), known["time"].to_numpy()
    ended = over(code, events["remaining"].to_numpy())
    before = groups.previous(time, np.where(there, since, time.min(initial=0)))
    open_before = groups.previous(~ended, there)
    wrong = (time < before) | (open_before == (code == NEWO))
    out = np.zeros(groups.count, dtype=np.bool_)
    out[groups.codes[wrong]] = True
    return out


def _judged(
    events: pl.DataFrame, codes: Array, known: pl.DataFrame, wrong: Array
) -> tuple[list[str], int]:
    """What is wrong with each event, "" if nothing; and where an id is used again."""
    live = dict(enumerate(known["known"].to_list()))
    last = dict(enumerate(known["time"].to_list()))
    ended: set[int] = set()
    why = [""] * events.height
    done = over(events["code"].to_numpy(), events["remaining"].to_numpy()).tolist()
    kinds, times = events["code"].to_list(), events["time"].to_list()
    for row in np.flatnonzero(wrong[codes]).tolist():
        order = int(codes[row])
        if kinds[row] == NEWO:
            if live[order]:
                why[row] = "DUPLICATE_ORDER"
                continue
            if order in ended:
                return why, row
        elif not live[order]:
            traded = kinds[row] in (PARF, FILL)
            why[row] = "EXECUTION_WITHOUT_ORDER" if traded else "UNKNOWN_ORDER"
            continue
        elif times[row] < last[order]:
            why[row] = "TIME_BACKWARDS"
            continue
        live[order], last[order] = not done[row], times[row]
        if done[row]:
            ended.add(order)
    return why, events.height
