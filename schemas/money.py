"""Money without rounding: whole minor units, with the currency and the number of decimal places.

Amounts travel as two integers, amount and scale: 12.34 EUR is amount 1234, scale 2. The scale that
a currency has by itself is its exponent in ISO 4217; prices and fund units may carry more places.
"""

from dataclasses import dataclass

_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP "
    "BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD "
    "FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD "
    "KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD "
    "NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP "
    "SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED "
    "VES WST XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS = {code: exponent for exponent, codes in _BY_EXPONENT.items() for code in codes.split()}
"""Decimal places of the minor unit of each currency in use, ISO 4217."""


def rescale(amount: int, scale: int, to: int) -> int:
    """`amount` of `scale` decimal places with `to` places; ValueError if that loses a digit."""
    if to >= scale:
        return amount * _power(to - scale)
    whole, rest = divmod(amount, _power(scale - to))
    if rest:
        raise ValueError(f"{amount} of scale {scale} is not exact in scale {to}")
    return whole


def divide(numerator: int, denominator: int) -> int:
    """The nearest integer to `numerator / denominator`, half to even; exact at any size."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    whole, rest = divmod(numerator, denominator)
    up = 2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1)
    return whole + up


def _power(places: int) -> int:
    """10^places, for places >= 0."""
    return int(10**places)


@dataclass(frozen=True)
class Money:
    """An amount of one currency in units of 10^-scale; equal to the same amount and scale only."""

    amount: int
    currency: str
    scale: int

    def __post_init__(self) -> None:
        """Refuse what ISO 4217 does not know and scales that no record may carry."""
        if self.currency not in EXPONENTS:
            raise ValueError(f"{self.currency!r} is not a currency of ISO 4217")
        if not 0 <= self.scale <= 9:
            raise ValueError(f"scale {self.scale} is not between 0 and 9")

    @classmethod
    def of(cls, amount: int, currency: str) -> "Money":
        """`amount` minor units of `currency`: cents of a euro, whole yen."""
        return cls(amount, currency, EXPONENTS.get(currency, 0))

    def __add__(self, other: "Money") -> "Money":
        """The exact sum, in the finer scale of the two; ValueError for different currencies."""
        if self.currency != other.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        scale = max(self.scale, other.scale)
        total = rescale(self.amount, self.scale, scale) + rescale(other.amount, other.scale, scale)
        return Money(total, self.currency, scale)

    def __neg__(self) -> "Money":
        """The same amount, owed by the other side."""
        return Money(-self.amount, self.currency, self.scale)

    def __sub__(self, other: "Money") -> "Money":
        """The exact difference, as `__add__`."""
        return self + -other

    def convert(self, currency: str, rate: int, rate_scale: int) -> "Money":
        """This money in minor units of `currency`, rounded half to even once.

        Args:
            currency: What is bought.
            rate: Units of `currency` for one unit of this one, in units of 10^-rate_scale.
            rate_scale: Decimal places of the rate.
        """
        exponent = EXPONENTS.get(currency, 0)
        minor = divide(self.amount * rate * _power(exponent), _power(self.scale + rate_scale))
        return Money(minor, currency, exponent)
