import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.naive.positions import fold
from udfs.risk.average import FEW
from udfs.risk.positions import Positions, apply, average_price, fees


def bought_and_sold(*fills, multiplier=1):
    """One position after fills of (units, price)."""
    units, price = zip(*fills, strict=True)
    return apply(Positions.flat(1), [0] * len(fills), units, price, multiplier)


def lots(positions):
    held = positions.lots
    return list(zip(held.quantity.tolist(), held.cost().tolist(), strict=True))


def numbers(positions):
    return tuple(
        int(a[0])
        for a in (
            positions.quantity,
            positions.cost,
            positions.realised_average,
            positions.realised_fifo,
            positions.cost_fifo(),
        )
    )


def total(positions, mark, multiplier=1):
    """Realised plus unrealised at a mark, by average cost and by FIFO."""
    worth = positions.quantity * mark * multiplier
    average = positions.realised_average + worth - positions.cost
    return average.tolist(), (positions.realised_fifo + worth - positions.cost_fifo()).tolist()


def test_the_hand_example_of_the_definitions():
    """Buy 100 at 10, buy 100 at 12, sell 150 at 13, mark 11.

    FIFO: 100 * (13 - 10) + 50 * (13 - 12) = 350, 50 open at 12, unrealised 50 * (11 - 12) = -50.
    Average: a = 11, 150 * (13 - 11) = 300, 50 open at 11, unrealised 0. Both total 300.
    """
    after, each = bought_and_sold((100, 10), (100, 12), (-150, 13))
    assert numbers(after) == (50, 550, 300, 350, 600)
    assert each.fifo.tolist() == [0, 0, 350]
    assert each.average.tolist() == [0, 0, 300]
    assert (after.quantity * 11 - after.cost).tolist() == [0]
    assert (after.quantity * 11 - after.cost_fifo()).tolist() == [-50]
    assert total(after, 11) == ([300], [300])


def test_a_flip_opens_at_the_price_of_the_fill():
    """Nautilus trader, issue 963: short 1.1 at 2.781, market buy 375.8 at 2.662.

    The average price after it was reported unchanged, 2.781; it must be 2.662 on 374.7 long. In
    tenths of a unit and 1/1000 of the currency: realised 11 * (2781 - 2662) = 1309.
    """
    after, each = bought_and_sold((-11, 2781), (3758, 2662))
    assert numbers(after) == (3747, 3747 * 2662, 1309, 1309, 3747 * 2662)
    assert each.average.tolist() == each.fifo.tolist() == [0, 1309]
    # then buy 1.1 at 2.781: average (3747 * 2662 + 11 * 2781) / 3758 = 2.66235
    after, _ = apply(after, [0], [11], [2781])
    assert numbers(after)[:2] == (3758, 3747 * 2662 + 11 * 2781)
    assert average_price(after.quantity, after.cost, 1).tolist() == [2662]


def test_a_flip_realises_only_what_it_closes():
    """Nautilus trader, issue 1083: from -1 to +0.5 the P&L is that of 1, not of 1.5 units."""
    whole, _ = bought_and_sold((-10, 100), (15, 90))
    parts, _ = bought_and_sold((-10, 100), (10, 90), (5, 90))
    assert numbers(whole) == numbers(parts) == (5, 450, 100, 100, 450)


def test_a_short_position_closes_its_oldest_lot_first():
    # short 10 at 50 and 10 at 40; buying 15 at 30 gains 10 * 20 + 5 * 10 = 250,
    # at average 45: 15 * 15 = 225
    after, _ = bought_and_sold((-10, 50), (-10, 40), (15, 30))
    assert numbers(after) == (-5, -225, 225, 250, -200)
    assert lots(after) == [(-5, -200)]
    assert total(after, 35) == ([250 - 25 + 50], [250 + 25])


def test_closed_at_zero_nothing_is_left_and_both_have_realised_the_same():
    after, _ = bought_and_sold((3, 10), (4, 11), (-2, 12), (-5, 7))
    assert numbers(after) == (0, 0, 24 + 35 - 30 - 44, 24 + 35 - 30 - 44, 0)
    assert lots(after) == []
    again, _ = apply(after, [0], [-1], [9])
    assert numbers(again)[:2] == (-1, -9)


def test_the_average_is_a_fraction_and_its_rest_is_kept():
    # 3 units cost 10: closing one releases round(10 / 3) = 3, then round(7 / 2) = 4 (3.5, half to
    # even), then the rest, 3
    after, each = bought_and_sold((2, 3), (1, 4), (-1, 0), (-1, 0), (-1, 0))
    assert each.average.tolist() == [0, 0, -3, -4, -3]
    assert numbers(after) == (0, 0, -10, -10, 0)


def test_a_contract_counts_its_multiplier():
    after, _ = bought_and_sold((2, 150), (-1, 175), multiplier=100)
    assert numbers(after) == (1, 15_000, 2_500, 2_500, 15_000)
    assert average_price(after.quantity, after.cost, 100).tolist() == [150]
    assert average_price([-3, 0], [-10, 0], 1).tolist() == [3, 0]


def test_fees_stay_in_the_currency_they_were_paid_in():
    # position 0 pays 150 cents (currency 0) and 90 yen (currency 2), position 1 has a rebate
    paid = fees([0, 0, 1, 0], [0, 2, 0, 0], [100, 90, -7, 50], 2, 3)
    assert paid.tolist() == [[150, 0, 90], [-7, 0, 0]]


