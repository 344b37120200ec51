"""Business that looks like laundering and is none: what a rule must not stumble over.

    who           does                                                         looks like
    employer      pays salaries on its day of the month, funded that morning   fan-out, pass-through
    landlord      collects rents on the first days of the month                fan-in
    marketplace   collects cards, pays its sellers each day                    gather-scatter
    treasury      sweeps subsidiary accounts to its master and back            cycle, round amounts
    charity       gets many small gifts, and a campaign every ninth day        fan-in
    cash-shop     pays in its takings, Monday to Saturday                      structuring

Salaries and rents are the same each month. How many of each there are follows the number of people,
so that a small world is not all business.
"""

import numpy as np
import polars as pl

from connectors.generators.aml.everyday import notes
from connectors.generators.aml.people import AREA_COUNTRY, Bank
from connectors.generators.aml.units import CASH, TRANSFER, UNIT, moves
from connectors.generators.areas import OFFSET_HOURS
from connectors.generators.arrays import Ints
from connectors.generators.draw import log_normal, stream
from connectors.generators.feed import DAY, SECOND

_HOUR = 3_600 * SECOND
_PAY_DAYS: Ints = np.array([25, 26, 27, 28, 1, 15])
_EMPLOYED, _TENANTS = 0.65, 0.4
_SALARY, _RENT, _TAKINGS, _SALE = 380_000.0, 120_000.0, 450_000.0, 8_000.0
_LARGE = 10**9
_SPREAD = {"cash-shop": 700, "treasury": 2_000, "charity": 5_000, "marketplace": 20_000}
"""There is one such business at work for so many people, at least two."""
_CAMPAIGN, _DONORS, _GIFTS, _SELLERS = 9, 20, 120, 150
_THOUSANDS = 100_000
"""Base cents of the round thousands that a treasury moves."""


