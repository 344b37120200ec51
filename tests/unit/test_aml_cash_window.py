from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.aml import cash_window as cash
from udfs.aml.rule import LISTED, WHOLE

rows_of_cases = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 3), st.booleans()), max_size=40
).map(sorted)


def arrays(rows):
    columns = zip(*rows, strict=True) if rows else ([], [], [], [])
    case, at, code, counted = (np.array(c) for c in columns)
    return case.astype(int), at.astype(int), code.astype(int), counted.astype(bool)


@given(rows_of_cases, st.integers(1, 12))
def test_windows_sums_and_kinds_equal_their_definition(rows, window):
    case, at, code, counted = arrays(rows)
    start = cash.starts(case, at, window)
    inside = [
        [j for j in range(i + 1) if rows[j][0] == rows[i][0] and rows[j][1] > rows[i][1] - window]
        for i in range(len(rows))
    ]
    assert start.tolist() == [w[0] for w in inside]
    assert cash.sums(code, start).tolist() == [sum(rows[j][2] for j in w) for w in inside]
    assert cash.distinct(code, start, counted).tolist() == [
        len({rows[j][2] for j in w if rows[j][3]}) for w in inside
    ]


def test_times_far_apart_do_not_overflow():
    at = np.array([-(2**61), 0, 2**61, 2**61 + 1])
    assert cash.starts(np.zeros(4, dtype=int), at, 10).tolist() == [0, 1, 2, 2]
    large = np.full(4, 2**61)
    assert cash.sums(large, np.array([0, 0, 1, 1])).tolist() == [2**61, 2**62, 2**62, 3 * 2**61]


@given(st.integers(-(10**12), 10**12), st.integers(0, 2 * WHOLE))
def test_a_scaled_limit_is_exact(limit, factor):
    ppm = np.array([factor])
    assert cash.at_most(limit, ppm).tolist() == [limit * factor // WHOLE]
    assert cash.at_least(limit, ppm).tolist() == [-(-limit * factor // WHOLE)]


instants = st.integers(0, 4_102_444_800).map(lambda s: s * 1_000_000)


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Asia/Tokyo", "Europe/Berlin", "Asia/Kolkata"]
)
@given(st.lists(instants, max_size=20).map(sorted))
def test_a_business_day_is_the_date_on_the_clock_there(zone, times):
    frame = pl.DataFrame({"case": [0] * len(times), "at": times, "zone": [zone] * len(times)},
                         schema={"case": pl.Int64, "at": pl.Int64, "zone": pl.String})  # fmt: skip
    local = [datetime.fromtimestamp(t // 1_000_000, UTC).astimezone(ZoneInfo(zone)) for t in times]
    epoch = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
    assert cash.business_days(frame)["day"].to_list() == [t.toordinal() - epoch for t in local]


def test_zones_side_by_side_and_an_unknown_one():
    zones = ["Asia/Tokyo", "UTC", "No/Where", "America/New_York", ""]
    frame = pl.DataFrame({"case": range(5), "at": [86_400_000_000 - 1] * 5, "zone": zones})
    assert cash.business_days(frame)["day"].to_list() == [1, 0, 0, 0, 0]
    frame = frame.with_columns(at=pl.lit(86_400_000_000))
    assert cash.business_days(frame)["day"].to_list() == [1, 1, 1, 0, 1]


def test_a_day_is_not_left_again_where_clocks_go_back_over_midnight():
    # St. John's, 2010-11-07 00:01 local: back to 23:01 of the 6th. 02:30:30 UTC is 00:00:30.
    before = datetime(2010, 11, 7, 2, 30, 30, tzinfo=UTC).timestamp()
    times = [int(before + s) * 1_000_000 for s in (0, 60, 3600)]
    frame = pl.DataFrame({"case": [0] * 3, "at": times, "zone": ["America/St_Johns"] * 3})
    assert cash.business_days(frame)["day"].n_unique() == 1


def test_evidence_names_the_first_thousand_and_counts_all():
    size = LISTED + 5
    rows = pl.DataFrame(
        {
            "posting_id": [f"e{i:05}" for i in range(size)],
            "owner": "P",
            "account": ["A"] * (size - 1) + ["B"],
            "at": range(size),
            "offset": [*range(size, 1, -1), 7],
            "late": [False, True, *[False] * (size - 2)],
        }
    )
    hits = pl.DataFrame({"hit": [size - 1, 2], "begin": [0, 2], "end": [size, 3]})
    short, whole = cash.told(rows, np.arange(size), hits).rows(named=True)
    assert short["events"] == ["e00002"]
    assert (short["account"], short["late"], short["event_count"]) == ("A", False, 1)
    assert (short["first_offset"], short["last_offset"]) == (size - 2, size - 2)
    assert whole["events"] == [f"e{i:05}" for i in range(LISTED)]
    assert (whole["account"], whole["late"], whole["event_count"]) == ("", True, size)
    assert (whole["first_offset"], whole["last_offset"]) == (2, size)
    assert (whole["first_time"], whole["last_time"]) == (0, size - 1)
