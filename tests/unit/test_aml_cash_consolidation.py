import pytest
from hypothesis import given

from tests.aml_fold import cuts, drawn, fold, postings, seeds
from udfs.aml.cash_consolidation import Consolidation, Params
from udfs.aml.rule import DAY, HOUR, WHOLE

M = {"account": "PM", "area": ""}


def run(rows, params=None, ends=(), quiet=0):
    return fold(Consolidation(), postings(rows), params or Params(), ends, quiet)


def met(rows, params=None):
    return [int(events[-1][1:]) for events in run(rows, params)["events"].to_list()]


def paid_in(at, base, account, **more):
    return at, base, {"account": account} | more


def feed(at, base, source, owner="P", **more):
    own = {"channel": "TRANSFER", "counterparty": owner, "counterparty_account": source}
    return at, base, M | own | more


def abroad(at, base, country="AE", **more):
    own = {"channel": "WIRE", "direction": "DEBIT", "counterparty_country": country}
    return at, base, M | own | more


def own_accounts(base=290_000, merged=500_000):
    """Two cash-ins into each of three accounts, then a transfer of each to the master account."""
    cash = [paid_in(i * HOUR, base, f"P{i % 3}") for i in range(6)]
    return [*cash, *[feed((10 + i) * HOUR, merged, f"P{i}") for i in range(3)]]


def others(base=300_000, count=5):
    return [feed(i * HOUR, base, f"Q{i}", f"Q{i}") for i in range(count)]


def test_what_an_outcome_tells():
    said = run([*own_accounts(), abroad(DAY, 1_200_000)]).row(0, named=True)
    assert said["measured"] == (
        "3 own accounts with 6 small cash deposits, 15000.00 USD merged, "
        "12000.00 USD sent abroad within 240 h"
    )
    assert said["limit"] == (
        "3 own accounts with 6 cash deposits of less than 3000.00 USD, "
        "more than 10000.00 USD merged, 800000 ppm of it sent abroad"
    )
    assert (said["subject"], said["account"], said["band"]) == ("P", "PM", "LOW")
    assert said["events"] == [f"e{i:04}" for i in range(10)]
    assert (said["amount"], said["first_offset"], said["last_offset"]) == (1_200_000, 0, 9)


@pytest.mark.parametrize(("base", "found"), [(299_999, [9]), (300_000, []), (300_001, [])])
def test_deposits_of_three_thousand_are_too_large(base, found):
    # FFIEC appendix F: less than 3,000.
    assert met([*own_accounts(base), abroad(DAY, 1_500_000)]) == found


@pytest.mark.parametrize(("base", "found"), [(333_333, []), (333_334, [9])])
def test_what_is_merged_must_be_above_the_limit(base, found):
    assert met([*own_accounts(merged=base), abroad(DAY, 1_500_000)]) == found
    rows = own_accounts(merged=333_333)
    rows[8] = feed(12 * HOUR, 333_334, "P2")  # 10,000.00 in all
    assert met([*rows, abroad(DAY, 1_500_000)]) == []


@pytest.mark.parametrize(("sent", "found"), [(1_199_999, []), (1_200_000, [9]), (1_200_001, [9])])
def test_eight_tenths_must_be_sent_abroad(sent, found):
    assert met([*own_accounts(), abroad(DAY, sent)]) == found


def test_transfers_abroad_add_up_from_the_first_merged_one_on():
    rows = [*own_accounts()[:6], abroad(9 * HOUR, 1_500_000), *own_accounts()[6:]]
    assert met([*rows, abroad(DAY, 600_000), abroad(DAY + 1, 600_000)]) == [11]


@pytest.mark.parametrize("country", ["US", ""])
def test_home_and_unknown_countries_are_not_abroad(country):
    assert met([*own_accounts(), abroad(DAY, 1_500_000, country)]) == []
    assert met([*own_accounts(), abroad(DAY, 1_500_000, home_country="")]) == []
    assert met([*own_accounts(), abroad(DAY, 1_500_000, channel="CARD")]) == []


def test_accounts_without_cash_before_the_transfer_do_not_count():
    rows = own_accounts()
    for base, account in ((290_000, "P2"), (1, "PM")):
        late = [paid_in(20 * HOUR, base, account), paid_in(20 * HOUR, base, account)]
        without = [row for row in rows[:6] if row[2]["account"] != "P2"]
        assert met([*without, *rows[6:], *late, abroad(DAY, 1_500_000)]) == []


def test_enough_deposits_are_needed():
    rows = own_accounts()
    assert met([*rows[1:], abroad(DAY, 1_500_000)]) == []
    assert met([*rows[1:], abroad(DAY, 1_500_000)], Params(deposits=5)) == [8]


@pytest.mark.parametrize(("last", "found"), [(10 * DAY - 1, [9]), (10 * DAY, [])])
def test_a_deposit_exactly_ten_days_old_is_outside(last, found):
    assert met([*own_accounts(), abroad(last, 1_500_000)]) == found


def test_more_own_accounts_make_a_higher_band():
    cash = [paid_in(i * HOUR, 290_000, f"P{i}") for i in range(6)]
    feeds = [feed((10 + i) * HOUR, 290_000, f"P{i}") for i in range(6)]
    said = run([*cash, *feeds, abroad(DAY, 1_740_000)])
    assert said.select("band", "score").rows() == [("HIGH", 900_000)]


