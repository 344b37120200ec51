"""The world of people and businesses: fixed by its seed, consistent, in order, with decoys."""

from collections.abc import Callable
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from connectors.generators import AmlWorld, Faults, Plan, Wanted, chunks, expected_counts
from connectors.generators.aml import KINDS, RATES
from connectors.generators.feed import midnight
from connectors.topics import TOPICS
from schemas.checks import violations
from schemas.ids import is_iban
from schemas.records import record
from tests.generated import Run, generate
from tests.laundering import DAY, HOUR, Found, T, found, kilometres, looked_at, windows
from udfs.aml.ruleset import DEFAULT

SMALL = Wanted(counts={"smurfing": 2, "cycle": 1, "velocity": 1})
ASLEEP = Wanted(counts={"dormant-wake-up": 1})
TOPICS_WRITTEN = ("customers", "payments", "postings", "schemes")


def small(seed: int = 3, faults: float = 0.0, chunk: int = 5_000, **asked: int) -> Run:
    world = AmlWorld(seed, days=7, count=4_000, people=300, wanted=SMALL)
    plan = Plan(count=world.count, seed=seed, faults=Faults.total(faults), chunk=chunk, **asked)
    return generate(world, plan)


def records(run: Run) -> dict[tuple[str, int], list[bytes | None]]:
    return {place: run.records(*place) for place in sorted(run.values)}


@pytest.fixture(scope="module")
def month() -> Found:
    """3,000 people for 28 days, with the launderers that one in a thousand accounts makes."""
    world = AmlWorld(4, days=28, count=100_000)
    assert 2_800 <= world.bank.ordinary <= 2_900
    return looked_at(world, generate(world, Plan(count=world.count, seed=4)))


def test_the_same_seed_gives_the_same_records_however_the_run_is_cut() -> None:
    reference = records(small(faults=0.05))
    assert records(small(faults=0.05)) == reference
    assert records(small(faults=0.05, chunk=100, step=7 * HOUR)) == reference
    assert records(small(seed=4, faults=0.05)) != reference


def test_the_world_does_not_depend_on_how_it_is_sent() -> None:
    """Other partitions, faults and jitter: the same payments."""
    one = small().frame("payments").sort("payment_id")
    other = small(partitions=3, jitter=1_000_000).frame("payments").sort("payment_id")
    own = ["producer", "sequence", "sent_to", "time"]
    assert one.drop(own).equals(other.drop(own))
    assert (one["time"] - other["time"]).is_between(0, 1_000_000).all()


def test_a_world_has_exactly_the_payments_asked_for_and_breaks_no_rule(month: Found) -> None:
    assert month.run.frame("payments").height == 100_000
    for topic in TOPICS_WRITTEN:
        rec, frame = record(TOPICS[topic].record), month.run.frame(topic)
        assert violations(rec, frame) == []
        assert frame[rec.id].n_unique() == frame.height
        for _, part in frame.group_by("sent_to"):
            assert part["sequence"].to_list() == list(range(part.height))


def test_everything_is_sent_in_order_of_time_customers_first(month: Found) -> None:
    world = month.world
    assert set(month.customers["time"]) == {world.start}
    assert month.customers.height == world.bank.customers
    assert (month.customers["opened"] < world.end).all()
    for topic in ("payments", "postings", "schemes"):
        for _, part in month.run.frame(topic).group_by("sent_to", maintain_order=True):
            assert part["time"].is_sorted()
            assert part["time"].is_between(world.start, world.end, closed="left").all()
    first = next(iter(c for c in chunks(world, Plan(count=500, seed=4)) if len(c) > 24))
    assert {batch.topic for batch in first if not batch.ticks} == {"customers"}


def test_topics_that_are_only_read_get_a_clock() -> None:
    run = small()
    for topic in ("rules", "alert.actions"):
        for p in range(4):
            assert run.records(topic, p) == []
            assert run.tick_times(topic, p) == run.tick_times("postings", p)


