"""Velocity: expected numbers are sums by hand; limits of the definition in the module."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.aml_flow_fold import START, cuts_of, fold, frame_of, tables_for
from udfs.aml.flow_blocks import BLOCK
from udfs.aml.flow_owners import numbered
from udfs.aml.flow_velocity import Velocity
from udfs.aml.flow_velocity_params import Params, VelocityWindow
from udfs.aml.rule import DAY, HOUR, Moment

RULE = Velocity()
ONE = Params(windows=(VelocityWindow(hours=1, count=3, sum=10_000_00),), least=1)


def at(*instants, **more):
    return [{"at": START + instant, **more} for instant in instants]


def sums(*amounts):
    return [{"at": START + place, "base": amount} for place, amount in enumerate(amounts)]


@pytest.mark.parametrize(
    ("last", "band"),
    [(4_999_99, []), (5_000_00, []), (5_000_01, ["LOW"]), (15_000_00, ["LOW"]),
     (15_000_01, ["MEDIUM"]), (45_000_01, ["HIGH"])],
)  # fmt: skip
def test_a_sum_above_the_limit_and_its_bands(last, band):
    found = fold(RULE, sums(5_000_00, last), ONE)
    assert found["band"].to_list() == band
    if band:
        assert found["amount"].to_list() == [5_000_00 + last]
        assert found["events"].to_list() == [["p0000", "p0001"]]


def test_what_is_said():
    (row,) = fold(RULE, sums(5_000_00, 5_000_01), ONE).to_dicts()
    assert row["measured"] == "10000.01 USD in 2 debits within 1 h"
    assert row["limit"] == "10000.00 USD within 1 h"
    assert (row["subject"], row["account"], row["event_count"]) == ("A", "A1", 2)
    assert (row["first_offset"], row["last_offset"], row["late"]) == (0, 1, False)
    assert (row["first_time"], row["last_time"], row["at"]) == (START, START + 1, START + 1)


def test_a_count_above_the_limit():
    assert fold(RULE, at(0, 1, 2), ONE).is_empty()
    (row,) = fold(RULE, at(0, 1, 2, 3), ONE).to_dicts()
    assert (row["measured"], row["limit"]) == ("4 debits within 1 h", "3 debits within 1 h")


def test_an_event_exactly_as_old_as_the_window_is_outside():
    assert fold(RULE, at(0, 1, 2, HOUR), ONE).is_empty()
    assert fold(RULE, at(1, 2, 3, HOUR), ONE).height == 1
    assert fold(RULE, at(0, 1, 2, HOUR), ONE, ends=[START + 2, START + HOUR - 1]).is_empty()


def test_events_of_one_instant_count_in_their_order():
    found = fold(RULE, at(0, 0, 0, 0), ONE)
    assert found["events"].to_list() == [["p0000", "p0001", "p0002", "p0003"]]


def test_debits_and_credits_are_apart():
    rows = at(0, 1) + at(2, 3, direction="CREDIT")
    assert fold(RULE, rows, ONE).is_empty()
    (row,) = fold(RULE, rows + at(4, 5, direction="CREDIT"), ONE).to_dicts()
    assert row["measured"] == "4 credits within 1 h"
    assert row["events"] == ["p0002", "p0003", "p0004", "p0005"]


def test_two_accounts_of_an_owner_count_together():
    found = fold(RULE, at(0, 1) + at(2, 3, account="A2"), ONE)
    assert found["account"].to_list() == [""]
    assert fold(RULE, at(0, 1) + at(2, 3, owner="B"), ONE).is_empty()


@pytest.mark.parametrize(("last", "count"), [(2_000_00, 0), (2_000_01, 1)])
def test_the_limit_of_money_scales_with_the_factor_and_the_count_does_not(last, count):
    rows = [row | {"factor": 700_000} for row in sums(5_000_00, last)]
    found = fold(RULE, rows, ONE)
    assert found["limit"].to_list() == ["7000.00 USD within 1 h"] * count
    assert fold(RULE, at(0, 1, 2, factor=100_000, base=1), ONE).is_empty()


@pytest.mark.parametrize(("count", "found"), [(2, 0), (3, 1)])
def test_a_sum_counts_from_three_postings_on(count, found):
    params = ONE.model_copy(update={"least": Params().least})
    assert fold(RULE, sums(*[50_000_00] * count), params).height == found


@pytest.mark.parametrize(("last", "count"), [(15_000_00, 0), (15_000_01, 1)])
def test_the_fixed_limits_of_a_business_are_so_many_times_as_great(last, count):
    """Twice 10,000.00 and twice three postings; of a HIGH rating half the money."""
    params = ONE.model_copy(update={"business": 2_000_000})
    found = fold(RULE, sums(5_000_00, last), params)
    assert found.height == 1
    firm = [row | {"kind": "BUSINESS"} for row in sums(5_000_00, last)]
    found = fold(RULE, firm, params)
    assert found["limit"].to_list() == ["20000.00 USD within 1 h"] * count
    half = fold(RULE, [row | {"factor": 500_000} for row in firm], params)
    assert half["limit"].to_list() == ["10000.00 USD within 1 h"]
    assert fold(RULE, at(*range(6), kind="BUSINESS", base=1), params).is_empty()
    (row,) = fold(RULE, at(*range(7), kind="BUSINESS", base=1), params).to_dicts()
    assert row["limit"] == "6 debits within 1 h"


def test_what_moves_between_accounts_of_the_owner_does_not_count():
    rows = at(0, 1) + at(2, counterparty="A") + at(3, 4)
    (row,) = fold(RULE, rows, ONE).to_dicts()
    assert row["events"] == ["p0000", "p0001", "p0003", "p0004"]
    assert fold(RULE, at(*range(9), counterparty="A"), ONE).is_empty()
    assert fold(RULE, at(0, 1, 2, 3, counterparty="B"), ONE).height == 1


@pytest.mark.parametrize(("amount", "count"), [(300_00, 0), (300_01, 1)])
def test_a_default_window_of_an_hour(amount, count):
    """Ten postings and 10,000.00 in an hour are a person's limits: 2 x 4,850 + 300 = 10,000."""
    small = at(*range(10), base=1)
    assert fold(RULE, small, Params()).is_empty()
    assert fold(RULE, small + at(10, base=1), Params()).height == 1
    rows = at(0, 1, base=4_850_00) + at(2, base=amount)
    assert fold(RULE, rows, Params()).height == count


