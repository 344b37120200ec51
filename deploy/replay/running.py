"""The second run: Flink up to given offsets into topics of its own, or the fold without Flink.

Flink reads without a consumer group, and topics and transactions have a prefix of their own, so
that the first run is untouched.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from connectors import kafka_admin
from connectors.log import fold_shard, results_by_topic
from connectors.offsets import Offsets, format_offsets
from connectors.reader import LogReader
from connectors.spec import JobSpec
from connectors.written import Pair, results_by_place
from deploy import terminal
from deploy.drills.waiting import MONOTONIC, SLEEP
from deploy.errors import UserError
from deploy.flink.rest import GONE
from deploy.oracle import data
from deploy.progress import Follower
from deploy.replay.comparing import Records, pairs
from deploy.replay.recorded import Recording
from deploy.stack import Stack

COUNTS = "counts"
"""As connectors.microbatch.COUNTS, which needs Flink to be imported."""
STALLED_S = 300.0
"""So long a run may go on without a batch that gets further."""
_LOOK_S = 0.5
_MARKERS_S = 30.0


@contextmanager
def topics(brokers: str, recording: Recording, prefix: str, keep: bool) -> Iterator[None]:
    """Topics for a second run, gone afterwards unless they are to be kept."""
    names = [f"{prefix}{name}" for name in (*recording.job.outputs, _counts(recording))]
    kafka_admin.create_topics(brokers, recording.config.partitions, names)
    try:
        yield
    finally:
        if not keep:
            kafka_admin.delete_topics(brokers, names)


def run(
    stack: Stack,
    recording: Recording,
    until: Offsets,
    prefix: str,
    out_prefix: str,
    parallelism: int,
) -> float:
    """Let Flink run the job up to `until`; seconds from asking for it until it is finished.

    Raises:
        UserError: It could not be started, failed, or did not get on.
    """
    name = recording.job.name
    options = {
        **asdict(recording.config),
        "name": f"{out_prefix}{name}",
        "prefix": prefix,
        "out_prefix": out_prefix,
        "until": format_offsets(until),
        "neo4j": None,
        "neo4j_password_file": None,
    }
    began = MONOTONIC()
    job_id = stack.flink.submit(name, parallelism, options)
    follower = Follower(stack.settings.brokers, recording.job, out_prefix)
    try:
        _wait(stack, job_id, follower, until)
    finally:
        follower.close()
        if stack.flink.rest.state(job_id) not in GONE:
            stack.flink.cancel(job_id)
    return MONOTONIC() - began


def written(reader: LogReader, job: JobSpec, shard: int) -> Records:
    """What a shard of a run has written to the job's topics."""

    def records(topic: str, partition: int) -> Iterator[Pair]:
        place = topic, partition
        return pairs(reader, reader.ends(*place), job, place, shard)

    return records


def finished(
    reader: LogReader, recording: Recording, shard: int
) -> tuple[Records, list[Mapping[str, int]]]:
    """What the second run wrote to a shard, and how many records each of its batches, by topic."""
    counts = [json.loads(value) for value in data(reader.read(_counts(recording), shard))]
    return written(reader, recording.job, shard), counts


def fold(
    source: LogReader, recording: Recording, until: Offsets, shard: int
) -> tuple[Records, list[Mapping[str, int]]]:
    """The same without Flink: what the fold of a shard's input gives."""
    ends = {topic: offset for (topic, number), offset in until.items() if number == shard}
    spans = source.shard([feed.topic for feed in recording.job.feeds], shard, ends)
    counts: list[Mapping[str, int]] = []
    batches = []
    for folded in fold_shard(recording.job, shard, spans):
        counts.append({topic: len(rows) for topic, rows in results_by_topic([folded]).items()})
        batches.append(folded)
    found = results_by_place(recording.job, batches)
    return lambda topic, partition: iter(found.get((topic, partition), [])), counts


def _counts(recording: Recording) -> str:
    return f"{recording.job.name}.{COUNTS}"


def _wait(stack: Stack, job_id: str, follower: Follower, until: Offsets) -> None:
    """Wait until the job is finished, with a progress bar over its input."""
    with terminal.bar("replay", sum(until.values())) as advance:
        left, moved = _advanced(follower, until, sum(until.values()), advance), MONOTONIC()
        while (state := stack.flink.rest.state(job_id)) not in GONE:
            now = _advanced(follower, until, left, advance)
            moved = MONOTONIC() if now < left else moved
            left = now
            if MONOTONIC() - moved > STALLED_S:
                causes = stack.flink.rest.exceptions(job_id) or ["no failure recorded"]
                raise UserError(
                    f"the replay has not got on for {STALLED_S:.0f} s, {left} offsets before its "
                    f"end: {causes[0]}; see: tidemark logs taskmanager-0"
                )
            SLEEP(_LOOK_S)
        names = [follower.reader.prefix + topic for topic in follower.job.outputs]
        _until_committed(stack.settings.brokers, names)
        left = _advanced(follower, until, left, advance)
    if state != "FINISHED" or left:
        causes = stack.flink.rest.exceptions(job_id) or ["no failure recorded"]
        raise UserError(
            f"the replay is {state}, {left} offsets before its end: {causes[0]}; "
            "see: tidemark logs taskmanager-0"
        )


def _until_committed(brokers: str, names: Sequence[str]) -> None:
    """Wait for the markers of the last transactions: a broker writes them after its answer."""
    deadline = MONOTONIC() + _MARKERS_S
    while (waiting := kafka_admin.uncommitted(brokers, names)) and MONOTONIC() < deadline:
        SLEEP(_LOOK_S / 10)
    if waiting:
        topic, number = waiting[0]
        raise UserError(f"{topic}/{number} has an open transaction left after the replay")


def _advanced(
    follower: Follower, until: Offsets, before: int, advance: Callable[[int], None]
) -> int:
    """How many offsets are left now."""
    follower.poll()
    left = follower.missing(until)
    advance(before - left)
    return left
