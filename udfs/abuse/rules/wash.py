"""Wash trades: the same beneficial owner, or owners of one group, on both sides of a trade.

Definition: such a trade of orders that are alike in size, as one was meant for the other; or so
many of any size within an hour, most of what the owner traded in the book, which left its position
as it was. Those who meet their own older order by chance do neither.
Sources: Delegated Regulation (EU) 2016/522, Annex II, section 1, 3(a): no change of beneficial
interest; Victor and Weintraud (2021): net change against volume. Groups come from owner.links.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import TableSpec
from udfs.abuse.rules.rule import WHOLE, Hit, RuleParams, Share, View, Whole, among
from udfs.abuse.windows import SECOND


class Params(RuleParams):
    """What can be chosen.

    Attributes:
        linked: Owners of one group count as well.
        least: Least pieces of the trade.
        repeats: So many within an hour count whatever the sizes of their orders.
        share_ppm: Least share of them in the pieces that the owner traded in the hour.
        flat_ppm: Greatest net change of the owner's position against those pieces.
    """

    linked: bool = True
    least: Whole = 1
    repeats: Annotated[int, Field(ge=1, le=1_000)] = 3
    share_ppm: Share = 500_000
    flat_ppm: Share = 10_000


class Wash:
    """The rule; see the module."""

    name = "wash-trade"
    version = "2"
    tables: Mapping[str, TableSpec] = {}

    def __call__(self, view: View, params: Params) -> list[Hit]:
        """Hits at the buyer's event of such trades."""
        sides, now = view.facts.sides, view.facts.now
        inside = sides.inside if params.linked else sides.same
        buys = now["side"][sides.rows] == 0
        large = now["last_quantity"][sides.rows] >= params.least
        at = np.flatnonzero(inside & buys & large)
        meant = sides.like[at]
        rows = sides.rows[at]
        chance = np.flatnonzero(~meant)
        if len(chance):
            past = view.trades(now["pair"][rows[chance]])
            meant[chance] = [_often(view, params, int(row), past) for row in rows[chance]]
        return [self._hit(view, int(one)) for one in at[meant]]

    def _hit(self, view: View, at: int) -> Hit:
        sides, now = view.facts.sides, view.facts.now
        row, same = int(sides.rows[at]), bool(sides.same[at])
        owner, other = view.strings["owner"][row], view.strings["counter_owner"][row]
        size = int(now["last_quantity"][row])
        return Hit(
            row,
            "HIGH" if same else "MEDIUM",
            WHOLE if same else 850_000,
            f"{size} pieces bought by {owner} of {other}",
            "other beneficial owners on both sides",
            "One beneficial owner is on both sides of a trade"
            if same
            else "Owners of one group are on both sides of a trade",
            [view.piece(row)],
            size,
            int(now["last_price"][row]),
        )


def _often(view: View, params: Params, row: int, past: pl.DataFrame) -> bool:
    """Whether the owner trades with itself again and again, and little else."""
    now = view.facts.now
    own = past.filter(pl.col("pair") == int(now["pair"][row]))
    own = among(own, int(now["n"][row]), int(now["at"][row]) - 3_600 * SECOND)
    inside = own.filter(pl.col("inside") == 1)
    size, all_of_it = int(inside["quantity"].sum()), int(own["quantity"].sum())
    outside = own.filter(pl.col("inside") == 0)
    net = abs(int((outside["quantity"] * (1 - 2 * outside["side"])).sum()))
    if net * WHOLE > params.flat_ppm * all_of_it:
        return False
    trades = inside["execution_id"].n_unique()
    return trades >= params.repeats and size * WHOLE >= params.share_ppm * all_of_it


RULE = Wash()
