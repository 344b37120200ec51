"""What the measures of risk are taken with: reporting currency, tails, horizons, bounds."""

from collections.abc import Mapping

REPORTING = "EUR"
"""Currency of exposures and measures (ISO 4217)."""
MINOR = 100
"""Minor units in one of it."""
VIA = "USD"
"""Currency over which a rate is made that has no pair of its own."""
RATE_UNIT = 10**9
"""Rates are reporting currency for one of another, in units of 10^-9; 0 if there is none."""

TAIL_PPM = 10_000
"""Tail of VaR and of both ES: 99 %."""
WIDE_TAIL_PPM = 25_000
"""Tail of `var_975` and `es_975`, and of initial margin: 97.5 %."""
MARGIN_DAYS = 2
"""Days over which initial margin covers losses; ES of a day grows with their square root."""

STALE_AFTER_US = 60_000_000
"""Greatest age of a mark that is not stale, microseconds of business time."""
DAY_US = 86_400_000_000
YEAR_US = 365 * DAY_US

DISCOUNT_PPM: Mapping[str, int] = {"EUR": 20_000, "USD": 40_000, "GBP": 40_000}
"""Continuously compounded rates that options are valued with, ppm a year; 0 for others."""

NAMED = 5
"""So many instruments a reason names; of the others it says how many there are."""
MOST_COMING = 4
"""Versions of scenarios that a partition holds: in force, waiting for their time, coming in."""
MOST_DAYS = 10_000
"""Days that a row of returns can have."""
MOST_RECORDS = 20_000
"""Limits, or margin terms, that a partition holds, each with its coming changes."""
