"""Smoking: an attractive order, made worse just before slower orders trade with it.

Definition: an order that rests is moved away from the other side less than 100 ms before it is
traded with, at least so many times a day by an owner in a book.
Source: Delegated Regulation (EU) 2016/522, Annex II, section 1, 5(f).
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import TableSpec
from udfs.abuse.memory import DAY
from udfs.abuse.rules.rule import WHOLE, Hit, RuleParams, View, among, trade_piece
from udfs.abuse.windows import SECOND

TABLE = "abuse.smoking"


class Params(RuleParams):
    """What can be chosen.

    Attributes:
        within_ms: The move is so long before the trade, milliseconds.
        times: Least times a day.
    """

    within_ms: Annotated[int, Field(ge=1, le=60_000)] = 100
    times: Annotated[int, Field(ge=1, le=1_000)] = 3


class Smoking:
    """The rule; see the module. State: times and day of each owner in a book."""

    name = "smoking"
    version = "1"
    tables: Mapping[str, TableSpec] = {
        TABLE: TableSpec({"pair": "int", "day": "int", "times": "int"}, "pair")
    }

    def __call__(self, view: View, params: Params) -> list[Hit]:
        """Hits at trades."""
        now = view.facts.now
        soon = now["at"] - now["away_at"] < params.within_ms * 1_000
        moved = (now["away"] > 0) & (now["traded"] == 1) & (now["passive"] == 1) & soon
        rows = np.flatnonzero(moved)
        if not len(rows):
            return []
        table = view.state[TABLE]
        pairs = np.unique(now["pair"][rows])
        known = table.lookup(pl.Series("pair", pairs))
        held = {pair: (day, times) for pair, day, times in known.drop("known").rows()}
        found = []
        for row in rows.tolist():
            pair, today = int(now["pair"][row]), int(now["at"][row]) // DAY
            day, times = held[pair]
            held[pair] = (today, 1 + (times if day == today else 0))
            if held[pair][1] >= params.times:
                found.append(_hit(view, params, row, held[pair][1]))
        rest = [(pair, *one) for pair, one in held.items()]
        table.upsert(pl.DataFrame(rest, schema=["pair", "day", "times"], orient="row"))
        return found


def _hit(view: View, params: Params, row: int, times: int) -> Hit:
    now = view.facts.now
    pair = int(now["pair"][row])
    since = int(now["at"][row]) - 3_600 * SECOND
    there = among(view.trades(np.array([pair])), int(now["n"][row]), since)
    there = there.filter(pl.col("passive") == 1)
    return Hit(
        row,
        "MEDIUM",
        min(WHOLE, 400_000 + 100_000 * times),
        f"{times} times on this day an order was made worse within {params.within_ms} ms before "
        "it was traded with",
        f"{params.times} times",
        "Attractive orders were revised to worse terms just before slower orders arrived",
        [trade_piece(one) for one in there.iter_rows(named=True)],
        int(now["last_quantity"][row]),
        int(now["last_price"][row]),
    )


RULE = Smoking()
