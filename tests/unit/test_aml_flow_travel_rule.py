"""Travel rule: 31 CFR 1010.410(e) and (f), 3,000 US dollars or more."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.aml_flow_fold import START, cuts_of, fold
from udfs.aml.flow_travel_rule import Params, TravelRule

RULE = TravelRule()
PARAMS = Params()


def sent(base=5_000_00, **more):
    return [{"at": START, "base": base, "counterparty_name": "", **more}]


@pytest.mark.parametrize(("base", "count"), [(2_999_99, 0), (3_000_00, 1), (3_000_01, 1)])
def test_from_3000_on_whatever_the_factor(base, count):
    assert fold(RULE, sent(base), PARAMS).height == count
    assert fold(RULE, sent(base, factor=100_000), PARAMS).height == count


@pytest.mark.parametrize(
    ("more", "reason"),
    [({}, "Transfer without the name of the beneficiary"),
     ({"direction": "CREDIT"}, "Transfer without the name of the originator"),
     ({"counterparty_name": "  "}, "Transfer without the name of the beneficiary"),
     ({"counterparty_name": "N", "counterparty_account": ""},
      "Transfer without the account of the beneficiary"),
     ({"counterparty_account": ""}, "Transfer without the name and account of the beneficiary"),
     ({"channel": "WIRE"}, "Transfer without the name of the beneficiary")],
)  # fmt: skip
def test_what_is_missing(more, reason):
    (row,) = fold(RULE, sent(**more), PARAMS).to_dicts()
    assert row["reason"] == reason
    assert (row["limit"], row["amount"], row["events"]) == ("3000.00 USD", 5_000_00, ["p0000"])


@pytest.mark.parametrize(
    "more", [{"counterparty_name": "N"}, {"channel": "CARD"}, {"channel": "CASH"}]
)
def test_what_is_complete_or_no_transfer(more):
    assert fold(RULE, sent(**more), PARAMS).is_empty()


@pytest.mark.parametrize(
    ("base", "band"),
    [(9_999_99, "LOW"), (10_000_00, "MEDIUM"), (99_999_99, "MEDIUM"), (100_000_00, "HIGH")],
)
def test_bands(base, band):
    assert fold(RULE, sent(base), PARAMS)["band"].to_list() == [band]


def test_each_transfer_is_told_late_ones_too():
    rows = sent() + sent(account="A2", late=True)
    found = fold(RULE, rows, PARAMS)
    assert found["late"].to_list() == [False, True]
    assert found["account"].to_list() == ["A1", "A2"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1), st.data())
def test_other_cuts_give_the_same_outcomes(drawn, data):
    rows = [
        {"at": START + at, "base": 3_000_00, "counterparty_name": "N" * named}
        for at, named in drawn
    ]
    ends = data.draw(cuts_of(rows))
    assert fold(RULE, rows, PARAMS, ends).equals(fold(RULE, rows, PARAMS))
