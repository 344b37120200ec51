from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.risk.margin import (
    PPM,
    calls,
    collateral_by_account,
    collateral_value,
    initial_margin,
    variation_margin,
    worst_of,
)

MILLION = 1_000_000


def test_a_credit_support_annex_with_threshold_and_minimum_transfer():
    """AcadiFi, "Key terms in a Credit Support Annex": threshold 10 m, minimum transfer 0.5 m.

    Exposure 8.3 m: nothing. Exposure 12.5 m: 2.5 m above the threshold is called, which takes
    2.55 m of Treasuries with a haircut of 2 % (2.5 / 0.98 = 2.551).
    """
    owed = calls(
        0,
        [8_300_000, 12_500_000, 10_400_000],
        0,
        minimum_transfer=500_000,
        threshold=10 * MILLION,
    )
    assert owed.call.tolist() == [0, 2_500_000, 0]
    assert owed.uncalled.tolist() == [0, 0, 400_000]
    assert collateral_value([2_551_021], 20_000).tolist() == [2_500_000]
    assert collateral_value([2_551_020], 20_000).tolist() == [2_499_999]


def test_a_call_moves_from_the_minimum_transfer_amount_on():
    # IM 800, VM 300 against collateral: deficits 100, 99, 0, -99, -100
    result = calls(800, 300, [1_000, 1_001, 1_100, 1_199, 1_200], minimum_transfer=100)
    assert result.deficit.tolist() == [100, 99, 0, -99, -100]
    assert result.call.tolist() == [100, 0, 0, 0, 0]
    assert result.uncalled.tolist() == [0, 99, 0, 0, 0]
    assert result.returned.tolist() == [0, 0, 0, 0, 100]


def test_calls_are_rounded_up_and_returns_down():
    # ISDA CSA, paragraph 13: delivery amounts up, return amounts down
    result = calls([1_234, 0], 0, [0, 1_234], rounding=100)
    assert result.call.tolist() == [1_300, 0]
    assert result.returned.tolist() == [0, 1_200]


def test_gains_reduce_what_is_required_but_not_below_zero():
    result = calls([500, 500], [-200, -900], [100, 100])
    assert result.required.tolist() == [300, 0]
    assert (result.call.tolist(), result.returned.tolist()) == ([200, 0], [0, 100])


def test_an_incomplete_requirement_calls_but_returns_nothing():
    result = calls([500, 0], 0, [100, 100], complete=[False, False])
    assert result.call.tolist() == [400, 0]
    assert result.returned.tolist() == [0, 0]
    assert result.complete.tolist() == [False, False]


def test_nonsense_terms_are_refused():
    for terms in ({"rounding": 0}, {"minimum_transfer": -1}, {"threshold": -1}):
        with pytest.raises(ValueError, match="at least"):
            calls(1, 1, 1, **terms)
    with pytest.raises(ValueError, match="weight_ppm"):
        initial_margin(1, 1, weight_ppm=PPM + 1)


def test_the_standard_haircuts():
    """Basel II and III standard haircuts, as in the rulebook of the Bank of Bahrain, CA-4.3.7/8.

    Cash 0, AAA sovereigns 0.5 / 2 / 4 %, main index equities 15 %, 8 % more in another currency.
    """
    posted = [1_000_00] * 6
    cut = [0, 5_000, 20_000, 40_000, 150_000, 150_000]
    value = collateral_value(posted, cut, currency_haircut_ppm=[0, 0, 0, 0, 0, 80_000])
    assert value.tolist() == [1_000_00, 995_00, 980_00, 960_00, 850_00, 770_00]
    assert collateral_value([10, 10], [PPM, 2 * PPM]).tolist() == [0, 0]
    with pytest.raises(ValueError, match="negative"):
        collateral_value([-5], 0)
    assert collateral_by_account(value, [0, 0, 1, 1, 1, 1], 3).tolist() == [1_995_00, 3_560_00, 0]


def test_initial_margin_blends_and_adds():
    # 0.75 * 1,000 + 0.25 * 2,001 = 1,250.25 -> 1,251, and 30 + 4
    assert initial_margin(
        1_000, 2_001, weight_ppm=750_000, liquidity=30, concentration=4
    ).tolist() == (1_285)
    assert initial_margin([5, -5], [0, 0]).tolist() == [5, 0]
    assert worst_of([1, 9], [5, 2]).tolist() == [5, 9]


def test_variation_margin_is_the_fall_in_worth():
    # worth 100 at the last settlement, 70 now: 30 owed; 130: 30 due to the account
    assert variation_margin([100, 100], [70, 130]).tolist() == [30, -30]


@given(st.integers(0, 10**15), st.integers(0, PPM))
def test_haircuts_are_rounded_down_exactly(amount, cut):
    assert collateral_value(amount, cut).tolist() == floor(amount * Fraction(PPM - cut, PPM))


@given(st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15), st.integers(0, PPM))
def test_blends_are_rounded_up_exactly(loss, stress, weight):
    exact = Fraction(loss * weight + stress * (PPM - weight), PPM)
    assert initial_margin(loss, stress, weight_ppm=weight).tolist() == max(0, ceil(exact))


@given(
    st.lists(st.tuples(*[st.integers(-(10**9), 10**9)] * 3), min_size=1),
    st.integers(0, 10**6),
    st.integers(1, 10**5),
)
def test_a_call_covers_the_deficit_and_a_return_leaves_none(rows, least, step):
    initial, variation, collateral = (np.abs(np.array(c)) for c in zip(*rows, strict=True))
    result = calls(initial, variation, collateral, minimum_transfer=least, rounding=step)
    after = collateral + result.call - result.returned
    assert np.all(after + result.uncalled >= result.required)
    assert np.all((result.call == 0) | (result.returned == 0))
    assert np.all(result.call % step == 0)
    assert np.all(result.returned % step == 0)
