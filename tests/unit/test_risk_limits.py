import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.risk.limits import (
    MOST_PPM,
    Status,
    changed,
    faulty,
    in_force,
    status,
    unlimited,
    use_ppm,
    used,
)

LIMIT = {
    "limit_id": "L1",
    "scope": "book",
    "name": "EQ",
    "measure": "var",
    "soft": 800,
    "hard": 1_000,
    "effective_from": 0,
    "sequence": 0,
    "revoked": False,
}


def limits(*rows):
    return pl.DataFrame([LIMIT | row for row in rows])


def measured(*rows):
    names = ["scope", "name", "measure", "value", "complete"]
    return pl.DataFrame([dict(zip(names, row, strict=True)) for row in rows])


def test_use_is_rounded_up_and_above_a_million_only_beyond_the_limit():
    assert use_ppm([0, 500, 999, 1_000, 1_001], 1_000).tolist() == [
        0, 500_000, 999_000, 1_000_000, 1_001_000
    ]  # fmt: skip
    # 1 / 3 = 333,333.3 ppm; one above 10^15 still shows
    assert use_ppm([1, 10**15 + 1, -5], [3, 10**15, 10]).tolist() == [333_334, 1_000_001, 0]
    assert use_ppm([0, 1, 2**61], [0, 0, 1]).tolist() == [0, MOST_PPM, MOST_PPM]
    with pytest.raises(ValueError, match="negative"):
        use_ppm(1, -1)


sizes = st.integers(0, 2**61) | st.integers(0, 61).map(lambda bits: 2**bits)


@given(sizes, sizes)
def test_use_is_exact(value, limit):
    exact = -(-value * 10**6 // limit) if limit else (MOST_PPM if value else 0)
    assert int(use_ppm(value, limit)) == min(exact, MOST_PPM)
    assert (int(use_ppm(value, limit)) > 10**6) == (value > limit)


def test_a_limit_is_breached_when_it_is_exceeded():
    assert status([800, 801, 1_000, 1_001, -9], 800, 1_000).tolist() == [
        Status.WITHIN, Status.SOFT, Status.SOFT, Status.HARD, Status.WITHIN
    ]  # fmt: skip


def test_limits_hold_from_their_time_until_the_next_record():
    records = limits(
        {"effective_from": 100, "hard": 2_000},
        {"effective_from": 50},
        {"effective_from": 200, "revoked": True},
        {"effective_from": 100, "hard": 3_000, "sequence": 1},
        {"limit_id": "L2", "effective_from": 120},
    )
    hard = {at: in_force(records, at)["hard"].to_list() for at in (49, 50, 99, 100, 120, 200)}
    assert hard == {
        49: [], 50: [1_000], 99: [1_000], 100: [3_000], 120: [3_000, 1_000], 200: [1_000]
    }  # fmt: skip


def test_a_faulty_record_is_named_and_leaves_the_one_before_it():
    records = limits({}, {"effective_from": 9, "soft": 5_000}, {"effective_from": 10, "hard": -1})
    assert faulty(records)["reason"].to_list() == ["soft above hard", "negative"]
    assert in_force(records, 20).select("soft", "hard").rows() == [(800, 1_000)]


def test_use_of_each_limit_and_what_was_not_measured():
    records = limits(
        {}, {"limit_id": "L2", "name": "FX"}, {"limit_id": "L0", "scope": "firm", "name": ""}
    )
    measures = measured(
        ("book", "EQ", "var", 900, True),
        ("firm", "", "var", 1_001, False),
        ("book", "X", "es", 1, True),
    )
    force = in_force(records, 0)
    rows = used(force, measures)
    columns = ("limit_id", "value", "use_ppm", "status", "remaining", "complete")
    assert rows.select(columns).rows() == [
        ("L0", 1_001, 1_001_000, Status.HARD, -1, False),
        ("L1", 900, 900_000, Status.SOFT, 100, True),
        ("L2", None, None, Status.UNMEASURED, None, False),
    ]
    assert unlimited(force, measures)["name"].to_list() == ["X"]


def test_only_changes_of_status_are_news():
    force = in_force(limits({}, {"limit_id": "L2", "name": "FX"}), 0)
    calm = used(force, measured(("book", "EQ", "var", 1, True), ("book", "FX", "var", 1, True)))
    worse = used(force, measured(("book", "EQ", "var", 900, True), ("book", "FX", "var", 2, True)))
    assert changed(calm.clear(), calm).is_empty()
    assert changed(calm.clear(), worse)["limit_id"].to_list() == ["L1"]
    assert changed(calm, worse).select("limit_id", "status_before", "status").rows() == [
        ("L1", Status.WITHIN, Status.SOFT)
    ]
    assert changed(worse, worse).is_empty()
    assert changed(worse, calm)["status"].to_list() == [Status.WITHIN]


record = st.fixed_dictionaries(
    {
        "limit_id": st.sampled_from(["L1", "L2"]),
        "soft": st.integers(-1, 9),
        "hard": st.integers(-1, 9),
        "effective_from": st.integers(0, 5),
        "revoked": st.booleans(),
    }
)


@settings(max_examples=40)
@given(st.lists(record, min_size=1, max_size=12), st.integers(0, 6), st.randoms())
def test_limits_in_force_equal_the_plain_loop_in_any_order(rows, at, random):
    rows = [row | {"sequence": i} for i, row in enumerate(rows)]
    expected = {}
    for row in sorted(rows, key=lambda r: (r["effective_from"], r["sequence"])):
        fits = 0 <= row["soft"] <= row["hard"]
        if row["effective_from"] <= at and (fits or row["revoked"]):
            expected[row["limit_id"]] = row
    random.shuffle(rows)
    got = in_force(limits(*rows), at).select("limit_id", "sequence").rows()
    assert got == [(i, expected[i]["sequence"]) for i in sorted(expected)
                   if not expected[i]["revoked"]]  # fmt: skip
