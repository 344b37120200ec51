"""Money is exact: nothing is lost unless a conversion says so."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import EXPONENTS, Money, divide, rescale

AMOUNTS = st.integers(-(10**15), 10**15)


@given(numerator=AMOUNTS, denominator=st.integers(-1000, 1000).filter(bool))
def test_division_is_that_of_fractions_rounded_half_to_even(
    numerator: int, denominator: int
) -> None:
    assert divide(numerator, denominator) == round(Fraction(numerator, denominator))


@given(amount=AMOUNTS, scale=st.integers(0, 9), more=st.integers(0, 9))
def test_more_places_lose_nothing(amount: int, scale: int, more: int) -> None:
    assert rescale(rescale(amount, scale, scale + more), scale + more, scale) == amount


def test_fewer_places_that_lose_a_digit_are_refused() -> None:
    assert rescale(1200, 3, 1) == 12
    with pytest.raises(ValueError, match="not exact"):
        rescale(1201, 3, 1)


@given(left=AMOUNTS, right=AMOUNTS, scale=st.integers(0, 9))
def test_sums_are_exact_in_the_finer_scale(left: int, right: int, scale: int) -> None:
    total = Money.of(left, "EUR") + Money(right, "EUR", scale)
    assert total.scale == max(2, scale)
    assert Fraction(total.amount, 10**total.scale) == Fraction(left, 100) + Fraction(
        right, 10**scale
    )
    assert total - Money(right, "EUR", scale) == Money(
        rescale(left, 2, total.scale), "EUR", total.scale
    )


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot add USD to EUR"):
        Money.of(1, "EUR") + Money.of(1, "USD")


def test_conversion_takes_the_exponents_of_both_currencies() -> None:
    assert Money.of(1_00, "EUR").convert("JPY", 163_45, 2) == Money(163, "JPY", 0)
    assert Money.of(1_000, "JPY").convert("EUR", 61, 4) == Money(6_10, "EUR", 2)
    assert Money.of(1, "EUR").convert("BHD", 5, 1) == Money(5, "BHD", 3)
    assert Money.of(-1, "EUR").convert("EUR", 5, 1) == Money(0, "EUR", 2)


@pytest.mark.parametrize(("currency", "scale"), [("DEM", 2), ("EUR", -1), ("EUR", 10)])
def test_unknown_currencies_and_scales_are_refused(currency: str, scale: int) -> None:
    with pytest.raises(ValueError, match=r"currency|scale"):
        Money(1, currency, scale)


def test_exponents_are_those_of_the_standard() -> None:
    assert (EXPONENTS["EUR"], EXPONENTS["JPY"], EXPONENTS["KWD"], EXPONENTS["CLF"]) == (2, 0, 3, 4)
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)
