import pytest
from hypothesis import given

from tests.aml_fold import FIRST, cuts, drawn, fold, postings, seeds
from udfs.aml.cash_structuring import Params, Structuring
from udfs.aml.rule import DAY, HOUR, WHOLE

T = 1_000_000
NEAR_ONLY = Params(days=1_000)
SPREAD_ONLY = Params(deposits=1_000)


def run(rows, params=NEAR_ONLY, ends=()):
    return fold(Structuring(), postings(rows), params, ends)


def met(rows, params=NEAR_ONLY):
    """Numbers of the events that meet the rule."""
    return [int(events[-1][1:]) for events in run(rows, params)["events"].to_list()]


@pytest.mark.parametrize(("one", "found"), [(799_999, []), (800_000, [2]), (T, [2]), (T + 1, [])])
def test_a_cash_in_counts_from_eight_tenths_of_the_limit_up_to_it(one, found):
    # definitions.md: each in [0.8 T, T], T = 10,000.00.
    assert met([(0, 900_000), (HOUR, 900_000), (2 * HOUR, one)]) == found


@pytest.mark.parametrize(("days", "late_by", "found"), [(10, -1, [2]), (10, 0, []), (1, -1, [2])])
def test_an_event_exactly_as_old_as_the_window_is_outside(days, late_by, found):
    params = Params(days=1_000, window_days=(days,))
    last = days * DAY + late_by
    assert met([(0, 900_000), (HOUR, 900_000), (last, 900_000)], params) == found


@pytest.mark.parametrize(("third", "found"), [(333_333, []), (333_334, []), (333_335, [2])])
def test_the_sum_must_be_above_the_limit(third, found):
    # With a near form from 3,333.33 on: sums of 9,999.99, 10,000.00 and 10,000.01.
    params = Params(days=1_000, near=333_333)
    assert met([(0, 333_333), (HOUR, 333_333), (2 * HOUR, third)], params) == found


def test_the_strength_is_the_mean_of_closeness_areas_and_spacing():
    rows = [(0, 900_000), (24 * HOUR, 900_000, {"area": "US-CA"}), (48 * HOUR, 900_000)]
    said = run(rows).row(0, named=True)
    # 0.9 T on average, 2 of 4 areas (a third), gaps of 24 h each: 450,000 + 83,333 + 250,000.
    assert said["measured"] == "3 cash-ins, 27000.00 USD together, within 72 h; strength 783333 ppm"
    assert (said["band"], said["score"], said["amount"]) == ("MEDIUM", 650_000, 2_700_000)
    assert said["limit"] == (
        "3 cash-ins of 8000.00 to 10000.00 USD, more than 10000.00 USD together; strength 0 ppm"
    )
    # Gaps of 6 h and 18 h: mean 12, deviation 6, so 1 - 0.25; window of 3 days as 48 h > 1 day.
    rows[1] = (12 * HOUR, *rows[1][1:])
    assert "spacing 750000 ppm" in run(rows)["reason"][0]


def test_the_weakest_near_form_has_a_strength_of_four_tenths():
    rows = [(0, 800_000), (0, 800_000), (0, 800_000)]
    assert run(rows)["measured"][0].endswith("strength 400000 ppm")


def test_one_person_with_two_accounts_at_two_branches():
    other = {"account": "P2", "area": "US-CA"}
    said = run([(0, 900_000), (HOUR, 900_000, other), (2 * HOUR, 900_000)])
    assert said.select("subject", "account", "event_count").rows() == [("P", "", 3)]
    assert met([(0, 900_000), (HOUR, 900_000, {"owner": "Q"}), (2 * HOUR, 900_000)]) == []


def test_cash_out_and_other_channels_do_not_count():
    for other in ({"direction": "DEBIT"}, {"channel": "TRANSFER"}):
        assert met([(0, 900_000), (HOUR, 900_000, other), (2 * HOUR, 900_000)]) == []


