"""Features of orders: by hand for a small script, and by a naive count over noise."""

import numpy as np
import polars as pl
import pytest

from tests.abuse_made import DAY, ISIN, SECOND, Venue, fold, noise
from udfs.abuse.features import FEATURES, Unscored
from udfs.abuse.step import TABLES, AbuseStep

NAMES = list(FEATURES)


class Recorder(Unscored):
    """Keeps the features it is shown."""

    def __init__(self):
        self.shown = []

    def score(self, features):
        self.shown.append(features)
        return super().score(features)


def features_of(venue):
    """Features by order, of those that ended."""
    scorer, events = Recorder(), venue.frame()
    fold(AbuseStep(scorer=scorer), TABLES, events)
    rows = np.concatenate(scorer.shown)
    ends = pl.col("event").is_in(["CAME", "CAMO", "EXPI", "FILL"]) & (pl.col("remaining") == 0)
    names = events.filter(ends)["order_id"].to_list()
    return {
        name: dict(zip(NAMES, row.tolist(), strict=True))
        for name, row in zip(names, rows, strict=True)
    }


def test_features_of_a_withdrawn_order():
    """Bid 100.00 x 10, ask 100.10 x 20; a bait of 90 at 99.98, 5 sold meanwhile, gone after 4 s."""
    venue = Venue()
    venue.order("m", "BUY", 10, 10_000)
    venue.order("m", "SELL", 20, 10_010)
    venue.wait(60)
    bait = venue.order("s", "BUY", 90, 9_998)
    venue.wait(1)
    real = venue.order("s", "SELL", 5, 10_000)
    venue.wait(3)
    venue.cancel(bait)
    found = features_of(venue)[bait]
    expected = {
        "size_to_depth": 90 / 100,  # 90 of 10 + 90 on the bid side
        "size_to_touch": 90 / 10,
        "shown": 1,
        "level": 1,
        "ticks_behind": 2,
        "spread_ticks": 10,
        "imbalance": 10 / 30,
        "lifetime_s": 4,
        "filled": 0,
        "withdrawn": 1,
        "cancelled": 1,
        "repriced": 0,
        "moved_opposite": 0,
        "opposite_traded": 5 / 90,
        "opposite_trades": 1,
        "since_opposite_s": 3,
        "open_same": 0,
        "open_opposite": 0,
        "entered_imbalance": 1,
        "messages_60s": 3,  # two entries, one cancel
        "cancel_ratio_60s": 1 / 2,  # of two orders that ended
        "otr_number_60s": 3 / 1 - 1,
        "otr_volume_60s": (90 + 5 + 90) / 5 - 1,
        "fast_share_60s": 1 / 2,
        "one_sided_60s": 85 / 95,
        "withdrawn_imbalance_day": 1,
        "net_share_1h": 1,
        "trade_share_60s": 5 / 10,  # one side of the only trade
        "taken_share_60s": 1,
        "against_withdrawn_60s": 5 / 90,
        "counterparty_share": 1,
        "message_share_60s": 3 / 3,  # the maker's entries are a minute old
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    without = ("taken", "counter_age_s", "self_traded", "size_to_mean", "rate_sigmas")
    assert all(np.isnan(found[name]) for name in without)
    sold = features_of(venue)[real]
    assert sold["counter_age_s"] == 61
    assert sold["counter_size"] == 5 / 10
    assert sold["taken"] == 1


def test_size_against_the_mean_of_the_day_before():
    venue = Venue()
    first = [venue.order("m", "BUY", size, 10_000) for size in (10, 30)]
    for name in first:
        venue.cancel(name)
    venue.wait(DAY // SECOND)
    late = venue.order("m", "BUY", 60, 10_000)
    venue.cancel(late)
    found = features_of(venue)
    assert found[late]["size_to_mean"] == 60 / 20
    assert np.isnan(found[first[0]]["size_to_mean"])
    assert found[late]["messages_day"] == 2


def test_repricing_counts_moves_away_from_the_other_side():
    venue = Venue()
    venue.order("m", "SELL", 5, 10_020)
    name = venue.order("a", "BUY", 5, 10_000)
    for price in (10_005, 10_001, 9_990):
        venue.wait(1)
        venue.replace(name, 5, price)
    venue.wait(1)
    venue.cancel(name)
    found = features_of(venue)[name]
    assert (found["repriced"], found["repriced_away"]) == (3, 2)
    assert found["repriced_per_s"] == 3 / 4


def naive(events, window_us, grain_us):
    """By order that ended: messages, cancel ratio and traded pieces of its owner in the window."""
    found, ended = {}, []
    rows = events.to_dicts()
    for place, row in enumerate(rows):
        over = row["event"] in ("CAME", "CAMO", "EXPI", "FILL") and row["remaining"] == 0
        if not over:
            continue
        begin = row["time"] // grain_us * grain_us - window_us + grain_us
        own = [
            one
            for one in rows[: place + 1]
            if one["owner"] == row["owner"] and one["time"] >= begin
        ]
        messages = sum(one["event"] in ("NEWO", "REME", "CAME") for one in own)
        ends = [
            one
            for one in own
            if one["event"] in ("CAME", "CAMO", "EXPI", "FILL") and one["remaining"] == 0
        ]
        cancelled = sum(one["event"] == "CAME" for one in ends)
        traded = sum(one["last_quantity"] for one in own)
        book = sum(one["last_quantity"] for one in rows[: place + 1] if one["time"] >= begin)
        share = traded / book if book else float("nan")
        found[row["order_id"]] = (messages, cancelled / len(ends), share)
        ended.append(row["order_id"])
    return found


@pytest.mark.parametrize("seed", range(2))
def test_windows_equal_a_naive_count(seed):
    venue = Venue()
    noise(venue, seed, 300, owners=3, isins=(ISIN,))
    found = features_of(venue)
    for window, length, grain in (("60s", 60, 1), ("1h", 3_600, 60)):
        for name, expected in naive(venue.frame(), length * SECOND, grain * SECOND).items():
            parts = ("messages", "cancel_ratio", "trade_share")
            values = tuple(found[name][f"{part}_{window}"] for part in parts)
            assert values == pytest.approx(expected, nan_ok=True), (name, window)