def test_a_late_event_is_said_though_the_rule_was_met_before():
    rows = at(0, 1, 2, 3, 4) + at(5, late=True)
    found = fold(RULE, rows, ONE)
    assert found["last_time"].to_list() == [START + 3, START + 5]
    assert found["late"].to_list() == [False, True]


def test_what_stays_true_is_said_again_after_the_cool_down():
    hour = ONE.model_copy(update={"cool_down_s": 3_600})
    found = fold(RULE, at(*range(0, 3 * HOUR, HOUR // 6)), hour)
    first = START + 3 * HOUR // 6
    assert found["at"].to_list() == [first, first + HOUR, first + 2 * HOUR]
    every = fold(RULE, at(*range(5)), ONE.model_copy(update={"cool_down_s": 0}))
    assert every["event_count"].to_list() == [4, 5]


def month(average_count, amount):
    """Postings in the 30 days of the block before START's, evenly: one each so many hours."""
    begin = START // BLOCK * BLOCK - BLOCK
    step = 720 // average_count * HOUR
    return [{"at": begin + i * step, "base": amount} for i in range(average_count)]


OWN = Params(
    windows=(VelocityWindow(hours=24, count=1_000, sum=10**12, own_times=2_000_000),),
    own_floor=1_000_00,
    own_days=30,
)


@pytest.mark.parametrize(("last", "count"), [(1_999_99, 0), (2_000_00, 0), (2_000_01, 1)])
def test_twice_the_own_average(last, count):
    """30 postings of 3,000.00 in 30 days: 3,000.00 and one posting in 24 h on average.

    An hour's average is 125.00 exactly, so three postings may sum to 6,000.00; four would be more
    than twice one posting a day, three are too: the count is met by the third, the sum by 0.01.
    """
    rows = month(30, 3_000_00) + sums(2_000_00, 2_000_00, last)
    found = fold(RULE, rows, OWN.model_copy(update={"own_floor": 6_000_00}))
    assert found["amount"].to_list() == [4_000_00 + last] * count
    if count:
        assert found["measured"].to_list() == ["3 debits within 24 h"]
        assert found["limit"].to_list() == ["1 debits, 2 times the own average within 24 h"]


def test_the_own_average_needs_days_and_postings():
    """30 postings of 3,000.00 in the 30 days before the running block."""
    rows = month(30, 3_000_00) + sums(2_000_00, 2_000_00, 2_000_01)
    for change, found in (({"own_seen": 31}, 0), ({"own_days": 31}, 0), ({"own_seen": 30}, 1)):
        assert fold(RULE, rows, OWN.model_copy(update=change)).height == found
    credits = [row | {"direction": "CREDIT"} for row in sums(9_000_00, 9_000_00, 9_000_00)]
    assert fold(RULE, month(30, 3_000_00) + credits, OWN).is_empty()


def test_other_parameters_look_at_the_same_past_anew():
    rows = month(30, 3_000_00) + sums(*[2_000_01] * 3)
    tables = tables_for(RULE)
    due = numbered(tables, frame_of([*rows, {"at": START + HOUR, "base": 1}]))
    tables["aml.flows"].append(due)
    strict = OWN.model_copy(update={"own_seen": 31})
    for part, since, until, params, count in (
        (due[:-1], -40 * DAY, 2, strict, 0),
        (due[-1:], 2, HOUR, OWN, 1),
    ):
        assert RULE(tables, part, Moment(0, START + since, START + until), params).height == count


def test_the_sum_against_the_own_average():
    """240 postings of 150.00 in 30 days: 8 postings and 1,200.00 a day."""
    rows = month(240, 150_00) + sums(800_00, 800_00, 800_00)
    assert fold(RULE, rows, OWN).is_empty()
    (row,) = fold(RULE, rows + at(3, base=1), OWN).to_dicts()
    assert row["measured"] == "2400.01 USD in 4 debits within 24 h"
    assert row["limit"] == "2400.00 USD, 2 times the own average within 24 h"


def test_less_than_thirty_days_are_no_average():
    rows = month(240, 150_00)[1:] + sums(800_00, 800_00, 900_00)
    assert fold(RULE, rows, OWN).is_empty()


def test_another_window_in_the_rule_set_counts_what_is_remembered():
    tables = tables_for(RULE)
    due = numbered(tables, frame_of(at(0, HOUR, 2 * HOUR, 3 * HOUR)))
    day = ONE.model_copy(update={"windows": (VelocityWindow(hours=24, count=3, sum=10**9),)})
    parts = [(due[:3], START - 1, START + 2 * HOUR, ONE)]
    parts += [(due[3:], START + 2 * HOUR, START + 3 * HOUR, day)]
    for rows, since, until, params in parts:
        tables["aml.flows"].append(rows)
        found = RULE(tables, rows, Moment(0, since, until), params)
    assert found["event_count"].to_list() == [4]


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 60).map(lambda t: START + t * HOUR)
            | st.integers(0, 40).map(lambda t: START - 20 * DAY + t * 2 * DAY),
            "owner": st.sampled_from("ABC"),
            "direction": st.sampled_from(["DEBIT", "CREDIT"]),
            "counterparty": st.sampled_from(["", "A"]),
            "base": st.integers(1, 6_000_00),
            "late": st.booleans(),
        }
    ),
    min_size=1,
    max_size=60,
)
FIXED = Params(
    windows=(
        VelocityWindow(hours=1, count=2, sum=5_000_00),
        VelocityWindow(hours=24, count=5, sum=9_000_00),
        VelocityWindow(hours=168, count=9, sum=30_000_00),
    ),
    least=1,
)
BOTH = FIXED.model_copy(
    update={
        "windows": tuple(w.model_copy(update={"own_times": 2_000_000}) for w in FIXED.windows),
        "own_days": 30,
        "own_seen": 1,
        "own_floor": 1_000_00,
    }
)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.data())
def test_other_cuts_give_the_same_outcomes(rows, data):
    ends = data.draw(cuts_of(rows))
    assert fold(RULE, rows, BOTH, ends, restart=True).equals(fold(RULE, rows, BOTH))


