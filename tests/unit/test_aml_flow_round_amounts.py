"""Round amounts: expected counts by hand; definition in the module."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.aml_flow_fold import START, cuts_of, fold
from udfs.aml.flow_round_amounts import Params, RoundAmounts
from udfs.aml.rule import DAY

RULE = RoundAmounts()
PARAMS = Params()
ROUND, OTHER = 3_000_00, 3_100_00


def sent(*amounts, start=0, **more):
    return [
        {"at": START + start + place, "base": amount, **more}
        for place, amount in enumerate(amounts)
    ]


@pytest.mark.parametrize(
    ("amounts", "bands"),
    [([ROUND] * 4, []), ([ROUND] * 5, ["HIGH"]), ([ROUND] * 3 + [OTHER] * 2, ["LOW"]),
     ([ROUND] * 2 + [OTHER] * 3, []), ([ROUND] * 4 + [OTHER], ["MEDIUM"]),
     ([OTHER] * 4 + [ROUND] * 5, []), ([OTHER] * 4 + [ROUND] * 6, ["LOW"])],
)  # fmt: skip
def test_sixty_percent_of_at_least_five(amounts, bands):
    assert fold(RULE, sent(*amounts), PARAMS)["band"].to_list() == bands


def test_the_share_just_below_sixty_percent():
    """19 of 32 are 59.4 %, 20 of 33 are 60.6 %."""
    rows = sent(*[OTHER] * 13, *[ROUND] * 19)
    assert fold(RULE, rows, PARAMS).is_empty()
    (row,) = fold(RULE, rows + sent(ROUND, start=40), PARAMS).to_dicts()
    assert row["measured"] == "20 of 33 transfers in 30 d divisible by 1000"


@pytest.mark.parametrize(("amount", "count"), [(999_99, 0), (1_000_00, 1), (1_000_01, 0)])
def test_each_is_at_least_1000(amount, count):
    assert fold(RULE, sent(*[amount] * 5), PARAMS).height == count


def test_what_is_smaller_or_no_transfer_does_not_count():
    rows = sent(*[ROUND] * 4) + sent(1, 2, 3) + sent(ROUND, ROUND, channel="CARD")
    assert fold(RULE, rows, PARAMS).is_empty()
    rows = sent(*[ROUND] * 4) + sent(ROUND, start=9, channel="WIRE", direction="CREDIT")
    (row,) = fold(RULE, rows, PARAMS).to_dicts()
    assert (row["amount"], row["event_count"]) == (15_000_00, 5)
    assert row["limit"] == "60 % of at least 5 transfers in 30 d"
    assert row["events"] == [f"p{i:04}" for i in range(5)]


def test_thirty_days():
    rows = sent(*[ROUND] * 4, start=1)
    assert fold(RULE, rows + sent(ROUND, start=30 * DAY), PARAMS).height == 1
    assert fold(RULE, rows + sent(ROUND, start=30 * DAY + 1), PARAMS).is_empty()


def test_the_own_currency_decides_what_is_round():
    """1,000 yen have no decimals, 1,000 dinars of Bahrain three; both stand for enough dollars."""
    yen = [row | {"amount": 150_000, "currency": "JPY"} for row in sent(*[1_005_00] * 5)]
    assert fold(RULE, yen, PARAMS).height == 1
    assert fold(RULE, [row | {"amount": 150_100} for row in yen], PARAMS).is_empty()
    dinars = [row | {"amount": 2_000_000, "currency": "BHD"} for row in sent(*[5_305_04] * 5)]
    assert fold(RULE, dinars, PARAMS).height == 1
    assert fold(RULE, [row | {"amount": 200_000} for row in dinars], PARAMS).is_empty()


def test_hundreds_if_a_rule_set_says_so():
    assert fold(RULE, sent(*[OTHER] * 5), PARAMS.model_copy(update={"unit": 100})).height == 1


@pytest.mark.parametrize(("base", "count"), [(499_99, 0), (500_00, 1)])
def test_the_floor_scales_with_the_factor(base, count):
    rows = [row | {"amount": 1_000_00} for row in sent(*[base] * 5, factor=500_000)]
    assert fold(RULE, rows, PARAMS).height == count


def test_two_accounts_of_an_owner_count_together():
    rows = sent(*[ROUND] * 3) + sent(*[ROUND] * 2, start=9, account="A2")
    assert fold(RULE, rows, PARAMS)["account"].to_list() == [""]
    rows = sent(*[ROUND] * 3) + sent(*[ROUND] * 2, start=9, owner="B")
    assert fold(RULE, rows, PARAMS).is_empty()


def test_savings_between_accounts_of_the_owner_do_not_count():
    assert fold(RULE, sent(*[ROUND] * 9, counterparty="A"), PARAMS).is_empty()
    assert fold(RULE, sent(*[ROUND] * 5, counterparty="B"), PARAMS).height == 1


def test_a_late_event_is_said():
    rows = sent(*[ROUND] * 5) + sent(ROUND, start=9) + sent(ROUND, start=10, late=True)
    found = fold(RULE, rows, PARAMS)
    assert found["event_count"].to_list() == [5, 7]
    assert found["late"].to_list() == [False, True]


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 50).map(lambda t: START + t * DAY),
            "owner": st.sampled_from("AB"),
            "base": st.sampled_from([ROUND, OTHER, 1_000_00, 1_00]),
            "channel": st.sampled_from(["TRANSFER", "WIRE", "CARD"]),
            "late": st.booleans(),
        }
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.data())
def test_other_cuts_give_the_same_outcomes(rows, data):
    ends = data.draw(cuts_of(rows))
    assert fold(RULE, rows, PARAMS, ends, restart=True).equals(fold(RULE, rows, PARAMS))


@settings(max_examples=100, deadline=None)
@given(ROWS, st.data())
def test_the_definition_read_plainly(rows, data):
    params = PARAMS.model_copy(update={"cool_down_s": 0})
    found = fold(RULE, rows, params, data.draw(cuts_of(rows)))
    ordered = sorted(enumerate(rows), key=lambda pair: (pair[1]["at"], pair[0]))
    large = [
        (number, row)
        for number, row in ordered
        if row["base"] >= 1_000_00 and row["channel"] != "CARD"
    ]
    expected = []
    for place, (_, row) in enumerate(large):
        inside = [
            (f"p{number:04}", r["base"] % 1_000_00 == 0)
            for number, r in large[: place + 1]
            if r["owner"] == row["owner"] and r["at"] > row["at"] - 30 * DAY
        ]
        if len(inside) >= 5 and 10 * sum(whole for _, whole in inside) >= 6 * len(inside):
            expected.append([posting for posting, _ in inside])
    assert found["events"].to_list() == expected
