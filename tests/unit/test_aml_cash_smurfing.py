import pytest
from hypothesis import given

from tests.aml_fold import cuts, drawn, fold, postings, seeds
from udfs.aml.cash_smurfing import Params, Smurfing
from udfs.aml.rule import DAY, HOUR, WHOLE

T = 1_000_000


def run(rows, params=None, ends=()):
    return fold(Smurfing(), postings(rows), params or Params(), ends)


def met(rows, params=None):
    return [int(events[-1][1:]) for events in run(rows, params)["events"].to_list()]


def deposits(*of, step=HOUR):
    """Cash-ins of (depositor, base), an hour apart."""
    return [(i * step, base, {"counterparty": who}) for i, (who, base) in enumerate(of)]


def test_four_depositors_are_needed():
    assert met(deposits(("a", 400_000), ("b", 400_000), ("c", 400_000), ("a", 1))) == []
    said = run(deposits(("a", 400_000), ("b", 400_000), ("c", 400_000), ("d", 1)))
    assert said.select("band", "amount", "event_count").rows() == [("LOW", 1_200_001, 4)]
    assert said["measured"][0] == "4 depositors, 12000.01 USD together, within 24 h"
    assert said["limit"][0] == (
        "4 depositors with less than 10000.00 USD each, more than 10000.00 USD together"
    )


@pytest.mark.parametrize(("last", "found"), [(99_999, []), (100_000, []), (100_001, [3])])
def test_the_sum_must_be_above_the_limit(last, found):
    assert met(deposits(("a", 300_000), ("b", 300_000), ("c", 300_000), ("d", last))) == found


@pytest.mark.parametrize(("last", "found"), [(T - 1, [3]), (T, []), (T + 1, [])])
def test_each_depositor_must_be_below_the_limit(last, found):
    assert met(deposits(("a", 300_000), ("b", 300_000), ("c", 300_000), ("d", last))) == found


def test_all_deposits_of_one_depositor_count_against_the_limit():
    rows = deposits(("a", 600_000), ("b", 400_000), ("c", 400_000), ("a", 600_000), ("d", 400_000))
    assert met(rows) == []
    said = run([*rows, (5 * HOUR, 1, {"counterparty": "e"})])
    assert said["events"].to_list() == [["e0001", "e0002", "e0004", "e0005"]]
    assert said["amount"].to_list() == [1_200_001]


def test_a_depositor_comes_below_the_limit_again_when_his_deposits_grow_old():
    rows = deposits(("a", T), ("b", 400_000), ("c", 400_000), ("d", 400_000))
    rows += [(3 * DAY - 1, 100, {"counterparty": "a"}), (3 * DAY, 100, {"counterparty": "a"})]
    assert met(rows) == [5]


def test_owner_and_unknown_depositors_do_not_count():
    for who in ("P", ""):
        rows = deposits(("a", 400_000), ("b", 400_000), ("c", 400_000), (who, 400_000))
        assert met(rows) == []


@pytest.mark.parametrize(("last", "found"), [(3 * DAY - 1, [3]), (3 * DAY, [])])
def test_an_event_exactly_three_days_old_is_outside(last, found):
    rows = deposits(("a", 400_000), ("b", 400_000), ("c", 400_000))
    assert met([*rows, (last, 400_000, {"counterparty": "d"})]) == found


def test_the_window_with_more_depositors_is_told():
    rows = [(i * DAY // 2, 300_000, {"counterparty": f"d{i}"}) for i in range(6)]
    said = run(rows)
    # Half a day apart: the fourth is 1.5 days after the first, so never four within 24 h.
    assert said["measured"].to_list() == [
        f"{n} depositors, {3_000 * n}.00 USD together, within 72 h" for n in (4, 5, 6)
    ]
    assert said["band"].to_list() == ["LOW", "LOW", "MEDIUM"]


def test_one_beneficiary_with_two_accounts_at_two_branches():
    rows = deposits(("a", 400_000), ("b", 400_000), ("c", 400_000), ("d", 400_000))
    rows[1][2].update(account="P2", area="US-CA")
    assert run(rows).select("subject", "account").rows() == [("P", "")]
    rows[1][2].update(owner="Q")
    assert met(rows) == []


def test_late_converted_and_scaled():
    rows = deposits(("a", 200_000), ("b", 200_000), ("c", 200_000), ("d", 499_999))
    for row in rows:
        row[2].update(factor=WHOLE // 2, currency="EUR", amount=1)
    rows[3][2].update(late=True)
    said = run(rows)
    assert said.select("late", "amount").rows() == [(True, 1_099_999)]
    rows[3] = (rows[3][0], 500_000, rows[3][2])
    assert met(rows) == []


def posting(one_of):
    own = {
        "late": one_of([False] * 9 + [True]),
        "owner": one_of("PPPQ"),
        "counterparty": one_of(["", "P", *"abcdef"]),
        "factor": one_of([WHOLE, WHOLE, WHOLE, 3 * WHOLE // 4]),
    }
    return one_of(range(6 * 24)) * HOUR, one_of([100_000, 200_000, 300_000, 700_000, T]), own


def log(seed):
    return drawn(posting, 45, seed)


def naive(rows):
    for i, (at, _, own) in enumerate(rows):
        options = []
        for days in (1, 3):
            sums = {}
            for t, base, o in rows[: i + 1]:
                foreign = o["counterparty"] not in ("", o["owner"])
                if t > at - days * DAY and o["owner"] == own["owner"] and foreign:
                    sums[o["counterparty"]] = sums.get(o["counterparty"], 0) + base
            limit = T * own["factor"] // WHOLE
            sums = {who: total for who, total in sums.items() if total < limit}
            total = sum(sums.values())
            if own["counterparty"] in sums and len(sums) >= 4 and total > limit:
                options.append((len(sums), -days, total))
        if options:
            yield own["owner"], max(options)[2], max(options)[0]


@given(seeds)
def test_equals_the_naive_definition(seed):
    said = run(log(seed))
    people = [int(text.split()[0]) for text in said["measured"].to_list()]
    expected = list(naive(log(seed)))
    assert [*zip(said["subject"], said["amount"], people, strict=True)] == expected


@given(seeds, cuts(6 * DAY))
def test_any_cut_gives_the_same_outcomes(seed, ends):
    assert run(log(seed), None, ends).equals(run(log(seed)))


def test_the_logs_tried_meet_the_rule_and_fail_it():
    met = sum(len(run(log(seed))) for seed in range(20))
    assert 20 * 2 < met < 20 * 40