@settings(max_examples=100, deadline=None)
@given(ROWS, st.data())
def test_counts_and_sums_are_those_of_a_look_at_all_postings(rows, data):
    params = FIXED.model_copy(update={"cool_down_s": 0})
    found = fold(RULE, rows, params, data.draw(cuts_of(rows)))
    ordered = sorted(enumerate(rows), key=lambda pair: (pair[1]["at"], pair[0]))
    expected = {}
    ordered = [(number, row) for number, row in ordered if row["counterparty"] != row["owner"]]
    for place, (number, row) in enumerate(ordered):
        for window in params.windows:
            inside = [
                (n, r)
                for n, r in ordered[: place + 1]
                if row["at"] - window.hours * HOUR < r["at"]
                and (r["owner"], r["direction"]) == (row["owner"], row["direction"])
            ]
            total = sum(r["base"] for _, r in inside)
            share = max(Fraction(len(inside), window.count), Fraction(total, window.sum))
            if share > 1 and share > expected.get(f"p{number:04}", (1,))[0]:
                expected[f"p{number:04}"] = (share, [f"p{n:04}" for n, _ in inside], total)
    said = zip(found["events"].to_list(), found["amount"].to_list(), strict=True)
    told = {events[-1]: (events, amount) for events, amount in said}
    assert set(told) == set(expected)
    for last, (share, events, total) in expected.items():
        assert told[last] == (events, total) or share == 1
