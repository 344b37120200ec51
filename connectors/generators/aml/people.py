"""The parties of the world: persons, businesses, tills, and those at other banks.

By index, in this order:

    persons   ordinary, sorted by area | covered members | silent members
    business  role by role, each sorted by area
    tills     one in each area: the other side of cash
    abroad    parties at other banks, sorted by country

Members are persons set aside for schemes. A covered one also lives an everyday life as far as it
leaves the scheme as it is; a silent one does nothing else. Ids are shuffled and do not tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors.generators import areas
from connectors.generators.aml import names
from connectors.generators.aml.money import Rates
from connectors.generators.arrays import Ints
from connectors.generators.draw import choose, stream
from connectors.generators.feed import DAY

LEAST = 300
"""Ordinary persons that there are at least: some in each area."""
_AREAS = len(areas.CODE)
COUNTRIES = (
    *areas.FIRST,
    *("AE", "BR", "CN", "HK", "IR", "KP", "MM", "MX", "NG", "PA", "SG", "TR"),
)
RISKY: Ints = np.array([COUNTRIES.index(code) for code in ("IR", "KP", "MM")])
"""Countries on the black list of the FATF."""
AREA_COUNTRY: Ints = np.array([COUNTRIES.index(code) for code in areas.COUNTRY], dtype=np.int64)
_CURRENCY = {"US": 0, "GB": 2, "CH": 3, "PL": 4, "JP": 5}
COUNTRY_CURRENCY: Ints = np.array([_CURRENCY.get(code, 1) for code in areas.FIRST], dtype=np.int64)
_WEIGHT = {"US": 0.46, "DE": 0.14, "GB": 0.1, "FR": 0.07, "IT": 0.05, "NL": 0.04, "ES": 0.04}
_AREA_WEIGHTS = np.array([_WEIGHT.get(c, 0.025) / areas.COUNT[c] for c in areas.COUNTRY])
_LARGE = np.array([areas.COUNT[c] >= 6 for c in areas.COUNTRY])
"""Areas of countries that have at least six: where silent members live."""
ROLES: Mapping[str, tuple[float, str]] = {
    "merchant": (0.03, "retail"),
    "cash-shop": (0.001, "restaurant"),
    "employer": (0.006, "manufacturing"),
    "landlord": (0.001, "property-management"),
    "marketplace": (0.0, "marketplace"),
    "treasury": (0.0005, "holding"),
    "charity": (0.0002, "charity"),
    "trader": (0.005, "import-export"),
}
"""Roles of businesses: how many for each person, beside those that are there anyway; industry."""
_MORE_ACCOUNTS = 0.72
_MOST_ACCOUNTS = 5
_YEAR = 365 * DAY


@dataclass(frozen=True)
class Groups:
    """A run of parties sorted by group: where each group begins and how many it has."""

    first: Ints
    count: Ints

    @classmethod
    def of(cls, start: int, group: Ints, groups: int) -> "Groups":
        """The groups of parties `start`, `start` + 1, ...; `group` is the group of each, sorted."""
        bounds = np.searchsorted(group, np.arange(groups + 1))
        return cls(start + bounds[:-1], np.diff(bounds))

    def pick(self, group: Ints, number: Ints) -> Ints:
        """A party of each group, the same for the same number."""
        picked: Ints = self.first[group] + number % self.count[group]
        return picked


@dataclass(frozen=True)
class Bank:
    """All parties and their accounts; arrays by party unless said otherwise.

    Attributes:
        ordinary: Persons [0, ordinary) live an everyday life.
        covered: Members [ordinary, covered) do so as far as their scheme allows.
        persons: Members [covered, persons) are silent.
        customers: Businesses are [persons, customers); no other party is a customer.
        ids: Party ids.
        names: Names; "" for tills.
        country: Index in COUNTRIES.
        area: Home area; of parties abroad 0.
        opened: When the first account was opened, microseconds UTC; of customers.
        accounts: Account numbers, those of a party side by side, the main one first.
        first_account: Where a party's accounts begin.
        account_count: How many they are.
        account_country: Country of each account.
        neighbours: Ordinary persons by country.
        abroad: Parties at other banks by country.
        firms: Businesses of each role by area.
        rates: What currencies are worth.
    """

    ordinary: int
    covered: int
    persons: int
    customers: int
    ids: pl.Series
    names: pl.Series
    country: Ints
    area: Ints
    opened: Ints
    accounts: pl.Series
    first_account: Ints
    account_count: Ints
    account_country: Ints
    neighbours: Groups
    abroad: Groups
    firms: Mapping[str, Groups]
    rates: Rates

    @property
    def customer_accounts(self) -> int:
        """Accounts [0, customer_accounts) are of customers."""
        return int(self.first_account[self.customers])

    def till(self, area: Ints) -> Ints:
        """The till of each area."""
        return self.customers + area

    def firm(self, role: str, country: Ints, number: Ints) -> Ints:
        """A business of a role in each country."""
        by_area = self.firms[role]
        first = by_area.first[_FIRST_AREA[country]]
        count = np.add.reduceat(by_area.count, _FIRST_AREA)[country]
        picked: Ints = first + number % count
        return picked

    def all_firms(self, role: str) -> Ints:
        """Every business of a role."""
        groups = self.firms[role]
        return np.arange(groups.first[0], groups.first[-1] + groups.count[-1])

    def currency(self, party: Ints, other: Ints) -> Ints:
        """The currency in which `party` deals; if it is not a customer, `other`'s."""
        own = np.where(party < self.customers, party, other)
        found: Ints = COUNTRY_CURRENCY[AREA_COUNTRY[self.area[own]]]
        return found

    @classmethod
    def of(
        cls, seed: int, start: int, rates: Rates, *, ordinary: int, covered: int, silent: int
    ) -> "Bank":
        """Draw the parties of a bank; with accounts opened before `start`, microseconds UTC."""
        if ordinary < LEAST:
            raise ValueError(f"{ordinary} people beside the members of schemes: at least {LEAST}")
        rng = stream(seed, "aml people")
        persons = ordinary + covered + silent
        large = _AREA_WEIGHTS * _LARGE
        homes = [
            _sites(rng, ordinary, 2 * _AREAS),
            choose(rng, _AREA_WEIGHTS, covered),
            choose(rng, large, silent),
        ]
        first, firms, titles = persons, {}, []
        for role, (share, _) in ROLES.items():
            site = _sites(rng, _AREAS + round(share * ordinary), _AREAS)
            homes.append(site)
            firms[role] = Groups.of(first, site, _AREAS)
            titles.append(names.firms(role, rng.permutation(len(site))))
            first += len(site)
        customers = first
        others = 5 + ordinary // 200
        outside = np.repeat(np.arange(len(COUNTRIES)), others)
        area = np.concatenate([*homes, np.arange(_AREAS), np.zeros(len(outside), np.int64)])
        country = np.concatenate([AREA_COUNTRY[area[: customers + _AREAS]], outside])
        people = names.persons(rng.integers(0, 2**31, persons), rng.integers(0, 2**31, persons))
        count = np.ones(len(area), dtype=np.int64)
        count[:customers] = np.minimum(rng.geometric(_MORE_ACCOUNTS, customers), _MOST_ACCOUNTS)
        count[ordinary:persons] = _MOST_ACCOUNTS
        rich = firms["treasury"]
        count[rich.first[0] : rich.first[-1] + rich.count[-1]] = _MOST_ACCOUNTS
        owner_country = np.repeat(country, count)
        young = rng.random(customers) < 0.03
        age = np.where(young, 60 * DAY, 12 * _YEAR) * rng.random(customers) + DAY
        outsiders = rng.permutation(len(outside))
        return cls(
            ordinary=ordinary,
            covered=ordinary + covered,
            persons=persons,
            customers=customers,
            ids=_ids(rng, customers, len(outside)),
            names=pl.concat(
                [people, *titles, pl.Series([""] * _AREAS), names.firms("abroad", outsiders)]
            ),
            country=country,
            area=area,
            opened=start - age.astype(np.int64),
            accounts=_accounts(rng, owner_country),
            first_account=np.cumsum(count) - count,
            account_count=count,
            account_country=owner_country,
            neighbours=Groups.of(0, AREA_COUNTRY[homes[0]], len(areas.FIRST)),
            abroad=Groups.of(customers + _AREAS, outside, len(COUNTRIES)),
            firms=firms,
            rates=rates,
        )