def test_several_customers_who_pay_in_reach_the_lowest_band_only():
    said = run([*others(count=8), abroad(DAY, 2_400_000)])
    assert said.select("account", "band", "event_count").rows() == [("PM", "LOW", 9)]
    assert said["measured"][0].startswith("8 other customers, 24000.00 USD merged")
    assert said["limit"][0].startswith("5 other customers, more than 10000.00 USD")
    assert said["reason"][0].endswith("whether cash is behind them is not seen.")


@pytest.mark.parametrize(("count", "found"), [(4, []), (5, [5])])
def test_five_customers_are_needed(count, found):
    assert met([*others(count=count), abroad(DAY, 1_500_000)]) == found
    assert met([*others(count=count), abroad(DAY, 1_500_000)], Params(payers=0)) == []


@pytest.mark.parametrize(("least", "found"), [(99_999, []), (100_000, [5]), (100_001, [5])])
def test_small_transfers_of_others_do_not_count(least, found):
    rows = others()
    rows[4] = feed(4 * HOUR, least, "Q4", "Q4")
    assert met([*rows, abroad(DAY, 1_500_000)]) == found


def test_who_pays_twice_or_is_no_customer_does_not_count_again():
    rows = others(count=4)
    assert met([*rows, feed(DAY, 300_000, "Q0b", "Q0"), abroad(2 * DAY, 1_500_000)]) == []
    assert met([*rows, feed(DAY, 300_000, "X", ""), abroad(2 * DAY, 1_500_000)]) == []


def test_late_converted_and_scaled():
    rows = own_accounts(base=149_999, merged=180_000)
    rows[7][2].update(late=True, currency="EUR", amount=1)
    assert met([*rows, abroad(DAY, 500_000)]) == []
    for row in rows:
        row[2].update(factor=WHOLE // 2)
    assert run([*rows, abroad(DAY, 500_000, factor=WHOLE // 2)])["late"].to_list() == [True]
    rows[0] = (0, 150_000, rows[0][2])
    assert met([*rows, abroad(DAY, 500_000, factor=WHOLE // 2)]) == []


FEW = Params(
    bands=({"name": "LOW", "at_least": 2, "score": 1},), deposits=2, limit=300_000, payers=2
)


def posting(one_of):
    at, account = one_of(range(12 * 12)) * 2 * HOUR, one_of(["P0", "P1"])
    if one_of(range(3)) == 0:
        return paid_in(at, one_of([200_000, 200_000, 400_000]), account)
    if one_of(range(3)):
        owner = one_of([*"PPPPQR", ""])
        return feed(at, one_of([50_000, 200_000]), one_of(["P0", "P1", "P0", "P1", "PM"]), owner)
    return abroad(at, one_of([100_000, 2_000_000]), one_of(["AE", "AE", "AE", "US"]))


def log(seed):
    return drawn(posting, 45, seed)


def naive(rows):
    """(event, sum sent abroad) by the definition, the form with own accounts first."""
    window = 10 * DAY

    def fed(j, t):
        """Small cash-ins within the window before `t`, until posting `j`."""
        account = rows[j][2]["counterparty_account"]
        return [
            k
            for k in range(len(rows))
            if rows[k][2].get("channel", "CASH") == "CASH"
            and rows[k][2]["account"] == account
            and rows[k][1] < 300_000
            and t - window < rows[k][0] <= rows[j][0]
        ]

    for i, (at, _, own) in enumerate(rows):
        if own.get("counterparty_country", "US") == "US":
            continue
        span = [j for j in range(i + 1) if at - window < rows[j][0]]
        feeds = [j for j in span if "counterparty" in rows[j][2]]
        mine = [
            j
            for j in feeds
            if rows[j][2]["counterparty"] == "P"
            and rows[j][2]["counterparty_account"] != "PM"
            and fed(j, rows[j][0])
        ]
        last = {rows[j][2]["counterparty_account"]: j for j in mine}
        cash = {account: fed(j, at) for account, j in last.items()}
        mine = [j for j in mine if cash[rows[j][2]["counterparty_account"]]]
        theirs = [
            j for j in feeds if rows[j][2]["counterparty"] in ("Q", "R") and rows[j][1] >= 100_000
        ]
        people = len({rows[j][2]["counterparty"] for j in theirs})
        forms = [
            (mine, sum(map(bool, cash.values())) >= 2 and sum(map(len, cash.values())) >= 2),
            (theirs, people >= 2),
        ]
        for money, enough in forms:
            merged = sum(rows[j][1] for j in money)
            sent = sum(
                rows[j][1]
                for j in span
                if money and j > money[0] and rows[j][2].get("counterparty_country", "US") != "US"
            )
            if enough and merged > 300_000 and 5 * sent >= 4 * merged:
                yield i, sent
                break


@given(seeds)
def test_equals_the_naive_definition(seed):
    said = run(log(seed), FEW)
    assert [*zip(met(log(seed), FEW), said["amount"], strict=True)] == list(naive(log(seed)))


@given(seeds, cuts(12 * DAY))
def test_any_cut_gives_the_same_outcomes(seed, ends):
    assert run(log(seed), FEW, ends, DAY).equals(run(log(seed), FEW))


def test_the_logs_tried_meet_both_forms_and_fail_them():
    said = [run(log(seed), FEW)["measured"].to_list() for seed in range(20)]
    own = [text.startswith("2 own") for texts in said for text in texts]
    assert 20 < sum(own) < len(own) - 20
    assert len(own) < 20 * 8
