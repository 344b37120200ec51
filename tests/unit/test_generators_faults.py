"""What is injected is labelled, nothing sound is lost, and a reader counts what the labels say."""

from collections import Counter

import numpy as np
import polars as pl
import pytest

from connectors import intake, spec
from connectors.generators import (
    Faults,
    Feed,
    Payments,
    Plan,
    Trades,
    expected_counts,
    topics,
)
from connectors.generators.faults import GAPS
from connectors.generators.feed import SECOND
from connectors.store import TableStore
from connectors.topics import TOPICS
from schemas.checks import violations
from schemas.records import record
from tests.generated import Run, generate

LOG_START = 1_790_000_000_000
KINDS = pytest.mark.parametrize("kind", [Trades, Payments])


def read(run: Run, topic: str, partitions: int, lateness: int) -> tuple[Counter[str], Counter[str]]:
    """What the edge of a job counts in a topic, and its dead letters by code."""
    counts: Counter[str] = Counter()
    dead: Counter[str] = Counter()
    feed = spec.Feed(topic, lateness=lateness)
    for partition in range(partitions):
        tables = TableStore(intake.TABLES, {}).tables
        values, ticks = run.values[topic, partition], run.ticks[topic, partition]
        for start in range(0, len(values), 3_001):
            offset = np.arange(start, min(start + 3_001, len(values)))
            part = slice(start, start + 3_001)
            arrival = intake.Arrival(
                offset, LOG_START + offset // 64, np.array(ticks[part]), values[part]
            )
            taken = intake.take_in(feed, arrival, tables)
            counts += taken.counts
            dead += Counter(letter.reason.partition(":")[0] for letter in taken.dead)
    return counts, dead


@KINDS
@pytest.mark.parametrize(
    ("lateness", "jitter"), [(5 * SECOND, 0), (5 * SECOND, 2 * SECOND), (600 * SECOND, 0)]
)
def test_a_reader_counts_what_the_labels_say(kind: type[Feed], lateness: int, jitter: int) -> None:
    plan = Plan(count=5_000, seed=2, faults=Faults.total(0.1), lateness=lateness, jitter=jitter)
    feed = kind(2)
    run = generate(feed, plan)
    expected = expected_counts(run.frame("labels"))
    for topic in feed.topics:
        counts, dead = read(run, topic, plan.partitions, lateness)
        sent = sum(len(run.records(topic, p)) for p in range(plan.partitions))
        told = expected[topic]
        assert (counts["duplicates"], counts["late"], dict(dead)) == (
            told.duplicates,
            told.late,
            told.dead,
        )
        assert counts["used"] == told.used(sent)
        assert counts["duplicates_unchecked"] == 0


@KINDS
def test_no_sound_event_is_lost_or_changed_but_for_its_time(kind: type[Feed]) -> None:
    clean = generate(kind(2), Plan(count=6_000, seed=2))
    spoilt = generate(kind(2), Plan(count=6_000, seed=2, faults=Faults.total(0.3)))
    for topic in kind(2).topics:
        rec = record(TOPICS[topic].record)
        drop = [rec.sequence, rec.time]
        sound = clean.frame(topic).drop(drop)
        found = spoilt.frame(topic).unique(rec.id, keep="first", maintain_order=True).drop(drop)
        assert sound.join(found, on=sound.columns, how="anti").is_empty()


@KINDS
def test_every_kind_appears_at_about_its_rate(kind: type[Feed]) -> None:
    faults = Faults.total(0.1)
    feed = kind(2)
    plan = Plan(count=20_000, seed=2, faults=faults)
    labels = generate(feed, plan).frame("labels")
    assert set(labels["topic"]) == set(feed.topics)
    for name, rate in faults.rates.items():
        share = labels.filter(kind=name).height / (3 * plan.count)
        assert share == pytest.approx(rate, rel=0.15), name
    ways = set(labels.filter(kind="malformed")["note"])
    assert ways == {
        "undecodable: truncated",
        "undecodable: wrong magic",
        "undecodable: random bytes",
        "undecodable: empty",
        "tombstone: no value",
    }


