"""Results in the partition of their shard, all in one partition, or a copy in every partition."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import pytest

from connectors.batches import Folded
from connectors.log import Span, fold_shard
from connectors.spec import Feed, JobSpec
from connectors.topics import partition_of
from connectors.written import Place, own_pairs, places_of_results, results_by_place
from deploy import oracle
from deploy.replay.comparing import Compared, Stretch, compare_shard, pairs
from deploy.replay.recorded import Batch
from deploy.replay.report import told
from schemas.codec import decode, encode
from schemas.records import record
from schemas.step import Batch as Frames
from schemas.step import Clock, Outputs, State
from tests.made_log import filled
from tests.recorded import Log
from udfs.shape import as_record

APPENDED = 1_790_000_000_000
PARTITIONS = 3
SLICES = 6
OWN, GATHERED, SPREAD = "bench.alerts", "transfers", "marks"


def step(state: State, batch: Frames, clock: Clock) -> Outputs:
    """Each event becomes an alert, a transfer and a mark that say where it stood."""
    events = batch.get("bench.events", pl.DataFrame())
    if events.is_empty():
        return {}
    names = {OWN: "BenchAlert", GATHERED: "Transfer", SPREAD: "Mark"}
    said = {"event_id": "event_id", "transfer_id": "place", "mark_id": "place"}
    outputs = {}
    for topic, name in names.items():
        rows = []
        for event in events.select("event_id", "offset").to_dicts():
            known = event | {"place": f"{clock.shard}/{event['offset']}"}
            own = {field: known[of] for field, of in said.items() if field in record(name).columns}
            rows.append(filled(name, own))
        frame = pl.DataFrame(rows, schema=record(name).columns)
        outputs[topic] = as_record(frame, name)
    return outputs


JOB = JobSpec(
    name="bench",
    feeds=(Feed("bench.events", order="log"),),
    step=step,
    tables={},
    results=(OWN, GATHERED, SPREAD),
    version="bench/0",
    slice_ms=1_000,
    partitions=PARTITIONS,
    gathered=frozenset({GATHERED}),
    spread=frozenset({SPREAD}),
)


class Source(Log):
    """The log as the oracle reads it."""

    def shard(self, topics: Sequence[str], shard: int, until: dict[str, int]) -> dict[str, Span]:
        return {topic: self.read(topic, shard, 0, until[topic]) for topic in topics}


def event(number: int, shard: int) -> bytes:
    given = {"event_id": number, "sequence": number, "producer": f"p{shard}"}
    return encode(record("BenchEvent"), filled("BenchEvent", given | dict.fromkeys(ONES, 1)))


ONES = ("quantity", "price", "amount")


def fed() -> Source:
    """One to three events a shard and slice."""
    log = Source()
    for shard in range(PARTITIONS):
        number = 0
        for second in range(SLICES):
            for _ in range(1 + (shard + second) % 3):
                at = APPENDED + 1_000 * second
                log.append("bench.events", shard, at, event(number, shard), b"k")
                number += 1
    return log


def folded(log: Log, shard: int) -> list[Folded]:
    return list(fold_shard(JOB, shard, log.partition(["bench.events"], shard)))


def ran(log: Source, shards: Sequence[int] = range(PARTITIONS)) -> Source:
    """The log with what the job writes, the shards' batches one after the other in each slice."""
    all_of = [folded(log, shard) for shard in shards]
    for number in range(SLICES):
        for batches in all_of:
            write(log, batches[number], APPENDED + 1_000 * number + 1_000)
    return log


def write(log: Log, batch: Folded, appended: int, without: frozenset[Place] = frozenset()) -> None:
    for (topic, partition), found in results_by_place(JOB, [batch]).items():
        for key, value in found:
            assert partition_of(key, PARTITIONS) == partition
            if (topic, partition) not in without:
                log.append(topic, partition, appended, value, key)


def values(log: Log, topic: str, partition: int) -> list[bytes | None]:
    return log.read(topic, partition).values


def test_every_partition_has_a_copy_of_what_is_spread() -> None:
    log = ran(fed())
    events = sum(len(log.read("bench.events", shard)) for shard in range(PARTITIONS))
    copies = [values(log, SPREAD, partition) for partition in range(PARTITIONS)]
    assert all(len(copy) == events for copy in copies)
    assert all(sorted(copy) == sorted(copies[0]) for copy in copies)
    assert [len(values(log, GATHERED, p)) for p in range(PARTITIONS)] == [events, 0, 0]
    assert [len(values(log, OWN, p)) for p in range(PARTITIONS)] == [
        len(log.read("bench.events", shard)) for shard in range(PARTITIONS)
    ]


def test_a_copy_has_the_number_of_its_record() -> None:
    # A reader of any partition sees each producer's sequence without a gap or a repeat.
    log = ran(fed())
    for partition in range(PARTITIONS):
        rows = [decode(value or b"")[1] for value in values(log, SPREAD, partition)]
        for shard in range(PARTITIONS):
            own = [row["sequence"] for row in rows if row["producer"] == f"bench/{shard}"]
            assert own == list(range(len(log.read("bench.events", shard))))


def test_the_batch_index_counts_every_copy() -> None:
    batch = folded(fed(), 1)[0]
    index = decode(batch.results[-1].value)[1]
    assert index["records"] == 2
    assert index["outputs"] == 2 * (1 + 1 + PARTITIONS)


