"""A run is fixed by its seed, numbered without gaps, ticked everywhere, and its feeds agree."""

import hashlib
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from connectors.generators import Faults, Feed, Payments, Plan, Trades, chunks, topics
from connectors.generators.feed import DAY, SECOND
from connectors.topics import TICK_KEY, TOPICS, partition_of
from schemas.checks import violations
from schemas.records import record
from tests.generated import Run, generate

COUNT = 9_000
KINDS = pytest.mark.parametrize("kind", [Trades, Payments])
Kind = Callable[[int], Feed]


def digest(run: Run, count: int = 10**9) -> str:
    """SHA-256 over the first `count` records of each topic partition."""
    sha = hashlib.sha256()
    for topic, partition in sorted(run.values):
        for value in run.records(topic, partition)[:count]:
            sha.update(hashlib.sha256(value or b"none").digest())
    return sha.hexdigest()


@KINDS
def test_the_same_seed_gives_the_same_bytes(kind: Kind) -> None:
    plan = Plan(count=COUNT, seed=3, faults=Faults.total(0.05))
    first, second = generate(kind(3), plan), generate(kind(3), plan)
    assert dict(first.values) == dict(second.values)
    assert dict(first.keys) == dict(second.keys)


@KINDS
def test_another_seed_gives_other_records(kind: Kind) -> None:
    one, other = (generate(kind(seed), Plan(count=50, seed=seed)) for seed in (1, 2))
    assert digest(one) != digest(other)


@KINDS
@pytest.mark.parametrize(("chunk", "step"), [(1, None), (64, 3_600 * SECOND), (10**6, DAY)])
def test_records_do_not_depend_on_how_a_run_is_cut(
    kind: Kind, chunk: int, step: int | None
) -> None:
    faults = Faults.total(0.05)
    reference = generate(kind(3), Plan(count=5_000, seed=3, faults=faults))
    cut = generate(kind(3), Plan(count=5_000, seed=3, faults=faults, chunk=chunk, step=step))
    assert digest(cut) == digest(reference)


@KINDS
def test_a_run_has_exactly_the_units_asked_for_and_breaks_no_rule(kind: Kind) -> None:
    feed = kind(3)
    run = generate(feed, Plan(count=COUNT, seed=3))
    heights = {topic: run.frame(topic).height for topic in feed.topics}
    assert sorted(heights.values()) == [COUNT, 2 * COUNT]
    for topic in feed.topics:
        rec = record(TOPICS[topic].record)
        frame = run.frame(topic)
        assert violations(rec, frame) == []
        assert frame[rec.id].n_unique() == frame.height


@KINDS
@pytest.mark.parametrize("partitions", [1, 4, 7])
def test_sequences_are_contiguous_per_topic_partition(kind: Kind, partitions: int) -> None:
    feed = kind(3)
    run = generate(feed, Plan(count=COUNT, seed=3, partitions=partitions))
    for topic in feed.topics:
        for (p,), frame in run.frame(topic).group_by("sent_to", maintain_order=True):
            assert frame["sequence"].to_list() == list(range(frame.height)), (topic, p)
            assert set(frame["producer"]) == {f"gen-{feed.kind}-3"}


@KINDS
def test_records_lie_in_the_partition_of_their_key(kind: Kind) -> None:
    feed = kind(3)
    run = generate(feed, Plan(count=500, seed=3, faults=Faults.total(0.2)))
    for topic, partition in run.values:
        for key, tick in zip(run.keys[topic, partition], run.ticks[topic, partition], strict=True):
            assert key == TICK_KEY if tick else partition_of(key, 4) == partition


@KINDS
def test_every_partition_of_every_topic_ticks_from_start_to_past_the_end(kind: Kind) -> None:
    feed = kind(3)
    plan = Plan(count=300, seed=3, faults=Faults.total(0.05), partitions=3)
    run = generate(feed, plan)
    assert set(run.values) == {(topic, p) for topic in topics(feed, plan) for p in range(3)}
    times = [run.tick_times(topic, p) for topic, p in run.values]
    assert all(found == times[0] for found in times)
    assert times[0] == sorted(times[0])
    assert (times[0][0], times[0][-1]) == (feed.start, feed.end + DAY)
    within = [time for time in times[0] if time <= feed.end]
    assert max(np.diff(within)) <= feed.step


@KINDS
def test_each_chunk_is_closed_by_a_tick_and_bounded(kind: Kind) -> None:
    feed, plan = kind(3), Plan(count=COUNT, seed=3, chunk=300)
    places = len(feed.topics) * plan.partitions
    for chunk in chunks(feed, plan):
        assert [batch.ticks for batch in chunk[-places:]] == [True] * places
        assert sum(len(batch.values) for batch in chunk if not batch.ticks) <= plan.chunk


