import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.risk.corporate import dividend, jumps, split, split_price
from udfs.risk.positions import Positions, apply

ALL = [True]


def held(*fills):
    units, price = zip(*fills, strict=True)
    return apply(Positions.flat(1), [0] * len(fills), units, price)[0]


def lots(positions):
    mine = positions.lots
    return list(zip(mine.quantity.tolist(), mine.cost().tolist(), strict=True))


def test_three_for_two_with_cash_for_half_a_share():
    """105 shares at 50.00, 3 for 2, the half share sold at 38.00: a gain of 2.33.

    The Motley Fool, "How to report cash in lieu on Schedule D": 157.5 shares, basis 33.33 a share,
    so half a share costs 16.67. (Its gain of 4.67 takes the whole 38 less 33.33; half of it is
    paid.)
    """
    after = split(held((105, 50_00)), ALL, 3, 2, 38_00)
    assert after.positions.quantity.tolist() == [157]
    assert (after.fraction.tolist(), after.cash.tolist()) == ([1], [19_00])
    assert after.positions.cost.tolist() == [5_250_00 - 16_67]
    assert after.positions.realised_average.tolist() == [2_33]
    assert after.positions.realised_fifo.tolist() == [2_33]
    assert lots(after.positions) == [(157, 5_233_33)]


def test_one_for_three_with_cash_for_a_third():
    """100 shares cost 1,510.00, 1 for 3 leaves 1/3 that cost 15.10; the cash is 25.00: gain 9.90.

    The Finance Base, "Account for a cash out due to reverse stock splits" (which rounds the cost to
    15.08 on the way).
    """
    after = split(held((100, 15_10)), ALL, 1, 3, 75_00)
    assert after.positions.quantity.tolist() == [33]
    assert after.cash.tolist() == [25_00]
    assert after.positions.cost.tolist() == [1_494_90]
    assert after.positions.realised_fifo.tolist() == [9_90]


def test_a_split_without_fractions_only_renames_units():
    """100 IBM for 2,000.00, four for one: 400 with the same cost (costbasis.com, stock splits)."""
    before = held((100, 20_00), (-40, 30_00), (40, 25_00))
    after = split(before, ALL, 4, 1, 0).positions
    assert after.quantity.tolist() == [400]
    assert after.cost.tolist() == before.cost.tolist()
    assert lots(after) == [(240, 1_200_00), (160, 1_000_00)]
    sold, each = apply(after, [0], [-300], [10_00])
    # 240 at 5.00 and 60 at 6.25
    assert each.fifo.tolist() == [240 * 5_00 + 60 * 3_75]
    assert sold.quantity.tolist() == [100]


def test_lots_smaller_than_a_new_unit_are_merged_in_order():
    # 1-for-10 of lots 4, 4, 4 at 10, 20, 30: one unit of 4 * 10 + 4 * 20 + 2 * 30 = 180, 0.2 left
    before = held((4, 10), (4, 20), (4, 30))
    after = split(before, ALL, 1, 10, 150)
    assert lots(after.positions) == [(1, 180)]
    assert after.cash.tolist() == [30]
    assert after.positions.realised_fifo.tolist() == [30 - 60]
    # at average cost 240 * 2 / 12 = 40 goes with the fraction
    assert after.positions.cost.tolist() == [200]
    assert after.positions.realised_average.tolist() == [-10]


def test_a_short_position_pays_the_cash():
    after = split(held((-5, 40)), ALL, 1, 2, 90)
    assert after.positions.quantity.tolist() == [-2]
    assert after.cash.tolist() == [-45]
    assert after.positions.realised_average.tolist() == [-45 + 40]


def test_a_position_of_less_than_a_new_unit_is_gone():
    after = split(held((3, 7)), ALL, 1, 10, 80)
    assert after.positions.quantity.tolist() == [0]
    assert after.positions.cost.tolist() == [0]
    assert lots(after.positions) == []
    assert after.positions.realised_fifo.tolist() == [24 - 21]


