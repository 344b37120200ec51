"""A bank's payments with money laundering in them, and what has to be found.

    customer records (all at the start)
    everyday + business + schemes, day by day in order of time -> payments, postings
    labels of schemes, each with the last posting it names

Units bear their own times. Everything depends on the seed and on what was asked for; ids are mixed,
so that they do not tell what is part of a scheme.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np
import polars as pl

from connectors.generators.aml.business import Business
from connectors.generators.aml.everyday import SIZE, Everyday
from connectors.generators.aml.kyc import Files
from connectors.generators.aml.money import RATES, Rates
from connectors.generators.aml.people import LEAST, Bank
from connectors.generators.aml.schemes import Schemes, Wanted
from connectors.generators.aml.units import CUSTOMER, LABEL, PAYMENT, UNIT, payment_records
from connectors.generators.arrays import Floats, Ints
from connectors.generators.feed import DAY, SECOND, midnight
from connectors.generators.trades import FIRST_DAY

_A_DAY = 1.25
"""Payments of a person on a day, business included, when no number of people is asked for."""
_ACCOUNTS = 1.4
"""Accounts of a person, about."""


class AmlWorld:
    """A feed of customers, payments, postings, and labels of the schemes among them."""

    kind = "aml"
    step = 900 * SECOND
    topics: tuple[str, ...] = ("customers", "payments", "postings", "schemes")
    clocks: tuple[str, ...] = ("rules", "alert.actions")

    def __init__(
        self,
        seed: int,
        day: date = FIRST_DAY,
        days: int = 30,
        count: int = 100_000,
        people: int | None = None,
        wanted: Wanted | None = None,
        rates: Mapping[str, int] = RATES,
    ) -> None:
        """Make a world of exactly `count` payments on `days` days from `day` on.

        Raises:
            ValueError: There are too few days for schemes, or people pay more than that already.
        """
        self.seed, self.days, wanted = seed, days, wanted or Wanted()
        self.start = midnight(day)
        self.end = self.start + days * DAY
        people = people or max(LEAST, round(count / (days * _A_DAY)))
        counts = wanted.of(seed, people * _ACCOUNTS, self.start, days)
        covered, silent = wanted.pool(counts)
        self.bank = Bank.of(
            seed, self.start, Rates(rates), ordinary=people, covered=covered, silent=silent
        )
        self.schemes = Schemes.lay(seed, self.bank, self.start, days, counts, wanted.ring)
        for member, opened in self.schemes.opened.items():
            self.bank.opened[member] = opened
        self.files = Files(seed, self.bank, self.start)
        self.business = Business(seed, self.bank, self.start, days)
        fixed = self.schemes.moves.height + self.business.before(days)
        if count < fixed:
            raise ValueError(
                f"count is {count}: {people} people on {days} days make at least {fixed} payments"
            )
        self.everyday = Everyday(seed, self.bank, self.start, days, count - fixed)
        self.count = self.bank.customers + count + self.schemes.labels.height
        """Units there are: customer records, payments, labels."""

    def times(self, fractions: Floats) -> Ints:
        """Not asked for, as units bear their times: evenly over the world."""
        spread: Ints = self.start + (fractions * (self.end - self.start)).astype(np.int64)
        return spread

    def units(self) -> Iterator[pl.DataFrame]:
        """Customers, then each day's payments and labels in order of time."""
        for first in range(0, self.bank.customers, SIZE):
            number = np.arange(first, min(first + SIZE, self.bank.customers))
            yield _table(CUSTOMER, number, np.full(len(number), self.start))
        rare = self._rare()
        for day in range(self.days):
            yield from self._day(day, rare)

    def _rare(self) -> pl.DataFrame:
        """Payments of schemes, and labels, in order of time."""
        labels = self.schemes.labels
        told = _table(LABEL, np.arange(labels.height), labels["at"].to_numpy())
        return pl.concat([self.schemes.moves, told]).sort("at", maintain_order=True)

    def _day(self, day: int, rare: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """A day's units: everyday payments in blocks, and with each what else falls into it."""
        begin = self.start + day * DAY
        offset = self.schemes.moves.height
        first = offset + self.everyday.first(self.days) + self.business.before(day)
        fixed = self.business.day(day).with_columns(pl.col("number") + first)
        low, high = np.searchsorted(rare["at"].to_numpy(), [begin, begin + DAY]).tolist()
        fixed = pl.concat([fixed, rare[low:high]]).sort("at", maintain_order=True)
        times, taken = fixed["at"].to_numpy(), 0
        for frame, until in self.everyday.blocks(day):
            place = int(np.searchsorted(times, until))
            block = pl.concat([frame.with_columns(pl.col("number") + offset), fixed[taken:place]])
            taken = place
            yield block.sort("at", maintain_order=True)
        if taken < fixed.height:
            yield fixed[taken:]

    def records(self, units: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
        """The records of units by topic, in order of `unit`."""
        units = units.with_columns(unit=pl.int_range(units.height, dtype=pl.Int64))
        parts = {what: units.filter(pl.col("what") == what) for what in (CUSTOMER, PAYMENT, LABEL)}
        found: dict[str, pl.DataFrame] = {}
        if parts[CUSTOMER].height:
            found["customers"] = self.files.records(parts[CUSTOMER])
        if parts[PAYMENT].height:
            found |= payment_records(self.bank, self.seed, parts[PAYMENT])
        if parts[LABEL].height:
            found["schemes"] = self._labels(parts[LABEL])
        return found

    def _labels(self, units: pl.DataFrame) -> pl.DataFrame:
        label = self.schemes.labels[units["number"].to_numpy()]
        member = self.bank.ids.gather(label["member"].to_numpy())
        return label.with_columns(
            label_id=label["scheme"] + "|" + member,
            member=member,
            time=units["at"],
            unit=units["unit"],
        )


def _table(what: int, number: Ints, at: Ints) -> pl.DataFrame:
    """Units that are no payments."""
    empty = np.zeros(len(number), dtype=np.int64)
    columns = dict.fromkeys(UNIT, empty) | {"what": empty + what, "number": number, "at": at}
    return pl.DataFrame(columns, schema=UNIT)
