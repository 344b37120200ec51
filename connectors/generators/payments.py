"""Payments of a seeded bank's customers, and what each one does to the two accounts.

A payment is written three times, always consistently: once as it was ordered (`payments`), and once
for each side (`postings`): a DEBIT of the debtor's owner and a CREDIT of the creditor's owner.

    how                  from -> to                    channel        amount, median, log-normal
    card                 person -> favourite merchant  CARD              32.00, sigma 0.9
    transfer             person -> contact             TRANSFER         120.00, sigma 1.1
    salary               employer -> its employee      TRANSFER         the same each time
    direct debit         person -> favourite merchant  DIRECT_DEBIT      55.00, sigma 0.6
    wire                 firm -> business partner      WIRE           8,500.00, sigma 1.2
    withdrawal, deposit  person <-> branch             CASH             120.00, sigma 0.7, in tens

Two of three cards are present at a terminal, which stands in the area where the person lives.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np
import polars as pl

from connectors.generators import areas
from connectors.generators.arrays import Bools, Ints
from connectors.generators.calendar import PaymentDays
from connectors.generators.customers import Customers
from connectors.generators.draw import choose, log_normal, stream
from connectors.generators.feed import BLOCK, SECOND
from connectors.generators.trades import FIRST_DAY

SCALE = 2
CARD, TRANSFER, SALARY, DIRECT_DEBIT, WIRE, WITHDRAWAL, DEPOSIT = range(7)
_WEIGHTS = np.array([0.55, 0.20, 0.04, 0.11, 0.04, 0.04, 0.02])
_CHANNELS = ("CARD", "TRANSFER", "TRANSFER", "DIRECT_DEBIT", "WIRE", "CASH", "CASH")
_MEDIANS = np.array([3_200.0, 12_000.0, 0.0, 5_500.0, 850_000.0, 12_000.0, 12_000.0])
_SIGMAS = np.array([0.9, 1.1, 0.0, 0.6, 1.2, 0.7, 0.7])
_TOP = 10**11
_NOTE = 1_000
"""Cash comes in multiples of the smallest note, 10.00."""
_LOYALTY = 0.35
"""How strongly a person keeps to the first of the favourites: parameter of a geometric draw."""
_MAIN_ACCOUNT = 0.8
_PRESENT = 0.67
"""Share of card payments with the card at a terminal."""


class Payments:
    """A feed of payments: topics `payments` and `postings`."""

    kind = "payments"
    step = 900 * SECOND
    topics: tuple[str, ...] = ("payments", "postings")
    clocks: tuple[str, ...] = ("customers", "rules", "alert.actions")

    def __init__(
        self, seed: int, day: date = FIRST_DAY, days: int = 7, customers: Customers | None = None
    ) -> None:
        """Pay on `days` days from `day` on, among customers of the same seed if none are given."""
        self.seed = seed
        self.customers = customers or Customers.of(seed)
        self._days = PaymentDays(day, days)
        self.start, self.end, self.times = self._days.start, self._days.end, self._days.times

    def units(self) -> Iterator[pl.DataFrame]:
        """Blocks of payments in order: owners and accounts by index, kind, amount."""
        block = 0
        while True:
            units = self._block(stream(self.seed, "payments", block), block * BLOCK)
            shown = stream(self.seed, "terminals", block).random(BLOCK) < _PRESENT
            yield units.with_columns(present=pl.Series(shown) & (pl.col("kind") == CARD))
            block += 1

    def _block(self, rng: np.random.Generator, first: int) -> pl.DataFrame:
        kind = choose(rng, _WEIGHTS, BLOCK)
        person = choose(rng, self.customers.activity, BLOCK)
        debtor, creditor = self._parties(rng, kind, person)
        amount = log_normal(rng, _MEDIANS[kind], _SIGMAS[kind], BLOCK, _TOP)
        cash = (kind == WITHDRAWAL) | (kind == DEPOSIT)
        amount = np.where(cash, np.maximum(amount // _NOTE, 1) * _NOTE, amount)
        return pl.DataFrame(
            {
                "number": np.arange(first, first + BLOCK),
                "kind": kind,
                "debtor": debtor,
                "creditor": creditor,
                "debtor_account": self._account(rng, debtor),
                "creditor_account": self._account(rng, creditor),
                "amount": np.where(kind == SALARY, self.customers.salary[person], amount),
            }
        )

    def _parties(self, rng: np.random.Generator, kind: Ints, person: Ints) -> tuple[Ints, Ints]:
        """Owner indexes of debtor and creditor of each payment, never the same."""
        bank = self.customers
        n = len(kind)
        favourite = np.minimum(rng.geometric(_LOYALTY, n) - 1, bank.favourites.shape[1] - 1)
        merchant = bank.favourites[person, favourite]
        contact = bank.contacts[person, rng.integers(0, bank.contacts.shape[1], n)]
        branch = person % bank.branches
        firm = rng.integers(0, len(bank.partners), n)
        partner = bank.partners[firm, rng.integers(0, bank.partners.shape[1], n)]
        employer, own = bank.employer[person], bank.first_person + person
        firm = firm + bank.branches
        debtor = np.choose(kind, [own, own, employer, own, firm, own, branch])
        creditor = np.choose(kind, [merchant, contact, own, merchant, partner, branch, own])
        return debtor, creditor

    def _account(self, rng: np.random.Generator, owner: Ints) -> Ints:
        """Index of the account used: mostly the owner's main one."""
        count = self.customers.account_count[owner]
        drawn = np.floor(rng.random(len(owner)) * count).astype(np.int64)
        main = rng.random(len(owner)) < _MAIN_ACCOUNT
        used: Ints = self.customers.first_account[owner] + np.where(main, 0, drawn)
        return used

    def records(self, units: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
        """One payment and two postings for each unit, in order of booking."""
        number = pl.col("number").cast(pl.String).str.zfill(9)
        ids = units.select(pl.concat_str(pl.lit(f"P{self.seed}-"), number)).to_series()
        bank = self.customers
        debtor, creditor = units["debtor"].to_numpy(), units["creditor"].to_numpy()
        payments = pl.DataFrame(
            {
                "payment_id": ids,
                "time": units["at"],
                "debtor": bank.owners.gather(debtor),
                "debtor_account": bank.accounts.gather(units["debtor_account"].to_numpy()),
                "creditor": bank.owners.gather(creditor),
                "creditor_account": bank.accounts.gather(units["creditor_account"].to_numpy()),
                "debtor_country": bank.country.gather(debtor),
                "creditor_country": bank.country.gather(creditor),
                "amount": units["amount"],
                "scale": np.full(units.height, SCALE, dtype=np.int32),
                "currency": bank.currency.gather(debtor),
                "channel": pl.Series(_CHANNELS).gather(units["kind"].to_numpy()),
                "end_to_end_id": pl.repeat("NOTPROVIDED", units.height, eager=True),
                "unit": np.arange(units.height),
            }
        )
        kind, present = units["kind"].to_numpy(), units["present"].to_numpy()
        return {
            "payments": payments,
            "postings": _postings(payments, self._places(kind, debtor, creditor, present)),
        }

    def _places(self, kind: Ints, debtor: Ints, creditor: Ints, present: Bools) -> pl.DataFrame:
        """Where each payment was ordered: country, area and terminal, and if the card was there."""
        home = self.customers.area
        branch = np.where(kind == WITHDRAWAL, creditor, debtor)
        area = np.where((kind == WITHDRAWAL) | (kind == DEPOSIT), home[branch], home[debtor])
        local = present | (kind == WITHDRAWAL) | (kind == DEPOSIT)
        north, east = areas.position(area, creditor)
        return pl.DataFrame(
            {
                "country": areas.COUNTRY.gather(area),
                "area": areas.CODE.gather(area),
                "local": local,
                "latitude": np.where(present, north, 0),
                "longitude": np.where(present, east, 0),
                "card_present": present,
            }
        ).select(
            pl.col("country", "latitude", "longitude", "card_present"),
            area=pl.when("local").then("area").otherwise(pl.lit("")),
        )


def _postings(payments: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Both sides of each payment, the debit first; the terminal stands with the card's owner."""
    payments = payments.with_columns(places)
    sides = [
        payments.select(
            posting_id=pl.col("payment_id") + suffix,
            payment_id=pl.col("payment_id"),
            time=pl.col("time"),
            owner=pl.col(own),
            account=pl.col(f"{own}_account"),
            counterparty=pl.col(other),
            counterparty_name=pl.lit(""),
            counterparty_account=pl.col(f"{other}_account"),
            counterparty_country=pl.col(f"{other}_country"),
            direction=pl.lit(direction),
            amount=pl.col("amount"),
            scale=pl.col("scale"),
            currency=pl.col("currency"),
            channel=pl.col("channel"),
            country=pl.col("country"),
            area=pl.col("area"),
            latitude=pl.col("latitude") * shown,
            longitude=pl.col("longitude") * shown,
            card_present=pl.col("card_present") & (shown == 1),
            unit=pl.col("unit"),
        )
        for suffix, direction, own, other, shown in (
            (pl.lit("-D"), "DEBIT", "debtor", "creditor", 1),
            (pl.lit("-C"), "CREDIT", "creditor", "debtor", 0),
        )
    ]
    n = payments.height
    return pl.concat(sides)[np.arange(2 * n).reshape(2, n).T.ravel()]
