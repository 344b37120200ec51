"""The edge of a job equals its naive twin, however the log is cut; nothing is lost silently."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import intake
from connectors.batches import Shard
from connectors.log import MemoryLog, slices
from connectors.spec import SECOND, Feed, JobSpec
from schemas.codec import decode, encode
from schemas.records import record
from schemas.step import Batch, Clock, Outputs, State, TableSpec
from tests.made_log import filled
from tests.naive.intake import judge

PAYMENT = record("Payment")
NOON = 1_772_452_800 * SECOND  # 2026-03-02T12:00:00Z
APPENDED = 1_790_000_000_000
FEED = Feed("payments", lateness=2 * SECOND, ahead=60 * SECOND, tick_ahead=120 * SECOND)


def payment(sequence: int, second: int, amount: int = 100, producer: str = "bank") -> bytes:
    return encode(
        PAYMENT,
        {
            "payment_id": f"P{producer}{sequence}",
            "producer": producer,
            "sequence": sequence,
            "time": NOON + second * SECOND,
            "debtor": "O1",
            "debtor_account": "A1",
            "creditor": "O2",
            "creditor_account": "A2",
            "debtor_country": "DE",
            "creditor_country": "FR",
            "amount": amount,
            "scale": 2,
            "currency": "EUR",
            "channel": "WIRE",
        },
    )


class Recording:
    """A step that writes down what it was given."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, bool, int]] = []

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        if "payments" in batch:
            self.seen += batch["payments"].select("offset", "late", "watermark").rows()
        return {}


def job(step: Recording, slice_ms: int) -> JobSpec:
    return JobSpec("netting", (FEED,), step, {"none": TableSpec({"x": "int"})}, (), "1", slice_ms)


EVENTS = st.one_of(
    st.builds(
        payment,
        st.integers(0, 12),
        st.integers(-10, 70),
        st.sampled_from([1, 100, -5]),
        st.sampled_from(["bank", "other"]),
    ),
    st.sampled_from([None, b"", b"\0\0\0\0\x63abc", payment(1, 1)[:-2], payment(2, 2) + b"x"]),
)
TICKS = st.one_of(st.none(), st.integers(-10, 200).map(lambda s: NOON + s * SECOND), st.just("bad"))
ENTRIES = st.lists(
    st.one_of(st.tuples(st.just("event"), EVENTS), st.tuples(st.just("tick"), TICKS))
)


def recorded(entries: list[tuple]) -> MemoryLog:
    log = MemoryLog()
    log.tick("payments", 0, APPENDED, NOON)
    for i, (kind, what) in enumerate(entries):
        at = APPENDED + i * 7
        if kind == "event":
            log.append("payments", 0, at, what)
        elif what == "bad":
            log.append("payments", 0, at, b"xy", b"tick")
        else:
            log.tick("payments", 0, at, what)
    return log


@settings(max_examples=200, deadline=None)
@given(ENTRIES, st.sampled_from([10, 50, 1_000]))
def test_the_edge_equals_its_naive_twin_under_any_slices(
    entries: list[tuple], slice_ms: int
) -> None:
    span = recorded(entries).partition(["payments"], 0)["payments"]
    step, blobs, dead, repeats = Recording(), {}, [], 0
    for slice_end, messages, words in slices(["payments"], {"payments": span}, slice_ms):
        folded = Shard(job(step, slice_ms), 0, blobs).fold(
            slice_end, messages, words
        )  # restarts each time
        counts = folded.counts
        used_up = (
            counts["used"] + counts["dead"] + counts["duplicates"] + counts["duplicates_unchecked"]
        )
        assert counts["records"] == used_up
        repeats += counts["duplicates"]
        letters = [decode(r.value)[1] for r in folded.results if r.topic == "netting.dead"]
        dead += [(row["offset"], row["reason"].split(":")[0]) for row in letters]
    expected_used, expected_dead, expected_repeats = judge(FEED, span)
    assert sorted(step.seen) == expected_used
    assert dead == expected_dead
    assert repeats == expected_repeats