def test_places_of_results() -> None:
    rest = [("bench.dead", 1), ("bench.batches", 1)]
    copies = [(SPREAD, 0), (SPREAD, 1), (SPREAD, 2)]
    assert places_of_results(JOB, 1) == [(OWN, 1), (GATHERED, 0), *copies, *rest]


@pytest.mark.parametrize("shard", range(PARTITIONS))
def test_a_shard_finds_its_own_records_among_those_of_others(shard: int) -> None:
    log = ran(fed())
    expected = results_by_place(JOB, folded(log, shard))
    assert set(expected) == set(places_of_results(JOB, shard)) - {("bench.dead", shard)}
    for (topic, partition), written in expected.items():
        assert own_pairs(JOB, topic, shard, log.read(topic, partition)) == written


def test_a_topic_is_not_both_gathered_and_spread() -> None:
    with pytest.raises(ValueError, match=r"\['marks'\] cannot be both"):
        replace(JOB, gathered=frozenset({GATHERED, SPREAD}))
    with pytest.raises(ValueError, match=r"\['nets'\] are no results"):
        replace(JOB, spread=frozenset({SPREAD, "nets"}))


def compared(log: Source, shard: int) -> oracle.Comparison:
    return oracle._compare_shard(JOB, shard, log, log)


def without(log: Source, place: Place, position: int, value: bytes | None) -> Source:
    """A copy in which one record is another one, or missing."""
    other = Source()
    for (topic, partition), span in log.spans.items():
        rows = zip(span.appended, span.values, span.keys, strict=True)
        for number, (appended, was, key) in enumerate(rows):
            there = (topic, partition) == place and number == position
            if not there or value is not None:
                other.append(topic, partition, appended, value if there else was, key)
    return other


def test_the_oracle_compares_every_copy() -> None:
    log = ran(fed())
    for shard in range(PARTITIONS):
        events = len(log.read("bench.events", shard))
        assert compared(log, shard).equal
        assert compared(log, shard).records == events * (2 + PARTITIONS) + SLICES


@pytest.mark.parametrize("partition", range(PARTITIONS))
def test_the_oracle_names_the_partition_of_a_copy_that_is_missing(partition: int) -> None:
    log = ran(fed())
    own = [decode(v or b"")[1]["producer"] for v in values(log, SPREAD, partition)]
    position = [i for i, producer in enumerate(own) if producer == "bench/1"][2]
    (found,) = compared(without(log, (SPREAD, partition), position, None), 1).differences
    assert (found.topic, found.shard, found.partition, found.position) == (SPREAD, 1, partition, 2)
    where = "" if partition == 1 else f" in partition {partition}"
    assert str(found).startswith(f"marks shard 1{where} record 2: expected Mark")


class Live(Source):
    """A log whose batch index of shard 1 is seen one batch short at first."""

    short = True

    def read(
        self, topic: str, partition: int, start: int | None = None, end: int | None = None
    ) -> Span:
        if (topic, partition) == ("bench.batches", 1) and self.short:
            self.short = False
            return super().read(topic, partition, 0, SLICES - 1)
        return super().read(topic, partition, start, end)


@pytest.mark.parametrize("missing", [(SPREAD, 0), (SPREAD, 2), (GATHERED, 0), (OWN, 1)])
def test_a_job_that_goes_on_may_have_written_some_copies_of_its_last_batch(missing: Place) -> None:
    log = fed()
    *before, last = folded(log, 1)
    live = Live()
    live.spans = log.spans
    for number, batch in enumerate(before):
        write(live, batch, APPENDED + 1_000 * number)
    write(live, last, APPENDED + 1_000 * SLICES, frozenset({missing}))
    assert compared(live, 1).equal
    assert [(d.topic, d.partition) for d in compared(live, 1).differences] == [missing]


def replayed(log: Source, other: Source, shard: int) -> list[Compared]:
    batches = [
        Batch(row["sequence"], row["slice_end"], row["ranges"], 0, b"", "bench/0")
        for row in (decode(v or b"")[1] for v in values(log, "bench.batches", shard))
    ]
    counts: list[dict[str, int]] = [{} for _ in range(SLICES)]
    for number, batch in enumerate(folded(log, shard)):
        for result in batch.results:
            counts[number][result.topic] = counts[number].get(result.topic, 0) + 1
    first, second = (
        lambda topic, partition, of=of: pairs(
            of, of.ends(topic, partition), JOB, (topic, partition), shard
        )
        for of in (log, other)
    )
    return compare_shard(JOB, shard, Stretch(batches, 0, counts), second, first)


def test_a_replay_names_the_copy_that_differs_and_its_batch() -> None:
    log = ran(fed())
    assert all(one.equal for one in replayed(log, log, 1))
    heads = {one.replayed for one in replayed(log, log, 1) if one.topic == SPREAD}
    assert len(heads) == 1
    # Of shard 1: 2 events in the first slice, 3 in the second; so record 4 is of the second.
    own = [decode(v or b"")[1]["producer"] for v in values(log, SPREAD, 2)]
    position = [i for i, producer in enumerate(own) if producer == "bench/1"][4]
    given = filled("Mark", {"producer": "bench/1", "sequence": 4})
    other = without(log, (SPREAD, 2), position, encode(record("Mark"), given))
    (found,) = [one for one in replayed(log, other, 1) if not one.equal]
    assert (found.topic, found.partition, found.records) == (SPREAD, 2, 12)
    difference = found.difference
    assert difference is not None
    assert (difference.position, difference.partition) == (4, 2)
    assert difference.batch is not None
    assert difference.batch.number == 1
    assert (told(difference)["partition"], told(difference)["fields"]) == (2, ["mark_id"])
