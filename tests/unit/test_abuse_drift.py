"""Drift of features: index and distance by hand, days however the log is cut, alerts."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.store import TableStore
from udfs.abuse import drift, drift_records
from udfs.abuse.drift import BINS, DAY, Bins

EVEN = [100_000] * 10 + [0]


def bins(names=("a", "score")):
    """Deciles of a from 0.1 to 0.9, of the score from 100,000 to 900,000."""
    cuts = [round(n * 1e5) for n in range(1, 10)]
    return Bins.of({"bins": [{"name": name, "cuts": cuts, "shares": EVEN} for name in names]})


def test_the_index_by_hand():
    """Half of the first bin's rows are in the second: (0.05-0.1) ln 0.5 + (0.15-0.1) ln 1.5."""
    rows = np.array([50, 150, *[100] * 8, 0])
    expected = -0.05 * math.log(0.5) + 0.05 * math.log(1.5)
    assert drift.psi(rows, np.array(EVEN)) == round(expected * 1e6) == 54_931


def test_an_empty_bin_counts_as_the_floor():
    """Nothing in the first bin, twice as much in the second: 0.1 -> 0.0001 and 0.1 -> 0.2."""
    rows = np.array([0, 200, *[100] * 8, 0])
    expected = (0.0001 - 0.1) * math.log(0.0001 / 0.1) + 0.1 * math.log(2)
    assert drift.psi(rows, np.array(EVEN)) == round(expected * 1e6)


def test_the_distance_is_the_greatest_gap_of_the_distributions():
    rows = np.array([0, 0, 300, *[100] * 7, 0])
    assert drift.ks(rows, np.array(EVEN)) == 200_000
    assert drift.ks(np.array([100] * 10 + [0]), np.array(EVEN)) == 0


@pytest.mark.parametrize(
    ("index", "rows", "said"),
    [(99_999, 1_000, "STABLE"), (100_000, 1_000, "MOVED"), (249_999, 1_000, "MOVED"),
     (250_000, 1_000, "DRIFTED"), (900_000, 999, "TOO_FEW")],
)  # fmt: skip
def test_status(index, rows, said):
    assert drift.status(index, rows) == said


def test_bins_begin_at_their_cuts_and_missing_values_have_their_own():
    values = np.array([[99_999], [100_000], [950_000], [0]])
    missing = np.array([[False], [False], [False], [True]])
    found = bins(("a",)).counts(values, missing)
    assert found.tolist() == [[1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]]
    assert found.shape == (1, BINS)


def fold(at, features, scores, cuts):
    """Days closed when orders come in parts; offsets from 0."""
    store, found = TableStore(drift.TABLES, {}), []
    bounds = sorted({0, len(at), *(cut % (len(at) + 1) for cut in cuts)})
    for low, high in pairwise(bounds):
        part = slice(low, high)
        found += drift.watched(
            store.tables, bins(), at[part], np.arange(low, high), features[part], scores[part]
        )
        store.commit()
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.lists(st.integers(0, 10_000), max_size=4))
def test_any_cut_of_the_log_closes_the_same_days(seed, cuts):
    """Orders go back in time now and then: they count in the day that is open."""
    rng = np.random.default_rng(seed)
    at = np.cumsum(rng.integers(0, DAY // 20, 100)) - rng.integers(0, DAY // 2, 100) + 100 * DAY
    features = np.where(rng.random((100, 1)) < 0.1, np.nan, rng.random((100, 1)))
    scores = rng.integers(0, 10**6, 100)
    assert fold(at, features, scores, cuts) == fold(at, features, scores, [])


def test_a_day_that_is_as_training_was_is_stable_and_raises_nothing():
    even = (np.arange(2_000) + 0.5) / 2_000
    at = np.r_[np.full(2_000, DAY), 3 * DAY]
    features = np.r_[even, 0.5][:, None]
    (day,) = fold(at, features, np.r_[even * 1e6, 5].astype(np.int64), [])
    assert (day.end, day.rows, day.first, day.last) == (2 * DAY, 2_000, 0, 1_999)
    assert day.found == [("a", 0, 0, "STABLE"), ("score", 0, 0, "STABLE")]
    assert drift_records.alerts([day], "f" * 64, 0, "abuse/1").is_empty()


def test_a_drifted_score_raises_an_alert_that_names_the_worst():
    even = (np.arange(2_000) + 0.5) / 2_000
    at = np.r_[np.full(2_000, DAY), 2 * DAY]
    high = np.r_[np.full(2_000, 990_000), 5]
    days = fold(at, np.r_[even, 0.5][:, None], high, [700])
    (alert,) = drift_records.alerts(days, "f" * 64, 3, "abuse/1").to_dicts()
    assert alert["band"] == "HIGH"
    assert alert["decided_by"] == "model:" + "f" * 64
    assert alert["time"] == 2 * DAY
    assert alert["measured"].startswith("index of 2000 orders: score ")
    rows = drift_records.drift(days, "f" * 64, 3, "abuse/1")
    assert rows["status"].to_list() == ["STABLE", "DRIFTED"]
    assert rows["source_partition"].to_list() == [3, 3]
    assert rows["drift_id"].n_unique() == 2


def test_what_a_closed_day_held_is_gone():
    at = np.r_[np.full(5, DAY), np.full(3, 2 * DAY), 3 * DAY]
    first, second = fold(at, np.full((9, 1), 0.55), np.full(9, 7), [])
    assert (first.rows, second.rows) == (5, 3)
    assert (second.first, second.last) == (5, 7)
    assert second.found[0][1:3] == first.found[0][1:3]
