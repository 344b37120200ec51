import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.risk.explain import explain, explain_linear
from udfs.risk.marks import Quality, mark, quotes
from udfs.risk.pnl import converted, fx_split, reported, totals, unrealised
from udfs.risk.positions import Positions, apply

EUR = {"value_scale": 2, "rate_scale": 4, "exponent": 2}


def test_every_bad_quote_is_named():
    bid = [99.0, 99, 101, 0, -1, math.nan, 99, math.inf, 99.5, 100]
    ask = [101.0, 101, 99, 5, 5, 100, math.nan, 101, 101, 100]
    age = [0, 11, 0, 0, 0, 0, 0, 0, 0, 10]
    given = quotes(bid, ask, age, stale_after=10)
    assert [Quality(q).name for q in given.quality] == [
        "GOOD",
        "STALE",
        "CROSSED",
        "NOT_POSITIVE",
        "NOT_POSITIVE",
        "NOT_WHOLE",
        "NOT_WHOLE",
        "NOT_WHOLE",
        "NOT_WHOLE",
        "GOOD",
    ]
    assert given.bid.tolist() == [99, 99, 0, 0, 0, 0, 0, 0, 0, 100]


def test_prices_below_zero_only_where_they_may_be():
    given = quotes([-5, -5], [-3, -3], negative=[True, False])
    assert given.quality.tolist() == [Quality.GOOD, Quality.NOT_POSITIVE]


def test_a_position_is_marked_at_mid_or_where_it_could_be_closed():
    given = quotes([99, 10, 20], [101, 11, 23])
    held, which = [5, 5, -5, 5, -5], [0, 1, 1, 2, 2]
    # 10.5 rounds to 10 and 21.5 to 22, half to even
    assert mark(held, which, given, "mid")[0].tolist() == [100, 10, 10, 22, 22]
    assert mark(held, which, given, "exit")[0].tolist() == [99, 10, 11, 20, 23]


def test_an_unknown_instrument_has_no_mark_and_a_flat_position_needs_none():
    price, quality = mark([1, 0, 1, 1], [-1, -1, 0, 7], quotes([1], [1]), "mid")
    assert price.tolist() == [0, 0, 1, 0]
    assert quality.tolist() == [Quality.MISSING, Quality.GOOD, Quality.GOOD, Quality.MISSING]
    assert mark([1], [0], quotes([], []), "exit")[1].tolist() == [Quality.MISSING]


def test_the_hand_example_of_the_definitions_unrealised():
    # 50 open, mark 11: against the average cost of 11 nothing, against the FIFO lot at 12 minus 50
    assert unrealised([50, 50], [550, 600], 11).tolist() == [0, -50]
    # short 3 contracts of 100 at 250, mark 240: 3 * 100 * 10
    assert unrealised([-3], [-75_000], 240, 100).tolist() == [3_000]


def test_conversion_rounds_once_half_to_even():
    # 12.345 USD * 0.9 = 11.1105; 0.05 * 0.5 = 0.025 -> 0.02; 0.15 * 0.5 = 0.075 -> 0.08
    assert converted(12_345, 9_000, value_scale=3, rate_scale=4, exponent=2).tolist() == 1_111
    assert converted([5, 15, -5], 5_000, **EUR).tolist() == [2, 8, -2]
    # 1,000 yen at 0.0061 EUR = 6.10 EUR; 6.10 EUR at 163.93 = 999.97 -> 1,000 yen
    assert converted(1_000, 61, value_scale=0, rate_scale=4, exponent=2).tolist() == 610
    assert converted(610, 16_393, value_scale=2, rate_scale=2, exponent=0).tolist() == 1_000
    with pytest.raises(ValueError, match="not positive"):
        converted([1, 1], [1, 0], **EUR)
    with pytest.raises(ValueError, match="18 places"):
        converted(1, 1, value_scale=18, rate_scale=9, exponent=2)


def test_a_fee_in_a_third_currency_is_converted_at_its_own_rate():
    # realised 100.00 USD, fee 500 JPY, reported in EUR: 100 * 0.92 - 500 * 0.0061 = 92.00 - 3.05
    gained = converted(10_000, 9_200, **EUR)
    paid = converted(500, 61, value_scale=0, rate_scale=4, exponent=2)
    assert (gained - paid).tolist() == 8_895


def test_books_add_up_to_the_firm_and_say_what_they_lack():
    value = [100, -40, 7, 9, 1]
    quality = [Quality.GOOD, Quality.STALE, Quality.CROSSED, Quality.GOOD, Quality.NO_RATE]
    books = totals(value, quality, [0, 0, 1, 2, 1], 3)
    assert books.value.tolist() == [60, 0, 9]
    assert books.positions.tolist() == [2, 2, 1]
    assert books.stale.tolist() == [1, 0, 0]
    assert books.unvalued.tolist() == [0, 2, 0]
    assert books.complete.tolist() == [False, False, True]
    firm = totals(value, quality, 0, 1)
    assert firm.value.tolist() == [69] == [books.value.sum()]
    assert (firm.stale.tolist(), firm.unvalued.tolist()) == ([1], [2])


