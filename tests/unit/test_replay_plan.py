"""A person's words become offsets and whole batches, and what cannot be replayed is told."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from deploy.errors import UserError
from deploy.replay.bounds import Edge, Moment, Named, parse_point, resolve
from deploy.replay.order import Order, make_plan
from deploy.replay.recorded import Recording, load, options_of
from jobs.catalogue import Config, netting_job
from schemas.codec import decode, encode
from schemas.records import record
from tests.recorded import APPENDED, CONFIG, JOB, Log, data, recorded_run

ALL = Order("netting", Edge(False), Edge(True))


@pytest.fixture(scope="module")
def log() -> Log:
    return recorded_run()[0]


@pytest.fixture(scope="module")
def recording(log: Log) -> Recording:
    return load("netting", log, CONFIG.partitions)


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("start", Edge(False)),
        ("end", Edge(True)),
        ("1970-01-01T00:00:01Z", Moment(1_000)),
        ("1970-01-01T01:00:00+01:00", Moment(0)),
        ("1970-01-02", Moment(86_400_000)),
        ("payments/1:7", Named({("payments", 1): 7})),
    ],
)
def test_words_for_a_point(text: str, point: object) -> None:
    assert parse_point("--to", text) == point


@pytest.mark.parametrize("text", ["", "now", "5", "2026-13-01", "payments/1", "payments/1:x"])
def test_other_words_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError, match=r"^--to ") as caught:
        parse_point("--to", text)
    assert "\n" not in str(caught.value)


def ten() -> Log:
    """Topic `t`, two partitions of ten records, a millisecond apart from 1,000 on."""
    log = Log()
    for partition in range(2):
        for n in range(10):
            log.append("t", partition, 1_000 + n, b"v")
    return log


def test_points_become_offsets_of_every_partition() -> None:
    log = ten()
    log.lows["t", 1] = 4
    assert resolve(Edge(False), Edge(True), log, ["t"], 2) == (
        {("t", 0): 0, ("t", 1): 4},
        {("t", 0): 10, ("t", 1): 10},
    )
    begin, end = resolve(Moment(1_004), Moment(1_999), log, ["t"], 2)
    assert begin == {("t", 0): 4, ("t", 1): 4}
    assert end == {("t", 0): 10, ("t", 1): 10}
    begin, end = resolve(Named({("t", 1): 6}), Named({("t", 1): 8}), log, ["t"], 2)
    assert begin == {("t", 0): 0, ("t", 1): 6}
    assert end == {("t", 0): 10, ("t", 1): 8}


@pytest.mark.parametrize(
    ("begin", "end", "told"),
    [
        ("start", "t/0:11", r"--to t/0:11 lies beyond the end of t/0, which is 10"),
        ("t/1:3", "end", r"--from t/1:3 lies before 4, where t/1 begins"),
        ("t/0:6", "t/0:5", r"--from is offset 6 of t/0 and lies behind --to, which is 5"),
        ("1970-01-01T00:00:02Z", "start", r"lies behind --to"),
        ("start", "u/0:5", r"--to names u/0; the job reads t, partitions 0 to 1"),
        ("t/2:5", "end", r"--from names t/2"),
    ],
)
def test_offsets_that_are_not_there_are_named(begin: str, end: str, told: str) -> None:
    log = ten()
    log.lows["t", 1] = 4
    with pytest.raises(UserError, match=told) as caught:
        resolve(parse_point("--from", begin), parse_point("--to", end), log, ["t"], 2)
    assert "\n" not in str(caught.value)


def test_the_recording_is_what_the_indexes_say(log: Log, recording: Recording) -> None:
    assert recording.config == CONFIG
    assert recording.job.version == JOB.version
    for shard, batches in enumerate(recording.shards):
        indexes = [decode(value)[1] for _, value in data(log, "netting.batches", shard)]
        assert [batch.number for batch in batches] == list(range(len(indexes)))
        assert [batch.ranges for batch in batches] == [index["ranges"] for index in indexes]
        ends = [batch.offsets()["obligations"] for batch in batches]
        assert ends[0][0] == 0
        assert ends[-1][1] == len(log.spans["obligations", shard]) - 1


def test_ends_are_rounded_down_to_whole_batches_of_each_shard(recording: Recording) -> None:
    batches = recording.shards[0]
    last = batches[4].offsets()["obligations"][1]
    place = "obligations", 0
    assert recording.whole({place: last}) == [4, len(recording.shards[1])]
    assert recording.whole({place: last + 1})[0] == 5
    assert recording.whole({place: last + 2})[0] == 5
    assert recording.whole({place: 0})[0] == 0
    assert recording.covered([5, 0]) == {place: last + 1}
    assert recording.records([5, 0]) == sum(batch.records for batch in batches[:5])


def test_a_plan_stops_after_the_last_whole_batch(log: Log, recording: Recording) -> None:
    last = recording.shards[1][6].offsets()["obligations"][1]
    order = replace(ALL, end=Named({("obligations", 1): last + 5}))
    plan = make_plan(order, recording, log)
    assert plan.batches == [(0, len(recording.shards[0])), (0, 7)]
    assert plan.until["obligations", 1] == last + 1
    assert plan.until["obligations", 0] == len(log.spans["obligations", 0])
    assert any("1: 0 to 6" in line for line in plan.lines())
    moment = replace(order, begin=Moment(APPENDED + 3_000))
    assert all(begin > 0 for begin, _ in make_plan(moment, recording, log).batches)


def test_a_log_that_no_longer_holds_the_input_is_refused(log: Log, recording: Recording) -> None:
    log.lows["obligations", 0] = 7
    try:
        with pytest.raises(UserError, match="begins at offset 7, the recorded run read it from 0"):
            make_plan(ALL, recording, log)
    finally:
        log.lows.clear()
    short = Log()
    for partition in range(2):
        short.append("obligations", partition, 1, b"v")
    with pytest.raises(UserError, match=r"ends at offset 1, the recorded run read it up to \d+"):
        make_plan(replace(ALL, end=Moment(APPENDED + 10**9)), recording, End(short, recording))


class End(Log):
    """A log whose times are those of the recorded run though it holds less."""

    def __init__(self, short: Log, recording: Recording) -> None:
        super().__init__()
        self.spans, self.recording = short.spans, recording

    def at(self, topic: str, partition: int, appended: int) -> int:
        return self.recording.covered([len(b) for b in self.recording.shards])[topic, partition]


def test_no_whole_batch_is_one_line(log: Log, recording: Recording) -> None:
    order = replace(ALL, end=Moment(APPENDED))
    with pytest.raises(UserError, match="no whole batch of netting lies between"):
        make_plan(order, recording, log)


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("netting/0;partitions=2", "recorded with decision version netting/0, this code decides"),
        (JOB.version + ";new=1", "this code has partitions, slice_ms"),
        (JOB.version.replace("slice_ms=1000", "slice_ms=fast"), "with options partitions=2;slice"),
        (JOB.version.split(";")[0], "with options none"),
    ],
)
def test_another_version_or_other_options_are_refused(version: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as caught:
        options_of("netting", version)
    assert "\n" not in str(caught.value)


def test_options_come_from_the_recording() -> None:
    config = Config(2, 250, 1, 2, 3)
    assert options_of("netting", netting_job(config).version) == config


def indexes(*changes: Mapping[str, object]) -> Log:
    """Batch indexes of one shard, each the last one with changes."""
    found, log = recorded_run()[0], Log()
    _, first = next(data(found, "netting.batches", 0))
    rec, row = decode(first)
    for change in changes:
        row = {**row, **change}
        log.append("netting.batches", 0, APPENDED, encode(rec, row), b"p0.0")
    return log


def test_indexes_that_are_no_run_are_refused() -> None:
    with pytest.raises(UserError, match="netting has recorded no batch"):
        load("netting", Log(), 2)
    with pytest.raises(UserError, match="there is no job nets; take one of: "):
        load("nets", Log(), 2)
    with pytest.raises(UserError, match="batch 0 stands where batch 1 is due"):
        load("netting", indexes({}, {}), 1)
    with pytest.raises(UserError, match="ran with partitions=2, its topics have 1"):
        load("netting", indexes({}), 1)
    log = indexes({})
    log.append("netting.batches", 0, APPENDED, b"x", b"k")
    with pytest.raises(UserError, match="record 1 is no batch index"):
        load("netting", log, 2)


def test_a_change_of_version_within_the_stretch_is_named() -> None:
    log = indexes({}, {"sequence": 1, "version": "netting/9;x"})
    recording = load("netting", log, 2)
    recording.check([1, 0])
    with pytest.raises(UserError, match=r"to netting/9;x in batch 1 of shard 0 \(obligations:"):
        recording.check([2, 0])


def test_indexes_of_an_older_schema_are_refused() -> None:
    old = record("BatchIndex", 1)
    _, row = decode(next(data(recorded_run()[0], "netting.batches", 0))[1])
    log = Log()
    log.append(
        "netting.batches", 0, APPENDED, encode(old, {name: row[name] for name in old.columns}), b"k"
    )
    with pytest.raises(UserError, match="batch indexes of version 1, this code writes version 2"):
        load("netting", log, 2)
