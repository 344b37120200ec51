"""The market of a seeded world: members, central counterparties, instruments, books.

Members trade in proportion to their credit (log-normal), instruments in proportion to rank^-1.1
(Zipf). All codes are well formed, check digits included, and belong to nobody.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors.generators.arrays import Floats, Ints
from connectors.generators.draw import choose, codes, log_normal, stream, zipf_weights
from schemas.ids import isin_check_digit, lei_check_digits

_COUNTRIES = ("DE", "FR", "NL", "IT", "ES", "GB", "US")
_COUNTRY_WEIGHTS = np.array([0.2, 0.15, 0.1, 0.07, 0.05, 0.18, 0.25])
_VENUES = {
    "DE": "XETR",
    "FR": "XPAR",
    "NL": "XAMS",
    "IT": "XMIL",
    "ES": "XMAD",
    "GB": "XLON",
    "US": "XNYS",
}
_CURRENCIES = {"GB": "GBP", "US": "USD"}
_POPULARITY = 1.1
_HOME_CCP = 0.65


@dataclass(frozen=True)
class Market:
    """Who trades what, where.

    Attributes:
        members: LEIs of the clearing members; the first one is the house.
        credit: Share of the business each member does, shape (members,).
        ccps: LEIs of the central counterparties.
        ccp_weights: Share of the business each of them clears.
        isins: Instruments, the most popular first.
        popularity: Share of the business in each instrument, shape (isins,).
        currencies: Currency of each instrument.
        venues: MIC of each instrument's market.
        prices: Price each instrument starts at, in minor units, int64, shape (isins,).
        books: Trading books, book b belonging to member b modulo the number of members.
    """

    members: pl.Series
    credit: Floats
    ccps: pl.Series
    ccp_weights: Floats
    isins: pl.Series
    popularity: Floats
    currencies: pl.Series
    venues: pl.Series
    prices: Ints
    books: pl.Series

    @classmethod
    def of(
        cls, seed: int, members: int = 24, ccps: int = 2, isins: int = 250, books: int = 60
    ) -> "Market":
        """Draw a market; each member has at least one book."""
        if members < 2 or ccps < 1 or isins < 1 or books < members:
            raise ValueError(
                f"{members} members, {ccps} CCPs, {isins} ISINs, {books} books: "
                "at least 2, 1, 1 and one book a member are asked"
            )
        rng = stream(seed, "market")
        leis = [_lei(code) for code in codes(rng, members + ccps, 16)]
        credit = np.exp(rng.standard_normal(members))
        countries = [_COUNTRIES[i] for i in choose(rng, _COUNTRY_WEIGHTS, isins)]
        bodies = codes(rng, isins, 9, symbols=10)
        return cls(
            members=pl.Series(leis[:members]),
            credit=credit / credit.sum(),
            ccps=pl.Series(leis[members:]),
            ccp_weights=zipf_weights(ccps, 1.0)
            if ccps != 2
            else np.array([_HOME_CCP, 1.0 - _HOME_CCP]),
            isins=pl.Series([_isin(c + body) for c, body in zip(countries, bodies, strict=True)]),
            popularity=zipf_weights(isins, _POPULARITY),
            currencies=pl.Series([_CURRENCIES.get(country, "EUR") for country in countries]),
            venues=pl.Series([_VENUES[country] for country in countries]),
            prices=log_normal(rng, 5_000.0, 0.8, isins, 80_000) + 200,
            books=pl.Series([f"BOOK-{book:03d}" for book in range(books)]),
        )


def _lei(code: str) -> str:
    """The LEI of 16 characters of a code: prefix 9999, which no issuer has, and check digits."""
    body = f"9999{code[2:]}"
    return body + lei_check_digits(body)


def _isin(body: str) -> str:
    return body + isin_check_digit(body)
