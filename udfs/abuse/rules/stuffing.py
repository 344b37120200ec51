"""Quote stuffing: a flood of entries, changes and cancels in a book.

Definition: an owner's messages in a book within 60 s are at least so many, and lie so many standard
deviations above the mean minute of the book in the last 20 days, where that is known; and most of
the orders that ended were cancelled.
Source: Egginton, Van Ness and Van Ness (2016): mean plus 20 standard deviations of 20 days.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from schemas.step import TableSpec
from udfs.abuse.rules.rule import WHOLE, Hit, RuleParams, Share, View, per_cent


class Params(RuleParams):
    """What can be chosen.

    Attributes:
        least: Least messages within 60 s.
        sigmas: Least standard deviations above the mean.
        cancelled_ppm: Least share of orders cancelled.
        times: So many times `least` is HIGH.
    """

    least: Annotated[int, Field(ge=2, le=10**6)] = 120
    sigmas: Annotated[int, Field(ge=0, le=1_000)] = 20
    cancelled_ppm: Share = 800_000
    times: Annotated[int, Field(ge=1, le=1_000)] = 3


class Stuffing:
    """The rule; see the module."""

    name = "quote-stuffing"
    version = "1"
    tables: Mapping[str, TableSpec] = {}

    def __call__(self, view: View, params: Params) -> list[Hit]:
        """Hits at ends of orders."""
        f = view.features
        with np.errstate(invalid="ignore"):
            unusual = np.isnan(f["owner_rate_sigmas"]) | (f["owner_rate_sigmas"] >= params.sigmas)
            chosen = (
                (f["messages_60s"] >= params.least)
                & unusual
                & (f["cancel_ratio_60s"] * WHOLE >= params.cancelled_ppm)
            )
        return [_hit(view, params, int(at)) for at in np.flatnonzero(chosen)]


def _hit(view: View, params: Params, at: int) -> Hit:
    f, now = view.features, view.facts.now
    row, count = int(f["row"][at]), int(f["messages_60s"][at])
    high = count >= params.times * params.least
    return Hit(
        row,
        "HIGH" if high else "MEDIUM",
        WHOLE if high else 700_000,
        f"{count} messages in 60 s, {per_cent(float(f['message_share_60s'][at]))} of the book's, "
        f"{per_cent(float(f['cancel_ratio_60s'][at]))} of orders cancelled",
        f"{params.least} messages, {params.sigmas} standard deviations of 20 days",
        "An owner flooded a book with messages that led to few trades",
        [view.piece(row)],
        int(now["quantity"][row]),
        int(now["price"][row]),
    )


RULE = Stuffing()
