"""A replay compares every record, and names what differs with the input it rests on."""

import hashlib

import pytest

from connectors.topics import TICK_KEY
from deploy.replay.bounds import Edge
from deploy.replay.comparing import Chain, Compared, Stretch, compare_shard
from deploy.replay.inputs import find_cause
from deploy.replay.order import Order, make_plan
from deploy.replay.recorded import Recording, load
from deploy.replay.report import Report, first_of, lineage
from schemas.codec import decode
from tests.recorded import CONFIG, JOB, Log, Run, data, recorded_run, refold

ALL = Order("netting", Edge(False), Edge(True))


@pytest.fixture(scope="module")
def run() -> Run:
    return recorded_run()


@pytest.fixture(scope="module")
def log(run: Run) -> Log:
    return run[0]


@pytest.fixture(scope="module")
def recording(log: Log) -> Recording:
    return load("netting", log, CONFIG.partitions)


def compared(
    run: Run,
    recording: Recording,
    shard: int,
    replayed: Log,
    begin: int = 0,
    end: int | None = None,
) -> list[Compared]:
    log, counts = run
    stretch = Stretch(recording.shards[shard][:end], begin, counts[shard][:end])
    return compare_shard(
        JOB, shard, stretch, lambda *at: data(replayed, *at), lambda *at: data(log, *at)
    )


def changed(log: Log, topic: str, shard: int, position: int, value: bytes | None) -> Log:
    """A copy in which one record, ticks not counted, is changed, or left out."""
    copy = Log()
    for (name, partition), span in log.spans.items():
        number = 0
        for row in zip(span.appended, span.values, span.keys, strict=True):
            appended, was, key = row
            at = (name, partition) == (topic, shard) and key != TICK_KEY
            if not (at and number == position):
                copy.append(name, partition, appended, was, key)
            elif value is not None:
                copy.append(name, partition, appended, value, key)
            number += at
    return copy


def test_a_run_equals_itself_and_the_chain_is_as_defined(run: Run, recording: Recording) -> None:
    for shard in range(CONFIG.partitions):
        for one in compared(run, recording, shard, run[0]):
            head, messages = bytes(32), [value for _, value in data(run[0], one.topic, shard)]
            for number, message in enumerate(messages):
                leaf = hashlib.sha256(b"\x00" + message).digest()
                link = b"\x02" + head + number.to_bytes(8, "big") + leaf
                head = hashlib.sha256(link).digest()
            assert one.equal
            assert one.recorded == one.replayed == head
            assert one.records == one.compared == len(messages)
            assert one.octets == sum(map(len, messages))
    assert sum(one.records for one in compared(run, recording, 0, run[0])) > 500


