"""A simulated exchange: as many orders as asked, each with its truth; abuse is what it claims."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from deploy.exchange.calendar import FIRST_DAY as MONDAY
from deploy.exchange.calendar import Session, busy_times, trading_days
from deploy.exchange.facts import autocorrelation, facts
from deploy.exchange.mix import MIXES
from deploy.exchange.parties import Parties
from deploy.exchange.simulate import Simulated, simulate
from schemas.checks import violations
from schemas.ids import is_isin, is_lei
from schemas.records import record
from udfs.matching.book import Book
from udfs.matching.messages import Command, Control

ORDERS = 24_000
"""Fewer leave most instruments with some ten orders a day: no market any more."""
ENDS = {"CAME", "CAMO", "EXPI", "FILL", "REMO"}
FRAMES = {
    "orders": "Order",
    "controls": "VenueControl",
    "instruments": "Instrument",
    "owner_links": "OwnerLink",
    "instrument_links": "InstrumentLink",
    "labels": "AbuseLabel",
    "events": "OrderEvent",
    "executions": "Execution",
}


@pytest.fixture(scope="module")
def made() -> Simulated:
    return simulate(3, "practices", 2, ORDERS)


def test_the_same_seed_gives_the_same_frames_and_another_others() -> None:
    first, again, other = (simulate(seed, "practices", 2, 4_000) for seed in (3, 3, 4))
    for name in FRAMES:
        assert getattr(first, name).equals(getattr(again, name)), name
    assert not first.orders.equals(other.orders)


def test_frames_are_sound_records(made: Simulated) -> None:
    for name, kind in FRAMES.items():
        frame = getattr(made, name)
        assert dict(frame.schema) == record(kind).columns, name
        assert violations(record(kind), frame) == [], name
        assert frame["time"].is_sorted(), name
    assert all(map(is_isin, made.instruments["isin"]))
    assert all(map(is_lei, made.orders["member"].unique()))
    assert made.instruments.height >= 50


def test_there_are_exactly_as_many_orders_as_asked_each_entered_once_and_ended_once(
    made: Simulated,
) -> None:
    entered = made.orders.filter(action="NEW")["order_id"]
    assert made.labels.height == entered.n_unique() == entered.len() == ORDERS
    assert set(entered) == set(made.labels["order_id"])
    ends = made.events.filter(pl.col("remaining") == 0).group_by("order_id").len()
    assert ends["len"].to_list() == [1] * ORDERS
    last = made.events.group_by("order_id", maintain_order=True).last()
    assert set(last["event"]) <= ENDS


def test_shares_are_those_of_the_mix(made: Simulated) -> None:
    found = made.labels.filter("abusive").group_by("practice").len()
    counts = dict(found.rows())
    assert set(counts) == set(MIXES["practices"].shares)
    for name, share in MIXES["practices"].shares.items():
        assert 0.8 * share * ORDERS <= counts[name] <= share * ORDERS + 1, name
    honest = made.labels.filter(~pl.col("abusive"))
    assert set(honest["scheme"]) == {""}
    assert {"market-maker", "vwap-slices", "child-orders", "iceberg"} <= set(honest["practice"])


def test_the_books_of_a_replay_say_the_same(made: Simulated) -> None:
    terms = {row["isin"]: row for row in made.instruments.iter_rows(named=True)}
    controls = [Control(*row) for row in made.controls.select(Control._fields).rows()]
    books: dict[tuple[str, str], Book] = {}
    told = []
    for row in made.orders.select(Command._fields).rows():
        command = Command(*row)
        place = command.isin, command.mic
        if place not in books:
            of = terms[command.isin]
            books[place] = Book(*place, of["tick"], of["price_scale"], of["currency"])
            told.append((place, [one for one in controls if one.mic == command.mic]))
    pending = dict(told)
    events = []
    for row in made.orders.select(Command._fields).rows():
        command = Command(*row)
        place = command.isin, command.mic
        while pending[place] and pending[place][0].time <= command.time:
            events += books[place].control(pending[place].pop(0))
        events += books[place].apply(command)
    for place, left in pending.items():
        for control in left:
            events += books[place].control(control)
    expected = dict(made.events.select("event_id", "remaining").rows())
    assert {event.event_id: event.remaining for event in events} == expected


def test_spoofs_and_layers_are_withdrawn_against_trades_on_the_other_side(made: Simulated) -> None:
    lives = made.events.group_by("order_id").agg(
        pl.col("event").last(), pl.col("side").first(), traded=pl.col("last_quantity").sum()
    )
    labels = made.labels.join(lives, on="order_id")
    for practice, lure in (("spoofing", "bait"), ("layering", "layer")):
        lures = labels.filter(practice=practice, role=lure)
        assert (lures["event"] == "CAME").mean() >= 0.9
        assert lures.filter(pl.col("traded") > 0).height <= 0.1 * lures.height
        reals = labels.filter(practice=practice, role="real")
        assert reals.filter(pl.col("traded") > 0).height >= 0.2 * reals.height


def test_wash_trades_leave_no_position(made: Simulated) -> None:
    groups = dict(made.owner_links.select("owner", "group").rows())
    labels = made.labels.filter(practice="wash-trade")
    scheme = dict(labels.select("order_id", "scheme").rows())
    trades = made.executions.with_columns(
        bought=pl.col("buy_order").replace_strict(scheme, default=None),
        sold=pl.col("sell_order").replace_strict(scheme, default=None),
    ).filter(pl.col("bought") == pl.col("sold"))
    assert trades.height >= 0.3 * labels.height
    for one in labels.partition_by("scheme"):
        owners = set(one["owner"])
        linked = {groups.get(owner, owner) for owner in owners}
        assert len(owners) == 1 or len(linked) == 1 or 3 <= len(owners) <= 5


def test_bait_and_trade_lie_at_two_places_where_the_practice_says_so(made: Simulated) -> None:
    links = {frozenset(row) for row in made.instrument_links.select("isin", "other").rows()}
    for practice in ("cross-venue", "cross-product"):
        for one in made.labels.filter(practice=practice).partition_by("scheme"):
            baits, reals = one.filter(role="bait"), one.filter(role="real")
            if practice == "cross-venue":
                assert one["isin"].n_unique() == 1
                assert set(baits["mic"]).isdisjoint(reals["mic"])
            else:
                assert frozenset(one["isin"]) in links or one["isin"].n_unique() == 1
                assert set(baits["isin"]).isdisjoint(reals["isin"])


def test_other_people_and_parameters_where_models_are_judged_on_what_they_have_not_seen() -> None:
    seen, unseen = Parties.of(3, "seen"), Parties.of(3, "unseen")
    assert {p.owner for p in seen.public}.isdisjoint(p.owner for p in unseen.public)
    assert {p.trader for p in seen.public}.isdisjoint(p.trader for p in unseen.public)


def test_no_mix_of_that_name() -> None:
    with pytest.raises(ValueError, match="no mix 'odd'"):
        simulate(1, "odd")


def test_weekends_are_left_out_and_days_are_bounded() -> None:
    days = trading_days(MONDAY, 6)
    assert [b - a for a, b in pairwise(days)] == [86_400_000_000] * 4 + [3 * 86_400_000_000]
    with pytest.raises(ValueError, match="0 days"):
        trading_days(MONDAY, 0)


def test_business_is_done_within_the_session_and_more_at_its_ends() -> None:
    session = Session()
    times = busy_times(np.random.default_rng(1), 50_000, session.opened, session.length)
    assert (np.diff(times) >= 0).all()
    assert times[0] >= session.opened
    assert times[-1] < session.closing
    thirds = np.histogram(times, 3, (session.opened, session.closing))[0]
    assert thirds[1] < thirds[0]
    assert thirds[1] < thirds[2]


def test_autocorrelation_of_a_series_by_hand() -> None:
    # 1, 2, 3, 4 centred: -1.5, -0.5, 0.5, 1.5; products 0.75 - 0.25 + 0.75 = 1.25 over squares 5.
    assert autocorrelation(np.array([1.0, 2.0, 3.0, 4.0]), 1) == pytest.approx(0.25)
    assert autocorrelation(np.ones(4), 1) == 0.0


def test_the_market_has_the_facts_of_real_ones(made: Simulated) -> None:
    found = {result.what: result.value for result in facts(made)}
    assert found["both sides quoted"] >= 90.0
    assert found["orders of market makers cancelled"] >= 70.0
    assert found["excess kurtosis of 5-minute returns"] > 0.0
    sizes, plain = "autocorrelation of their size, lag 1", "autocorrelation of returns, lag 1"
    assert found[sizes] > found[plain]
