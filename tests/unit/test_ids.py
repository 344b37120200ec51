"""Identifiers as their standards have them, with examples from public registers."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.ids import (
    iban_check_digits,
    is_asset,
    is_currency,
    is_iban,
    is_isin,
    is_lei,
    is_mic,
    is_zone,
    isin_check_digit,
    lei_check_digits,
)

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ISINS = ["US0378331005", "DE0007164600", "AU0000XVGZA3", "GB0002634946", "JP3435000009"]
LEIS = ["529900T8BM49AURSDO55", "HWUPKR0MPOU8FGXBT394", "5493001KJTIIGC8Y1R12"]
IBANS = ["DE89370400440532013000", "GB82WEST12345698765432", "NO9386011117947"]


def texts(size: int) -> st.SearchStrategy[str]:
    return st.text(ALPHABET, min_size=size, max_size=size)


@pytest.mark.parametrize("code", ISINS)
def test_known_isins_are_accepted(code: str) -> None:
    assert is_isin(code)
    assert isin_check_digit(code[:11]) == code[11]
    assert is_asset(code)


@pytest.mark.parametrize("code", LEIS)
def test_known_leis_are_accepted(code: str) -> None:
    assert is_lei(code)
    assert lei_check_digits(code[:18]) == code[18:]


@pytest.mark.parametrize("code", IBANS)
def test_known_ibans_are_accepted(code: str) -> None:
    assert is_iban(code)
    assert iban_check_digits(code[:2], code[4:]) == code[2:4]


@given(body=texts(18))
def test_made_lei_is_one_and_no_other_check_digits_are(body: str) -> None:
    right = lei_check_digits(body)
    assert [two for two in (f"{n:02d}" for n in range(2, 99)) if is_lei(body + two)] == [right]


@given(body=texts(9))
def test_made_isin_is_one_and_no_other_check_digit_is(body: str) -> None:
    right = isin_check_digit("XS" + body)
    assert [digit for digit in "0123456789" if is_isin("XS" + body + digit)] == [right]


@given(account=st.text(ALPHABET, min_size=11, max_size=30))
def test_made_iban_is_one(account: str) -> None:
    assert is_iban("FR" + iban_check_digits("FR", account) + account)


@given(code=st.sampled_from(LEIS), place=st.integers(0, 19), symbol=st.sampled_from(ALPHABET))
def test_one_wrong_character_in_a_lei_is_found(code: str, place: int, symbol: str) -> None:
    """ISO 7064 MOD 97-10 finds a digit for a digit and a letter for a letter, no more."""
    assume(symbol.isdigit() == code[place].isdigit())
    wrong = code[:place] + symbol + code[place + 1 :]
    assert is_lei(wrong) == (wrong == code)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "US0378331005\n",
        "us0378331005",
        "US037833100",
        "US037833100\u0665",
        "0S0378331005",
        "US0378331006",
    ],
)
def test_what_is_no_isin_is_refused(code: str) -> None:
    assert not is_isin(code)


@pytest.mark.parametrize(
    "code", ["", "529900T8BM49AURSDO55\n", "529900t8bm49aursdo55", "\u066529900T8BM49AURSDO55"]
)
def test_what_is_no_lei_is_refused(code: str) -> None:
    assert not is_lei(code)


def test_mics_and_currencies() -> None:
    assert all(map(is_mic, ["XETR", "XPAR", "360T"]))
    assert not any(map(is_mic, ["", "XET", "xetr", "XETRA", "XET\n"]))
    assert all(map(is_currency, ["EUR", "JPY", "BHD", "CLF"]))
    assert not any(map(is_currency, ["", "eur", "EURO", "DEM", "ZZZ"]))
    assert is_asset("EUR")
    assert not is_asset("DEM")


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Etc/GMT+5"])
def test_zones_of_the_iana_database_are_accepted(zone: str) -> None:
    assert is_zone(zone)


@pytest.mark.parametrize(
    "zone", ["", "No/Where", "+01:00", "../etc/passwd", "UTC\n", "é", "a" * 64]
)
def test_other_zones_are_not(zone: str) -> None:
    assert not is_zone(zone)
