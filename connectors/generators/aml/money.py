"""Currencies of the world, and what they are worth in the base currency, US dollars.

Amounts of schemes are thought of in cents of the base currency, because limits are; they are paid
in the currency of the payer.
"""

from collections.abc import Mapping

import numpy as np

from connectors.generators.arrays import Floats, Ints
from schemas.money import EXPONENTS

CURRENCIES = ("USD", "EUR", "GBP", "CHF", "PLN", "JPY")
SCALES: Ints = np.array([EXPONENTS[code] for code in CURRENCIES], dtype=np.int64)
RATES: Mapping[str, int] = {
    "USD": 1_000_000,
    "EUR": 1_080_000,
    "GBP": 1_270_000,
    "CHF": 1_130_000,
    "PLN": 250_000,
    "JPY": 6_700,
}
"""Dollars for one whole unit, parts per million."""
USD = 0
NOTE = 1_000
"""Cash comes in multiples of so many minor units."""
_MILLION = 1_000_000


class Rates:
    """Conversion by the rates of one rule set."""

    def __init__(self, rates: Mapping[str, int] = RATES) -> None:
        """Take the rates of all `CURRENCIES`, dollars for one whole unit in parts per million."""
        missing = [name for name in CURRENCIES if rates.get(name, 0) < 1]
        if missing:
            raise ValueError(f"no rate is given for {', '.join(missing)}")
        self._rate: Ints = np.array([rates[name] for name in CURRENCIES], dtype=np.int64)
        self._unit: Ints = 10**SCALES

    def local(self, cents: Ints, currency: Ints) -> Ints:
        """What base cents buy, minor units, rounded down; at least 1."""
        bought = cents * (self._unit * 10_000)[currency] // self._rate[currency]
        least: Ints = np.maximum(bought, 1)
        return least

    def base(self, amount: Ints, currency: Ints) -> Ints:
        """What minor units are worth, base cents, rounded half up."""
        per = (self._unit * 10_000)[currency]
        worth: Ints = (2 * amount * self._rate[currency] + per) // (2 * per)
        return worth

    @property
    def per_cent(self) -> Floats:
        """Minor units of each currency for one base cent."""
        shares: Floats = self._unit * 10_000.0 / self._rate
        return shares
