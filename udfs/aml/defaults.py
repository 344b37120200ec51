"""What a rule set says where nobody chose: round figures to begin with, none of them official.

Rates are those of no particular day: a firm publishes its own. Factors and weights are for a firm
to calibrate on its own labelled alerts.
"""

from collections.abc import Mapping
from typing import Literal

RATES: Mapping[str, int] = {
    "AED": 272_294,
    "AUD": 660_000,
    "BGN": 552_000,
    "BHD": 2_652_520,
    "BRL": 185_000,
    "CAD": 730_000,
    "CHF": 1_130_000,
    "CLP": 1_050,
    "CNY": 139_000,
    "COP": 245,
    "CZK": 43_000,
    "DKK": 145_000,
    "EUR": 1_080_000,
    "GBP": 1_270_000,
    "HKD": 128_000,
    "HUF": 2_750,
    "IDR": 62,
    "ILS": 270_000,
    "INR": 12_000,
    "JOD": 1_410_437,
    "JPY": 6_700,
    "KRW": 730,
    "KWD": 3_250_000,
    "MXN": 55_000,
    "MYR": 215_000,
    "NOK": 94_000,
    "NZD": 600_000,
    "PHP": 17_500,
    "PLN": 250_000,
    "QAR": 274_725,
    "RON": 217_000,
    "SAR": 266_667,
    "SEK": 95_000,
    "SGD": 745_000,
    "THB": 28_500,
    "TRY": 30_000,
    "TWD": 31_000,
    "USD": 1_000_000,
    "VND": 39,
    "ZAR": 54_000,
}
"""US dollars for one unit of a currency, parts per million."""

FACTORS: Mapping[Literal["MEDIUM", "HIGH", "ENHANCED", "PEP"], int] = {
    "MEDIUM": 800_000,
    "HIGH": 500_000,
    "ENHANCED": 500_000,
    "PEP": 500_000,
}
"""Share of every money limit that applies to a customer so rated, parts per million."""

_DAYS = 86_400
TYPOLOGIES: Mapping[str, tuple[Mapping[str, int], int, int, int]] = {
    "placement": (
        {
            "structuring": 600_000,
            "micro-structuring": 500_000,
            "smurfing": 600_000,
            "funnel-account": 600_000,
        },
        14 * _DAYS,
        400_000,
        800_000,
    ),
    "layering": (
        {
            "pass-through": 600_000,
            "velocity": 300_000,
            "round-amounts": 200_000,
            "high-risk-corridor": 400_000,
        },
        7 * _DAYS,
        400_000,
        800_000,
    ),
}
"""Name -> weights by rule, window in seconds, review and report in parts per million."""
