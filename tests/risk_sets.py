"""Small scenario sets and marks, for tests of measures."""

import numpy as np
import polars as pl

from udfs.risk.scenario_sets import Head, build, parts_of

A, B, U, G, EURUSD, GBPUSD, CALL = (
    "DE000000000A",
    "FR000000000B",
    "US000000000U",
    "GB000000000G",
    "XC00000EURUS",
    "XC00000GBPUS",
    "DE00000CALLA",
)
NOW = 1_790_000_000_000_000
TODAY = NOW // 86_400_000_000
RATE_EUR, RATE_USD = 10**10, 8_000_000_000
_KINDS = {
    A: ("EQUITY", "EUR", ""),
    B: ("BOND", "EUR", ""),
    U: ("EQUITY", "USD", ""),
    G: ("EQUITY", "GBP", ""),
    EURUSD: ("FX", "USD", "EUR"),
    GBPUSD: ("FX", "USD", "GBP"),
    CALL: ("OPTION", "EUR", ""),
}


def mark(isin, price=100_00, **changes):
    """The mark of an instrument: two places, bid = ask = 100 unless said otherwise."""
    kind, currency, base = _KINDS.get(isin, ("EQUITY", "EUR", ""))
    option = kind == "OPTION"
    return {
        "isin": isin,
        "kind": kind,
        "currency": currency,
        "base_currency": base,
        "multiplier": 1,
        "price_scale": 2,
        "underlying": A if option else "",
        "option_side": "CALL" if option else "NONE",
        "strike": 100_00 if option else 0,
        "expiry": TODAY + 364 if option else 0,
        "bid": price,
        "ask": price,
        "time": NOW,
        "quality": "GOOD",
        "rate": {"EUR": RATE_EUR, "USD": RATE_USD}.get(currency, 0),
    } | changes


def marks(*rows):
    return pl.DataFrame(list(rows), infer_schema_length=None)


def held(*rows):
    schema = {"group": pl.String, "isin": pl.String, "quantity": pl.Int64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def published(returns, epoch=1, name="days", **options):
    """The parts of a set from {isin: daily returns}, by default of the days themselves."""
    matrix = np.array(list(returns.values()), dtype=float).T
    sizes = {"book_scenarios": len(matrix), "firm_scenarios": len(matrix)} | options
    parts = parts_of(list(returns), matrix, name, epoch, **sizes)
    return parts.with_columns(row_id=pl.format("{}-{}-{}", "name", "epoch", "part"))


def head_of(parts):
    return Head(*parts.select(*Head.__dataclass_fields__).row(0))


def built(returns, terms=None, size="book", **options):
    parts = published(returns, **options)
    terms = marks(*(mark(isin) for isin in returns)) if terms is None else terms
    return build(head_of(parts), parts, terms, size)


def row(of, name):
    return of.scenarios.changes[of.scenarios.rows[name]].tolist()
