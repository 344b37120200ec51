"""What surveillance says of a log is the same however the log is cut, and never raises."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.abuse_made import ISIN, MIC, MIC2, OTHER, Venue, fold, frame, noise
from tests.naive.logs import cuts
from udfs.abuse.features import Unscored
from udfs.abuse.rulebook import RuleBook
from udfs.abuse.step import TABLES, AbuseStep

EAGER = RuleBook.model_validate(
    {
        "spoofing": {
            **dict.fromkeys(("score_ppm", "depth_ppm", "times_traded", "lopsided_ppm"), 0),
            **{"behind": 0, "far": 1, "soon_s": 600},
        },
        "layering": {"levels": 2, "depth_ppm": 0, "lopsided_ppm": 0},
        "wash_trade": {"repeats": 2, "share_ppm": 0, "flat_ppm": 1_000_000},
        "wash_ring": {"owners": 2, "flat_ppm": 900_000, "inside_ppm": 100_000},
        "matched_orders": {"repeats": 1},
        "painting_the_tape": {"trades": 2, "volume_ppm": 0, "flat_ppm": 900_000, "one_way_ppm": 0},
        "ramping": {"orders": 2, "move_ppm": 0, "exit_ppm": 1, "fast_s": 0},
        "momentum_ignition": {"orders": 2, "move_ppm": 0, "exit_ppm": 1, "fast_s": 300},
        "quote_stuffing": {"least": 3, "cancelled_ppm": 0},
        "order_to_trade_ratio": {"limit": 1, "least": 3},
        "smoking": {"within_ms": 60_000, "times": 1},
        "marking_the_close": {
            **dict.fromkeys(("one_way_ppm", "move_ppm"), 0),
            **{"share_ppm": 1, "least": 1, "least_orders": 1, "waited_ppm": 1_000_000},
        },
        "front_running": {"times": 1},
    }
)
"""Limits so low that every rule has something to say of noise."""


class Recorder(Unscored):
    """Gives every second order a score, and keeps what it was shown."""

    hash = "ab" * 32
    at_least = 700_000

    def __init__(self):
        self.shown = []

    def score(self, features):
        self.shown.append(features)
        return np.where(np.nan_to_num(features[:, 8]) * 1000 % 2 < 1, 800_000, 100_000)

    def contributions(self, features, most):
        return [[(8, 5), (0, -3)] for _ in features]


def owner_links(at, owners, group):
    rows = [{"owner": o, "group": group, "offset": i, "appended": at} for i, o in enumerate(owners)]
    return pl.DataFrame(rows)


def run(events, ends, close_s=9 * 3_600 + 60):
    scorer = Recorder()
    links = {
        "owner.links": owner_links(1_040, ["n1", "n2"], "g"),
        "instrument.links": pl.DataFrame(
            [{"isin": ISIN, "other": OTHER, "direction": 1, "offset": 0, "appended": 1_020}]
        ),
    }
    step = AbuseStep(EAGER, scorer, challenger=Recorder(), close_s=close_s)
    out = fold(step, TABLES, events, ends, links)
    return out, np.concatenate(scorer.shown)


def damaged(rows, seed):
    """Events with some left out, said twice, dated before, or of orders that are over."""
    rng, out = np.random.default_rng(seed), []
    for row in rows:
        what = rng.random()
        if what < 0.03:
            continue
        out.append(row)
        if what > 0.97:
            out.append(row | {"event_id": row["event_id"] + "x"})
        if 0.95 < what < 0.97:
            out.append(row | {"time": row["time"] - 5_000_000, "event_id": row["event_id"] + "y"})
    return out


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.sampled_from([0, 1, 40]), st.data())
def test_any_cut_of_the_log_gives_the_same_records(seed, sound, days, data):
    venue = Venue()
    noise(venue, seed, 150, isins=(ISIN, OTHER), mics=(MIC, MIC2))
    venue.wait(700)
    noise(venue, seed + 1, 60, owners=3)
    venue.wait(9_000)
    noise(venue, seed + 2, 40, isins=(ISIN, OTHER))
    venue.wait(days * 86_400)
    noise(venue, seed + 3, 30, isins=(ISIN, OTHER))
    rows = venue.rows if sound else damaged(venue.rows, seed)
    events = frame(rows)
    ends = sorted({*data.draw(cuts(events.height)), events.height})
    whole, shown = run(events, [events.height])
    parts, shown_in_parts = run(events, ends)
    assert whole.keys() == parts.keys()
    told = [one for topic, one in whole.items() if topic == "alerts"]
    assert all(one["alert_id"].is_unique().all() for one in told)
    for topic, records in whole.items():
        assert records.equals(parts[topic]), topic
    assert np.array_equal(shown, shown_in_parts, equal_nan=True)


def test_noise_makes_every_rule_but_few_speak():
    """So that the test above compares something."""
    venue = Venue()
    noise(venue, 3, 900, owners=4)
    venue.wait(700)
    noise(venue, 4, 60)
    found, _ = run(venue.frame(), None)
    said = set(found["alerts"]["rule"].to_list())
    expected = {"spoofing", "layering", "wash-trade", "quote-stuffing", "model-score"}
    assert said >= expected | {"order-to-trade-ratio", "painting-the-tape", "smoking"}
    assert {"alerts", "alerts.evidence", "abuse.challenger", "episodes"} <= found.keys()
