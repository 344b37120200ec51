"""Spoofing: a large order on one side, to trade on the other, then withdrawn.

Definition: an order away from the touch, large for its side's depth, for the best price or for the
book, is cancelled all but untraded after a short life, in which its owner traded less on the other
side; and the owner's open pieces lay mostly on its side, both when it was entered and when it was
withdrawn, as those of one who makes markets do not. Or nothing traded, but an order of the owner
stood on the other side, and the one withdrawn was far from the touch and soon gone.
Sources: Delegated Regulation (EU) 2016/522, Annex II, section 1, 5(e); Lee, Eom and Park (2013):
twice the day before's mean, six ticks away, an order on the other side; CFTC v. Oystacher: at least
twice what is visible.

Strength, from 0 to 1: a third each of the share of the visible depth, of speed (1 - life / longest
life), and of whether the best price of the other side moved in favour; more for other orders of the
owner on the side.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from schemas.step import TableSpec
from udfs.abuse.rules.rule import (
    WHOLE,
    Hit,
    Past,
    RuleParams,
    Share,
    View,
    Whole,
    per_cent,
    trade_piece,
    withdrawn_pieces,
)
from udfs.abuse.windows import SECOND


class Params(RuleParams):
    """What can be chosen.

    Attributes:
        life_s: Longest life, seconds.
        withdrawn_ppm: Least share of the order that is withdrawn.
        times_mean: So many mean orders of the day before make it large; millionths.
        depth_ppm: Or such a share of its side's visible depth, itself included.
        times_touch: Or so many times what was visible at the best price of its side; millionths.
        behind: Least ticks behind the best price of its side at entry.
        far: The same where nothing was traded on the other side.
        soon_s: Longest life where nothing was traded, seconds.
        times_traded: Least size against what was traded on the other side; millionths.
        lopsided_ppm: Least excess of its side over both, of the owner's open pieces.
        score_ppm: Least strength.
        high_ppm: Strength from which the band is HIGH.
    """

    life_s: Annotated[int, Field(ge=1, le=86_400)] = 30
    withdrawn_ppm: Share = 900_000
    times_mean: Whole = 2 * WHOLE
    depth_ppm: Share = 200_000
    times_touch: Whole = 2 * WHOLE
    behind: Annotated[int, Field(ge=0, le=1_000)] = 1
    far: Annotated[int, Field(ge=0, le=1_000)] = 6
    soon_s: Annotated[int, Field(ge=1, le=86_400)] = 5
    times_traded: Whole = 2 * WHOLE
    lopsided_ppm: Share = 300_000
    score_ppm: Share = 350_000
    high_ppm: Share = 600_000


class Spoofing:
    """The rule; see the module."""

    name = "spoofing"
    version = "2"
    tables: Mapping[str, TableSpec] = {}

    def __call__(self, view: View, params: Params) -> list[Hit]:
        """Hits at the cancels of such orders."""
        f = view.features
        with np.errstate(invalid="ignore"):
            speed = np.maximum(1 - f["lifetime_s"] / params.life_s, 0)
            share, moved = np.nan_to_num(f["size_to_depth"]), f["moved_opposite"] > 0
            strength = (share + speed + moved) / 3 + 0.15 * np.minimum(f["open_same"] / 3, 1)
            strength = np.rint(np.minimum(strength, 1) * WHOLE).astype(np.int64)
            large = (
                (share * WHOLE >= params.depth_ppm)
                | (f["size_to_mean"] * WHOLE >= params.times_mean)
                | (f["size_to_touch"] * WHOLE >= params.times_touch)
            )
            lopsided = np.minimum(f["entered_imbalance"], f["open_imbalance"])
            opposite = f["opposite_traded"]
            sold = (opposite > 0) & (opposite * params.times_traded <= WHOLE)
            hoped = (
                (f["opposite_trades"] == 0)
                & (f["open_opposite"] > 0)
                & (f["ticks_behind"] >= params.far)
                & (f["lifetime_s"] <= params.soon_s)
            )
            chosen = (
                (f["cancelled"] == 1)
                & (f["withdrawn"] * WHOLE >= params.withdrawn_ppm)
                & (f["lifetime_s"] <= params.life_s)
                & (sold | hoped)
                & (f["ticks_behind"] >= params.behind)
                & (lopsided * WHOLE >= params.lopsided_ppm)
                & large
                & (strength >= params.score_ppm)
            )
        at = np.flatnonzero(chosen)
        if not len(at):
            return []
        rows = f["row"][at]
        pairs = view.facts.now["pair"][rows]
        past = Past(view.trades(pairs)), Past(view.withdrawn(pairs))
        return [_hit(view, params, int(one), int(strength[one]), *past) for one in at]


def _hit(view: View, params: Params, at: int, strength: int, traded: Past, gone: Past) -> Hit:
    f, row = view.features, int(view.features["row"][at])
    now = {name: int(column[row]) for name, column in view.facts.now.items()}
    life = now["at"] - int(view.facts.entry["entry_at"][row])
    there = traded.of(now["pair"], 1 - now["side"], now["n"], now["at"] - life - 1)
    bait = gone.frame[np.flatnonzero(gone["n"] == now["n"])].iter_rows(named=True)
    pieces = [piece for one in bait for piece in withdrawn_pieces(one)]
    pieces += [trade_piece(one) for one in traded.frame[there].iter_rows(named=True)]
    size = int(traded["quantity"][there].sum())
    did = "traded" if size else "had an order"
    return Hit(
        row,
        "LOW" if not size else "HIGH" if strength >= params.high_ppm else "MEDIUM",
        strength,
        f"{now['removed']} of {now['quantity']} pieces withdrawn after "
        f"{life / SECOND:g} s, {per_cent(float(f['size_to_depth'][at]))} of the visible depth; "
        f"{size} traded on the other side meanwhile",
        f"at most {params.life_s} s, {per_cent(params.withdrawn_ppm / WHOLE)} withdrawn",
        f"A large order stood while its owner {did} on the other side, and was then withdrawn",
        pieces,
        now["removed"],
        now["price"],
    )


RULE = Spoofing()
