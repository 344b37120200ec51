"""Owners that trade among themselves: rings of wash trades, and painting the tape.

Judged every ten minutes of a book's time, at its first event after them. A circle is a set of
owners of which each has at least `inside_ppm` of its trading with others of the set.

    wash-ring          three to so many owners, trades in a ring, each flat at the end of the hour
    painting-the-tape  few owners, many trades within any ten of the last twenty minutes, a large
                       part of the book's volume then, a price that goes one way if it goes at
                       all, hardly any net change of positions

Sources: Victor and Weintraud (2021), net change against volume in strongly connected sets;
Delegated Regulation (EU) 2016/522, Annex II, section 1, 3(b).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import TableSpec
from udfs.abuse.memory import KEPT, MINUTE
from udfs.abuse.rules.rule import WHOLE, Hit, RuleParams, Share, View, per_cent, trade_piece

SPAN = 10 * MINUTE
Edge = tuple[str, str, int]
"""Seller, buyer, pieces."""


class RingParams(RuleParams):
    """What can be chosen of rings.

    Attributes:
        owners, most: Least and greatest number of owners.
        trades: Least trades among them within the hour.
        flat_ppm: Greatest net change of each against its volume.
        inside_ppm: Least share of its volume with the others.
    """

    cool_down_s: Annotated[int, Field(ge=0, le=2_592_000)] = 7_200
    owners: Annotated[int, Field(ge=2, le=100)] = 3
    most: Annotated[int, Field(ge=2, le=100)] = 8
    trades: Annotated[int, Field(ge=2, le=10_000)] = 3
    flat_ppm: Share = 10_000
    inside_ppm: Share = 500_000


class PaintingParams(RuleParams):
    """What can be chosen of painting the tape.

    Attributes:
        most: Greatest number of owners.
        trades: Least trades among them within ten minutes.
        volume_ppm: Least share of the book's volume.
        flat_ppm: Greatest net change of each against its volume.
        inside_ppm: Least share of its volume with the others.
        one_way_ppm: Least share of price changes that go the same way, if there are any.
    """

    cool_down_s: Annotated[int, Field(ge=0, le=2_592_000)] = 1_800
    most: Annotated[int, Field(ge=2, le=100)] = 5
    trades: Annotated[int, Field(ge=2, le=10_000)] = 5
    volume_ppm: Share = 300_000
    flat_ppm: Share = 200_000
    inside_ppm: Share = 600_000
    one_way_ppm: Share = 750_000


class Ring:
    """Rings of wash trades; see the module."""

    name = "wash-ring"
    version = "1"
    tables: Mapping[str, TableSpec] = {}

    def __call__(self, view: View, params: RingParams) -> list[Hit]:
        """Hits at the first events of books after ten minutes."""
        found = []
        for row, trades, edges in _turned(view, 6 * SPAN, params.trades):
            flat = _flat(edges, params.flat_ppm)
            for owners in _circles(edges, flat, params.inside_ppm, directed=True):
                if not params.owners <= len(owners) <= params.most:
                    continue
                among = _among(trades(), owners)
                if among.height < params.trades:
                    continue
                size = int(among["quantity"].sum())
                said = f"{among.height} trades, {size} pieces, among {', '.join(owners)} in 1 h"
                limit = f"{params.owners} owners, net change {per_cent(params.flat_ppm / WHOLE)}"
                why = "Owners traded in a ring and none of them changed its position"
                found.append(_hit(row, 850_000, said, limit, why, among, owners))
        return found


class Painting:
    """Painting the tape; see the module."""

    name = "painting-the-tape"
    version = "2"
    tables: Mapping[str, TableSpec] = {}

    def __call__(self, view: View, params: PaintingParams) -> list[Hit]:
        """Hits at the first events of books after ten minutes."""
        found = []
        for row, trades, edges in _turned(view, 2 * SPAN, params.trades):
            flat = _flat(edges, params.flat_ppm)
            for owners in _circles(edges, flat, params.inside_ppm, directed=False):
                if not 2 <= len(owners) <= params.most:
                    continue
                among, volume = _densest(trades(), owners)
                if among.height < params.trades:
                    continue
                size = int(among["quantity"].sum())
                steps = np.sign(np.diff(among["price"].to_numpy()))
                ups, downs = int((steps > 0).sum()), int((steps < 0).sum())
                one_way = max(ups, downs) * WHOLE >= params.one_way_ppm * (ups + downs)
                if size * WHOLE < params.volume_ppm * volume or not one_way:
                    continue
                said = (
                    f"{among.height} trades among {', '.join(owners)} in 10 min, "
                    f"{per_cent(size / volume)} of the volume, {ups} ups and {downs} downs"
                )
                limit = f"{params.trades} trades, {per_cent(params.volume_ppm / WHOLE)} of volume"
                why = "A few owners traded among themselves: activity, or a move, for others to see"
                found.append(_hit(row, 750_000, said, limit, why, among, owners))
        return found


def _turned(
    view: View, span: int, least: int
) -> Iterator[tuple[int, Callable[[], pl.DataFrame], list[Edge]]]:
    """Books in whose time ten minutes have ended: the first event after, and trades before it.

    Trades, at least so many, are the buyers' events with columns buyer and seller, in log order;
    their frame is made when it is asked for.
    """
    now = view.facts.now
    turned = (now["at"] // SPAN != now["book_at"] // SPAN) & (now["book_at"] >= 0)
    rows = np.flatnonzero(turned)
    if not len(rows):
        return
    past = view.trades(np.unique(now["booked"][rows]), "booked").filter(pl.col("side") == 0)
    if past.is_empty():
        return
    past = past.rename({"owner": "buyer", "counter_owner": "seller"})
    past = past.sort("booked", maintain_order=True)
    booked, at, number = (past[name].to_numpy() for name in ("booked", "at", "n"))
    edges = past.select("seller", "buyer", "quantity").rows()
    for row in rows.tolist():
        book, end = int(now["booked"][row]), (int(now["book_at"][row]) // SPAN + 1) * SPAN
        low, high = np.searchsorted(booked, (book, book + 1))
        since = max(end - span, int(now["at"][row]) - KEPT + 1)
        begin, over = low + np.searchsorted(at[low:high], (since, end))
        over = min(over, low + np.searchsorted(number[low:high], int(now["n"][row])))
        if over - begin >= least:
            low, high = int(begin), int(over)
            yield row, partial(past.slice, low, high - low), edges[low:high]


def _flat(edges: Sequence[Edge], flat_ppm: int) -> set[str]:
    """Owners whose net change is small against their volume."""
    net: dict[str, int] = {}
    gross: dict[str, int] = {}
    for seller, buyer, size in edges:
        for owner, change in ((seller, -size), (buyer, size)):
            net[owner] = net.get(owner, 0) + change
            gross[owner] = gross.get(owner, 0) + size
    return {one for one, size in gross.items() if abs(net[one]) * WHOLE <= flat_ppm * size}


def _circles(
    edges: Sequence[Edge], flat: set[str], inside_ppm: int, directed: bool
) -> list[list[str]]:
    """Sets of owners, all `flat`, that trade mostly among themselves; each in order of name.

    If `directed`, each of a set has bought from and sold to others of it.
    """
    gross: dict[str, int] = {}
    for seller, buyer, size in edges:
        gross[seller] = gross.get(seller, 0) + size
        gross[buyer] = gross.get(buyer, 0) + size
    kept = set(flat)
    while True:
        inner = [e for e in edges if e[0] in kept and e[1] in kept and e[0] != e[1]]
        with_others = dict.fromkeys(kept, 0)
        sells, buys = set(), set()
        for seller, buyer, size in inner:
            with_others[seller] += size
            with_others[buyer] += size
            sells.add(seller)
            buys.add(buyer)
        ends = sells & buys if directed else sells | buys
        next_kept = {
            one
            for one in kept & ends
            if with_others[one] * WHOLE >= inside_ppm * gross[one]
        }  # fmt: skip
        if next_kept == kept:
            break
        kept = next_kept
    return _components(kept, inner)


def _components(owners: set[str], edges: list[Edge]) -> list[list[str]]:
    """Owners that are connected, in order of name."""
    root = {one: one for one in owners}

    def top(one: str) -> str:
        while root[one] != one:
            one = root[one]
        return one

    for seller, buyer, _ in edges:
        low, high = sorted((top(seller), top(buyer)))
        root[high] = low
    sets: dict[str, list[str]] = {}
    for one in sorted(owners):
        sets.setdefault(top(one), []).append(one)
    return [sets[one] for one in sorted(sets)]


def _among(trades: pl.DataFrame, owners: list[str]) -> pl.DataFrame:
    return trades.filter(pl.col("seller").is_in(owners) & pl.col("buyer").is_in(owners))


def _densest(trades: pl.DataFrame, owners: list[str]) -> tuple[pl.DataFrame, int]:
    """The ten minutes with most trades among owners: these, and the pieces of all then."""
    among = _among(trades, owners)
    at, begins = among["at"].to_numpy(), trades["at"].to_numpy()
    if not len(at):
        return among, 0
    ends = np.searchsorted(at, at + SPAN)
    first = int(np.argmax(ends - np.arange(len(at))))
    low, high = np.searchsorted(begins, (at[first], at[first] + SPAN))
    return among[first : int(ends[first])], int(trades["quantity"][int(low) : int(high)].sum())


def _hit(
    row: int, score: int, said: str, limit: str, why: str, trades: pl.DataFrame, owners: list[str]
) -> Hit:
    pieces = [trade_piece(one) for one in trades.iter_rows(named=True)]
    size, price = int(trades["quantity"].sum()), int(trades["price"][-1])
    return Hit(row, "MEDIUM", score, said, limit, why, pieces, size, price, owners[0])


RING = Ring()
PAINTING = Painting()
