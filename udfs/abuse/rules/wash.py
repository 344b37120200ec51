"""Wash trades: the same beneficial owner, or owners of one group, on both sides of a trade.

Source: Delegated Regulation (EU) 2016/522, Annex II, section 1, 3(a): no change of beneficial
interest. Groups come from owner.links.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from schemas.step import TableSpec
from udfs.abuse.rules.rule import WHOLE, Hit, RuleParams, View, Whole


class Params(RuleParams):
    """What can be chosen.

    Attributes:
        linked: Owners of one group count as well.
        least: Least pieces of the trade.
    """

    linked: bool = True
    least: Whole = 1
    cool_down_s: Annotated[int, Field(ge=0, le=31_536_000)] = 600


class Wash:
    """The rule; see the module."""

    name = "wash-trade"
    version = "1"
    tables: Mapping[str, TableSpec] = {}

    def __call__(self, view: View, params: Params) -> list[Hit]:
        """Hits at the buyer's event of such trades."""
        sides, now = view.facts.sides, view.facts.now
        inside = sides.inside if params.linked else sides.same
        buys = now["side"][sides.rows] == 0
        large = now["last_quantity"][sides.rows] >= params.least
        return [self._hit(view, int(at)) for at in np.flatnonzero(inside & buys & large)]

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


RULE = Wash()