def test_a_missing_rate_is_named_and_not_a_zero():
    minor, quality = reported(
        [100, 100, 0, 100], [0, 0, 0, Quality.CROSSED], [10_000, 0, 0, 10_000], **EUR
    )
    assert minor.tolist() == [100, 0, 0, 0]
    assert quality.tolist() == [0, Quality.NO_RATE, 0, Quality.CROSSED]


def test_price_and_fx_effect_by_hand():
    # 1,000 USD at 0.90 become 1,100 USD at 0.88: 968 - 900 = 68 = 100 * 0.88 + 1,000 * (-0.02)
    split = fx_split(100_000, 110_000, 9_000, 8_800, **EUR)
    assert (int(split.total), int(split.price), int(split.fx)) == (6_800, 8_800, -2_000)
    # the same with 50 USD of dividend: 50 * 0.88 more, all of it price
    split = fx_split(100_000, 110_000, 9_000, 8_800, flows=5_000, **EUR)
    assert (int(split.total), int(split.price), int(split.fx)) == (11_200, 13_200, -2_000)


amounts = st.integers(-(10**12), 10**12)
rates = st.integers(1, 10**8)


@settings(max_examples=60)
@given(st.lists(st.tuples(amounts, amounts, rates, rates, amounts), min_size=1, max_size=20))
def test_the_effects_add_up_exactly_and_fx_is_the_old_worth_times_the_rate_change(rows):
    v1, v2, x1, x2, flows = (np.array(c) for c in zip(*rows, strict=True))
    split = fx_split(v1, v2, x1, x2, flows=flows, **EUR)
    assert (split.price + split.fx).tolist() == split.total.tolist()
    for v, a, b, fx in zip(v1.tolist(), x1.tolist(), x2.tolist(), split.fx.tolist(), strict=True):
        assert abs(fx - Fraction(v * (b - a), 10**4)) <= Fraction(3, 2)


def test_explained_by_hand():
    """dirty 821 - 500, clean 321 + 5 - 290; market 30, time -10 + 5, dealing 300 - 290, rest 1.

    The rest is what market and time do together: 521 - 530 - 490 + 500 = 1.
    """
    parts = explain(500, 530, 490, 521, 821, flows=5, trade_cash=-290)
    assert int(parts.dirty) == 321
    assert int(parts.clean) == 36
    assert int(parts.hypothetical) == 30
    assert int(parts.theta) == -5
    assert int(parts.trade_change) == 10
    assert int(parts.unexplained) == 1


def test_shares_explained_by_hand():
    # 100 held, mark 10 -> 11; 50 sold at 13: the market brings 100, dealing 50 * (13 - 11) = 100
    parts = explain_linear(100, 50, 10, 11, trade_cash=650)
    assert (int(parts.hypothetical), int(parts.trade_change)) == (100, 100)
    assert (int(parts.clean), int(parts.theta), int(parts.unexplained)) == (200, 0, 0)


fills = st.lists(
    st.tuples(st.integers(0, 2), st.integers(-9, 9).filter(bool), st.integers(1, 50)), max_size=20
)


@settings(max_examples=60)
@given(fills, fills, st.integers(1, 50), st.integers(1, 50), st.integers(-20, 20))
def test_what_is_explained_is_what_positions_gained(first, second, m0, m1, dividend):
    """Realised + unrealised grows by exactly the explained P&L, whichever the cost method."""

    def folded(positions, rows):
        at, units, price = ([r[i] for r in rows] for i in range(3))
        return apply(positions, at, units, price)[0]

    before = folded(Positions.flat(3), first)
    after = folded(before, second)
    cash = np.array([sum(-u * v for p, u, v in second if p == i) for i in range(3)])
    parts = explain_linear(before.quantity, after.quantity, m0, m1, flows=dividend, trade_cash=cash)
    for realised, cost in (("realised_average", "cost"), ("realised_fifo", "cost_fifo")):

        def worth(p, at, realised=realised, cost=cost):
            basis = p.cost if cost == "cost" else p.cost_fifo()
            return getattr(p, realised) + unrealised(p.quantity, basis, at)

        gained = worth(after, m1) - worth(before, m0) + dividend
        assert gained.tolist() == parts.clean.tolist()
    whole = parts.hypothetical + parts.theta + parts.trade_change + parts.unexplained
    assert whole.tolist() == parts.clean.tolist()
    assert parts.unexplained.tolist() == [0, 0, 0]


@settings(max_examples=40)
@given(st.lists(st.tuples(amounts, st.integers(0, 3), st.integers(0, 6))), st.randoms())
def test_the_order_of_positions_changes_no_bit(rows, random):
    def summed(rows):
        value, book, quality = (np.array([r[i] for r in rows], np.int64) for i in range(3))
        result = totals(value, quality, book, 4)
        return [result.value.tolist(), result.stale.tolist(), result.unvalued.tolist()]

    expected = summed(rows)
    random.shuffle(rows)
    assert summed(rows) == expected
