"""Where schemes are laid out: members that are free, the time there is, ways to move money."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from connectors.generators.aml.everyday import notes
from connectors.generators.aml.money import USD
from connectors.generators.aml.people import AREA_COUNTRY, COUNTRIES, RISKY, Bank
from connectors.generators.aml.units import CARD, CASH, TRANSFER, WIRE, moves
from connectors.generators.areas import COUNT, FIRST, OFFSET_HOURS
from connectors.generators.arrays import Ints
from connectors.generators.feed import DAY, SECOND

HOUR = 3_600 * SECOND
T = 1_000_000
"""The threshold of cash reports, 10,000.00 in base cents."""
SUBJECT = "subject"
"""Role of a member whose own postings meet the definition."""
_GAP = 60 * SECOND
_OPENS, _HOURS = 9, 6
"""Branches are open from 9 to 15 by their clocks."""
SAFE: Ints = np.setdiff1d(np.arange(len(COUNTRIES)), RISKY)
FAR: Ints = np.setdiff1d(SAFE, AREA_COUNTRY)
"""Countries that are not risky, and those of them without customers."""


@dataclass
class Laid:
    """A scheme as it was laid out.

    Attributes:
        roles: Members and what they do in it.
        moves: Payments that make it.
        cover: Other payments of its members.
        opened: Accounts opened for it: member and time, microseconds UTC.
    """

    roles: dict[int, str]
    moves: list[pl.DataFrame]
    cover: list[pl.DataFrame] = field(default_factory=list)
    opened: dict[int, int] = field(default_factory=dict)


class Stage:
    """What schemes draw from: everything comes from one random stream, scheme after scheme."""

    def __init__(self, rng: np.random.Generator, bank: Bank, start: int, days: int) -> None:
        """Lay schemes out on `days` days from midnight `start` on."""
        self.rng, self.bank, self.start, self.days = rng, bank, start, days
        self._covered = iter(rng.permutation(np.arange(bank.ordinary, bank.covered)).tolist())
        self._silent = iter(rng.permutation(np.arange(bank.covered, bank.persons)).tolist())

    def covered(self, n: int) -> list[int]:
        """So many members who also live an everyday life."""
        return [next(self._covered) for _ in range(n)]

    def silent(self) -> int:
        """A member with no other life, at home in a country with many areas."""
        member: int = next(self._silent)
        return member

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def many(self, n: int, low: int, high: int) -> Ints:
        """So many whole numbers, both ends included."""
        return self.rng.integers(low, high + 1, n)

    def begin(self, span: int) -> tuple[int, int]:
        """A moment from which `span` fits into the world, and `span`, shortened if it must be."""
        room = self.days * DAY - 2 * HOUR
        span = min(span, room)
        return self.start + HOUR + self.between(0, room - span), span

    def moments(self, n: int, since: int, span: int) -> Ints:
        """So many moments of a span, in order, a minute or more apart."""
        free = np.sort(self.rng.integers(0, max(span - n * _GAP, 1), n))
        return since + free + np.arange(n) * _GAP

    def visits(self, who: int, n: int, days: int, after: int = 0, even: bool = False) -> Ints:
        """So many moments in opening hours of so many days in a row, `after` days left after them.

        From the first to the last it is less than `days` days. With `even` the days take turns.
        """
        days = max(1, min(days, self.days - after))
        first = self.between(0, self.days - after - days)
        day = np.arange(n) * days // n if even else np.sort(self.rng.integers(0, days, n))
        return (
            self.start
            + first * DAY
            + np.sort(day * DAY + self.rng.permutation(self.opening(who, n)))
        )

    def opening(self, who: int, n: int, opens: int = _OPENS, hours: int = _HOURS) -> Ints:
        """So many times of day, from midnight UTC, in some hours by a member's clock, in order."""
        since = (opens - int(OFFSET_HOURS[self.bank.area[who]])) * HOUR
        return self.moments(n, since, hours * HOUR)

    def areas_of(self, who: int, n: int, other: bool = False) -> Ints:
        """So many areas of a member's country, without home if `other`; at most as many as are."""
        home = int(self.bank.area[who])
        code = COUNTRIES[AREA_COUNTRY[home]]
        there = np.arange(FIRST[code], FIRST[code] + COUNT[code])
        away = self.rng.permutation(there[there != home])
        return away[:n] if other else np.concatenate([[home], away])[:n]

    def outside(self, countries: Ints = SAFE) -> int:
        """A party at another bank, in one of some countries."""
        country = self.rng.choice(countries, 1)
        return int(self.bank.abroad.pick(country, self.many(1, 0, 2**31))[0])

    def home(self, who: int) -> int:
        """The country of a member."""
        return int(self.bank.country[who])

    def share(self, paid: pl.DataFrame, least: float, most: float) -> int:
        """Minor units that are between two shares of what payments sum up to."""
        return int(paid["amount"].to_numpy().sum() * self.rng.uniform(least, most))

    def split(self, total: int, n: int) -> Ints:
        """A sum in so many parts, none less than half of an even one."""
        weight = 1.0 + self.rng.random(n)
        part: Ints = np.floor(total * weight / weight.sum()).astype(np.int64)
        part[-1] += total - part.sum()
        return part

    def currency(self, who: int, n: int) -> Ints:
        """A member's currency, `n` times."""
        same = np.full(n, who)
        return self.bank.currency(same, same)

    def cash_in(
        self,
        who: int,
        at: Ints,
        cents: Ints,
        area: Ints,
        payer: Ints | None = None,
        account: Ints | None = None,
        dollars: bool = False,
    ) -> pl.DataFrame:
        """Cash paid in for a member, by the member unless a payer is named.

        It is whole notes of their currency, or with `dollars` exactly the cents asked for.
        """
        till, currency = self.bank.till(area), self.currency(who, len(at))
        return moves(
            self.bank,
            at=at,
            debtor=till if payer is None else payer,
            creditor=who,
            channel=CASH,
            cents=cents if dollars else None,
            amount=None if dollars else notes(self.bank.rates.local(cents, currency)),
            currency=USD if dollars else currency,
            debtor_account=self.bank.first_account[till],
            creditor_account=account,
            area=area,
        )

    def cash_out(self, who: int, at: Ints, amount: Ints, area: Ints) -> pl.DataFrame:
        """Withdrawals of a member, in minor units of their currency."""
        return moves(
            self.bank,
            at=at,
            debtor=who,
            creditor=self.bank.till(area),
            channel=CASH,
            amount=notes(amount),
            area=area,
        )

    def shopping(self, who: int, at: Ints, cents: Ints, area: Ints) -> pl.DataFrame:
        """Payments with the card at terminals of areas."""
        shop = self.bank.firms["merchant"].pick(area, self.many(len(at), 0, 2**31))
        return moves(
            self.bank, at=at, debtor=who, creditor=shop, channel=CARD, cents=cents, area=area
        )

    def transfers(
        self, at: Ints, debtor: Ints | int, creditor: Ints | int, cents: Ints
    ) -> pl.DataFrame:
        """Transfers, one in three as a wire."""
        channel = np.where(self.rng.random(len(at)) < 0.3, WIRE, TRANSFER)
        return moves(
            self.bank, at=at, debtor=debtor, creditor=creditor, channel=channel, cents=cents
        )
