"""The constants of the market-risk jobs: clocks, scales, tails, and what is looked at twice."""

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
SECOND_MS = 1_000

REPORTING = "EUR"
"""Currency (ISO 4217) in which books and the firm are summed."""
EXPONENT = 2
"""Decimal places of its minor unit."""
VIA = "USD"
"""Currency over which a rate is found for which no pair is quoted."""
RATE_SCALE = 10
"""Decimal places of rates: value scales up to 9 then stay within what `pnl.converted` takes."""

STALE_AFTER_US = 60 * SECOND_US
"""A mark that is older than this by business time is stale."""
POINT_US = 60 * SECOND_US
"""Length between two valuation points, business time; they lie at its multiples."""
HORIZON_US = 3_600 * SECOND_US
"""So long after a valuation point what comes late corrects it; a multiple of POINT_US."""

TAIL_PPM = 10_000
"""Tail of VaR and ES: 99 %."""
TAIL_975_PPM = 25_000
"""Tail of ES for margin: 97.5 %."""
MARGIN_DAYS = 2
"""Days over which a book is closed out: initial margin is a one-day ES times the root of it."""

JUMP_PPM = 300_000
"""A share that opens so far from its last mark of the day before, at the price that a common split
would give, has split or is mispriced."""
LARGEST_AMOUNT = 2**50
"""Amounts of a position in the reporting currency stay below it, so that sums stay below 2^62."""
