"""What the world is a stream of: payments, customer records and labels, one unit each, with times.

A payment moves money between two accounts; it is posted on each side that is a customer's. Cash
comes out of a till or goes into it. Who pays cash in for somebody else is the debtor though the
debited account is the till's: such a payment is posted once, with its beneficiary.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from connectors.generators import areas
from connectors.generators.aml.money import CURRENCIES, SCALES
from connectors.generators.aml.people import AREA_COUNTRY, COUNTRIES, Bank
from connectors.generators.arrays import Ints

PAYMENT, CUSTOMER, LABEL = range(3)
CASH, CARD, TRANSFER, WIRE, DIRECT_DEBIT = range(5)
_CHANNELS = pl.Series(["CASH", "CARD", "TRANSFER", "WIRE", "DIRECT_DEBIT"])
NOWHERE = -1
"""Area of what was ordered neither at a terminal nor at a till."""
UNIT: Mapping[str, type[pl.DataType]] = {
    "at": pl.Int64,
    "what": pl.Int64,
    "number": pl.Int64,
    "channel": pl.Int64,
    "debtor": pl.Int64,
    "creditor": pl.Int64,
    "debtor_account": pl.Int64,
    "creditor_account": pl.Int64,
    "currency": pl.Int64,
    "amount": pl.Int64,
    "area": pl.Int64,
}
"""Columns of a unit; parties and accounts by index, `number` the row in its table."""
_PLACES = 40
_ODD = 0x9E3779B97F4A7C15 & ((1 << _PLACES) - 1) | 1
_SHARED = (
    *("payment_id", "time", "amount", "scale", "currency", "channel"),
    *("country", "area", "unit"),
)
_NAMELESS = 97
"""One of so many transfers and wires does not name the parties."""


def moves(
    bank: Bank,
    *,
    at: Ints,
    debtor: Ints | int,
    creditor: Ints | int,
    channel: Ints | int,
    cents: Ints | None = None,
    amount: Ints | None = None,
    currency: Ints | int | None = None,
    debtor_account: Ints | None = None,
    creditor_account: Ints | None = None,
    area: Ints | int = NOWHERE,
) -> pl.DataFrame:
    """Payments, not numbered yet; what is one number is the same for all.

    Args:
        bank: Whose parties they are.
        at: When, microseconds UTC, shape (n,).
        debtor: Party that pays.
        creditor: Party that is paid.
        channel: How.
        cents: How much in base cents, converted and rounded down; or else `amount`.
        amount: How much in minor units of the currency.
        currency: By index; the payer's if left out.
        debtor_account: The main one if left out.
        creditor_account: The main one if left out.
        area: Of the terminal or till.
    """
    debtor, creditor = np.broadcast_to(debtor, at.shape), np.broadcast_to(creditor, at.shape)
    if currency is None:
        currency = bank.currency(debtor, creditor)
    currency = np.broadcast_to(currency, at.shape)
    if amount is None:
        assert cents is not None
        amount = bank.rates.local(cents, currency)
    main = bank.first_account
    columns = {
        "at": at,
        "what": np.full(at.shape, PAYMENT),
        "number": np.zeros(at.shape, dtype=np.int64),
        "channel": np.broadcast_to(channel, at.shape),
        "debtor": debtor,
        "creditor": creditor,
        "debtor_account": main[debtor] if debtor_account is None else debtor_account,
        "creditor_account": main[creditor] if creditor_account is None else creditor_account,
        "currency": currency,
        "amount": amount,
        "area": np.broadcast_to(area, at.shape),
    }
    return pl.DataFrame({name: np.ascontiguousarray(v) for name, v in columns.items()}, schema=UNIT)


def payment_ids(seed: int, number: Ints) -> pl.Series:
    """Ids by number: all different, in no order that tells what a payment is part of."""
    digits = pl.Series(_mixed(number)).cast(pl.String).str.zfill(13)
    return f"A{seed}-" + digits


def _mixed(number: Ints) -> Ints:
    """Numbers below 2^40, one to one."""
    bits = number.astype(np.uint64) * np.uint64(_ODD) & np.uint64((1 << _PLACES) - 1)
    mixed: Ints = bits.astype(np.int64)
    return mixed


def payment_records(bank: Bank, seed: int, units: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The payments of units that are payments, and their postings, in order of `unit`."""
    column = {name: units[name].to_numpy() for name in UNIT}
    area, channel, number = column["area"], column["channel"], column["number"]
    placed = np.where(area == NOWHERE, bank.country[column["debtor"]], AREA_COUNTRY[area])
    present = (channel == CARD) & (area != NOWHERE)
    north, east = areas.position(area, column["creditor"])
    named = (_mixed(number) % _NAMELESS != 0) | ((channel != TRANSFER) & (channel != WIRE))
    sides = {
        name: value
        for side in ("debtor", "creditor")
        for name, value in _side(bank, side, column[side], column[f"{side}_account"]).items()
    }
    frame = pl.DataFrame(
        {
            "payment_id": payment_ids(seed, number),
            "time": units["at"],
            **sides,
            "amount": units["amount"],
            "scale": SCALES[column["currency"]].astype(np.int32),
            "currency": pl.Series(CURRENCIES).gather(column["currency"]),
            "channel": _CHANNELS.gather(channel),
            "end_to_end_id": pl.repeat("NOTPROVIDED", units.height, eager=True),
            "country": pl.Series(COUNTRIES).gather(placed),
            "area": pl.Series([*areas.CODE, ""]).gather(area % (len(areas.CODE) + 1)),
            "latitude": np.where(present, north, 0),
            "longitude": np.where(present, east, 0),
            "card_present": present,
            "named": named,
            "unit": units["unit"],
        }
    )
    return {"payments": frame, "postings": _postings(frame)}


def _side(bank: Bank, side: str, party: Ints, account: Ints) -> dict[str, pl.Series]:
    """Columns of one side of payments; `known`: a customer, `posted`: on a customer's account."""
    return {
        side: bank.ids.gather(party),
        f"{side}_account": bank.accounts.gather(account),
        f"{side}_name": bank.names.gather(party),
        f"{side}_country": pl.Series(COUNTRIES).gather(bank.account_country[account]),
        f"{side}_known": pl.Series(party < bank.customers),
        f"{side}_posted": pl.Series(account < bank.customer_accounts),
    }


def _postings(payments: pl.DataFrame) -> pl.DataFrame:
    """The sides on customers' accounts, debit first; a terminal stands with the card's owner."""
    sides = [
        payments.filter(f"{own}_posted").select(
            *_SHARED,
            posting_id=pl.col("payment_id") + pl.lit(suffix),
            owner=pl.col(own),
            account=pl.col(f"{own}_account"),
            counterparty=pl.when(f"{other}_known").then(other).otherwise(pl.lit("")),
            counterparty_name=pl.when("named").then(f"{other}_name").otherwise(pl.lit("")),
            counterparty_account=pl.col(f"{other}_account"),
            counterparty_country=pl.col(f"{other}_country"),
            direction=pl.lit(direction),
            latitude=pl.col("latitude") * shown,
            longitude=pl.col("longitude") * shown,
            card_present=pl.col("card_present") & (shown == 1),
        )
        for suffix, direction, own, other, shown in (
            ("-D", "DEBIT", "debtor", "creditor", 1),
            ("-C", "CREDIT", "creditor", "debtor", 0),
        )
    ]
    return pl.concat(sides).sort("unit", maintain_order=True)
