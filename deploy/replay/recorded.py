"""What a job has recorded of its own run: its batches, their input, the options it ran with."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.log import SpanSource
from connectors.spec import JobSpec
from deploy.errors import UserError
from deploy.oracle import data
from jobs.catalogue import JOBS, Config
from schemas.codec import decode_batch
from schemas.records import by_schema_id, record

_RANGE = re.compile(r"([^:;]+):(\d+)-(\d+)")

Ranges = Mapping[str, tuple[int, int]]
"""Topic -> first and last offset."""


@dataclass(frozen=True)
class Batch:
    """One batch as its index tells.

    Attributes:
        number: Its place in the shard, from 0.
        slice_end: End of the slice in log time, microseconds UTC.
        ranges: What it read, ticks included, as in the index.
        records: Records it read, ticks left out.
        input_root: Root over them.
        version: Decision version and options.
    """

    number: int
    slice_end: int
    ranges: str
    records: int
    input_root: bytes
    version: str

    def offsets(self) -> Ranges:
        """`ranges` by topic."""
        return ranges_of(self.ranges)


@dataclass(frozen=True)
class Recording:
    """A job's run so far: the job as it was configured, and the batches of each shard."""

    job: JobSpec
    config: Config
    shards: Sequence[Sequence[Batch]]

    def whole(self, limits: Mapping[tuple[str, int], int]) -> list[int]:
        """How many batches of each shard lie before the offsets `limits` as a whole.

        A topic partition that `limits` does not name sets no limit.
        """
        return [_before(batches, shard, limits) for shard, batches in enumerate(self.shards)]

    def check(self, counts: Sequence[int]) -> None:
        """Raise UserError if the first `counts[shard]` batches were not all made by one version."""
        for shard, batches in enumerate(self.shards):
            for batch in batches[: counts[shard]]:
                if batch.version != self.job.version:
                    raise UserError(
                        f"{self.job.name} changed from {self.job.version} to {batch.version} in "
                        f"batch {batch.number} of shard {shard} ({batch.ranges}): choose --to "
                        "before it, what came later no single version gives"
                    )

    def covered(self, counts: Sequence[int]) -> dict[tuple[str, int], int]:
        """The offset after the last one that the first `counts[shard]` batches have read."""
        found: dict[tuple[str, int], int] = {}
        for shard, batches in enumerate(self.shards):
            for batch in batches[: counts[shard]]:
                for topic, (_, last) in batch.offsets().items():
                    found[topic, shard] = last + 1
        return found

    def records(self, counts: Sequence[int]) -> int:
        """Records, without ticks, that the first `counts[shard]` batches have read."""
        shards = zip(self.shards, counts, strict=True)
        return sum(batch.records for batches, count in shards for batch in batches[:count])

    def first_read(self) -> dict[tuple[str, int], int]:
        """The first offset that was read of each topic partition."""
        found: dict[tuple[str, int], int] = {}
        for shard, batches in enumerate(self.shards):
            missing = {feed.topic for feed in self.job.feeds}
            for batch in batches:
                for topic, (first, _) in batch.offsets().items():
                    if topic in missing:
                        found[topic, shard] = first
                        missing.discard(topic)
                if not missing:
                    break
        return found


def ranges_of(text: str) -> Ranges:
    """A batch index's `ranges` by topic."""
    return {topic: (int(first), int(last)) for topic, first, last in _RANGE.findall(text)}


def load(job: str, source: SpanSource, partitions: int) -> Recording:
    """Read the batch indexes of a job.

    Args:
        job: Its name in jobs.catalogue.
        source: Where its index topic is read from.
        partitions: Partitions of that topic.

    Raises:
        UserError: The job is unknown or has recorded nothing, it was started anew, or the present
            code cannot be what it ran with.
    """
    if job not in JOBS:
        raise UserError(f"there is no job {job}; take one of: {', '.join(sorted(JOBS))}")
    shards = [_batches(job, shard, source) for shard in range(partitions)]
    version = next((batches[0].version for batches in shards if batches), None)
    if version is None:
        raise UserError(f"{job} has recorded no batch; mend --against, or submit the job first")
    config = options_of(job, version)
    if config.partitions != partitions:
        raise UserError(
            f"{job} ran with partitions={config.partitions}, its topics have {partitions}; "
            "mend --against"
        )
    return Recording(JOBS[job](config), config, shards)


def options_of(job: str, version: str) -> Config:
    """The options in a batch index's `version`; UserError if the present code has others."""
    decided, *texts = version.split(";")
    present, *_ = JOBS[job](Config()).version.split(";")
    if decided != present:
        raise UserError(
            f"{job} was recorded with decision version {decided}, this code decides by {present}; "
            "check out the code of that version to replay it"
        )
    try:
        return Config.parse(";".join(texts))
    except ValueError as error:
        raise UserError(
            f"{job} was recorded with {error}; check out the code of that time to replay it"
        ) from None


def _batches(job: str, shard: int, source: SpanSource) -> list[Batch]:
    newest = record("BatchIndex")
    messages = list(data(source.read(f"{job}.batches", shard)))
    for message in messages[:1]:
        found = by_schema_id(int.from_bytes(message[1:5], "big"))
        if found is not None and found.name == newest.name and found.version != newest.version:
            raise UserError(
                f"{job} was recorded with batch indexes of version {found.version}, this code "
                f"writes version {newest.version}; check out the code of that time to replay it"
            )
    frame, _, rejected = decode_batch(newest, messages)
    if rejected:
        raise UserError(
            f"{job}.batches partition {shard}: record {rejected[0].index} is no batch index: "
            f"{rejected[0].reason}"
        )
    columns = ("sequence", "slice_end", "ranges", "records", "input_root", "version")
    batches = [Batch(*row) for row in frame.select(columns).iter_rows()]
    for due, batch in enumerate(batches):
        if batch.number != due:
            raise UserError(
                f"{job}.batches partition {shard}: batch {batch.number} stands where batch {due} "
                "is due; a job was started anew into the same topics, or its log was changed"
            )
    return batches


def _before(batches: Sequence[Batch], shard: int, limits: Mapping[tuple[str, int], int]) -> int:
    for batch in batches:
        for topic, (_, last) in batch.offsets().items():
            if last >= limits.get((topic, shard), last + 1):
                return batch.number
    return len(batches)
