"""Halves of what may be an abuse over several books: withdrawn pressure, and trades.

They are told of instruments that are linked to another or traded at two venues, from when that is
known on. An order that ends tells its trades, and what of it was withdrawn if that was large.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from schemas.step import State, TableSpec
from udfs.abuse.features import Array
from udfs.abuse.rules.rule import View
from udfs.abuse.telling import EVENTS, VERSION
from udfs.shape import as_record

ISINS = "abuse.isins"
LINKS = "abuse.links"
TABLES = {
    ISINS: TableSpec({"isin": "str", "mic": "str", "several": "int", "links": "int"}, "isin"),
    LINKS: TableSpec({"name": "str", "isin": "str", "other": "str", "direction": "int"}, "name"),
}
LIFE_S, WITHDRAWN, DEPTH, TIMES_MEAN, LOPSIDED = 60, 0.9, 0.2, 2, 0.3
"""Pressure: longest life; least shares withdrawn and of depth; or size; lopsided, entry and end."""
LARGEST = 2**63 - 1


def link(state: State, row: Mapping[str, object]) -> None:
    """Two instruments go together from now on, or no longer."""
    isins = sorted((str(row["isin"]), str(row["other"])))
    one = {"name": "|".join(isins), "isin": isins[0], "other": isins[1]}
    state[LINKS].upsert(pl.DataFrame([{**one, "direction": row["direction"]}]))
    linked = state[LINKS].frame().filter(pl.col("direction") != 0)
    for isin in dict.fromkeys(isins):
        count = linked.filter((pl.col("isin") == isin) | (pl.col("other") == isin)).height
        state[ISINS].upsert(pl.DataFrame({"isin": [isin], "links": [count]}))


def found(state: State, view: View, shard: int) -> pl.DataFrame:
    """Records Episode of the orders that ended in the batch."""
    wanted = _wanted(state, view)
    f, facts = view.features, view.facts
    rows = f["row"]
    with np.errstate(invalid="ignore"):
        large = (f["size_to_depth"] >= DEPTH) | (f["size_to_mean"] >= TIMES_MEAN)
        pressure = (
            (f["cancelled"] == 1)
            & (f["withdrawn"] >= WITHDRAWN)
            & (f["lifetime_s"] <= LIFE_S)
            & (np.minimum(f["entered_imbalance"], f["open_imbalance"]) >= LOPSIDED)
            & large
            & wanted[rows]
        )
    traded = (facts.now["filled"][rows] > 0) & wanted[rows]
    kinds = (("PRESSURE", pressure), ("TRADE", traded))
    frames = [_told(view, np.flatnonzero(chosen), kind) for kind, chosen in kinds]
    told = pl.concat(frames).sort("row", "kind")
    if told.is_empty():
        return told
    groups = state["abuse.groups"].lookup(told["owner"])["group"]
    return as_record(
        told.with_columns(
            group=groups,
            source_topic=pl.lit(EVENTS),
            source_partition=pl.lit(shard),
            version=pl.lit(VERSION),
        ),
        "Episode",
    )


def _told(view: View, at: Array, kind: str) -> pl.DataFrame:
    f, now, entry = view.features, view.facts.now, view.facts.entry
    rows = f["row"][at]
    trade = kind == "TRADE"
    size = now["filled" if trade else "removed"][rows]
    price = now["price"][rows].astype(object)
    first = (now["traded_first"] if trade else entry["entry_time"])[rows]
    last = (now["traded_last"] if trade else now["time"])[rows]
    buys = now["side"][rows] == 0
    best0, best = (
        np.where(buys, part[a][rows], part[b][rows])
        for part, a, b in ((entry, "ask0", "bid0"), (now, "ask", "bid"))
    )
    moved = np.where((best0 > 0) & (best > 0), (best - best0) * (1 - 2 * now["side"][rows]), 0)
    events = view.facts.frame.select(
        "event_id", "order_id", "isin", "mic", "owner", "side", "price_scale", "currency"
    )[rows]
    share = np.nan_to_num(f["size_to_depth"][at])
    notional = [min(abs(int(a) * int(b)), LARGEST) for a, b in zip(size, price, strict=True)]
    return events.with_columns(
        pl.concat_str(pl.lit(f"episode-{kind.lower()}-"), "event_id").alias("episode_id"),
        row=pl.Series(rows),
        kind=pl.lit(kind),
        time=pl.Series(now["time"][rows]),
        quantity=pl.Series(size),
        notional=pl.Series(notional, dtype=pl.Int64),
        share_ppm=pl.Series(np.rint(share * 0 if trade else share * 1e6).astype(np.int64)),
        moved=pl.Series(moved * 0 if trade else moved),
        first_time=pl.Series(first),
        last_time=pl.Series(last),
        events=pl.concat_str(view.facts.entry_event[rows], "event_id", separator=";"),
        event_count=pl.lit(2),
        first_offset=pl.Series(entry["entry_offset"][rows]),
        last_offset=pl.Series(now["offset"][rows]),
    )


def _wanted(state: State, view: View) -> Array:
    """By event, whether its instrument is linked, or known to be traded at two venues by then."""
    books, frame = view.facts.books, view.facts.frame
    first = books.firsts
    isins = frame["isin"][first]
    venues = frame["mic"][first].to_list()
    names = isins.unique(maintain_order=True)
    held = {row[0]: list(row[1:]) for row in state[ISINS].lookup(names).drop("known").rows()}
    begins = np.full(len(first), 2**62)
    order = np.argsort(first, kind="stable")
    changed = set()
    from_row: dict[str, int] = {i: -1 for i, one in held.items() if one[1] or one[2]}
    for code in order.tolist():
        isin, one = isins[code], held[isins[code]]
        if one[0] == "":
            one[0] = venues[code]
            changed.add(isin)
        elif one[0] != venues[code] and not one[1]:
            one[1] = 1
            changed.add(isin)
            from_row.setdefault(isin, int(first[code]))
    for code in range(len(first)):
        begins[code] = from_row.get(isins[code], 2**62)
    if changed:
        rows = [(isin, *held[isin]) for isin in sorted(changed)]
        schema = ["isin", "mic", "several", "links"]
        state[ISINS].upsert(pl.DataFrame(rows, schema=schema, orient="row"))
    return np.asarray(np.arange(len(books.codes)) >= begins[books.codes])