def test_a_payment_is_posted_on_each_side_that_is_a_customers(month: Found) -> None:
    payments, known = month.run.frame("payments"), set(month.customers["customer"])
    ours = {side: pl.col(side).is_in(known) for side in ("debtor", "creditor")}
    cash = pl.col("channel") == "CASH"
    out = ours["debtor"] & ~(cash & pl.col("creditor").is_in(known))
    for side, other, posted, suffix in (
        ("debtor", "creditor", out, "-D"),
        ("creditor", "debtor", ours["creditor"], "-C"),
    ):
        asked = payments.filter(posted).with_columns(
            posting_id=pl.col("payment_id") + suffix,
            owner=pl.col(side),
            account=f"{side}_account",
            counterparty=pl.when(ours[other]).then(other).otherwise(pl.lit("")),
            counterparty_account=f"{other}_account",
            counterparty_country=f"{other}_country",
        )
        mine = month.postings.filter(pl.col("posting_id").str.ends_with(suffix))
        columns = [
            c for c in mine.columns if c in asked.columns and c not in ("sequence", "sent_to")
        ]
        assert len(columns) == 13
        assert (
            mine.select(columns).sort("posting_id").equals(asked.select(columns).sort("posting_id"))
        )


def test_places_and_cards_stand_where_they_should(month: Found) -> None:
    postings = month.postings
    placed = (pl.col("latitude") != 0) | (pl.col("longitude") != 0)
    assert postings.filter(placed != pl.col("card_present")).is_empty()
    assert set(postings.filter("card_present")["channel"]) == {"CARD"}
    assert set(postings.filter("card_present")["direction"]) == {"DEBIT"}
    assert postings.filter(pl.col("channel") == "CASH", pl.col("area") == "").is_empty()
    assert (
        postings.filter(pl.col("area") != "")["area"]
        .str.head(2)
        .equals(postings.filter(pl.col("area") != "")["country"])
    )
    assert all(is_iban(account) for account in postings["account"].unique()[:500])
    assert {"USD", "EUR", "GBP", "JPY"} <= set(postings["currency"])
    assert set(postings.filter(currency="JPY")["scale"]) == {0}


def test_data_is_faulty_as_real_data_is(month: Found) -> None:
    """Transfers from an account to itself, and transfers that do not name the other side."""
    payments = month.run.frame("payments")
    assert payments.filter(pl.col("debtor_account") == pl.col("creditor_account")).height > 5
    names = dict(month.customers.select("customer", "name").rows())
    told = month.transfers()
    missing = told.filter(counterparty_name="")
    assert 0.005 < missing.height / told.height < 0.02
    named = told.filter(pl.col("counterparty_name") != "")
    assert named["counterparty_name"].to_list() == [names[c] for c in named["counterparty"]]