def test_limits_scale_with_the_factor_of_the_event_that_meets_the_rule():
    half = {"factor": WHOLE // 2}
    rows = [(0, 450_000, half), (HOUR, 450_000, half), (2 * HOUR, 450_000, half)]
    assert met(rows) == [2]
    assert run(rows)["limit"][0].startswith("3 cash-ins of 4000.00 to 5000.00 USD, more than 5000")
    rows[2] = (2 * HOUR, 450_000)
    assert met(rows) == []


def test_amounts_are_those_of_the_base_currency():
    yen = {"amount": 1, "currency": "JPY"}
    assert met([(0, 900_000, yen), (HOUR, 900_000, yen), (2 * HOUR, 900_000, yen)]) == [2]


def test_a_late_event_counts_where_its_place_in_the_log_is():
    rows = [(0, 900_000), (HOUR, 900_000), (HOUR, 900_000, {"late": True, "offset": 9})]
    said = run(rows).row(0, named=True)
    assert (said["late"], said["first_offset"], said["last_offset"]) == (True, 0, 9)
    assert said["at"] == FIRST + HOUR


@pytest.mark.parametrize(("second", "found"), [(500_000, []), (500_001, [1])])
def test_spread_over_two_days_with_a_sum_above_the_limit(second, found):
    assert met([(0, 500_000), (DAY, second)], SPREAD_ONLY) == found


@pytest.mark.parametrize(("second", "found"), [(T - 600_000, [2]), (T - 599_999, [])])
def test_a_day_with_more_than_the_limit_ends_the_spread_form(second, found):
    rows = [(0, 600_000), (HOUR, second), (DAY, 900_000)]
    assert met(rows, SPREAD_ONLY) == found


def test_a_day_cut_by_the_window_counts_whole():
    # Window of one day: (1 h, 25 h] leaves out the cash-in at 1 h, which makes the day too large.
    params = Params(deposits=1_000, window_days=(1,))
    rows = [(HOUR, 500_000), (2 * HOUR, 600_000), (25 * HOUR, 600_000)]
    assert met(rows, params) == []
    rows[0] = (HOUR, 400_000)
    assert met(rows, params) == [2]


@pytest.mark.parametrize(
    ("zone", "found"), [("UTC", []), ("Asia/Tokyo", [1]), ("Europe/Berlin", [])]
)
def test_days_are_those_of_the_customer(zone, found):
    # 2024-10-04 14:30 and 15:30 UTC: one day in UTC and Berlin, two dates in Tokyo (UTC+9).
    own = {"zone": zone}
    rows = [(14 * HOUR + HOUR // 2, 600_000, own), (15 * HOUR + HOUR // 2, 600_000, own)]
    assert met(rows, SPREAD_ONLY) == found


def test_the_day_on_which_clocks_go_back_has_25_hours():
    # New York, 2024-11-03: from 04:00 UTC (EDT) to 05:00 UTC of the 4th (EST).
    own, day = {"zone": "America/New_York"}, 30 * DAY
    within = [(day + 4 * HOUR, 600_000, own), (day + 29 * HOUR - 1, 600_000, own)]
    assert met(within, SPREAD_ONLY) == []
    after = [(day + 4 * HOUR + 1, 600_000, own), (day + 29 * HOUR, 600_000, own)]
    assert met(after, SPREAD_ONLY) == [1]
    before = [(day + 4 * HOUR - 1, 600_000, own), (day + 4 * HOUR, 600_000, own)]
    assert met(before, SPREAD_ONLY) == [1]


def test_a_small_steady_cash_business_stays_below_a_band_from_four_tenths_on():
    # 2,000.00 a day: closeness 0.2 and even spacing: 100,000 + 250,000 ppm, from the 6th day on.
    rows = [(i * DAY, 200_000) for i in range(12)]
    assert run(rows, Params())["band"].to_list() == ["LOW"] * (12 - 5)
    assert run(rows, Params(bands=({"name": "LOW", "at_least": 400_000, "score": 1},))).is_empty()


def test_wrong_parameters_are_refused():
    with pytest.raises(ValueError, match="weights"):
        Params(areas_weight=0)
    with pytest.raises(ValueError, match="above the limit"):
        Params(near=T + 1)


def naive(rows, params):
    """(event, sum) of what meets a form, by the definition."""
    out = []
    for i, (at, _) in enumerate(rows):
        options = []
        for days in params.window_days:
            window = [r for r in rows[: i + 1] if r[0] > at - days * DAY]
            near = [b for _, b in window if params.near <= b <= params.limit]
            if params.near <= rows[i][1] <= params.limit and len(near) >= params.deposits:
                options += [sum(near)] if sum(near) > params.limit else []
            dates = {t // DAY for t, _ in window}
            most = max(sum(b for t, b in rows[: i + 1] if t // DAY == d) for d in dates)
            total = sum(b for _, b in window)
            if len(dates) >= params.days and most <= params.limit < total:
                options.append(total)
        out += [(i, options)] if options else []
    return out


def posting(one_of):
    own = {
        "late": one_of([False] * 9 + [True]),
        "owner": one_of("PQ"),
        "zone": one_of(["UTC", "Asia/Tokyo"]),
        "factor": one_of([WHOLE, WHOLE // 2]),
        "area": one_of(["", "A", "B"]),
    }
    bases = [100_000, 400_000, 799_999, 800_000, 950_000, T, T + 1]
    return one_of(range(14 * 24)) * HOUR, one_of(bases), own


def log(seed):
    return drawn(posting, 25, seed)


@given(seeds)
def test_equals_the_naive_definition(seed):
    rows = [(at, base) for at, base, _ in log(seed)]
    expected = naive(rows, Params())
    said = run(rows, Params())
    assert [int(e[-1][1:]) for e in said["events"].to_list()] == [i for i, _ in expected]
    assert all(a in sums for a, (_, sums) in zip(said["amount"], expected, strict=True))


@given(seeds, cuts(14 * DAY))
def test_any_cut_gives_the_same_outcomes(seed, ends):
    assert run(log(seed), Params(), ends).equals(run(log(seed), Params()))


def test_the_logs_tried_meet_both_forms_and_fail_them():
    said = [run(log(seed), Params())["measured"].to_list() for seed in range(20)]
    near = ["cash-ins" in text for texts in said for text in texts]
    assert 20 < sum(near) < len(near) - 20
    assert len(near) < 20 * 20
