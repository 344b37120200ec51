"""The worlds look like what they stand for: codes, popularity, amounts, times of day."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from connectors.generators import Payments, Plan, Trades
from connectors.generators.calendar import CLOSING, OPENING
from connectors.generators.customers import Customers
from connectors.generators.feed import DAY, SECOND, midnight
from connectors.generators.market import Market
from schemas.ids import is_currency, is_iban, is_isin, is_lei, is_mic
from tests.generated import generate

COUNT = 20_000
HOUR = 3_600 * SECOND


@pytest.fixture(scope="module")
def trades() -> pl.DataFrame:
    return generate(Trades(11), Plan(count=COUNT, seed=11)).frame("fills").sort("trade_id")


@pytest.fixture(scope="module")
def payments() -> pl.DataFrame:
    return generate(Payments(11), Plan(count=COUNT, seed=11)).frame("payments").sort("payment_id")


@pytest.mark.parametrize("seed", [0, 1, 12_345])
def test_all_codes_of_a_market_are_well_formed_and_different(seed: int) -> None:
    market = Market.of(seed)
    leis = [*market.members, *market.ccps]
    assert (len(market.members), len(market.ccps), len(market.isins)) == (24, 2, 250)
    assert all(is_lei(lei) for lei in leis)
    assert all(is_isin(isin) for isin in market.isins)
    assert all(is_mic(mic) for mic in market.venues)
    assert set(market.currencies) == {"EUR", "GBP", "USD"}
    assert len(set(leis)) == 26
    assert market.isins.n_unique() == 250
    country = {"GB": "GBP", "US": "USD"}
    for isin, currency in zip(market.isins, market.currencies, strict=True):
        assert currency == country.get(isin[:2], "EUR")


def test_a_market_can_be_of_another_size_but_not_of_none() -> None:
    market = Market.of(1, members=3, ccps=1, isins=2, books=3)
    fills = generate(Trades(1, market=market), Plan(count=400, seed=1)).frame("fills")
    assert fills["book"].n_unique() == 3
    with pytest.raises(ValueError, match="at least"):
        Market.of(1, members=1)


def test_instruments_are_popular_by_rank_and_members_by_credit(trades: pl.DataFrame) -> None:
    market = Trades(11).market
    counts = dict(trades["isin"].value_counts().rows())
    share = np.array([counts.get(isin, 0) for isin in market.isins]) / COUNT
    assert np.abs(share - market.popularity).max() < 0.01
    assert share[0] > 5 * share[20] > 0
    credit = np.log(market.credit)
    assert 0.5 < credit.std() < 1.6


def test_sizes_are_log_normal(trades: pl.DataFrame) -> None:
    logs = np.log(trades["quantity"].to_numpy())
    assert logs.mean() == pytest.approx(np.log(150), abs=0.05)
    assert logs.std() == pytest.approx(1.3, abs=0.05)
    assert trades["quantity"].min() >= 1


def test_prices_walk_in_small_steps_within_bounds(trades: pl.DataFrame) -> None:
    market = Trades(11).market
    for isin, first in zip(market.isins[:20], market.prices[:20], strict=True):
        prices = trades.filter(isin=isin)["price"].to_numpy()
        assert prices.min() >= first // 4
        assert prices.max() <= first * 4
        assert np.abs(np.diff(prices, prepend=first)).max() <= 12 * max(first // 10_000, 1)
        assert len(set(prices.tolist())) > 3


def test_trading_is_busiest_at_open_and_close(trades: pl.DataFrame) -> None:
    time = trades["trade_time"].to_numpy() - midnight(date(2026, 3, 2))
    assert OPENING <= time.min() <= time.max() < CLOSING
    assert (np.diff(time) >= 0).all()
    first, *_, last = np.histogram(time, bins=17, range=(OPENING, CLOSING))[0]
    middle = np.histogram(time, bins=17, range=(OPENING, CLOSING))[0][8]
    assert first > 2.5 * middle
    assert last > 2.5 * middle


def test_settlement_is_two_business_days_later() -> None:
    friday = Trades(11, day=date(2026, 3, 6), days=2)
    legs = generate(friday, Plan(count=500, seed=11)).frame("obligations")
    day = legs["trade_time"] // DAY
    due = dict(zip(day, legs["settlement_date"], strict=True))
    start = (date(2026, 3, 6) - date(1970, 1, 1)).days
    assert due == {start: start + 4, start + 3: start + 5}


def test_a_run_that_begins_on_a_weekend_trades_on_monday() -> None:
    assert Trades(1, day=date(2026, 2, 28)).start == midnight(date(2026, 3, 2)) + OPENING


def test_a_payment_may_cost_any_amount_but_each_way_has_its_usual_one(
    payments: pl.DataFrame,
) -> None:
    medians = {"CARD": 3_200, "DIRECT_DEBIT": 5_500, "WIRE": 850_000}
    sigmas = {"CARD": 0.9, "DIRECT_DEBIT": 0.6, "WIRE": 1.2}
    for channel, median in medians.items():
        logs = np.log(payments.filter(channel=channel)["amount"].to_numpy())
        assert logs.mean() == pytest.approx(np.log(median), abs=0.15)
        assert logs.std() == pytest.approx(sigmas[channel], abs=0.1)
    assert (payments.filter(channel="CASH")["amount"] % 1_000 == 0).all()
    assert set(payments["channel"]) == {"CARD", "TRANSFER", "WIRE", "DIRECT_DEBIT", "CASH"}
    assert all(is_currency(currency) for currency in payments["currency"].unique())


def test_payments_follow_day_and_week(payments: pl.DataFrame) -> None:
    time = payments["time"].to_numpy() - midnight(date(2026, 3, 2))
    assert 0 <= time.min() <= time.max() < 7 * DAY
    hours = np.bincount(time % DAY // HOUR, minlength=24)
    days = np.bincount(time // DAY, minlength=7)
    assert hours[12] > 10 * hours[3]
    assert days[4] == days.max()
    assert days[6] == days.min()


def test_counterparties_repeat(payments: pl.DataFrame) -> None:
    cards = payments.filter(channel="CARD")
    by_person = cards.group_by("debtor").agg(pl.len(), pl.col("creditor").n_unique().alias("shops"))
    busy = by_person.filter(pl.col("len") >= 10)
    assert busy.height > 20
    assert busy["shops"].max() <= 8
    by_shop = cards["creditor"].value_counts(sort=True)["count"]
    assert by_shop[0] > 5 * by_shop[len(by_shop) // 2]


def test_customers_hold_accounts_and_some_hold_several() -> None:
    bank = Customers.of(3, owners=1_000)
    assert bank.accounts.n_unique() == len(bank.accounts) == bank.account_count.sum()
    assert all(is_iban(account) for account in bank.accounts[:200])
    assert bank.account_count.min() == 1
    assert 2 <= bank.account_count.max() <= 5
    assert 0.15 < (bank.account_count > 1).mean() < 0.35
    with pytest.raises(ValueError, match="at least 100"):
        Customers.of(1, owners=10)


def test_an_account_has_one_owner_and_the_owners_country() -> None:
    postings = generate(Payments(2), Plan(count=5_000, seed=2)).frame("postings")
    owners = postings.group_by("account").agg(pl.col("owner").n_unique())
    assert owners["owner"].max() == 1
    country = postings["counterparty_account"].str.head(2)
    assert country.equals(postings["counterparty_country"])