def test_people_live_by_day_and_week(month: Found) -> None:
    cards = month.postings.filter(channel="CARD", direction="DEBIT")
    american = cards.filter(pl.col("account").str.head(2) == "US")["time"].to_numpy()
    hours = np.bincount((american - 6 * HOUR) % DAY // HOUR, minlength=24)
    assert hours[12] > 8 * hours[3]
    days = np.bincount((cards["time"].to_numpy() - month.world.start) // DAY % 7)
    assert days.argmax() == 4
    assert days.argmin() == 6


def test_the_share_of_launderers_is_about_what_was_asked_for() -> None:
    bank = AmlWorld(9, days=7, count=400_000).schemes
    assert 45 <= bank.labels["member"].n_unique() <= 120


def test_labels_name_what_members_did() -> None:
    world = found(1)
    names = dict(world.postings.select("posting_id", "time").rows())
    owner = dict(world.postings.select("posting_id", "owner").rows())
    beside = dict(world.postings.select("posting_id", "counterparty").rows())
    assert world.labels.group_by("kind").agg(pl.col("scheme").n_unique()).height == len(KINDS) - 1
    assert world.labels["label_id"].n_unique() == world.labels.height
    for label in world.labels.rows(named=True):
        listed = label["postings"].split(";")
        times = [names[posting] for posting in listed]
        assert times == sorted(times)
        assert (times[0], times[-1]) == (label["first_time"], label["last_time"])
        assert len(set(listed)) == len(listed) == label["posting_count"]
        assert label["time"] == label["last_time"]
        whose = beside if label["role"] == "depositor" else owner
        assert {whose[posting] for posting in listed} == {label["member"]}
    members = world.labels["member"]
    assert members.n_unique() == members.len()
    clean = world.customers.filter(pl.col("customer").is_in(members.implode()))
    assert set(clean["rating"]) | set(clean["due_diligence"]) == {"LOW", "STANDARD"}


def firms(month: Found, industry: str) -> list[pl.DataFrame]:
    """The postings of each business of a kind that has any."""
    which = month.customers.filter(industry=industry)["customer"]
    own = month.postings.filter(pl.col("owner").is_in(which.implode()))
    return own.partition_by("owner")


def test_employers_fan_out_and_pass_through(month: Found) -> None:
    paid = [own for own in firms(month, "manufacturing") if own.height > 30]
    for own in paid:
        by_day = own.group_by(pl.col("time") // DAY, "direction").agg(pl.col("base").sum())
        out, came = (by_day.filter(direction=d).sort("time") for d in ("DEBIT", "CREDIT"))
        assert out["time"].to_list() == came["time"].to_list()
        assert np.allclose(out["base"].to_numpy(), came["base"].to_numpy(), rtol=1e-3)
    assert max(own["counterparty"].n_unique() for own in paid) > 30


def test_landlords_charities_and_markets_collect_from_many(month: Found) -> None:
    assert max(own["counterparty"].n_unique() for own in firms(month, "property-management")) > 30
    gifts = max(firms(month, "charity"), key=lambda own: own.height)
    assert gifts["counterparty"].n_unique() > 60
    assert gifts["base"].max() < 10_000
    market = max(firms(month, "marketplace"), key=lambda own: own.height)
    assert market.filter(direction="CREDIT", channel="CARD")["counterparty"].n_unique() > 100
    assert market.filter(direction="DEBIT")["counterparty"].n_unique() > 50


def test_treasuries_sweep_between_their_own_accounts(month: Found) -> None:
    for own in firms(month, "holding"):
        assert set(own["counterparty"]) == set(own["owner"])
        assert own["base"].min() > T
        pairs = set(own.filter(direction="DEBIT").select("account", "counterparty_account").rows())
        assert all((other, one) in pairs for one, other in pairs)


def test_some_shops_pay_in_as_if_they_structured(month: Found) -> None:
    takings = [own.filter(channel="CASH") for own in firms(month, "restaurant")]
    near = [own.filter(pl.col("base").is_between(8 * T // 10, T)) for own in takings]
    assert any(w.height >= 3 for own in near for w in windows(own, 10 * DAY))


def test_travellers_do_not_fly_faster_than_they_can(month: Found) -> None:
    members = month.labels["member"].implode()
    shown = month.postings.filter("card_present", ~pl.col("owner").is_in(members))
    fastest = far = 0.0
    for own in shown.partition_by("owner"):
        for one, other in pairwise(own.select("time", "latitude", "longitude").rows(named=True)):
            way = kilometres(one, other)
            if way > 100:
                far = max(far, way)
                fastest = max(fastest, way / ((other["time"] - one["time"]) / HOUR))
    assert far > 1_000
    assert fastest < 900


def test_a_reader_is_told_of_faults_but_truth_is_never_spoilt() -> None:
    run = small(faults=0.2)
    assert set(expected_counts(run.frame("labels"))) == {"payments", "postings"}
    clean = small()
    for topic in ("customers", "schemes"):
        assert [run.records(topic, p) for p in range(4)] == [
            clean.records(topic, p) for p in range(4)
        ]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: AmlWorld(1, days=6, wanted=SMALL), "days is 6: schemes need at least 7"),
        (lambda: AmlWorld(1, days=199, wanted=ASLEEP), "days is 199: to fall asleep"),
        (lambda: AmlWorld(1, people=299), "at least 300"),
        (lambda: AmlWorld(1, count=100, people=400), "count is 100: 400 people on 30 days"),
        (lambda: AmlWorld(1, rates={"USD": 1}), "no rate is given for EUR, GBP"),
        (lambda: Wanted(rate=0.5), "0 to 0.1 is asked"),
        (lambda: Wanted(ring=-1), "0 or more"),
        (lambda: Wanted.parse("smurfin=3"), "no scheme is called smurfin: there are struct"),
        (lambda: Wanted.parse("many"), "a share or KIND=NUMBER"),
        (lambda: Wanted.parse("cycle=x"), "a share or KIND=NUMBER"),
        (lambda: idle(), "no partition can be idle"),
    ],
)
def test_nonsense_is_refused_in_words(wrong: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        wrong()


def idle() -> Run:
    world = AmlWorld(1, date(2026, 3, 2), days=1, count=3_000, wanted=Wanted(rate=0))
    assert world.start == midnight(date(2026, 3, 2))
    return generate(world, Plan(count=10, faults=Faults(idle=1)))


def test_amounts_are_converted_as_the_default_rules_do() -> None:
    assert RATES.items() <= DEFAULT.rates.items()


def test_what_is_wanted_is_read_from_text() -> None:
    assert Wanted.parse("0.002") == Wanted(rate=0.002)
    assert Wanted.parse("cycle=2, ring=1000") == Wanted(counts={"cycle": 2}, ring=1_000)
    assert Wanted.parse("0").of(1, 10**6, 0, 1) == {}