def test_what_cannot_be_exact_is_refused():
    with pytest.raises(OverflowError):
        bought_and_sold((2**40, 2**23))
    with pytest.raises(OverflowError):
        bought_and_sold((2**50, 1))
    with pytest.raises(OverflowError):
        bought_and_sold((2**40, 2**21), (2**40, 2**21))
    with pytest.raises(ValueError, match="no units"):
        bought_and_sold((0, 1))
    with pytest.raises(ValueError, match="not among"):
        apply(Positions.flat(1), [1], [1], [1])
    with pytest.raises(TypeError):
        apply(Positions.flat(1), [0], [1], [float("nan")])


def test_large_positions_side_by_side_stay_exact():
    """Cumulative values over all positions wrap around 64 bits; what each realises is not."""
    at = np.arange(16)
    units, price = np.full(16, 2**20), np.full(16, 2**41)
    held, _ = apply(Positions.flat(16), at, units, price)
    after, each = apply(held, at, -units // 2, price + 1)
    assert each.fifo.tolist() == each.average.tolist() == [2**19] * 16
    assert after.cost.tolist() == after.cost_fifo().tolist() == [2**60] * 16


def test_no_fills_change_nothing():
    after, each = apply(Positions.flat(2), [], [], [])
    assert after.quantity.tolist() == [0, 0]
    assert each.fifo.tolist() == []


units = st.integers(-6, 6).filter(bool) | st.integers(-(10**12), 10**12).filter(bool)
fill = st.tuples(
    st.integers(0, 3), units, st.integers(-2, 40) | st.integers(0, 10**4), st.sampled_from([1, 7])
)
batches = st.lists(fill, max_size=40)


def columns(fills):
    return (np.array([f[i] for f in fills], np.int64) for i in range(4))


def same(positions, naive, count):
    books, _ = naive
    for i in range(count):
        book = books[i]
        got = [a[i] for a in (positions.quantity, positions.cost)]
        assert got == [book.quantity, book.cost]
        assert positions.realised_average[i] == book.realised_average
        assert positions.realised_fifo[i] == book.realised_fifo
        mine = positions.lots.where(positions.lots.position == i)
        expected = [(left, left * price) for left, _, price in book.lots]
        assert list(zip(mine.quantity.tolist(), mine.cost().tolist(), strict=True)) == expected


@given(batches)
def test_equals_the_plain_loop_fill_by_fill(fills):
    after, each = apply(Positions.flat(4), *columns(fills))
    naive = fold(fills)
    same(after, naive, 4)
    assert list(zip(each.fifo.tolist(), each.average.tolist(), strict=True)) == naive[1]


@given(st.lists(st.tuples(units, st.integers(0, 50)), min_size=1, max_size=5), st.integers(0, 99))
def test_many_positions_at_once_equal_the_plain_loop(rows, mark):
    """More than FEW positions, so that the fills of all are folded side by side."""
    count = FEW + 6
    fills = [(p, u + p, v, 1) for u, v in rows for p in range(count) if u + p]
    after, _ = apply(Positions.flat(count), *columns(fills))
    same(after, fold(fills), count)
    average, fifo = total(after, mark)
    assert average == fifo


@given(batches, st.integers(0, 10**4))
def test_both_methods_agree_in_total_at_any_mark(fills, mark):
    fills = [(p, u, v, 1) for p, u, v, _ in fills]
    after, _ = apply(Positions.flat(4), *columns(fills))
    average, fifo = total(after, mark)
    assert average == fifo
    cash = [sum(-u * v for p, u, v, _ in fills if p == i) for i in range(4)]
    worth = (after.quantity * mark).tolist()
    assert average == [c + w for c, w in zip(cash, worth, strict=True)]


@given(batches, st.integers(0, 40))
def test_where_a_batch_is_cut_makes_no_difference(fills, cut):
    whole, _ = apply(Positions.flat(4), *columns(fills))
    half, _ = apply(Positions.flat(4), *columns(fills[:cut]))
    both, _ = apply(half, *columns(fills[cut:]))
    for a, b in zip(
        (whole.quantity, whole.cost, whole.realised_average, whole.realised_fifo),
        (both.quantity, both.cost, both.realised_average, both.realised_fifo),
        strict=True,
    ):
        assert a.tolist() == b.tolist()
    for a, b in zip(whole.lots.columns(), both.lots.columns(), strict=True):
        assert a.tolist() == b.tolist()


@given(batches)
def test_how_positions_interleave_makes_no_difference(fills):
    whole, _ = apply(Positions.flat(4), *columns(fills))
    grouped, _ = apply(Positions.flat(4), *columns(sorted(fills, key=lambda f: f[0])))
    for a, b in zip(whole.lots.columns(), grouped.lots.columns(), strict=True):
        assert a.tolist() == b.tolist()
    assert whole.realised_average.tolist() == grouped.realised_average.tolist()


def test_positions_can_be_added():
    after, _ = bought_and_sold((5, 2))
    grown = after.grown(3)
    assert grown.quantity.tolist() == [5, 0, 0]
    both, _ = apply(grown, [2, 0], [1, -5], [9, 3])
    assert both.quantity.tolist() == [0, 0, 1]
    assert both.realised_fifo.tolist() == [5, 0, 0]
