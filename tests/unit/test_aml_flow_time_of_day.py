"""Time of day: hours by hand, classes of amounts as powers of two; definition in the module."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.aml_flow_fold import START, cuts_of, fold, frame_of
from udfs.aml.flow_blocks import BLOCK
from udfs.aml.flow_time_of_day import Params, TimeOfDay, hours
from udfs.aml.rule import DAY, HOUR, MINUTE

RULE = TimeOfDay()
PARAMS = Params(floor=0, least=50, percentile=950_000)
BEGIN = START // BLOCK * BLOCK  # 2024-09-14 00:00 UTC
HIGH = 81_91
"""5,000 lies in the class from 4,096 to 8,191 minor units."""


def days_of(count, hour=12, base=50_00, block=1, **more):
    """So many debits at an hour (UTC) of the days of a block before START's."""
    begin = BEGIN - block * BLOCK
    return [
        {"at": begin + i % 30 * DAY + hour * HOUR + i // 30 * MINUTE, "base": base, **more}
        for i in range(count)
    ]


def now(hour, base, **more):
    return [{"at": START + hour * HOUR, "base": base, **more}]


@pytest.mark.parametrize(
    ("base", "bands"),
    [(HIGH - 1, []), (HIGH, []), (HIGH + 1, ["LOW"]), (4 * HIGH, ["LOW"]),
     (4 * HIGH + 1, ["MEDIUM"]), (10 * HIGH + 1, ["HIGH"])],
)  # fmt: skip
def test_the_amount_lies_above_the_percentile(base, bands):
    assert fold(RULE, days_of(60) + now(3, base), PARAMS)["band"].to_list() == bands


@pytest.mark.parametrize(("large", "high"), [(5, 81_91), (6, 1_310_71)])
def test_the_95th_percentile(large, high):
    """95 of 100 in the class of 50.00 reach 95 %; 94 do not, then it is the class of 1,000.00."""
    rows = days_of(100 - large) + days_of(large, hour=13, base=1_000_00)
    assert fold(RULE, rows + now(3, high), PARAMS).is_empty()
    assert fold(RULE, rows + now(3, high + 1), PARAMS).height == 1


@pytest.mark.parametrize(("others", "count"), [(99, 0), (100, 1)])
def test_an_hour_with_less_than_one_percent(others, count):
    """1 of 100 is 1 %, 1 of 101 is less."""
    rows = days_of(others) + days_of(1, hour=3) + now(3, 1_000_00)
    assert fold(RULE, rows, PARAMS).height == count


def test_a_usual_hour_is_left_alone_to_its_last_instant():
    rows = days_of(60)
    late = {"at": START + 13 * HOUR - 1, "base": 1_000_00}
    assert fold(RULE, [*rows, late], PARAMS).is_empty()
    assert fold(RULE, [*rows, late | {"at": START + 13 * HOUR}], PARAMS).height == 1
    assert fold(RULE, [*rows, late | {"at": START + 12 * HOUR}], PARAMS).is_empty()


@pytest.mark.parametrize(("known", "count"), [(49, 0), (50, 1)])
def test_at_least_fifty_debits_are_known(known, count):
    assert fold(RULE, days_of(known) + now(3, 1_000_00), PARAMS).height == count


def test_the_last_three_blocks_count_and_neither_the_running_nor_an_older_one():
    assert fold(RULE, days_of(60, block=3) + now(3, 1_000_00), PARAMS).height == 1
    assert fold(RULE, days_of(60, block=4) + now(3, 1_000_00), PARAMS).is_empty()
    running = [row | {"at": row["at"] + BLOCK} for row in days_of(20)]
    assert fold(RULE, running * 3 + now(23, 1_000_00), PARAMS).is_empty()


def test_only_debits_that_the_owner_orders():
    for more in ({"direction": "CREDIT"}, {"channel": "DIRECT_DEBIT"}):
        assert fold(RULE, days_of(60) + now(3, 1_000_00, **more), PARAMS).is_empty()
        assert fold(RULE, days_of(60, **more) + now(3, 1_000_00), PARAMS).is_empty()


@pytest.mark.parametrize(("base", "count"), [(500_00, 0), (500_01, 1)])
def test_the_floor_scales_with_the_factor(base, count):
    params = Params(least=50)
    assert fold(RULE, days_of(60) + now(3, base, factor=500_000), params).height == count


def test_what_is_said():
    (row,) = fold(RULE, days_of(60) + now(3, 1_000_00), PARAMS).to_dicts()
    assert row["measured"] == "1000.00 USD between 3:00 to 3:59 UTC"
    assert row["limit"] == "81.91 USD; hours with 1 % of 60 debits"
    assert (row["events"], row["event_count"], row["account"]) == (["p0060"], 1, "A1")


def test_two_accounts_of_an_owner_have_one_habit():
    rows = days_of(30) + days_of(30, hour=13, account="A2")
    assert fold(RULE, rows + now(3, 1_000_00), PARAMS).height == 1
    assert fold(RULE, rows + now(3, 1_000_00, owner="B"), PARAMS).is_empty()


def test_a_late_event_is_passed_over():
    assert fold(RULE, days_of(60) + now(3, 1_000_00, late=True), PARAMS).is_empty()
    assert fold(RULE, days_of(60, late=True) + now(3, 1_000_00), PARAMS).is_empty()


def at_utc(*texts, zone="Europe/Berlin"):
    times = pl.Series(texts).str.to_datetime(time_unit="us").cast(pl.Int64)
    return frame_of([{"at": at, "zone": zone} for at in times])


def test_hours_on_the_days_on_which_the_clock_is_changed():
    """Berlin: 2024-10-27 has the hour from 2:00 twice, 2025-03-30 goes from 1:59 to 3:00."""
    autumn = ("2024-10-26T23:59:59", "2024-10-27T00:30:00", "2024-10-27T01:30:00")
    assert hours(at_utc(*autumn, "2024-10-27T02:00:00")).tolist() == [1, 2, 2, 3]
    spring = ("2025-03-30T00:59:59", "2025-03-30T01:00:00")
    assert hours(at_utc(*spring)).tolist() == [1, 3]
    assert hours(at_utc("2024-10-27T01:30:00", zone="Asia/Kolkata")).tolist() == [7]
    assert hours(at_utc("2024-10-27T01:30:00", zone="Nowhere/../x")).tolist() == [1]


def test_the_habit_follows_the_clock_on_the_wall():
    """Used to 12:xx in summer, 10:xx UTC; in winter that is 11:xx, and 12:xx is 11:xx UTC."""
    usual = [row | {"zone": "Europe/Berlin"} for row in days_of(60, hour=10)]
    winter = START + 30 * DAY
    rows = [
        {"at": winter + hour * HOUR, "base": 1_000_00, "zone": "Europe/Berlin"} for hour in (10, 11)
    ]
    assert fold(RULE, usual + rows, PARAMS)["at"].to_list() == [winter + 10 * HOUR]


def test_other_parameters_look_at_the_same_past_anew():
    rows = days_of(98) + days_of(2, hour=3) + now(3, 1_000_00)
    assert fold(RULE, rows, PARAMS).is_empty()
    assert fold(RULE, rows, PARAMS.model_copy(update={"share": 20_001})).height == 1


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.tuples(st.integers(0, 200), st.sampled_from([3, 12, 13])).map(
                lambda t: START + t[0] * DAY + t[1] * HOUR
            ),
            "owner": st.sampled_from("AB"),
            "base": st.sampled_from([10_00, 50_00, 900_00, 4_000_00]),
            "late": st.booleans(),
        }
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.data())
def test_other_cuts_give_the_same_outcomes(rows, data):
    params = Params(floor=0, least=3, share=300_000, percentile=500_000)
    ends = data.draw(cuts_of(rows))
    assert fold(RULE, rows, params, ends, restart=True).equals(fold(RULE, rows, params))
