"""What the measures of risk are taken with, beside udfs.risk.parameters: units, rates, bounds."""

from collections.abc import Mapping

from udfs.risk.parameters import DAY_US, EXPONENT, RATE_SCALE

MINOR = 10**EXPONENT
"""Minor units in one of the reporting currency."""
RATE_UNIT = 10**RATE_SCALE
"""Rates are reporting currency for one of another, in parts of it; 0 if there is none."""
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
