"""Is this a well-formed LEI, ISIN, MIC, IBAN, currency code or time zone; check digits of codes.

Standards: ISIN ISO 6166 (check digit by the Luhn formula), LEI ISO 17442 and IBAN ISO 13616 (check
digits by ISO 7064 MOD 97-10), MIC ISO 10383 (no check digit), currency ISO 4217. Only the form is
judged: whether a code is registered is not known here. Time zones are those of the IANA database.
"""

import re

import polars as pl

from schemas.money import EXPONENTS

_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
_LEI = re.compile(r"[A-Z0-9]{18}[0-9]{2}")
_MIC = re.compile(r"[A-Z0-9]{4}")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]*")
_DIGITS = {
    symbol: str(value) for value, symbol in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}


def is_isin(code: str) -> bool:
    """Whether `code` has the form of an ISIN and the check digit that belongs to it."""
    return bool(_ISIN.fullmatch(code)) and isin_check_digit(code[:11]) == code[11]


def is_lei(code: str) -> bool:
    """Whether `code` has the form of a legal entity identifier and leaves 1 modulo 97."""
    return bool(_LEI.fullmatch(code)) and _modulo_97(code) == 1


def is_mic(code: str) -> bool:
    """Whether `code` has the form of a market identifier: four capital letters or digits."""
    return bool(_MIC.fullmatch(code))


def is_iban(code: str) -> bool:
    """Whether `code`, without blanks, has the form of an IBAN and leaves 1 modulo 97."""
    return bool(_IBAN.fullmatch(code)) and _modulo_97(code[4:] + code[:4]) == 1


def is_currency(code: str) -> bool:
    """Whether `code` is a currency in use."""
    return code in EXPONENTS


def is_asset(code: str) -> bool:
    """Whether `code` names something that can be delivered: a currency or a security."""
    return is_currency(code) or is_isin(code)


def is_zone(name: str) -> bool:
    """Whether `name` is a time zone that rules can compute with, as in America/New_York.

    The database asked is the one that polars carries, so that no machine knows other zones.
    """
    if not _ZONE.fullmatch(name):
        return False
    try:
        pl.Series([0]).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(name)
    except pl.exceptions.ComputeError:
        return False
    return True


def isin_check_digit(body: str) -> str:
    """The last digit of the ISIN that starts with `body` (country and nine characters).

    Letters become two digits (A = 10 ... Z = 35); from the right every other digit, the last
    included, is doubled; the check digit brings the sum of all digits to a multiple of ten.
    """
    digits = _numeric(body)
    doubled = "".join(
        str(int(digit) * (2 - place % 2)) for place, digit in enumerate(reversed(digits))
    )
    return str(-sum(map(int, doubled)) % 10)


def lei_check_digits(body: str) -> str:
    """The last two digits of the LEI that starts with `body` (18 characters)."""
    return f"{98 - _modulo_97(body + '00'):02d}"


def iban_check_digits(country: str, account: str) -> str:
    """The two digits between `country` and `account` (the domestic account number) in an IBAN."""
    return f"{98 - _modulo_97(account + country + '00'):02d}"


def _modulo_97(code: str) -> int:
    return int(_numeric(code)) % 97


def _numeric(code: str) -> str:
    return "".join(_DIGITS[symbol] for symbol in code)
