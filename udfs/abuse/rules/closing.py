"""Marking the close: trades near the close that set the closing price.

Judged at the first event of a book after its close (phase CLOSED, or a later day), if that comes
within two hours. Definition: an owner's pieces were at least such a share of those that the book
traded near the close, all but on one side, of several orders, most of which did not wait to be
traded with, and the price went its way by at least so much from the last trade before. A floor on
the volume near the close keeps a single trade from being all. Slices of a client's order are in the
volume, but not among the owner's: who works an index fund's order into the close has to trade then.
Source: Delegated Regulation (EU) 2016/522, Annex II, section 1, 1(d); Comerton-Forde and Putnins
(2011): share, return, reversal.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import TableSpec
from udfs.abuse.memory import DAY, KEPT
from udfs.abuse.rules.rule import WHOLE, Hit, RuleParams, Share, View, Whole, per_cent, trade_piece

TABLE = "abuse.closes"


class Params(RuleParams):
    """What can be chosen.

    Attributes:
        share_ppm: Least share of the volume near the close.
        one_way_ppm: Least excess of one side over both, of the owner's trades.
        move_ppm: Least move of the price the owner's way.
        least: Least pieces that the book trades near the close.
        least_orders: Least orders of the owner that traded near the close.
        waited_ppm: Greatest share of the owner's pieces for which others came.
    """

    share_ppm: Share = 200_000
    one_way_ppm: Share = 800_000
    move_ppm: Share = 3_000
    least: Whole = 500
    least_orders: Annotated[int, Field(ge=1, le=10_000)] = 3
    waited_ppm: Share = 500_000


class Closing:
    """The rule; see the module. State: the last day of each book that was judged."""

    name = "marking-the-close"
    version = "2"
    tables: Mapping[str, TableSpec] = {TABLE: TableSpec({"book": "int", "day": "int"}, "book")}

    def __call__(self, view: View, params: Params) -> list[Hit]:
        """Hits at the first events of books after their close."""
        found = []
        for row, near, before in _closed(view):
            bought = near.filter(pl.col("side") == 0)
            volume = int(bought["quantity"].sum())
            if volume < params.least or before.is_empty():
                continue
            first, last = int(before["price"][-1]), int(near["price"][-1])
            for owner in near["owner"].unique().sort():
                hit = _judged(params, row, near, owner, volume, first, last)
                if hit is not None:
                    found.append(hit)
        return found


def _closed(view: View) -> Iterator[tuple[int, pl.DataFrame, pl.DataFrame]]:
    """Books that have closed: the first event after, trades near the close, trades before."""
    now = view.facts.now
    day, day_before = now["at"] // DAY, now["book_at"] // DAY
    closed = (view.facts.frame["phase"] == "CLOSED").to_numpy() & (now["traded"] == 0)
    closed &= now["at"] % DAY >= view.close
    after = (now["book_at"] >= 0) & ((day > day_before) | closed)
    rows = np.flatnonzero(after)
    if not len(rows):
        return
    ended = np.where(closed[rows], day[rows], day_before[rows])
    table = view.state[TABLE]
    books = now["booked"][rows]
    known = table.lookup(pl.Series("book", np.unique(books)))
    judged = {book: one for book, one in known.filter("known").select("book", "day").rows()}
    past = None
    for row, book, which in zip(rows.tolist(), books.tolist(), ended.tolist(), strict=True):
        if judged.get(book, -1) >= which:
            continue
        judged[book] = which
        if past is None:
            past = view.trades(np.unique(books), "booked")
        here = (pl.col("booked") == book) & (pl.col("n") < int(now["n"][row]))
        kept = pl.col("at") > int(now["at"][row]) - KEPT
        there = past.filter(here & kept & (pl.col("at") // DAY == which))
        near = there.filter(pl.col("near") == 1)
        if near.height:
            yield row, near, there.filter(pl.col("near") == 0)
    rest = pl.DataFrame(list(judged.items()), schema=["book", "day"], orient="row")
    table.upsert(rest)


def _judged(
    params: Params,
    row: int,
    near: pl.DataFrame,
    owner: str,
    volume: int,
    first: int,
    last: int,
) -> Hit | None:
    own = near.filter((pl.col("owner") == owner) & (pl.col("slice") == 0))
    bought = int(own.filter(pl.col("side") == 0)["quantity"].sum())
    size = int(own["quantity"].sum())
    net = 2 * bought - size
    share, move = size / volume, (last - first) * (1 if net > 0 else -1)
    waited = int(own.filter(pl.col("passive") == 1)["quantity"].sum())
    few = own["order_id"].n_unique() < params.least_orders
    if few or size * WHOLE < volume * params.share_ppm or waited * WHOLE > params.waited_ppm * size:
        return None
    if abs(net) * WHOLE < params.one_way_ppm * size or move * WHOLE < params.move_ppm * abs(first):
        return None
    moved = 100 * move / max(abs(first), 1)
    return Hit(
        row,
        "HIGH" if 2 * size >= volume else "MEDIUM",
        min(WHOLE, 500_000 + round(min(share, 1) * 400_000)),
        f"{per_cent(share)} of the {volume} pieces traded near the close, net {net}; "
        f"price moved {moved:.2f} % its way",
        f"{per_cent(params.share_ppm / WHOLE)} of volume, {params.move_ppm / 10_000:g} %",
        "One owner's trades near the close were a large part of it and the price went their way",
        [trade_piece(one) for one in own.iter_rows(named=True)],
        size,
        last,
        owner,
    )


RULE = Closing()
