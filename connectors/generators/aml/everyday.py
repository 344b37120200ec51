"""Everyday life: what ordinary people and firms pay from day to day.

    what            from -> to                          channel        median in USD, log-normal
    shop            person -> shop where they are       CARD, present       28, sigma 0.9
    online          person -> shop or marketplace       CARD                45, sigma 0.9
    bill            person -> a firm of their area      DIRECT_DEBIT        70, sigma 0.6
    private         person -> contact                   TRANSFER            80, sigma 1.0
    saving          person -> own savings account       TRANSFER           200, sigma 0.8
    withdrawal      person -> till where they are       CASH               100, sigma 0.6, notes
    deposit         till -> person                      CASH               150, sigma 0.7, notes
    remittance      person -> relative abroad           WIRE               350, sigma 0.7
    trade           trader -> supplier abroad           WIRE            12,000, sigma 1.0
    supply          shop -> shop of its country         TRANSFER         1,500, sigma 1.0

Everybody is awake by their own clock. One person in twenty travels once: meanwhile they pay and
draw cash where they are, and on the way only online. Few private transfers go back to the account
they came from, as some do in any bank's data.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from connectors.generators import areas
from connectors.generators.aml.money import NOTE
from connectors.generators.aml.people import AREA_COUNTRY, COUNTRIES, Bank
from connectors.generators.aml.units import (
    CARD,
    CASH,
    DIRECT_DEBIT,
    NOWHERE,
    TRANSFER,
    WIRE,
    moves,
)
from connectors.generators.arrays import Bools, Floats, Ints
from connectors.generators.calendar import PAYMENT_HOURS, PAYMENT_WEEK
from connectors.generators.draw import choose, stream
from connectors.generators.feed import DAY, SECOND

SIZE = 8_192
"""Payments drawn at once. It belongs to the content, as the block of a feed does."""
(SHOP, ONLINE, BILL, PRIVATE, SAVING, WITHDRAWAL, DEPOSIT, REMITTANCE, TRADE, SUPPLY) = range(10)
_WEIGHTS = np.array([0.42, 0.14, 0.10, 0.11, 0.04, 0.07, 0.02, 0.01, 0.03, 0.06])
_CHANNEL = np.array(
    [CARD, CARD, DIRECT_DEBIT, TRANSFER, TRANSFER, CASH, CASH, WIRE, WIRE, TRANSFER]
)
_CENTS = np.array([2_800, 4_500, 7_000, 8_000, 20_000, 10_000, 15_000, 35_000, 1_200_000, 150_000])
_SIGMA = np.array([0.9, 0.9, 0.6, 1.0, 0.8, 0.6, 0.7, 0.7, 1.0, 1.0])
_TOP = 10**11
_HARMLESS = np.isin(np.arange(10), [SHOP, ONLINE, BILL, WITHDRAWAL])
"""What covered members also do."""
_MARKET, _SELF = 0.3, 0.003
"""Share of online payments to a marketplace, and of private transfers to oneself."""
_LOYALTY, _FAVOURITES = 0.3, 8
_TRAVELS, _ON_THE_WAY = 0.05, DAY * 3 // 4
_HOUR = 3_600 * SECOND
_REMITTED: Ints = np.array([COUNTRIES.index(c) for c in ("BR", "CN", "MX", "NG", "PL", "TR")])
_TRADING: Ints = np.array([COUNTRIES.index(c) for c in ("AE", "CN", "DE", "HK", "PA", "SG", "US")])


class Everyday:
    """Everyday payments of a bank's customers, day by day."""

    def __init__(self, seed: int, bank: Bank, start: int, days: int, count: int) -> None:
        """Make `count` payments on `days` days from midnight `start` on, microseconds UTC."""
        self.seed, self.bank, self.start = seed, bank, start
        weekday = (start // DAY + 3 + np.arange(days)) % 7
        share = np.cumsum(PAYMENT_WEEK[weekday]) / PAYMENT_WEEK[weekday].sum()
        self._until = np.rint(np.concatenate([[0.0], share]) * count).astype(np.int64)
        rng = stream(seed, "aml habits")
        activity = np.exp(rng.standard_normal(bank.covered))
        offset = areas.OFFSET_HOURS[bank.area[: bank.covered]]
        self._by_zone = np.argsort(offset, kind="stable")
        self._active = np.concatenate([[0.0], np.cumsum(activity[self._by_zone])])
        zones, first = np.unique(offset[self._by_zone], return_index=True)
        self._zone = np.append(first, bank.covered)
        hours = (np.arange(24)[:, None] + zones[None, :]) % 24
        awake = PAYMENT_HOURS[hours] * np.diff(self._active[self._zone])
        self._in_zone = np.cumsum(awake, axis=1) / awake.sum(axis=1, keepdims=True)
        busy = awake.sum(axis=1)
        self._share = np.concatenate([[0.0], np.cumsum(busy) / busy.sum()])
        travels = rng.random(bank.covered) < _TRAVELS
        leaves = start + rng.random(bank.covered) * max(days - 2, 0) * DAY
        away = np.where(travels, (2 + 12 * rng.random(bank.covered)) * DAY, 0)
        self._leaves = leaves.astype(np.int64)
        self._returns = self._leaves + away.astype(np.int64)
        self._goes_to = rng.integers(0, len(areas.CODE), bank.covered)

    def count(self, day: int) -> int:
        """Payments of a day, the first one being 0."""
        return int(self._until[day + 1] - self._until[day])

    def first(self, day: int) -> int:
        """Payments before a day."""
        return int(self._until[day])

    def blocks(self, day: int) -> Iterator[tuple[pl.DataFrame, int]]:
        """A day's payments in order of time; with each block when the next one begins."""
        n = self.count(day)
        for number, first in enumerate(range(0, n, SIZE)):
            last = min(first + SIZE, n)
            rng = stream(self.seed, f"aml day {day}", number)
            at = self._times(day, (np.arange(first, last) + rng.random(last - first)) / n)
            frame = self._block(rng, at).with_columns(
                number=pl.Series(self.first(day) + np.arange(first, last))
            )
            yield frame, int(self._times(day, np.array([last / n]))[0])

    def _times(self, day: int, fractions: Floats) -> Ints:
        hour = np.interp(fractions, self._share, np.arange(25.0))
        return self.start + day * DAY + np.minimum((hour * _HOUR).astype(np.int64), DAY - 1)

    def _block(self, rng: np.random.Generator, at: Ints) -> pl.DataFrame:
        bank, n = self.bank, len(at)
        person = self._people(rng, at)
        kind = choose(rng, _WEIGHTS, n)
        kind = np.where((kind == SAVING) & (bank.account_count[person] == 1), PRIVATE, kind)
        kind = np.where((person >= bank.ordinary) & ~_HARMLESS[kind], SHOP, kind)
        area, moving = self._where(person, at)
        kind = np.where(moving & np.isin(kind, (SHOP, WITHDRAWAL, DEPOSIT)), ONLINE, kind)
        debtor, creditor = self._parties(rng, kind, person, area)
        astray = (kind == PRIVATE) & (rng.random(n) < _SELF)
        creditor = np.where(astray, debtor, creditor)
        own = np.where(kind == DEPOSIT, creditor, debtor)
        currency = bank.currency(own, own)
        drawn = _CENTS[kind] * np.exp(_SIGMA[kind] * rng.standard_normal(n))
        amount = np.clip(np.rint(drawn * bank.rates.per_cent[currency]), 1, _TOP).astype(np.int64)
        cash = _CHANNEL[kind] == CASH
        amount = np.where(cash, notes(amount), amount)
        return moves(
            bank,
            at=at,
            debtor=debtor,
            creditor=creditor,
            channel=_CHANNEL[kind],
            amount=amount,
            currency=currency,
            creditor_account=bank.first_account[creditor] + (kind == SAVING),
            area=np.where(cash | (kind == SHOP), area, NOWHERE),
        )

    def _people(self, rng: np.random.Generator, at: Ints) -> Ints:
        """Who pays at each time: somebody who is awake."""
        hour = at % DAY // _HOUR
        zone = (rng.random(len(at))[:, None] >= self._in_zone[hour]).sum(axis=1)
        low, high = self._active[self._zone[zone]], self._active[self._zone[zone + 1]]
        place = np.searchsorted(self._active, low + rng.random(len(at)) * (high - low), "right") - 1
        inside = np.clip(place, self._zone[zone], self._zone[zone + 1] - 1)
        person: Ints = self._by_zone[inside]
        return person

    def _where(self, person: Ints, at: Ints) -> tuple[Ints, Bools]:
        """The area in which each person is at that time, and whether they are on the way."""
        since, until = at - self._leaves[person], self._returns[person] - at
        away = (since >= 0) & (until > 0)
        moving = away & ((since < _ON_THE_WAY) | (until <= _ON_THE_WAY))
        return np.where(away, self._goes_to[person], self.bank.area[person]), moving

    def _parties(
        self, rng: np.random.Generator, kind: Ints, person: Ints, area: Ints
    ) -> tuple[Ints, Ints]:
        """Debtor and creditor of each payment."""
        bank, n = self.bank, len(kind)
        habit = np.minimum(rng.geometric(_LOYALTY, n) - 1, _FAVOURITES - 1)
        favourite = person * 7_919 + habit * 104_729
        home, country = bank.area[person], AREA_COUNTRY[bank.area[person]]
        shops = bank.firms["merchant"]
        market = rng.random(n) < _MARKET
        online = np.where(
            market,
            bank.firm("marketplace", country, person * 0),
            bank.firm("merchant", country, favourite),
        )
        contact = bank.neighbours.pick(country, favourite)
        contact = np.where(contact == person, bank.neighbours.pick(country, favourite + 1), contact)
        relative = bank.abroad.pick(
            _REMITTED[person * 31 % len(_REMITTED)], person * 17 + habit % 2
        )
        trader = bank.all_firms("trader")[rng.integers(0, len(bank.all_firms("trader")), n)]
        partner = _TRADING[(trader * 13 + habit % 2) % len(_TRADING)]
        supplier = bank.abroad.pick(partner, trader * 101 + habit)
        shop = rng.integers(shops.first[0], shops.first[-1] + shops.count[-1], n)
        source = bank.firm("merchant", AREA_COUNTRY[bank.area[shop]], shop * 7_919 + habit * 31)
        source = np.where(source == shop, bank.firms["trader"].pick(bank.area[shop], shop), source)
        till = bank.till(area)
        local = shops.pick(area, favourite)
        bill = shops.pick(home, person * 31 + habit % 3)
        own = [person] * 6
        debtor = np.choose(kind, [*own, till, person, trader, shop])
        creditor = np.choose(
            kind,
            [local, online, bill, contact, person, till, person, relative, supplier, source],
        )
        return debtor, creditor


def notes(amount: Ints) -> Ints:
    """Amounts in cash: whole notes, at least one."""
    rounded: Ints = np.maximum(amount // NOTE, 1) * NOTE
    return rounded