class Business:
    """Salaries, rents and the rest, day by day; arrays by ordinary person."""

    def __init__(self, seed: int, bank: Bank, start: int, days: int) -> None:
        """Draw who works for whom and lives where; business from midnight `start` on."""
        self.seed, self.bank, self.start = seed, bank, start
        rng = stream(seed, "aml business")
        people = np.arange(bank.ordinary)
        country = AREA_COUNTRY[bank.area[: bank.ordinary]]
        rank = (rng.random(bank.ordinary) ** 3 * 10_000).astype(np.int64)
        self.employer = bank.firm("employer", country, rank)
        self.landlord = bank.firm("landlord", country, rng.integers(0, 2**31, bank.ordinary))
        self._employed = rng.random(bank.ordinary) < _EMPLOYED
        self._tenant = rng.random(bank.ordinary) < _TENANTS
        self._salary = log_normal(rng, _SALARY, 0.4, bank.ordinary, _LARGE)
        self._rent = log_normal(rng, _RENT, 0.35, bank.ordinary, _LARGE) // 5_000 * 5_000 + 5_000
        self._rent_day = 1 + people % 3
        self._pay_day = _PAY_DAYS[self.employer % len(_PAY_DAYS)]
        self.at_work = {
            role: bank.all_firms(role)[:: max(1, len(bank.all_firms(role)) // n)][:n]
            for role, one_for in _SPREAD.items()
            for n in [max(2, min(bank.ordinary // one_for, len(bank.all_firms(role))))]
        }
        populous = np.argsort(-self.bank.neighbours.count, kind="stable")
        markets = populous[: len(self.at_work["marketplace"])]
        self.at_work["marketplace"] = bank.firm("marketplace", markets, markets * 0)
        self._takings = log_normal(rng, _TAKINGS, 0.5, len(self.at_work["cash-shop"]), _LARGE)
        before = [0]
        for day in range(days):
            before.append(before[-1] + self.day(day).height)
        self._before = before

    def before(self, day: int) -> int:
        """Payments on the days before a day."""
        return self._before[day]

    def day(self, day: int) -> pl.DataFrame:
        """The payments of a day, in order of time, numbered from 0."""
        rng = stream(self.seed, "aml business day", day)
        midnight = self.start + day * DAY
        date = np.datetime64(midnight // DAY, "D")
        of_month = int((date - date.astype("datetime64[M]")).astype(np.int64)) + 1
        weekday = (midnight // DAY + 3) % 7
        made = [
            *self._payroll(rng, midnight, of_month),
            self._rents(rng, midnight, of_month),
            *self._markets(rng, midnight),
            *self._gifts(rng, midnight),
        ]
        if weekday < 5:
            made += [
                self._sweeps(rng, midnight, back=True),
                self._sweeps(rng, midnight, back=False),
            ]
        if weekday < 6:
            made.append(self._cash(rng, midnight))
        paid = pl.concat([pl.DataFrame(schema=UNIT), *made]).sort("at", maintain_order=True)
        return paid.with_columns(number=pl.int_range(paid.height, dtype=pl.Int64))

    def _payroll(
        self, rng: np.random.Generator, midnight: int, of_month: int
    ) -> list[pl.DataFrame]:
        staff = np.flatnonzero(self._employed & (self._pay_day == of_month))
        if not len(staff):
            return []
        employer, cents = self.employer[staff], self._salary[staff]
        firms, which = np.unique(employer, return_inverse=True)
        total = np.bincount(which, weights=cents).astype(np.int64)
        sponsor = self.bank.abroad.pick(self.bank.country[firms], firms)
        early = midnight + 2 * _HOUR + _drawn(rng, len(firms), 2 * _HOUR)
        at = midnight + 5 * _HOUR + _drawn(rng, len(staff), 2 * _HOUR)
        return [
            self._transfers(early, sponsor, firms, total),
            self._transfers(at, employer, staff, cents),
        ]

    def _rents(self, rng: np.random.Generator, midnight: int, of_month: int) -> pl.DataFrame:
        tenant = np.flatnonzero(self._tenant & (self._rent_day == of_month))
        at = midnight + 6 * _HOUR + _drawn(rng, len(tenant), 8 * _HOUR)
        return self._transfers(at, tenant, self.landlord[tenant], self._rent[tenant])

    def _markets(self, rng: np.random.Generator, midnight: int) -> list[pl.DataFrame]:
        made = []
        for market in self.at_work["marketplace"].tolist():
            seller = self._some(rng, market, _SELLERS, habitual=True)
            at = midnight + 9 * _HOUR + _drawn(rng, len(seller), 3 * _HOUR)
            cents = log_normal(rng, _SALE, 1.0, len(seller), _LARGE)
            made.append(self._transfers(at, np.full(len(seller), market), seller, cents))
        return made

    def _gifts(self, rng: np.random.Generator, midnight: int) -> list[pl.DataFrame]:
        made = []
        for charity in self.at_work["charity"].tolist():
            campaign = (midnight // DAY + charity) % _CAMPAIGN == 0
            donor = self._some(rng, charity, _GIFTS if campaign else _DONORS, habitual=False)
            at = midnight + 8 * _HOUR + _drawn(rng, len(donor), 14 * _HOUR)
            cents = 500 * rng.integers(2, 13, len(donor))
            made.append(self._transfers(at, donor, np.full(len(donor), charity), cents))
        return made

    def _sweeps(self, rng: np.random.Generator, midnight: int, back: bool) -> pl.DataFrame:
        """Subsidiary accounts to the master in the evening, and `back` in the morning."""
        firms = np.repeat(
            self.at_work["treasury"], self.bank.account_count[self.at_work["treasury"]] - 1
        )
        master = self.bank.first_account[firms]
        part = master + 1 + np.arange(len(firms)) % (self.bank.account_count[firms] - 1)
        at = midnight + (7 if back else 17) * _HOUR + _drawn(rng, len(firms), _HOUR)
        cents = _THOUSANDS * rng.integers(20, 900, len(firms))
        return moves(
            self.bank,
            at=at,
            debtor=firms,
            creditor=firms,
            channel=TRANSFER,
            cents=cents,
            debtor_account=master if back else part,
            creditor_account=part if back else master,
        )

    def _cash(self, rng: np.random.Generator, midnight: int) -> pl.DataFrame:
        shop = self.at_work["cash-shop"]
        area = self.bank.area[shop]
        at = midnight + (14 - OFFSET_HOURS[area]) * _HOUR + _drawn(rng, len(shop), _HOUR)
        drawn = self._takings * np.exp(0.25 * rng.standard_normal(len(shop)))
        currency = self.bank.currency(shop, shop)
        amount = notes(self.bank.rates.local(drawn.astype(np.int64), currency))
        return moves(
            self.bank,
            at=at,
            debtor=self.bank.till(area),
            creditor=shop,
            channel=CASH,
            amount=amount,
            currency=currency,
            area=area,
        )

    def _some(self, rng: np.random.Generator, firm: int, most: int, *, habitual: bool) -> Ints:
        """People of a firm's country, each once, at most one in ten; the same ones if habitual."""
        country = int(AREA_COUNTRY[self.bank.area[firm]])
        first, count = (
            int(a[country]) for a in (self.bank.neighbours.first, self.bank.neighbours.count)
        )
        n = max(1, min(most, count // 10))
        begin = firm * 7_919 if habitual else int(rng.integers(0, count))
        return first + (begin + np.arange(n) * (count // n)) % count

    def _transfers(self, at: Ints, debtor: Ints, creditor: Ints, cents: Ints) -> pl.DataFrame:
        return moves(
            self.bank, at=at, debtor=debtor, creditor=creditor, channel=TRANSFER, cents=cents
        )


def _drawn(rng: np.random.Generator, n: int, below: int) -> Ints:
    """Moments within so many microseconds."""
    return rng.integers(0, below, n)