@KINDS
@pytest.mark.parametrize("jitter", [0, 2 * SECOND])
def test_no_sound_event_is_late(kind: Kind, jitter: int) -> None:
    """Ticks never run ahead of what is still to come by more than the jitter."""
    feed = kind(3)
    run = generate(feed, Plan(count=2_000, seed=3, jitter=jitter))
    for topic in feed.topics:
        time = record(TOPICS[topic].record).time
        for partition in range(4):
            events = iter(run.frame(topic).filter(sent_to=partition)[time].to_list())
            ticks = iter(run.tick_times(topic, partition))
            greatest = 0
            for tick in run.ticks[topic, partition]:
                shown = next(ticks) if tick else next(events)
                assert tick or shown >= greatest - jitter
                greatest = max(greatest, shown)


def test_the_legs_and_the_fill_of_a_trade_agree() -> None:
    run = generate(Trades(5), Plan(count=COUNT, seed=5))
    legs, fills = run.frame("obligations"), run.frame("fills")
    cash = legs.filter(pl.col("obligation_id").str.ends_with("-C"))
    securities = legs.filter(pl.col("obligation_id").str.ends_with("-S"))
    trade = securities.join(cash, on="trade_id", suffix="_cash").join(
        fills, on="trade_id", suffix="_fill"
    )
    assert trade.height == COUNT
    same = [
        ("payer", "receiver_cash"),
        ("receiver", "payer_cash"),
        ("amount", "quantity"),
        ("asset", "isin"),
        ("asset_cash", "currency"),
        ("scale_cash", "price_scale"),
        ("mic", "mic_fill"),
        ("ccp", "ccp_cash"),
        ("trade_time", "trade_time_fill"),
    ]
    for left, right in same:
        assert trade[left].equals(trade[right]), (left, right)
    assert (trade["amount_cash"] == trade["quantity"] * trade["price"]).all()
    assert (trade["payer"] != trade["receiver"]).all()
    assert set(trade["scale"]) == {0}
    for leg in ("", "_cash"):
        key = trade.select(pl.concat_str(f"ccp{leg}", pl.lit("|"), f"asset{leg}")).to_series()
        assert key.equals(trade[f"netting_set{leg}"])
    buys = pl.col("side") == "BUY"
    own = trade.select(pl.when(buys).then("receiver").otherwise("payer")).to_series()
    other = trade.select(pl.when(buys).then("payer").otherwise("receiver")).to_series()
    assert own.equals(trade["member"])
    assert other.equals(trade["counterparty"])


def test_the_house_books_its_own_side_and_others_the_buyers() -> None:
    feed = Trades(5)
    fills = generate(feed, Plan(count=COUNT, seed=5)).frame("fills")
    house = feed.market.members[0]
    assert (fills["counterparty"] != house).all()
    assert set(fills.filter(pl.col("member") != house)["side"]) == {"BUY"}
    assert set(fills.filter(pl.col("member") == house)["side"]) == {"BUY", "SELL"}
    assert fills.group_by("book").agg(pl.col("member").n_unique())["member"].max() == 1


def test_the_postings_of_a_payment_agree_with_it() -> None:
    run = generate(Payments(5), Plan(count=COUNT, seed=5))
    payments, postings = run.frame("payments"), run.frame("postings")
    for side, own, other in (("DEBIT", "debtor", "creditor"), ("CREDIT", "creditor", "debtor")):
        both = payments.join(postings.filter(direction=side), on="payment_id", suffix="_post")
        assert both.height == COUNT
        same = [
            ("owner", own),
            ("account", f"{own}_account"),
            ("counterparty_account", f"{other}_account"),
            ("counterparty_country", f"{other}_country"),
            ("amount", "amount_post"),
            ("scale", "scale_post"),
            ("currency", "currency_post"),
            ("channel", "channel_post"),
            ("time", "time_post"),
        ]
        for left, right in same:
            assert both[left].equals(both[right]), (side, left, right)
    assert (payments["debtor"] != payments["creditor"]).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"count": 1, "partitions": 0},
        {"count": 1, "seed": -1},
        {"count": 1, "jitter": 6 * SECOND},
        {"count": 1, "step": 0},
        {"count": 1, "lateness": 0, "faults": Faults(out_of_order=0.1)},
        {"count": 1, "faults": Faults(idle=4)},
        {"count": 1, "partitions": 1, "faults": Faults(idle=0)},
    ],
)
def test_nonsense_is_refused_in_words(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"asked|negative|below|order"):
        Plan(**wrong)
