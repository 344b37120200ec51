import json

import polars as pl
import pytest

from connectors.topics import TICK_KEY, partition_of
from deploy.bench import fill
from deploy.bench.work import CHUNK, THRESHOLD, Work, chunks, expected
from schemas.checks import violations
from schemas.codec import decode_block
from schemas.records import record

SMALL = Work(events=CHUNK + 30_000, entities=500, partitions=3)


@pytest.fixture(scope="module")
def load() -> pl.DataFrame:
    return pl.concat(chunks(SMALL))


def test_the_load_is_numbered_without_gaps(load):
    assert load["event_id"].to_list() == list(range(SMALL.events))
    assert load["time"].is_sorted()
    for partition in load.partition_by("partition"):
        assert partition["sequence"].to_list() == list(range(partition.height))


def test_an_entity_stays_in_the_partition_of_its_key(load):
    pairs = load.select("entity", "partition").unique().rows()
    assert len(pairs) == SMALL.entities
    assert all(partition_of(entity.encode(), SMALL.partitions) == p for entity, p in pairs)


def test_the_load_depends_on_the_seed():
    first, other = (next(chunks(Work(1_000, seed=seed))) for seed in (1, 2))
    assert not first.equals(other)
    assert first.equals(next(chunks(Work(1_000, seed=1))))


def test_about_one_event_in_a_hundred_is_large(load):
    assert 0.008 < (load["amount"] > THRESHOLD).mean() < 0.012


def test_expected_alerts_are_those_of_a_plain_loop(load):
    totals: dict[str, tuple[int, int]] = {}
    alerts = []
    for event in load.iter_rows(named=True):
        count, total = totals.get(event["entity"], (0, 0))
        totals[event["entity"]] = count, total = count + 1, total + event["amount"]
        if event["amount"] > THRESHOLD:
            alerts.append((event["event_id"], count, total, event["entity"]))
    assert expected(SMALL).rows() == alerts


def test_wire_messages_are_the_load_with_ticks_in_every_partition(load):
    sent: dict[int, list[bytes]] = {}
    ticks = dict.fromkeys(range(SMALL.partitions), 0)
    for chunk in fill.messages(SMALL, "wire"):
        for batch in chunk:
            if batch.keys == TICK_KEY:
                ticks[batch.partition] += 1
            else:
                sent.setdefault(batch.partition, []).extend(v for v in batch.values if v)
    assert set(ticks.values()) == {SMALL.events // int(fill.RATE * fill.TICK_S)}
    for partition, values in sent.items():
        frame = decode_block(record("BenchEvent"), values)
        there = load.filter(pl.col("partition") == partition).drop("partition")
        assert frame.equals(there)
        assert violations(record("BenchEvent"), frame) == []


def test_json_messages_are_the_load_without_ticks(load):
    batches = [batch for chunk in fill.messages(SMALL, "json") for batch in chunk]
    events = [json.loads(value or b"") for batch in batches for value in batch.values]
    keys = [key for batch in batches for key in batch.keys]
    assert sorted(event["event_id"] for event in events) == load["event_id"].to_list()
    assert keys == [event["entity"].encode() for event in events]
    assert list(events[0]) == [field["name"] for field in record("BenchEvent").fields]
