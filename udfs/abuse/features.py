"""What models see of an order at its end, in words, and what scores it.

A row is an order when it is over: filled, cancelled or expired. Its features are those of the
order, of its owner in the book (instrument at a venue) over three windows, and of the book. A
window ends at the event and begins at a whole second (60 s), a whole minute (1 h) or midnight UTC
(day). A feature without a value, as a share of nothing, is NaN. Values are float32, from -FULL to
FULL.

Sources: order-to-trade ratios, Delegated Regulation (EU) 2017/566 (RTS 9), Article 3; indicators,
Delegated Regulation (EU) 2016/522, Annex II.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

FULL = 1_000_000.0
"""No feature is further from 0 than this."""

ORDER: Mapping[str, str] = {
    "size_to_mean": "pieces entered, against the mean order of the book on the day before",
    "size_to_depth": "pieces shown, against visible pieces of its side when it was entered",
    "size_to_touch": "pieces entered, against visible pieces at the best price of its side",
    "shown": "pieces shown, against pieces entered",
    "level": "visible price levels before its own, at entry",
    "ticks_behind": "ticks behind the best price of its side at entry; negative: better",
    "spread_ticks": "spread at entry, ticks",
    "imbalance": "its side's share of all visible pieces at entry",
    "lifetime_s": "seconds from entry to end",
    "filled": "pieces traded, against pieces entered",
    "taken": "pieces it took from the book, against pieces it traded",
    "withdrawn": "pieces withdrawn, against pieces entered",
    "cancelled": "it was cancelled by its member",
    "repriced": "changes of its limit",
    "repriced_away": "changes of its limit away from the other side",
    "repriced_per_s": "changes of its limit a second of its life",
    "moved_opposite": "ticks the best price of the other side moved towards its own limit's gain",
    "moved_own": "ticks the best price of its own side moved the same way",
    "opposite_traded": "pieces its owner traded on the other side while it stood, against its own",
    "opposite_trades": "trades of its owner on the other side while it stood",
    "same_traded": "other pieces its owner traded on its side while it stood, against its own",
    "since_opposite_s": "seconds since its owner last traded on the other side",
    "since_same_s": "seconds since its owner last traded on its side",
    "open_same": "other open orders of its owner on its side",
    "open_opposite": "open orders of its owner on the other side",
    "open_imbalance": "open pieces of its owner: its side less the other, against both, at its end",
    "entered_imbalance": "the same when it was entered, itself included",
    "counter_age_s": "seconds between its entry and that of the order it last traded with",
    "counter_size": "pieces of the order it last traded with, against its own, lesser to greater",
    "self_traded": "pieces traded within its owner's group, against pieces it traded",
    "provider": "it was sent under a market making agreement",
    "slice": "it is a slice of a client's order",
}
_WINDOWED: Mapping[str, str] = {
    "messages": "messages of the owner",
    "cancel_ratio": "orders cancelled, against orders ended",
    "otr_number": "order-to-trade ratio by number",
    "otr_volume": "order-to-trade ratio by volume",
    "fast_share": "orders cancelled untraded within 5 s, against orders ended",
    "one_sided": "pieces entered: buy less sell without sign, against both",
    "withdrawn_imbalance": "pieces withdrawn: its side less the other, against both",
    "net_share": "pieces bought less sold without sign, against both",
    "trade_share": "pieces the owner traded, against those of all in the book",
    "self_share": "pieces traded within the owner's group, against pieces traded",
    "matched_share": "pieces traded with an order of like size and time, against pieces traded",
    "taken_share": "pieces taken, against pieces traded",
    "against_withdrawn": "pieces traded on the other side, against pieces withdrawn on its side",
    "reprices": "changes of limits, against orders entered",
}
WINDOWS: Mapping[str, int] = {"60s": 60, "1h": 3_600, "day": 86_400}
"""Name -> length in seconds of the windows over what an owner did in a book."""
PAIR: Mapping[str, str] = {
    f"{name}_{window}": f"{words}, {window}"
    for window in WINDOWS
    for name, words in _WINDOWED.items()
}
OWNER_DAY: Mapping[str, str] = {
    "counterparty_share": "pieces traded with the greatest other side, against all traded, day",
    "close_share": "pieces the owner traded near the close, against those of all in the book, day",
    "push_ticks": "ticks that trades the owner took moved the price, its side less the other, day",
}
BOOK: Mapping[str, str] = {
    "rate_sigmas": "messages of the book in 60 s: standard deviations above the mean of 20 days",
    "owner_rate_sigmas": "the same of the owner's messages against the book's mean and deviation",
    "return_5min": "move of the mid price since five minutes ago, ticks, for its side",
    "message_share_60s": "the owner's share of the book's messages, 60 s",
    "auction": "it ended in an auction, or near the close",
}

FEATURES: Mapping[str, str] = {**ORDER, **PAIR, **OWNER_DAY, **BOOK}
"""Name of each feature -> what it is, in the order in which models take them."""


class Scorer(Protocol):
    """A model of orders, or what stands for one.

    Attributes:
        hash: SHA-256 of the model's card in hex; it is named in alerts as model:HASH.
        at_least: From this score on an order is an alert, parts per million.
    """

    hash: str
    at_least: int

    def score(self, features: Array) -> Array:
        """How likely each order is part of an abuse.

        Args:
            features: float32, shape (orders, len(FEATURES)); NaN where there is no value.

        Returns:
            Parts per million, int64, shape (orders,). A row's score depends on that row alone.
        """

    def contributions(self, features: Array, most: int) -> list[list[tuple[int, int]]]:
        """The features that added most to each order's score.

        Returns:
            For each row at most `most` pairs (place in FEATURES, millionths of log-odds), the
            greatest absolute value first, equal ones by place.
        """


class Unscored:
    """Stands for a model where there is none: scores nothing."""

    hash = ""
    at_least = 1_000_001

    def score(self, features: Array) -> Array:
        """Zeros."""
        return np.zeros(len(features), dtype=np.int64)

    def contributions(self, features: Array, most: int) -> list[list[tuple[int, int]]]:
        """None."""
        return [[] for _ in range(len(features))]