@KINDS
def test_labels_name_events_by_id_partition_and_sequence(kind: type[Feed]) -> None:
    feed = kind(2)
    run = generate(feed, Plan(count=6_000, seed=2, faults=Faults.total(0.1)))
    labels = run.frame("labels")
    assert violations(record("Label"), labels) == []
    assert labels["event_id"].n_unique() == labels.height
    for topic in feed.topics:
        rec = record(TOPICS[topic].record)
        frame = run.frame(topic)
        repeated = labels.filter(
            (pl.col("topic") == topic) & pl.col("kind").str.ends_with("duplicate")
        )
        both = repeated.join(frame, left_on="event_id", right_on=rec.id)
        assert both.height == 2 * repeated.height
        assert both["event_sequence"].equals(both["sequence_right"])
        assert both["partition"].equals(both["sent_to_right"])


def test_duplicates_have_the_same_bytes_and_conflicts_have_not() -> None:
    run = generate(Trades(2), Plan(count=6_000, seed=2, faults=Faults.parse("duplicate=0.05")))
    for partition in range(4):
        values = run.records("fills", partition)
        labels = run.frame("labels").filter(topic="fills", partition=partition)
        assert len(values) - len(set(values)) == labels.height > 0
    run = generate(
        Trades(2), Plan(count=6_000, seed=2, faults=Faults.parse("conflicting-duplicate=0.05"))
    )
    fills = run.frame("fills")
    pairs = (
        fills.filter(pl.col("fill_id").is_duplicated())
        .group_by("fill_id")
        .agg(pl.col("sequence").n_unique(), pl.col("quantity").n_unique())
    )
    assert pairs.height > 0
    assert set(pairs["sequence"]) == {1}
    assert set(pairs["quantity"]) == {2}


def test_unusable_messages_leave_gaps_but_not_too_many() -> None:
    faults = Faults.parse("out-of-range=0.1")
    run = generate(Trades(2), Plan(count=8_000, seed=2, partitions=1, faults=faults))
    fills = run.frame("fills")
    rec = record("Fill")
    bad = {rejected.index for rejected in violations(rec, fills)}
    ahead = fills["trade_time"] > Trades(2).end
    sound = fills.with_row_index().filter(~pl.col("index").is_in(bad) & ~ahead)
    assert sound["sequence"].is_sorted()
    assert sound.height == 8_000
    assert sound["sequence"].max() - sound.height + 1 == GAPS
    assert fills.height - sound.height > 2 * GAPS


@KINDS
def test_an_idle_partition_gets_ticks_only(kind: type[Feed]) -> None:
    feed = kind(2)
    plan = Plan(count=3_000, seed=2, faults=Faults.parse("idle=2"))
    run = generate(feed, plan)
    assert topics(feed, plan) == (*feed.topics, *feed.clocks)
    heights = [run.frame(topic).height for topic in feed.topics]
    assert sorted(heights) == [3_000, 6_000]
    for topic in feed.topics:
        assert run.records(topic, 2) == []
        assert len(run.tick_times(topic, 2)) == len(run.tick_times(topic, 0)) > 10


def test_faults_are_read_from_text() -> None:
    assert Faults.parse("0") == Faults()
    assert Faults.parse("0.01,idle=1") == Faults.total(0.01, idle=1)
    assert Faults.parse("late=0.1, unknown-schema=0.2") == Faults(late=0.1, unknown_schema=0.2)
    assert Faults.total(0.01).rate == pytest.approx(0.01)


@pytest.mark.parametrize(
    "text",
    ["", "x", "2", "-0.1", "late=2", "late=x", "lte=0.1", "0.1,late=0.1", "idle=x", "idle=1.5"],
)
def test_faults_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"fault|share"):
        Faults.parse(text)


def test_no_labels_no_expectations() -> None:
    assert expected_counts(pl.DataFrame(schema=record("Label").columns)) == {}