def test_events_come_sorted_by_time_then_sequence() -> None:
    log = MemoryLog()
    for sequence, second in [(0, 5), (1, 3), (2, 5), (3, 4)]:
        log.append("payments", 0, APPENDED, payment(sequence, second))
    shard = Shard(job(Recording(), 1_000), 0, {})
    ((_, messages, words),) = slices(["payments"], log.partition(["payments"], 0), 1_000)
    ((_, arrival),) = shard._arrivals(APPENDED + 1_000, messages, words)
    frame = intake.take_in(FEED, arrival, shard.store.tables).frame
    assert frame["sequence"].to_list() == [1, 3, 0, 2]
    assert frame["offset"].to_list() == [1, 3, 0, 2]


def test_a_record_dated_2099_is_refused_and_moves_no_watermark() -> None:
    log = recorded(
        [("event", payment(0, 1)), ("event", payment(1, 2_300_000_000)), ("event", payment(2, 2))]
    )
    used, dead, _ = judge(FEED, log.partition(["payments"], 0)["payments"])
    assert [row[0] for row in used] == [1, 3]
    assert dead == [(2, "too-far-ahead")]
    assert not any(late for _, late, _ in used)


def test_batch_index_has_the_root_of_the_inputs() -> None:
    log = recorded([("event", payment(0, 1)), ("event", b"junk")])
    ((end, messages, words),) = slices(["payments"], log.partition(["payments"], 0), 1_000)
    folded = Shard(job(Recording(), 1_000), 0, {}).fold(end, messages, words)
    index = decode(folded.results[-1].value)[1]
    from hashlib import sha256

    leaves = [sha256(b"\0" + m).digest() for m in (payment(0, 1), b"junk")]
    assert index["input_root"] == sha256(b"\1" + leaves[0] + leaves[1]).digest()
    assert index["ranges"] == "payments:0-2"
    assert (index["records"], index["used"], index["dead"], index["ticks"]) == (2, 1, 1, 1)


def test_frames_keep_their_columns_when_empty() -> None:
    shard = Shard(job(Recording(), 1_000), 0, {})
    log = recorded([("event", b"junk")])
    ((end, messages, words),) = slices(["payments"], log.partition(["payments"], 0), 1_000)
    ((_, arrival),) = shard._arrivals(end, messages, words)
    frame = intake.take_in(FEED, arrival, shard.store.tables).frame
    assert frame.is_empty()
    assert frame.schema["time"] == pl.Int64


@pytest.mark.parametrize(
    ("topic", "own", "late"),
    [("transfers", True, True), ("transfers", False, False), ("cycles", 3, False)],
)
def test_a_mark_in_the_record_itself_counts_and_a_number_is_none(
    topic: str, own: bool | int, late: bool
) -> None:
    """A transfer may rest on a late posting; a netting cycle only counts late obligations."""
    feed = Feed(topic, ahead=2**61)
    rec = feed.record
    log = MemoryLog()
    log.append(topic, 0, APPENDED, encode(rec, filled(rec.name, {"late": own, rec.time: NOON})))
    seen: list[bool] = []

    def step(state: State, batch: Batch, clock: Clock) -> Outputs:
        seen.extend(batch[topic]["late"])
        return {}

    spec = JobSpec("netting", (feed,), step, {"none": TableSpec({"x": "int"})}, (), "1")
    for slice_end, messages, words in slices([topic], log.partition([topic], 0), 1_000):
        Shard(spec, 0, {}).fold(slice_end, messages, words)
    assert seen == [late]


def test_a_topic_read_twice_is_no_job() -> None:
    with pytest.raises(ValueError, match="read twice"):
        JobSpec("netting", (FEED, FEED), lambda *_: {}, {"x": TableSpec({"x": "int"})}, (), "1")
