import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.aml_fold import cuts, drawn, fold, postings, seeds
from udfs.aml.cash_ctr import CtrAggregation, Params
from udfs.aml.rule import DAY, HOUR, WHOLE

T = 1_000_000


def run(rows, params=None, ends=(), quiet=0):
    return fold(CtrAggregation(), postings(rows), params or Params(), ends, quiet)


def met(rows):
    return [int(events[-1][1:]) for events in run(rows)["events"].to_list()]


@pytest.mark.parametrize(("base", "found"), [(T - 1, []), (T, []), (T + 1, [0])])
def test_ten_thousand_itself_does_not_count(base, found):
    # 31 CFR 1010.311: of more than 10,000.
    assert met([(0, base)]) == found


@pytest.mark.parametrize(("last", "found"), [(399_999, []), (400_000, []), (400_001, [1])])
def test_all_cash_of_a_day_is_added_up(last, found):
    # 31 CFR 1010.313; two accounts, two branches.
    assert met([(0, 600_000), (HOUR, last, {"account": "P2", "area": "US-CA"})]) == found


def test_the_outcome_tells_sum_day_and_due_date():
    said = run([(0, 600_000), (HOUR, 400_001, {"account": "P2"})]).row(0, named=True)
    assert said["measured"] == "10000.01 USD of cash-in in 2 transactions on 2024-10-04"
    assert said["limit"] == "more than 10000.00 USD a business day"
    # 31 CFR 1010.306: 15 days.
    assert said["reason"].endswith("report due by 2024-10-19.")
    assert (said["subject"], said["account"], said["events"]) == ("P", "", ["e0000", "e0001"])
    assert (said["band"], said["amount"]) == ("LOW", T + 1)


def test_cash_in_and_cash_out_are_never_netted_or_mixed():
    out = {"direction": "DEBIT"}
    assert met([(0, 600_000), (1, 600_000, out)]) == []
    said = run([(0, 600_000), (1, 600_000, out), (2, 600_000), (3, 600_000, out)])
    assert said["events"].to_list() == [["e0000", "e0002"], ["e0001", "e0003"]]
    assert "cash-out" in said["measured"][1]


def test_one_outcome_a_person_day_and_direction():
    rows = [(0, T + 1), (HOUR, T + 1), (2 * HOUR, T + 1, {"owner": "Q"}), (DAY, T + 1)]
    for ends in ((), (0, HOUR), (HOUR, DAY - 1)):
        said = run(rows, None, ends)
        assert said["events"].to_list() == [["e0000"], ["e0002"], ["e0003"]]


def test_the_legal_limit_does_not_scale():
    assert met([(0, T, {"factor": WHOLE // 2})]) == []


def test_only_cash_counts_and_amounts_are_converted():
    assert met([(0, 2 * T, {"channel": "TRANSFER"})]) == []
    assert met([(0, T + 1, {"amount": 5, "currency": "JPY"})]) == [0]


@pytest.mark.parametrize(
    ("zone", "second", "found"),
    [
        ("UTC", DAY - 1, [1]),
        ("UTC", DAY, []),
        ("Asia/Tokyo", 15 * HOUR - 1, [1]),
        ("Asia/Tokyo", 15 * HOUR, []),
        ("America/New_York", 4 * HOUR - 1, [1]),
        ("America/New_York", 4 * HOUR, []),
    ],
)
def test_the_day_ends_at_the_customers_midnight(zone, second, found):
    # 2024-10-04: Tokyo is UTC+9, New York UTC-4.
    own = {"zone": zone}
    assert met([(0, 600_000, own), (second, 600_000, own)]) == found


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        # 2024-11-03, 25 hours: 04:00 UTC to 05:00 UTC of the 4th.
        (30 * DAY + 4 * HOUR, 31 * DAY + 5 * HOUR - 1, [1]),
        (30 * DAY + 4 * HOUR, 31 * DAY + 5 * HOUR, []),
        (30 * DAY + 4 * HOUR - 1, 30 * DAY + 4 * HOUR, []),
        # 2025-03-09, 23 hours: 05:00 UTC to 04:00 UTC of the 10th.
        (156 * DAY + 5 * HOUR, 157 * DAY + 4 * HOUR - 1, [1]),
        (156 * DAY + 5 * HOUR, 157 * DAY + 4 * HOUR, []),
        (156 * DAY + 5 * HOUR - 1, 156 * DAY + 5 * HOUR, []),
    ],
)
def test_days_on_which_clocks_change(first, second, found):
    own = {"zone": "America/New_York"}
    assert met([(first, 600_000, own), (second, 600_000, own)]) == found


def test_a_late_event_counts_on_the_day_of_its_place_in_the_log():
    said = run([(0, 600_000), (HOUR, 600_000, {"late": True, "offset": 40})])
    assert said.select("late", "first_offset", "last_offset").rows() == [(True, 0, 40)]


def test_a_day_is_told_once_though_the_customer_moves_and_forgotten_later():
    rows = [
        (12 * HOUR, T + 1, {"zone": "UTC"}),
        (13 * HOUR, T + 1, {"zone": "America/New_York"}),
        (10 * DAY, 1, {}),
    ]
    rule = CtrAggregation()
    assert met(rows) == [0]
    assert len(fold(rule, postings(rows), Params(), (13 * HOUR,))) == 1


def test_a_rule_set_may_not_lift_the_legal_limit():
    with pytest.raises(ValueError, match="the law asks"):
        Params(bands=({"name": "LOW", "at_least": T + 2, "score": 1},))


def posting(one_of):
    own = {
        "late": one_of([False] * 9 + [True]),
        "owner": one_of("PQ"),
        "direction": one_of(["CREDIT", "DEBIT"]),
        "channel": one_of(["CASH", "CASH", "WIRE"]),
    }
    return one_of(range(4 * 24)) * HOUR, one_of([100_000, 500_000, T, T + 1]), own


def log(seed):
    return drawn(posting, 30, seed)


@given(seeds)
def test_equals_the_naive_definition(seed):
    rows, sums, expected = log(seed), {}, []
    for i, (at, base, own) in enumerate(rows):
        key = own["owner"], own["direction"], at // DAY
        if own["channel"] == "CASH":
            was = sums.get(key, 0)
            sums[key] = was + base
            if was <= T < sums[key]:
                expected.append((i, sums[key]))
    said = run(rows)
    last = [int(events[-1][1:]) for events in said["events"].to_list()]
    assert [*zip(last, said["amount"], strict=True)] == expected


@given(seeds, st.sampled_from(["Asia/Tokyo", "America/New_York"]), cuts(4 * DAY))
def test_any_cut_gives_the_same_outcomes(seed, zone, ends):
    moved = [(at, base, own | {"zone": zone if at > DAY else "UTC"}) for at, base, own in log(seed)]
    assert run(moved, None, ends, DAY).equals(run(moved))
