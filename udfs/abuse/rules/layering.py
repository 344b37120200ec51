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
from pydantic import Field

from schemas.step import TableSpec
from udfs.abuse.features import Array
from udfs.abuse.rules.rule import (
    WHOLE,
    Hit,
    Past,
    RuleParams,
    Share,
    View,
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
        pairs = view.facts.now["pair"][rows]
        gone, traded = Past(view.withdrawn(pairs)), Past(view.trades(pairs))
        found = (_at(view, params, row, gone, traded) for row in rows.tolist())
        return [hit for hit in found if hit is not None]


def _at(view: View, params: Params, row: int, gone: Past, traded: Past) -> Hit | None:
    pair, side, n, at = (int(view.facts.now[name][row]) for name in ("pair", "side", "n", "at"))
    since = at - params.window_s * SECOND
    orders = gone.of(pair, side, n, since)
    if len(set(gone["price"][orders].tolist())) < params.levels:
        return None
    stood = orders[_together(gone["entry_time"][orders], gone["time"][orders])]
    levels = len(set(gone["price"][stood].tolist()))
    size, others = int(gone["quantity"][stood].sum()), int(gone["depth"][stood].min())
    share = size / max(size + others, 1)
    if levels < params.levels or share * WHOLE < params.depth_ppm:
        return None
    there = traded.of(pair, 1 - side, n, since)
    there = there[traded["time"][there] >= gone["entry_time"][stood].min()]
    if not len(there):
        return None
    removed, met = int(gone["removed"][stood].sum()), int(traded["quantity"][there].sum())
    layers = gone.frame[stood].iter_rows(named=True)
    pieces = [piece for one in layers for piece in withdrawn_pieces(one)]
    pieces += [trade_piece(one) for one in traded.frame[there].iter_rows(named=True)]
    return Hit(
        row,
        "HIGH" if levels >= params.high_levels else "MEDIUM",
        min(WHOLE, round(WHOLE * (0.4 + 0.1 * levels + 0.2 * min(share, 1)))),
        f"{len(stood)} orders at {levels} prices at one moment, {per_cent(share)} of the visible "
        f"depth, {removed} pieces withdrawn; {met} traded on the other side",
        f"{params.levels} prices, {per_cent(params.depth_ppm / WHOLE)}, {params.window_s} s",
        "Orders at several prices stood while their owner traded on the other side, and were then "
        "withdrawn",
        pieces,
        removed,
        int(view.facts.now["price"][row]),
    )


def _together(entry: Array, end: Array) -> Array:
    """Which stood at the moment at which most did; of equal moments the first."""
    stood = (entry[None, :] <= entry[:, None]) & (entry[:, None] < end[None, :])
    return np.asarray(stood[int(np.argmax(stood.sum(axis=1)))])


RULE = Layering()
