import pytest
from hypothesis import given

from tests.aml_fold import cuts, drawn, fold, postings, seeds
from udfs.aml.cash_micro import MicroStructuring, Params
from udfs.aml.rule import DAY, HOUR, WHOLE


def run(rows, params=None, ends=()):
    return fold(MicroStructuring(), postings(rows), params or Params(), ends)


def met(rows, params=None):
    return [int(events[-1][1:]) for events in run(rows, params)["events"].to_list()]


def many(last, count=20, base=60_000, **more):
    """Cash-ins an hour apart, the last one of `last` minor units."""
    return [(i * HOUR, last if i == count - 1 else base, more) for i in range(count)]


@pytest.mark.parametrize(("count", "found"), [(19, []), (20, [19]), (21, [19, 20])])
def test_twenty_cash_ins_are_needed(count, found):
    assert met(many(60_000, count)) == found


@pytest.mark.parametrize(("last", "found"), [(299_999, [19]), (300_000, []), (300_001, [])])
def test_a_cash_in_of_three_tenths_of_the_limit_is_too_large(last, found):
    # definitions.md: < 0.3 T, T = 10,000.00.
    assert met(many(last)) == found


@pytest.mark.parametrize(("last", "found"), [(49_999, []), (50_000, []), (50_001, [19])])
def test_the_sum_must_be_above_the_limit(last, found):
    # 19 * 500.00 = 9,500.00; with the last one 9,999.99, 10,000.00, 10,000.01.
    assert met(many(last, base=50_000)) == found


@pytest.mark.parametrize(("last", "found"), [(10 * DAY - 1, [19]), (10 * DAY, [])])
def test_an_event_exactly_ten_days_old_is_outside(last, found):
    assert met([*many(60_000, 19), (last, 60_000)]) == found


@pytest.mark.parametrize(
    ("count", "band"), [(20, "LOW"), (29, "LOW"), (30, "MEDIUM"), (49, "MEDIUM"), (50, "HIGH")]
)
def test_bands_go_by_the_number(count, band):
    said = run(many(60_000, count)).row(-1, named=True)
    assert (said["band"], said["event_count"]) == (band, count)
    assert said["measured"] == f"{count} cash-ins, {600 * count}.00 USD together, within 240 h"
    assert said["limit"] == (
        "20 cash-ins of less than 3000.00 USD, more than 10000.00 USD together"
    )


def test_two_accounts_and_two_branches_of_one_person_count_together():
    rows = many(60_000)
    rows[3] = (*rows[3][:2], {"account": "P2", "area": "US-CA"})
    assert run(rows).select("subject", "account").rows() == [("P", "")]
    rows[3] = (*rows[3][:2], {"owner": "Q"})
    assert met(rows) == []


def test_the_factor_of_the_event_that_meets_the_rule_scales_both_limits():
    assert met(many(30_000, base=30_000, factor=WHOLE // 2)) == [19]
    assert met(many(150_000, base=30_000, factor=WHOLE // 2)) == []
    rows = many(30_000, base=30_000, factor=WHOLE // 2)
    assert met([*rows[:-1], (*rows[-1][:2], {"factor": WHOLE})]) == []


def test_late_and_converted_events_count():
    rows = many(60_000, currency="EUR", amount=1)
    rows[19] = (18 * HOUR, 60_000, {"late": True})
    assert run(rows).select("late", "event_count").rows() == [(True, 20)]


def posting(one_of):
    own = {"owner": one_of("PQ"), "factor": one_of([WHOLE, WHOLE // 2])}
    own["late"] = one_of([False] * 9 + [True])
    return one_of(range(12 * 24)) * HOUR, one_of([40_000, 60_000, 299_999, 300_000]), own


def log(seed):
    return drawn(posting, 40, seed)


FEW = Params(bands=({"name": "LOW", "at_least": 4, "score": 1},), limit=200_000)


@given(seeds)
def test_equals_the_naive_definition(seed):
    rows, expected = log(seed), []
    for i, (at, base, own) in enumerate(rows):
        small, limit = 300_000 * own["factor"] // WHOLE, 200_000 * own["factor"] // WHOLE
        window = [
            r for r in rows[: i + 1] if r[0] > at - 10 * DAY and r[2]["owner"] == own["owner"]
        ]
        bases = [b for _, b, _ in window if b < small]
        if base < small and len(bases) >= 4 and sum(bases) > limit:
            expected.append((own["owner"], sum(bases), len(bases)))
    assert run(rows, FEW).select("subject", "amount", "event_count").rows() == expected


@given(seeds, cuts(12 * DAY))
def test_any_cut_gives_the_same_outcomes(seed, ends):
    assert run(log(seed), FEW, ends).equals(run(log(seed), FEW))


def test_the_logs_tried_meet_the_rule_and_fail_it():
    met = sum(len(run(log(seed), FEW)) for seed in range(20))
    assert 20 * 5 < met < 20 * 35