@pytest.mark.parametrize("topic", ["nets", "netting.dead", "netting.batches"])
def test_a_changed_record_is_the_difference_wherever_it_is(
    run: Run, recording: Recording, topic: str
) -> None:
    log, counts = run
    total = sum(1 for _ in data(log, topic, 1))
    owner = [n for n, told in enumerate(counts[1]) for _ in range(told.get(topic, 0))]
    for position in {0, total // 3, total - 1}:
        found = {
            one.topic: one
            for one in compared(run, recording, 1, changed(log, topic, 1, position, b"other"))
        }
        difference = found[topic].difference
        assert difference is not None
        assert (difference.position, difference.shard) == (position, 1)
        assert difference.replayed is not None
        assert difference.replayed[1] == b"other"
        assert difference.batch == recording.shards[1][owner[position]]
        assert found[topic].recorded != found[topic].replayed
        assert all(one.equal for name, one in found.items() if name != topic)


def test_missing_batches_are_a_difference(run: Run, recording: Recording) -> None:
    last = len(recording.shards[0]) - 1
    less = changed(run[0], "netting.batches", 0, last, None)
    (index,) = [o for o in compared(run, recording, 0, less) if o.topic == "netting.batches"]
    assert index.difference is not None
    assert (index.difference.position, index.difference.replayed) == (last, None)
    assert index.difference.recorded is not None


def test_what_lies_before_the_stretch_is_chained_and_not_compared(
    run: Run, recording: Recording
) -> None:
    log, counts = run
    begin = len(counts[0]) // 2
    before = sum(told.get("netting.dead", 0) for told in counts[0][:begin])
    total = sum(1 for _ in data(log, "netting.dead", 0))
    assert 0 < before < total
    for position, equal in ((before - 1, True), (before, False)):
        other = changed(log, "netting.dead", 0, position, b"other")
        (dead,) = [
            one for one in compared(run, recording, 0, other, begin) if one.topic == "netting.dead"
        ]
        assert dead.equal is equal
        assert dead.recorded != dead.replayed
        assert (dead.records, dead.compared) == (total, total - before)


def test_a_stretch_may_end_before_the_recorded_log_does(run: Run, recording: Recording) -> None:
    log, counts = run
    end = len(counts[0]) // 2
    part = Log()
    until = recording.covered([end, 0])["obligations", 0]
    assert refold(log, part, 0, until) == counts[0][:end]
    found = compared(run, recording, 0, part, end=end)
    assert all(one.equal for one in found)
    assert next(one.records for one in found if one.topic == "netting.batches") == end


def test_without_a_recorded_side_the_chains_are_made(run: Run, recording: Recording) -> None:
    stretch = Stretch(recording.shards[0], 0, run[1][0])
    for one in compare_shard(JOB, 0, stretch, lambda *at: data(run[0], *at), None):
        chain = Chain()
        for _, value in data(run[0], one.topic, 0):
            chain.add(value)
        assert (one.replayed, one.records) == (chain.head, chain.length)
        assert one.recorded is None
        assert one.equal


def one_short(log: Log, shard: int, offset: int) -> Log:
    """The input with one record replaced by an empty tick, at the same offset and time."""
    copy = Log()
    for (name, partition), span in log.spans.items():
        if name == "obligations":
            for row in zip(span.offsets, span.appended, span.values, span.keys, strict=True):
                at, appended, value, key = row
                gone = (partition, at) == (shard, offset)
                given = (b"", TICK_KEY) if gone else (value, key)
                copy.append(name, partition, appended, *given)
    return copy


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_missing_input_record_is_named_with_its_batch(
    run: Run, recording: Recording, part: float
) -> None:
    log, _ = run
    span = log.spans["obligations", 1]
    usable = [o for o, key in zip(span.offsets, span.keys, strict=True) if key != TICK_KEY]
    offset = usable[int(part * len(usable))]
    short, out = one_short(log, 1, offset), Log()
    again = refold(short, out, 1)
    stretch = Stretch(recording.shards[1], 0, again)
    found = compare_shard(JOB, 1, stretch, lambda *at: data(out, *at), lambda *at: data(log, *at))
    first = first_of(found)
    assert first is not None
    assert first.batch is not None
    low, high = first.batch.offsets()["obligations"]
    assert low <= offset <= high
    cause = find_cause(["obligations"], 1, first.batch, short, log)
    assert cause.first is not None
    assert not cause.same_root
    assert (cause.first.topic, cause.first.partition, cause.first.offset) == (
        "obligations",
        1,
        offset,
    )
    assert cause.first.recorded == (span.keys[offset], span.values[offset])
    assert cause.first.replayed == (TICK_KEY, b"")
    alone = find_cause(["obligations"], 1, first.batch, short, None)
    assert (alone.same_root, alone.first) == (False, None)

    plan = make_plan(ALL, recording, log)
    report = Report(ALL, JOB.version, 1, None, plan, 2.0, found, cause)
    lines = report.verdict()
    assert f"{plan.records:,} records in 2.0 s" in lines[0]
    assert "DIFFERENT" in lines[1]
    assert f"input obligations:{low}-{high}" in lines[2]
    assert f"rests on obligations/1:{low}-{high}" in lines[3]
    assert "they differ in: records, used" in lines[5]
    assert f"from offset {offset} of obligations/1 on: recorded" in lines[6]
    assert "replayed a tick of 0 bytes" in lines[6]
    document = report.document()
    assert document["equal"] is False
    assert document["first_difference"]["batch"]["ranges"] == f"obligations:{low}-{high}"
    assert document["input"]["first_difference"]["offset"] == offset


def test_the_same_input_is_told_from_another(log: Log, recording: Recording) -> None:
    cause = find_cause(["obligations"], 0, recording.shards[0][3], log, log)
    assert (cause.same_root, cause.first) == (True, None)


def test_lineage_is_what_the_record_says(log: Log) -> None:
    seen = set()
    for topic in ("nets", "netting.dead", "netting.batches"):
        rec, row = decode(next(data(log, topic, 1))[1])
        told = lineage(rec, row, 1)
        if topic == "nets":
            assert told == f"obligations/1:{row['first_offset']}-{row['last_offset']}"
        elif topic == "netting.dead":
            assert told == f"obligations/1:{row['offset']}-{row['offset']}"
        else:
            assert told == "obligations/1:" + row["ranges"].split(":")[1]
        seen.add(rec.name)
    assert seen == {"NetPosition", "DeadLetter", "BatchIndex"}
