"""Improper matched orders: orders of two owners alike in time and size meet, again and again.

Definition: trades of the same two owners in a book on a day whose orders were entered less than a
second apart and differ in size by at most a hundredth, at least so many times; neither is sent
under a market making agreement.
Source: Delegated Regulation (EU) 2016/522, Annex II, section 1, 3(c).
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import TableSpec
from udfs.abuse.rules.rule import WHOLE, Hit, RuleParams, View, among, trade_piece
from udfs.abuse.windows import SECOND


class Params(RuleParams):
    """What can be chosen.

    Attributes:
        repeats: Least such trades on a day.
        high: From so many on the band is HIGH.
    """

    repeats: Annotated[int, Field(ge=1, le=1_000)] = 3
    high: Annotated[int, Field(ge=1, le=1_000)] = 5


class Matched:
    """The rule; see the module."""

    name = "matched-orders"
    version = "1"
    tables: Mapping[str, TableSpec] = {}

    def __call__(self, view: View, params: Params) -> list[Hit]:
        """Hits at the buyer's event from the trade on by which there are enough."""
        sides, facts = view.facts.sides, view.facts
        rows = sides.rows
        chosen = sides.matched & ~sides.inside & (sides.repeats >= params.repeats)
        chosen &= (facts.now["side"][rows] == 0) & (facts.entry["provider"][rows] == 0)
        at = np.flatnonzero(chosen)
        if not len(at):
            return []
        past = view.trades(facts.now["pair"][rows[at]])
        return [_hit(view, params, int(one), past) for one in at]


def _hit(view: View, params: Params, at: int, past: pl.DataFrame) -> Hit:
    sides, now = view.facts.sides, view.facts.now
    row, repeats = int(sides.rows[at]), int(sides.repeats[at])
    other = view.strings["counter_owner"][row]
    mine = (pl.col("pair") == int(now["pair"][row])) & (pl.col("counter_owner") == other)
    there = among(past, int(now["n"][row]), int(now["at"][row]) - 3_600 * SECOND).filter(mine)
    size = int(now["last_quantity"][row])
    return Hit(
        row,
        "HIGH" if repeats >= params.high else "MEDIUM",
        min(WHOLE, 400_000 + 100_000 * repeats),
        f"{repeats} trades with {other} of orders alike in time and size on this day",
        f"{params.repeats} trades",
        "Two owners' orders of like size were entered within a second and met, repeatedly",
        [trade_piece(one) for one in there.iter_rows(named=True)],
        size,
        int(now["last_price"][row]),
    )


RULE = Matched()
