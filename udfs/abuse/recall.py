"""What rules may look back at: trades, and orders that were withdrawn."""

import numpy as np
import polars as pl

from schemas.step import State
from udfs.abuse.facts import Facts
from udfs.abuse.intake import CAME
from udfs.abuse.memory import AFTER, DAY, KEPT, SNAPSHOT, TRADES, WITHDRAWN
from udfs.abuse.windows import SLACK

UNTRADED = 10
"""A withdrawn order was traded for at most one part of so many."""
DEPTH = 20
"""It is remembered if its owner traded on the other side, or by such a part of the depth."""

_TEXTS = ("event_id", "order_id", "execution_id", "owner", "counter_owner")


def remember(state: State, seen: Facts, close: int) -> None:
    """Add the trades and withdrawn orders of a batch."""
    now, sides = seen.now, seen.sides
    rows = sides.rows
    if len(rows):
        names = ("n", "at", "time", "pair", "booked", "side", "passive", "offset")
        near = now["at"][rows] % DAY >= close
        state[TRADES].append(
            seen.frame.select(*_TEXTS, *AFTER)[rows].with_columns(
                *(pl.Series(name, now[name][rows]) for name in (*names, *SNAPSHOT)),
                price=pl.Series(now["last_price"][rows]),
                quantity=pl.Series(now["last_quantity"][rows]),
                inside=pl.Series(sides.inside.astype(np.int64)),
                near=pl.Series(near.astype(np.int64)),
                slice=pl.Series(seen.entry["slice"][rows]),
            )
        )
    _withdrawn(state, seen)


def forget(state: State, newest: int) -> None:
    """Drop what no rule looks back at once the shard has seen `newest`."""
    for table in (TRADES, WITHDRAWN):
        state[table].expire("at", newest - KEPT - SLACK)


def _withdrawn(state: State, seen: Facts) -> None:
    """Orders cancelled by their members, all but untraded, that could have been meant to move."""
    now, entry, sums = seen.now, seen.entry, seen.sums
    buys = now["side"] == 0
    other = np.where(buys, sums["sold"] - entry["sold0"], sums["bought"] - entry["bought0"])
    large = entry["shown"] * (DEPTH - 1) >= entry["depth"]
    gone = (now["ended"] == 1) & (now["code"] == CAME) & (now["removed"] > 0)
    gone &= (now["filled"] * UNTRADED <= now["quantity"]) & ((other > 0) | large)
    rows = np.flatnonzero(gone)
    if not len(rows):
        return
    names = ("n", "at", "time", "pair", "side", "price", "quantity", "removed", "filled", "offset")
    columns = {name: now[name][rows] for name in (*names, *SNAPSHOT, *AFTER)}
    columns |= {name: entry[name][rows] for name in ("depth", "entry_time", "entry_offset")}
    columns |= {f"entry_{name}": entry[name][rows] for name in SNAPSHOT}
    columns |= {f"entry_{name}_after": entry[f"{name}0"][rows] for name in SNAPSHOT}
    state[WITHDRAWN].append(
        seen.frame.select("event_id", "order_id")[rows].with_columns(
            seen.entry_event[rows],
            **{name: pl.Series(column) for name, column in columns.items()},
        )
    )