_FIRST_AREA: Ints = np.array(list(areas.FIRST.values()), dtype=np.int64)


def _sites(rng: np.random.Generator, size: int, fixed: int) -> Ints:
    """Areas of `size` parties, sorted; the first `fixed` are spread evenly over all areas."""
    even = np.arange(fixed) % _AREAS
    return np.sort(np.concatenate([even, choose(rng, _AREA_WEIGHTS, size - fixed)]))


def _ids(rng: np.random.Generator, customers: int, outside: int) -> pl.Series:
    """Ids of all parties: those of customers in no order."""
    shuffled = pl.Series(rng.permutation(customers)).cast(pl.String).str.zfill(7)
    abroad = pl.Series(np.arange(outside)).cast(pl.String).str.zfill(6)
    return pl.concat(["C" + shuffled, "TILL-" + areas.CODE, "X" + abroad])


def _accounts(rng: np.random.Generator, country: Ints) -> pl.Series:
    """Account numbers in the form of IBANs: an unused bank code, a number, check digits."""
    number = 10**9 + rng.permutation(len(country)) * 7
    letters = np.array([(ord(c[0]) - 55) * 100 + ord(c[1]) - 55 for c in COUNTRIES])
    check = 98 - (number % 97 * 10**6 + letters[country] * 100) % 97
    return pl.select(
        pl.concat_str(
            pl.Series(COUNTRIES).gather(country),
            pl.Series(check).cast(pl.String).str.zfill(2),
            pl.lit("00000000"),
            pl.Series(number).cast(pl.String),
        )
    ).to_series()
