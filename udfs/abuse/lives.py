"""Lives of orders: what each was when it was entered, and is after each of its events."""

import numpy as np
import polars as pl

from schemas.step import State
from udfs.abuse.facts import NEVER, Columns
from udfs.abuse.intake import ORDERS, REME, Taken
from udfs.abuse.memory import CARRIED, ENTRY, SNAPSHOT
from udfs.abuse.trades import NOT_KNOWN, Sides


def carried(taken: Taken, now: Columns, sides: Sides) -> None:
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
    age, other = np.full(len(traded), NOT_KNOWN), np.zeros(len(traded), np.int64)
    age[sides.rows], other[sides.rows] = sides.age, sides.other_size
    seen = other > 0
    now["counter_age"] = groups.latest(age, seen, held["counter_age"])
    lesser, greater = np.minimum(other, now["quantity"]), np.maximum(other, now["quantity"])
    now["counter_lesser"] = groups.latest(lesser, seen, held["counter_lesser"])
    now["counter_greater"] = groups.latest(greater, seen, held["counter_greater"])


def entries(taken: Taken, now: Columns, sums: Columns) -> tuple[Columns, pl.Series]:
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


def save(state: State, taken: Taken, now: Columns, entry: Columns, events: pl.Series) -> None:
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
