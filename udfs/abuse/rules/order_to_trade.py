"""Order-to-trade ratio: messages of an owner in a book on a day against its trades.

Definition: messages / trades - 1 above the limit, from so many messages on; without a trade the
ratio is infinite. Source: Delegated Regulation (EU) 2017/566 (RTS 9), Article 3; venues set limits,
higher ones for those who make markets under an agreement.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from schemas.step import TableSpec
from udfs.abuse.rules.rule import Hit, RuleParams, View


class Params(RuleParams):
    """What can be chosen.

    Attributes:
        limit: Ratio by number that may be reached.
        maker_limit: The same of orders under a market making agreement.
        least: Messages on the day from which on it counts; where none traded, from the limit on.
    """

    cool_down_s: Annotated[int, Field(ge=0, le=2_592_000)] = 86_400
    limit: Annotated[int, Field(ge=1, le=10**6)] = 200
    maker_limit: Annotated[int, Field(ge=1, le=10**6)] = 2_000
    least: Annotated[int, Field(ge=1, le=10**9)] = 500


class OrderToTrade:
    """The rule; see the module."""

    name = "order-to-trade-ratio"
    version = "2"
    tables: Mapping[str, TableSpec] = {}

    def __call__(self, view: View, params: Params) -> list[Hit]:
        """Hits at ends of orders."""
        f = view.features
        with np.errstate(invalid="ignore"):
            limit = np.where(f["provider"] == 1, params.maker_limit, params.limit)
            ratio = f["otr_number_day"]
            above = np.where(np.isnan(ratio), f["messages_day"] > limit, ratio > limit)
        chosen = (f["messages_day"] >= params.least) & above
        return [_hit(view, params, int(at), int(limit[at])) for at in np.flatnonzero(chosen)]


def _hit(view: View, params: Params, at: int, limit: int) -> Hit:
    f, now = view.features, view.facts.now
    row, ratio = int(f["row"][at]), float(f["otr_number_day"][at])
    told = "infinite, there was no trade" if np.isnan(ratio) else f"{ratio:.1f}"
    return Hit(
        row,
        "LOW",
        300_000,
        f"ratio {told}, of {int(f['messages_day'][at])} messages on the day",
        f"ratio {limit} from {params.least} messages on",
        "Many messages for few trades",
        [view.piece(row)],
        int(now["quantity"][row]),
        int(now["price"][row]),
    )


RULE = OrderToTrade()
