"""Dormant wake-up: expected pauses, sums and medians by hand; definition in the module."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.aml_flow_fold import START, cuts_of, fold, frame_of, tables_for
from udfs.aml.flow_blocks import BLOCK
from udfs.aml.flow_dormant import DormantWakeUp, Params
from udfs.aml.flow_owners import numbered
from udfs.aml.rule import DAY, HOUR, Band, Moment

RULE = DormantWakeUp()
PARAMS = Params()
BIG = 5_000_01


def posted(*rows, **more):
    return [{"at": START + at, "base": base, **more} for at, base in rows]


@pytest.mark.parametrize(
    ("pause", "band"),
    [(90 * DAY - 1, []), (90 * DAY, ["LOW"]), (180 * DAY - 1, ["LOW"]), (180 * DAY, ["MEDIUM"]),
     (365 * DAY - 1, ["MEDIUM"]), (365 * DAY, ["HIGH"])],
)  # fmt: skip
def test_bands_by_days_without_a_posting(pause, band):
    assert fold(RULE, posted((0, 1), (pause, BIG)), PARAMS)["band"].to_list() == band


@pytest.mark.parametrize(("total", "count"), [(4_999_99, 0), (5_000_00, 0), (5_000_01, 1)])
def test_the_sum_lies_above_5000(total, count):
    rows = posted((0, 1), (90 * DAY, 1_000_00), (91 * DAY, total - 1_000_00))
    found = fold(RULE, rows, PARAMS)
    assert found["amount"].to_list() == [total] * count
    assert found["events"].to_list() == [["p0001", "p0002"]] * count


@pytest.mark.parametrize(("after", "count"), [(7 * DAY - 1, 1), (7 * DAY, 0)])
def test_seven_days_from_the_first_posting(after, count):
    rows = posted((0, 1), (90 * DAY, 1), (90 * DAY + after, BIG))
    assert fold(RULE, rows, PARAMS).height == count


def test_what_is_said():
    rows = posted((0, 1)) + posted((100 * DAY, 3_000_00), (101 * DAY, 2_500_00), account="A2")
    (row,) = fold(RULE, rows, PARAMS).to_dicts()
    assert row["measured"] == "5500.00 USD since a pause of 100 d"
    assert row["limit"] == "5000.00 USD in 7 d after 90 d"
    assert (row["account"], row["event_count"]) == ("A2", 2)


def months(*totals):
    """One posting in each block of thirty days before START's, the last total in the latest."""
    begin = START // BLOCK - len(totals)
    return [
        {"at": (begin + i) * BLOCK + HOUR, "base": total} for i, total in enumerate(totals) if total
    ]


@pytest.mark.parametrize(("total", "count"), [(10_000_00, 0), (10_000_01, 1)])
def test_five_times_the_median_month(total, count):
    """Totals 1,000, 2,000, 9,000: the median is 2,000.00, five times that 10,000.00."""
    rows = months(9_000_00, 1_000_00, 2_000_00) + posted((90 * DAY, total))
    found = fold(RULE, rows, PARAMS)
    expected = ["10000.00 USD in 7 d after 90 d, 5 times the median month"]
    assert found["limit"].to_list() == expected * count


@pytest.mark.parametrize(
    ("totals", "median"),
    [((1_500_00, 2_500_01), 2_000_00), ((9_000_00, 0, 0, 1_500_00, 2_500_00), 1_500_00),
     ((9_000_00, *[2_000_00] * 7, *[1_500_00] * 5), 2_000_00),
     ((9_000_00, *[2_000_00] * 6, *[1_500_00] * 6), 1_750_00)],
)  # fmt: skip
def test_the_median_of_twelve_months_at_most(totals, median):
    """Of two in the middle the mean; months without postings count; the thirteenth is forgotten."""
    rows = months(*totals)
    above = rows + posted((90 * DAY, 5 * median + 1))
    assert fold(RULE, above, PARAMS).height == 1
    assert fold(RULE, rows + posted((90 * DAY, 5 * median)), PARAMS).is_empty()


def test_two_accounts_of_an_owner_keep_each_other_awake():
    rows = posted((0, 1), (90 * DAY, BIG)) + posted((45 * DAY, 1), account="A2")
    assert fold(RULE, rows, PARAMS).is_empty()
    rows = posted((0, 1), (90 * DAY, BIG)) + posted((45 * DAY, 1), owner="B")
    assert fold(RULE, rows, PARAMS).height == 1


@pytest.mark.parametrize(("total", "count"), [(2_500_00, 0), (2_500_01, 1)])
def test_the_limit_scales_with_the_factor(total, count):
    rows = posted((0, 1), (90 * DAY, total), factor=500_000)
    assert fold(RULE, rows, PARAMS).height == count


def test_an_account_never_used_rests_since_it_was_opened_but_not_before_the_log():
    first = posted((0, 1), owner="B")
    new = posted((100 * DAY, BIG), opened=START + 5 * DAY)
    assert fold(RULE, first + new, PARAMS)["measured"].to_list() == [
        "5000.01 USD since a pause of 95 d"
    ]
    old = posted((100 * DAY, BIG), opened=START - 999 * DAY)
    assert fold(RULE, first + old, PARAMS)["measured"].to_list() == [
        "5000.01 USD since a pause of 100 d"
    ]
    assert fold(RULE, old, PARAMS).is_empty()
    assert fold(RULE, first + posted((100 * DAY, BIG)), PARAMS).is_empty()


def test_a_late_event_counts_where_it_stands():
    rows = posted((0, 1), (90 * DAY, BIG)) + posted((91 * DAY, 1), late=True)
    found = fold(RULE, rows, PARAMS)
    assert found["event_count"].to_list() == [1, 2]
    assert found["late"].to_list() == [False, True]


def test_time_in_which_the_rule_was_off_is_no_pause():
    tables = tables_for(RULE)
    due = numbered(tables, frame_of(posted((0, 1), (95 * DAY, 1), (96 * DAY, BIG))))
    tables["aml.flows"].append(due)
    for rows, since, until in ((due[:1], -1, 0), (due[2:], 95 * DAY, 96 * DAY)):
        found = RULE(tables, rows, Moment(0, START + since, START + until), PARAMS)
    assert found.is_empty()
    tables = tables_for(RULE)
    tables["aml.flows"].append(due[:1].vstack(due[2:]))
    for rows, since, until in ((due[:1], -1, 0), (due[2:], 95 * DAY, 96 * DAY)):
        found = RULE(tables, rows, Moment(0, START + since, START + until), PARAMS)
    assert found.height == 1


def test_a_pause_shorter_than_a_month_is_refused():
    with pytest.raises(ValidationError, match="30 days or more"):
        Params(bands=(Band(name="LOW", at_least=29, score=1),))


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.tuples(st.integers(0, 8), st.integers(0, 9)).map(
                lambda t: START + t[0] * 70 * DAY + t[1] * DAY
            ),
            "owner": st.sampled_from("ABC"),
            "base": st.sampled_from([1, 900_00, 4_000_00, 9_000_00]),
            "late": st.booleans(),
            "opened": st.sampled_from([0, START + 1]),
        }
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.data())
def test_other_cuts_give_the_same_outcomes(rows, data):
    ends = data.draw(cuts_of(rows))
    assert fold(RULE, rows, PARAMS, ends, restart=True).equals(fold(RULE, rows, PARAMS))
