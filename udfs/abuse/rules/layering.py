"""Layering: several orders at several prices of one side, to trade on the other, then withdrawn.

Definition: at least so many orders of an owner at different prices of one side stood at one moment,
were together large for the side's visible depth, and were withdrawn all but untraded within the
window, in which the owner traded on the other side; the owner's open pieces lay mostly on their
side, both when the last was entered and when it was withdrawn.
Sources: Delegated Regulation (EU) 2016/522, Annex II, section 1, 5(e); CFTC v. Sarao: four to six
levels, moved along with the market, cycles on and off.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import TableSpec
from udfs.abuse.rules.rule import (
    WHOLE,
    Hit,
    RuleParams,
    Share,
    View,
    among,
    per_cent,
    trade_piece,
    withdrawn_pieces,
)
from udfs.abuse.windows import SECOND


class Params(RuleParams):
    """What can be chosen.

    Attributes:
        window_s: The orders are withdrawn, and the trade is made, within so long, seconds.
        levels: Least different prices at one moment.
        depth_ppm: Least share of the orders together in the side's visible depth.
        lopsided_ppm: Least excess of its side over both, of the owner's open pieces, both when the
            order was entered and when it was withdrawn.
        high_levels: From so many prices on the band is HIGH.
    """

    window_s: Annotated[int, Field(ge=1, le=3_600)] = 120
    levels: Annotated[int, Field(ge=2, le=20)] = 3
    depth_ppm: Share = 200_000
    lopsided_ppm: Share = 300_000
    high_levels: Annotated[int, Field(ge=2, le=20)] = 4


class Layering:
    """The rule; see the module."""

    name = "layering"
    version = "2"
    tables: Mapping[str, TableSpec] = {}

    def __call__(self, view: View, params: Params) -> list[Hit]:
        """Hits at the cancels by which the last of the orders needed was withdrawn."""
        f = view.features
        with np.errstate(invalid="ignore"):
            lopsided = np.minimum(f["entered_imbalance"], f["open_imbalance"])
            chosen = (
                (f["cancelled"] == 1)
                & (f["filled"] <= 0.1)
                & ((f["opposite_trades"] > 0) | (f["since_opposite_s"] <= params.window_s))
                & (lopsided * WHOLE >= params.lopsided_ppm)
            )
        rows = f["row"][chosen]
        if not len(rows):
            return []
        now = view.facts.now
        gone = view.withdrawn(now["pair"][rows])
        gone = gone.filter(pl.col("at") > int(now["at"][rows].min()) - params.window_s * SECOND)
        counted = gone.group_by("pair", "side").agg(pl.col("price").n_unique())
        several = counted.filter(pl.col("price") >= params.levels)
        enough = set(several.select("pair", "side").rows())
        pairs, sides = now["pair"][rows].tolist(), now["side"][rows].tolist()
        where = zip(rows.tolist(), pairs, sides, strict=True)
        found: list[Hit] = []
        for row in (row for row, pair, side in where if (pair, side) in enough):
            found += _at(view, params, row, gone)
        return found


def _at(view: View, params: Params, row: int, gone: pl.DataFrame) -> list[Hit]:
    now = {name: int(column[row]) for name, column in view.facts.now.items()}
    since = now["at"] - params.window_s * SECOND
    own = (pl.col("pair") == now["pair"]) & (pl.col("side") == now["side"])
    orders = among(gone, now["n"], since).filter(own)
    if orders["price"].n_unique() < params.levels:
        return []
    stood = _together(orders)
    levels, share = stood["price"].n_unique(), _share(stood)
    if levels < params.levels or share * WHOLE < params.depth_ppm:
        return []
    there = among(view.trades(np.array([now["pair"]])), now["n"], since)
    there = there.filter(pl.col("side") == 1 - now["side"])
    begun = int(stood["entry_time"].to_numpy().min())
    there = there.filter(pl.col("time") >= begun)
    if there.is_empty():
        return []
    removed, traded = (int(one.sum()) for one in (stood["removed"], there["quantity"]))
    pieces = [piece for one in stood.iter_rows(named=True) for piece in withdrawn_pieces(one)]
    pieces += [trade_piece(one) for one in there.iter_rows(named=True)]
    hit = Hit(
        row,
        "HIGH" if levels >= params.high_levels else "MEDIUM",
        min(WHOLE, round(WHOLE * (0.4 + 0.1 * levels + 0.2 * min(share, 1)))),
        f"{stood.height} orders at {levels} prices at one moment, {per_cent(share)} of the visible "
        f"depth, {removed} pieces withdrawn; {traded} traded on the other side",
        f"{params.levels} prices, {per_cent(params.depth_ppm / WHOLE)}, {params.window_s} s",
        "Orders at several prices stood while their owner traded on the other side, and were then "
        "withdrawn",
        pieces,
        removed,
        now["price"],
    )
    return [hit]


def _together(orders: pl.DataFrame) -> pl.DataFrame:
    """Those that stood at the moment at which most did; of equal moments the first."""
    entry, end = orders["entry_time"].to_numpy(), orders["time"].to_numpy()
    stood = (entry[None, :] <= entry[:, None]) & (entry[:, None] < end[None, :])
    best = int(np.argmax(stood.sum(axis=1)))
    return orders.filter(pl.Series(stood[best]))


def _share(orders: pl.DataFrame) -> float:
    """Their pieces against the visible depth of the side without them."""
    size = int(orders["quantity"].sum())
    others = int(orders["depth"].to_numpy().min())
    return size / max(size + others, 1)


RULE = Layering()
