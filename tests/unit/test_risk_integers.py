import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from schemas.money import divide
from udfs.risk.integers import (
    LARGEST,
    LARGEST_FACTOR,
    ints,
    mul_div,
    mul_div_up,
    product,
    round_up,
    sums,
)

values = st.integers(-LARGEST + 1, LARGEST - 1)
factors = st.integers(0, LARGEST_FACTOR - 1)
divisors = st.integers(1, LARGEST - 1)


@given(values, factors, divisors)
@example(5, 1, 10)
@example(15, 1, 10)
@example(-15, 1, 10)
@example(LARGEST - 1, LARGEST_FACTOR - 1, LARGEST - 1)
@example(LARGEST - 2, LARGEST_FACTOR - 1, LARGEST - 1)
def test_mul_div_is_the_division_of_money(value, factor, divisor):
    expected = divide(value * factor, divisor)
    assume(abs(expected) < LARGEST // 2)
    assume((abs(value) // divisor + 1) * factor < LARGEST // 2)
    assert int(mul_div(value, factor, divisor)) == expected
    assert int(mul_div(-value, factor, divisor)) == -expected
    assert int(mul_div_up(value, factor, divisor)) == -(-value * factor // divisor)


@given(st.lists(st.tuples(values, st.integers(1, LARGEST_FACTOR - 1)), min_size=1), st.data())
def test_a_part_of_a_value_is_exact_for_any_quantity(rows, data):
    value = np.array([v for v, _ in rows])
    whole = np.array([q for _, q in rows])
    part = np.array([data.draw(st.integers(0, q)) for _, q in rows])
    rows = zip(value.tolist(), part.tolist(), whole.tolist(), strict=True)
    expected = []
    for v, p, q in rows:
        assume((abs(v) // q + 1) * p < LARGEST // 2)
        expected.append(divide(v * p, q))
    assert mul_div(value, part, whole).tolist() == expected


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ((LARGEST, 1, 1), OverflowError),
        ((1, LARGEST_FACTOR, 1), OverflowError),
        ((1, -1, 1), OverflowError),
        ((1, 1, 0), ZeroDivisionError),
        ((2**40, 2**40, 1), OverflowError),
        ((float("nan"), 1, 1), TypeError),
    ],
)
def test_what_would_not_be_exact_is_refused(args, error):
    with pytest.raises(error):
        mul_div(*args)


def test_nothing_gives_nothing():
    assert mul_div([], [], []).tolist() == []
    assert sums([], [], 2).tolist() == [0, 0]
    assert ints([]).dtype == np.int64


def test_products_and_sums_refuse_what_wraps():
    assert product([2, -3], [5, 7], 100).tolist() == [1000, -2100]
    with pytest.raises(OverflowError):
        product([2**31], [2**31])
    assert sums([1, -2, 4], [1, 0, 1], 3).tolist() == [-2, 5, 0]
    with pytest.raises(OverflowError):
        sums([2**61, 2**61], [0, 0], 1)


def test_round_up_goes_up_on_both_sides_of_zero():
    assert round_up([0, 1, 10, 11, -1], 10).tolist() == [0, 10, 10, 20, 0]
