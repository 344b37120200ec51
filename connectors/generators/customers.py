"""The customers of a seeded bank: who they are, what accounts they hold, whom they usually pay.

Four kinds, by owner index in this order: branches (cash desks), employers, merchants, persons.
Employers and merchants are popular by rank^-1 (Zipf). Every person has one employer, a few
favourite merchants and a few contacts, every firm a few partners, so that counterparties repeat.
Accounts have the form of an IBAN.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors.generators import areas
from connectors.generators.arrays import Floats, Ints
from connectors.generators.draw import choose, log_normal, stream, zipf_weights
from schemas.ids import iban_check_digits

_CURRENCY = {
    "DE": "EUR",
    "FR": "EUR",
    "NL": "EUR",
    "AT": "EUR",
    "IT": "EUR",
    "ES": "EUR",
    "GB": "GBP",
    "CH": "CHF",
    "PL": "PLN",
    "US": "USD",
}
_COUNTRY_WEIGHTS = np.array([0.62, 0.06, 0.06, 0.07, 0.04, 0.03, 0.04, 0.04, 0.02, 0.02])
_BRANCHES, _EMPLOYERS, _MERCHANTS = 0.002, 0.01, 0.05
_FAVOURITES, _CONTACTS, _PARTNERS = 8, 5, 6
_MORE_ACCOUNTS = 0.75
"""Each further account of an owner comes with the chance 1 - this."""
_MOST_ACCOUNTS = 5
_SALARY, _SALARY_SIGMA = 240_000.0, 0.4
_LARGEST = 10**9


@dataclass(frozen=True)
class Customers:
    """Owners, their accounts and habits; arrays by owner unless said otherwise.

    Attributes:
        owners: Customer ids.
        country: ISO country of each owner.
        currency: Currency of that country.
        area: Index of the area where each owner is at home (connectors.generators.areas).
        accounts: All account numbers, those of one owner side by side, the main one first.
        first_account: Where an owner's accounts begin.
        account_count: How many they are, 1 to 5.
        branches: How many owners are branches: owners [0, branches).
        employers: Employers: the next so many.
        merchants: Merchants: the next so many. All others are persons.
        activity: Share of payments by each person, shape (persons,).
        employer: Owner index of each person's employer, shape (persons,).
        salary: Monthly pay in minor units, shape (persons,).
        favourites: Owner indexes of each person's merchants, the most visited first, shape
            (persons, 8).
        contacts: Owner indexes of each person's acquaintances, shape (persons, 5).
        partners: Owner indexes of each firm's business partners, shape (employers + merchants, 6).
    """

    owners: pl.Series
    country: pl.Series
    currency: pl.Series
    area: Ints
    accounts: pl.Series
    first_account: Ints
    account_count: Ints
    branches: int
    employers: int
    merchants: int
    activity: Floats
    employer: Ints
    salary: Ints
    favourites: Ints
    contacts: Ints
    partners: Ints

    @property
    def first_person(self) -> int:
        """Owner index of the first person."""
        return self.branches + self.employers + self.merchants

    @classmethod
    def of(cls, seed: int, owners: int = 10_000) -> "Customers":
        """Draw a bank's customers; at least 100, so that each kind is there."""
        if owners < 100:
            raise ValueError(f"{owners} customers: at least 100 are asked")
        rng = stream(seed, "customers")
        branches, employers, merchants = (
            max(2, int(owners * s)) for s in (_BRANCHES, _EMPLOYERS, _MERCHANTS)
        )
        firms, first_person = employers + merchants, branches + employers + merchants
        persons = owners - first_person
        country = choose(rng, _COUNTRY_WEIGHTS, owners)
        country[:branches] = 0
        count = np.minimum(rng.geometric(_MORE_ACCOUNTS, owners), _MOST_ACCOUNTS)
        countries = list(_CURRENCY)
        visited = choose(rng, zipf_weights(merchants, 1.0), persons * _FAVOURITES)
        activity = np.exp(rng.standard_normal(persons))
        return cls(
            owners=pl.Series([f"C{owner:06d}" for owner in range(owners)]),
            country=pl.Series(countries).gather(country),
            currency=pl.Series(list(_CURRENCY.values())).gather(country),
            area=_areas(seed, [countries[c] for c in country.tolist()]),
            accounts=_accounts(rng, [countries[c] for c in np.repeat(country, count).tolist()]),
            first_account=np.cumsum(count) - count,
            account_count=count,
            branches=branches,
            employers=employers,
            merchants=merchants,
            activity=activity / activity.sum(),
            employer=branches + choose(rng, zipf_weights(employers, 1.0), persons),
            salary=log_normal(rng, _SALARY, _SALARY_SIGMA, persons, _LARGEST),
            favourites=branches + employers + visited.reshape(persons, _FAVOURITES),
            contacts=first_person + _others(rng, persons, _CONTACTS),
            partners=branches + _others(rng, firms, _PARTNERS),
        )


def _others(rng: np.random.Generator, size: int, width: int) -> Ints:
    """For each of `size` a row of `width` others, drawn evenly; shape (size, width)."""
    shift = rng.integers(1, size, (size, width))
    return (np.arange(size)[:, None] + shift) % size


def _areas(seed: int, countries: list[str]) -> Ints:
    """An area of each of the countries, as index."""
    first = np.array([areas.FIRST[c] for c in countries])
    count = np.array([areas.COUNT[c] for c in countries])
    drawn: Ints = first + stream(seed, "areas").integers(0, count)
    return drawn


def _accounts(rng: np.random.Generator, countries: list[str]) -> pl.Series:
    """Account numbers in the form of IBANs: an unused bank code, a number, check digits."""
    numbers = 10**9 + rng.permutation(len(countries)) * 7
    return pl.Series(
        [_iban(c, f"00000000{n}") for c, n in zip(countries, numbers.tolist(), strict=True)]
    )


def _iban(country: str, account: str) -> str:
    return country + iban_check_digits(country, account) + account