def test_other_positions_stay_and_nonsense_is_refused():
    two = apply(Positions.flat(2), [0, 1, 0], [5, 7, 5], [10, 10, 12])[0]
    after = split(two, [False, True], 2, 1, 0).positions
    assert after.quantity.tolist() == [10, 14]
    assert after.lots.position.tolist() == [0, 0, 1]
    assert after.lots.quantity.tolist() == [5, 5, 14]
    with pytest.raises(ValueError, match="is none"):
        split(two, [True, True], 0, 1, 0)
    with pytest.raises(OverflowError):
        split(held((2**49, 1)), ALL, 2, 1, 0)


fills = st.lists(st.tuples(st.integers(-30, 30).filter(bool), st.integers(1, 99)), min_size=1)
ratios = st.sampled_from([(2, 1), (3, 2), (1, 3), (2, 5), (1, 10), (1, 1)])


@settings(max_examples=60)
@given(fills, ratios, st.integers(0, 500), fills, st.integers(1, 99))
def test_a_split_loses_nothing_and_both_methods_agree_after_it(first, ratio, price, second, mark):
    before = held(*first)
    done = split(before, ALL, *ratio, price)
    after = done.positions
    assert after.lots.quantity.sum() == after.quantity[0]
    new, old = ratio
    assert abs(before.quantity[0]) * new == abs(after.quantity[0]) * old + done.fraction[0]
    for realised, cost in (("realised_average", "cost"), ("realised_fifo", "cost_fifo")):

        def paid(p, realised=realised, cost=cost):
            basis = p.cost if cost == "cost" else p.cost_fifo()
            return int((getattr(p, realised) - basis)[0])

        assert paid(after) - paid(before) == done.cash[0]
    units, prices = zip(*second, strict=True)
    end, _ = apply(after, [0] * len(second), units, prices)
    worth = end.quantity * mark
    average = end.realised_average + worth - end.cost
    assert average.tolist() == (end.realised_fifo + worth - end.cost_fifo()).tolist()


@settings(max_examples=40)
@given(fills, ratios, fills, st.integers(0, 30))
def test_after_a_split_too_a_cut_makes_no_difference(first, ratio, second, cut):
    after = split(held(*first), ALL, *ratio, 9).positions

    def folded(positions, rows):
        units, prices = [r[0] for r in rows], [r[1] for r in rows]
        return apply(positions, [0] * len(rows), units, prices)[0]

    whole = folded(after, second)
    parts = folded(folded(after, second[:cut]), second[cut:])
    assert whole.realised_fifo.tolist() == parts.realised_fifo.tolist()
    assert whole.realised_average.tolist() == parts.realised_average.tolist()
    assert lots(whole) == lots(parts)


def test_prices_and_dividends():
    assert split_price([100_00, 99_99], 3, 2).tolist() == [66_67, 66_66]
    assert split_price(2_00, 1, 10).tolist() == 20_00
    assert dividend([100, -100], 25, [1, 10]).tolist() == [2_500, -25_000]


def test_a_jump_that_was_not_announced_is_flagged_with_the_split_it_looks_like():
    before = [100_00, 100_00, 100_00, 2_00, 100_00, 100_00, 0]
    after = [101_00, 49_50, 49_50, 20_40, 58_00, 66_00, 5]
    new = [1, 1, 2, 1, 1, 3, 1]
    old = [1, 1, 1, 1, 1, 2, 1]
    found = jumps(before, after, allowed_ppm=200_000, new=new, old=old)
    assert found.change_ppm.tolist() == [
        10_000, -505_000, -10_000, 9_200_000, -420_000, -10_000, 0
    ]  # fmt: skip
    assert found.jumped.tolist() == [False, True, False, True, True, False, False]
    # 2 for 1, 1 for 10, and one that no common split explains
    assert found.new.tolist() == [0, 2, 0, 1, 0, 0, 0]
    assert found.old.tolist() == [0, 1, 0, 10, 0, 0, 0]
    assert found.unusable.tolist() == [False] * 6 + [True]


def test_a_split_that_was_announced_but_did_not_happen_is_a_jump():
    found = jumps([100], [100], allowed_ppm=200_000, new=2)
    assert found.jumped.tolist() == [True]
    assert np.all(found.change_ppm == 1_000_000)
