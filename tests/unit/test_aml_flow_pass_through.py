"""Pass-through: expected sums and times by hand; definition in the module."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.aml_flow_fold import START, cuts_of, fold
from udfs.aml.flow_pass_through import Params, PassThrough, retention
from udfs.aml.rule import DAY, HOUR, MINUTE

RULE = PassThrough()
DAY_ONLY = Params(hours=(24,))


def posted(*rows, **more):
    """Rows (instant, amount): positive amounts come in, negative go out."""
    return [
        {
            "at": START + at,
            "base": abs(amount),
            "direction": "CREDIT" if amount > 0 else "DEBIT",
            **more,
        }
        for at, amount in rows
    ]


@pytest.mark.parametrize(("paid_in", "count"), [(4_999_99, 0), (5_000_00, 1), (5_000_01, 1)])
def test_at_least_5000_must_come_in(paid_in, count):
    assert fold(RULE, posted((0, paid_in), (HOUR, -paid_in)), DAY_ONLY).height == count


@pytest.mark.parametrize(
    ("paid_out", "count"),
    [(9_000_00, 0), (9_000_01, 1), (10_000_00, 1), (11_000_00, 1), (11_000_01, 0)],
)  # 9,000.00 leaves a balance of exactly 10 %, which is not under 10 %
def test_what_goes_out_is_90_to_110_percent(paid_out, count):
    assert fold(RULE, posted((0, 10_000_00), (HOUR, -paid_out)), DAY_ONLY).height == count


@pytest.mark.parametrize(("paid_out", "count"), [(8_999_99, 0), (9_000_00, 1)])
def test_90_percent_itself_counts(paid_out, count):
    more = DAY_ONLY.model_copy(update={"balance": 100_001})
    assert fold(RULE, posted((0, 10_000_00), (HOUR, -paid_out)), more).height == count


@pytest.mark.parametrize(("saved", "count"), [(999_99, 1), (1_000_00, 0)])
def test_the_balance_is_under_10_percent(saved, count):
    rows = posted((-30 * DAY, saved), (0, 10_000_00), (HOUR, -10_000_00))
    assert fold(RULE, rows, DAY_ONLY).height == count


def test_the_window_ends_after_24_hours():
    assert fold(RULE, posted((0, 6_000_00), (DAY - 1, -6_000_00)), DAY_ONLY).height == 1
    assert fold(RULE, posted((0, 6_000_00), (DAY, -6_000_00)), DAY_ONLY).is_empty()
    (row,) = fold(RULE, posted((0, 6_000_00), (DAY, -6_000_00)), Params()).to_dicts()
    assert "within 72 h" in row["measured"]
    assert fold(RULE, posted((0, 6_000_00), (3 * DAY, -6_000_00)), Params()).is_empty()


def test_what_is_said_and_how_long_the_money_stayed():
    """4,000.00 stays 2 h and 2,000.00 stays 1 h: (4 x 120 + 2 x 60) / 6 = 100 min."""
    rows = posted((0, 4_000_00), (HOUR, 2_000_00), (2 * HOUR, -6_000_00))
    (row,) = fold(RULE, rows, Params()).to_dicts()
    assert row["measured"] == (
        "6000.00 USD in and 6000.00 USD out within 24 h, 100.0 %; "
        "6000.00 USD stayed 1 h 40 min on average"
    )
    assert row["limit"] == "90 % to 110 % of at least 5000.00 USD within 24 h, balance under 10 %"
    assert row["events"] == ["p0000", "p0001", "p0002"]
    assert (row["amount"], row["event_count"], row["band"]) == (6_000_00, 3, "LOW")


def test_first_in_first_out():
    at = np.array([0, 10, 15, 20, 30]) * MINUTE
    base, credit = np.array([300, 100, 350, 100, 70]), np.array([1, 0, 1, 0, 0], dtype=bool)
    # 100 stays 10, 100 stays 20, 70 stays 30 minutes: 5,100 / 270
    assert retention(at, base, credit) == (270, 5_100 * MINUTE // 270)
    # 300 of the first 350 after 20 min, 100 of the second after 5; 50 were there before
    base = np.array([300, 400, 100, 50, 50])
    matched = (300 + 50 + 50, (300 * 10 + 50 * 5 + 50 * 15) * MINUTE // 400)
    assert retention(at, base, credit) == matched
    assert retention(at[:1], base[:1], ~credit[:1]) == (0, 0)


def test_two_accounts_of_an_owner_are_one():
    rows = posted((0, 6_000_00)) + posted((HOUR, -6_000_00), account="A2")
    assert fold(RULE, rows, Params())["account"].to_list() == [""]
    rows = posted((0, 6_000_00)) + posted((HOUR, -6_000_00), owner="B")
    assert fold(RULE, rows, Params()).is_empty()


@pytest.mark.parametrize(("paid_in", "count"), [(3_999_99, 0), (4_000_00, 1)])
def test_the_limit_scales_with_the_factor(paid_in, count):
    rows = posted((0, paid_in), (HOUR, -paid_in), factor=800_000)
    assert fold(RULE, rows, Params()).height == count


@pytest.mark.parametrize(
    ("paid_in", "factor", "band"),
    [(24_999_99, 10**6, "LOW"), (25_000_00, 10**6, "MEDIUM"), (100_000_00, 10**6, "HIGH"),
     (50_000_00, 500_000, "HIGH"), (49_999_99, 500_000, "MEDIUM")],
)  # fmt: skip
def test_bands(paid_in, factor, band):
    rows = posted((0, paid_in), (HOUR, -paid_in), factor=factor)
    assert fold(RULE, rows, Params())["band"].to_list() == [band]


@pytest.mark.parametrize(
    ("paid_in", "factor", "count"),
    [
        (49_999_99, 10**6, 0),
        (50_000_00, 10**6, 1),
        (25_000_00, 500_000, 1),
        (24_999_99, 500_000, 0),
    ],
)
def test_ten_times_as_much_must_come_in_for_a_business(paid_in, factor, count):
    rows = posted((0, paid_in), (HOUR, -paid_in), kind="BUSINESS", factor=factor)
    assert fold(RULE, rows, Params())["band"].to_list() == ["LOW"] * count


def test_what_moves_between_accounts_of_the_owner_is_neither_in_nor_out():
    """As when a firm sweeps its accounts: both sides are posted with the owner."""
    inner = posted((0, 6_000_00), (0, -6_000_00), counterparty="A")
    assert fold(RULE, inner, Params()).is_empty()
    rows = posted((-HOUR, 6_000_00)) + inner + posted((HOUR, -6_000_00))
    (row,) = fold(RULE, rows, Params()).to_dicts()
    assert row["events"] == ["p0000", "p0003"]
    assert row["measured"].endswith("6000.00 USD stayed 2 h 0 min on average")


def test_a_credit_does_not_meet_it_and_a_late_event_counts_where_it_stands():
    rows = posted((0, 6_000_00), (1, -6_000_00)) + posted((2, 100_00)) + posted((3, -1), late=True)
    found = fold(RULE, rows, Params())
    assert found["last_time"].to_list() == [START + 1, START + 3]
    assert found["late"].to_list() == [False, True]


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 200).map(lambda t: START + t * HOUR),
            "owner": st.sampled_from("AB"),
            "direction": st.sampled_from(["DEBIT", "CREDIT"]),
            "counterparty": st.sampled_from(["", "A"]),
            "base": st.sampled_from([1_000_00, 5_000_00, 5_400_00, 9_000_01]),
            "late": st.booleans(),
            "factor": st.sampled_from([500_000, 1_000_000]),
        }
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.data())
def test_other_cuts_give_the_same_outcomes(rows, data):
    ends = data.draw(cuts_of(rows))
    assert fold(RULE, rows, Params(), ends, restart=True).equals(fold(RULE, rows, Params()))


@settings(max_examples=100, deadline=None)
@given(ROWS, st.data())
def test_the_definition_read_plainly(rows, data):
    params = Params(hours=(24,), cool_down_s=0, balance=10**8)
    found = fold(RULE, rows, params, data.draw(cuts_of(rows)))
    ordered = sorted(enumerate(rows), key=lambda pair: (pair[1]["at"], pair[0]))
    ordered = [(number, row) for number, row in ordered if row["counterparty"] != row["owner"]]
    expected = []
    for place, (number, row) in enumerate(ordered):
        inside = [r for _, r in ordered[: place + 1] if r["at"] > row["at"] - DAY]
        own = [(r["direction"], r["base"]) for r in inside if r["owner"] == row["owner"]]
        paid_in = sum(base for side, base in own if side == "CREDIT")
        paid_out = sum(base for side, base in own if side == "DEBIT")
        enough = paid_in * 1_000_000 >= 5_000_00 * row["factor"] and paid_in > 0
        share = 9 * paid_in <= 10 * paid_out <= 11 * paid_in
        if row["direction"] == "DEBIT" and enough and share:
            expected.append((f"p{number:04}", paid_in))
    assert [(e[-1], a) for e, a in found.select("events", "amount").rows()] == expected
