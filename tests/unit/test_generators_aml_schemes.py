"""Each scheme in cash or in flows meets the definition of its rule, among all else its subject did.

The definitions are those of the rules' documentation; amounts are converted by hand-written
arithmetic (tests/laundering.py), windows are (t - W, t].
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from tests.laundering import DAY, HOUR, Case, Found, T, found, kilometres, windows

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module", params=[(1, 30), (2, 7)], ids=["month", "week"])
def world(request: pytest.FixtureRequest) -> Found:
    return found(*request.param)


def cases(world: Found, kind: str) -> Iterator[Case]:
    """The four schemes of a kind."""
    all_of_them = list(world.subjects(kind))
    assert len(all_of_them) == 4
    assert len({case.who for case in all_of_them}) == 4
    yield from all_of_them


def local(time: int, case: Case) -> datetime:
    """A moment by the subject's clock."""
    return (EPOCH + timedelta(microseconds=time)).astimezone(ZoneInfo(str(case.customer["zone"])))


def cash(case: Case, direction: str) -> pl.DataFrame:
    return case.postings.filter(channel="CASH", direction=direction)


def test_structuring_near_the_threshold(world: Found) -> None:
    """3 or more cash-ins in [0.8 T, T], together more than T, in 1, 3, 5 or 10 days."""
    for case in cases(world, "structuring-near"):
        near = cash(case, "CREDIT").filter(pl.col("base").is_between(8 * T // 10, T))
        assert any(
            window.height >= 3 and window["base"].sum() > T
            for days in (1, 3, 5, 10)
            for window in windows(near, days * DAY)
        )
        assert near["posting_id"].to_list() == case.named["posting_id"].to_list()


def test_deposits_stand_on_the_limits_themselves() -> None:
    """Some subjects pay in exactly T, or a cent less, or exactly 0.8 T."""
    amounts: set[int] = set()
    for seed in (1, 2, 3):
        for case in found(seed, 7).subjects("structuring-near"):
            amounts |= set(case.named["base"])
    assert {T, T - 1, 8 * T // 10} <= amounts


def test_structuring_spread_over_days(world: Found) -> None:
    """More than T in 10 days, on two business days or more, none of which has more than T."""
    for case in cases(world, "structuring-spread"):
        deposits = cash(case, "CREDIT")
        assert deposits["time"].max() - deposits["time"].min() < 10 * DAY
        days: dict[object, int] = {}
        for time, base in deposits.select("time", "base").rows():
            day = local(time, case).date()
            days[day] = days.get(day, 0) + base
        assert len(days) >= 2
        assert sum(days.values()) > T
        assert all(84 * T // 100 <= paid <= T for paid in days.values())


def test_micro_structuring(world: Found) -> None:
    """20 or more cash-ins below 0.3 T within 10 days, together more than T."""
    for case in cases(world, "micro-structuring"):
        small = cash(case, "CREDIT").filter(pl.col("base") < 3 * T // 10)
        assert any(w.height >= 20 and w["base"].sum() > T for w in windows(small, 10 * DAY))


def test_smurfing(world: Found) -> None:
    """4 or more depositors, each below T, together more than T, within 3 days."""
    for case in cases(world, "smurfing"):
        foreign = cash(case, "CREDIT").filter(pl.col("counterparty") != "")
        assert foreign["time"].max() - foreign["time"].min() < 3 * DAY
        each = foreign.group_by("counterparty").agg(pl.col("base").sum())
        assert each.height >= 4
        assert each["base"].max() < T
        assert each["base"].sum() > T
        assert set(each["counterparty"]) == world.role(case.scheme, "depositor")
        assert case.who not in each["counterparty"]


def test_consolidation(world: Found) -> None:
    """Many cash-ins below 3,000 into several accounts, merged into another one, sent abroad."""
    for case in cases(world, "consolidation"):
        paid = cash(case, "CREDIT")
        assert paid.height >= 9
        assert paid["base"].max() < 300_000
        into = set(paid["account"])
        assert len(into) >= 3
        merged = case.postings.filter(
            pl.col("counterparty") == case.who, pl.col("direction") == "CREDIT"
        )
        (master,) = set(merged["account"])
        assert master not in into
        assert set(merged["counterparty_account"]) == into
        assert merged["amount"].sum() == paid["amount"].sum()
        wired = case.postings.filter(channel="WIRE", direction="DEBIT", account=master)
        assert set(wired["counterparty_country"]).isdisjoint({case.customer["country"]})
        assert wired["amount"].sum() >= 0.89 * paid["amount"].sum()
        assert paid["time"].max() < merged["time"].min() < wired["time"].min()
        assert wired["time"].max() - paid["time"].min() < 10 * DAY


def test_funnel_account(world: Found) -> None:
    """Cash of 3 people or more in 3 areas or more, none home; 80 % out in 3 days, elsewhere."""
    for case in cases(world, "funnel-account"):
        paid, out = cash(case, "CREDIT"), cash(case, "DEBIT")
        assert paid["counterparty"].n_unique() >= 3
        assert paid["area"].n_unique() >= 3
        home = {case.customer["area"]}
        assert home.isdisjoint(paid["area"])
        assert home.isdisjoint(out["area"])
        assert set(out["area"]).isdisjoint(paid["area"])
        assert paid["time"].max() < out["time"].min()
        assert out["time"].max() - paid["time"].min() < 3 * DAY
        assert out["base"].sum() >= 0.8 * paid["base"].sum()
        assert paid["time"].min() - int(str(case.customer["opened"])) < 60 * DAY


def test_pass_through(world: Found) -> None:
    """Outflow / inflow in [0.9, 1.1] within 24 hours, inflow of 5,000 or more, 10 % left."""
    for case in cases(world, "pass-through"):
        flows = {d: case.postings.filter(direction=d) for d in ("CREDIT", "DEBIT")}
        came, left = flows["CREDIT"], flows["DEBIT"]
        assert came["base"].min() >= 500_000
        assert 0.9 <= left["base"].sum() / came["base"].sum() <= 1.0
        assert came["time"].max() < left["time"].min()
        assert left["time"].max() - came["time"].min() < 24 * HOUR


def test_dormant_account_wakes_up() -> None:
    """No posting for 180 days, since ever or since eight purchases; then more than 5,000 in 7 days,
    and more than 5 x a month's median, which is not above all there was before.
    """
    world = found(5, 220, 4)
    seen = 0
    for case in world.subjects("dormant-wake-up"):
        first, last = case.named["time"].min(), case.named["time"].max()
        before = case.postings.filter(pl.col("time") < first)
        seen += before.height
        assert before.height in (0, 8)
        assert first - (before["time"].max() or world.world.start) > 180 * DAY
        assert first - int(str(case.customer["opened"])) > 365 * DAY
        assert last - first < 7 * DAY
        for direction in ("CREDIT", "DEBIT"):
            moved = case.named.filter(direction=direction)["base"].sum()
            assert moved > max(500_000, 5 * before["base"].sum())
    assert 8 <= seen <= 24


def test_velocity(world: Found) -> None:
    """Far more than 10 transfers, and more than 10,000, in one hour."""
    for case in cases(world, "velocity"):
        assert any(
            window.height > 50 and window["base"].sum() > T
            for window in windows(case.postings.filter(direction="DEBIT"), HOUR)
        )


def test_round_amounts(world: Found) -> None:
    """60 % or more of 5 or more transfers in 30 days are whole thousands."""
    for case in cases(world, "round-amounts"):
        sent = case.postings.filter(pl.col("channel").is_in(["TRANSFER", "WIRE"]))
        assert sent["time"].max() - sent["time"].min() < 30 * DAY
        thousands = sent.filter(pl.col("amount") % (1_000 * 100) == 0)
        assert set(sent["currency"]) == {"USD"}
        assert sent["amount"].min() >= 1_000 * 100
        assert thousands.height >= 5
        assert thousands.height >= 0.6 * sent.height


def test_time_of_day(world: Found) -> None:
    """At an hour with less than 1 % of the postings of 90 days, more than 95 % of them."""
    for case in cases(world, "time-of-day"):
        event = case.named.row(0, named=True)
        before = case.postings.filter(pl.col("time") < event["time"])
        assert before.height >= 100
        hour = local(event["time"], case).hour
        same = [time for time in before["time"].to_list() if local(time, case).hour == hour]
        assert (len(same) + 1) / (before.height + 1) < 0.01
        assert event["base"] > before["base"].max()


def test_impossible_travel(world: Found) -> None:
    """Two cards present more than 100 km apart that only 900 km/h or more could explain."""
    for case in cases(world, "impossible-travel"):
        shown = case.postings.filter("card_present")
        rows = shown.rows(named=True)
        fast = [
            (one, other)
            for one, other in pairwise(rows)
            if (far := kilometres(one, other)) > 100
            and far / ((other["time"] - one["time"]) / HOUR) > 900
        ]
        assert fast
        assert set(case.named["posting_id"]) <= set(shown["posting_id"])


def test_high_risk_corridor(world: Found) -> None:
    """A first transfer into a listed country, larger than all 60 before it."""
    for case in cases(world, "high-risk-corridor"):
        event = case.named.row(0, named=True)
        assert event["counterparty_country"] in {"IR", "KP", "MM"}
        before = case.postings.filter(pl.col("time") < event["time"])
        assert before.height == 60
        assert event["counterparty_country"] not in set(before["counterparty_country"])
        assert event["base"] > before["base"].max()
