"""What is asked of a replay, and what will be done about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.offsets import Offsets, format_offsets
from deploy.errors import UserError
from deploy.replay.bounds import Ends, Point, resolve
from deploy.replay.recorded import Recording


@dataclass(frozen=True)
class Order:
    """What was asked for.

    Attributes:
        job: Name of the job.
        begin: Where the compared stretch begins; what lies before is computed all the same.
        end: Where it ends.
        parallelism: Of the second run; None: one subtask a partition.
        prefix: Before the names of the input topics.
        against: Before the names of the topics of the run that is compared with.
        out_prefix: Before the names of the second run's topics; None: the first free one.
        compare: Whether to compare, or only to run and chain.
        keep: Leave the second run's topics.
        oracle: Fold the input here, without Flink.
    """

    job: str
    begin: Point
    end: Point
    parallelism: int | None = None
    prefix: str = ""
    against: str = ""
    out_prefix: str | None = None
    compare: bool = True
    keep: bool = False
    oracle: bool = False


@dataclass(frozen=True)
class Plan:
    """What is done.

    Attributes:
        begin: Offsets of the point the stretch begins at.
        end: Offsets of the point it ends at.
        batches: First compared batch of each shard, and the one after the last.
        until: Where reading ends: `end` rounded down to whole batches; 0 where nothing is read.
        records: Records up to there, ticks left out.
    """

    begin: Offsets
    end: Offsets
    batches: Sequence[tuple[int, int]]
    until: Offsets
    records: int

    def lines(self) -> list[str]:
        """For people, a line each."""
        spans = [
            f"{shard}: {a} to {b - 1}" if a < b else f"{shard}: none"
            for shard, (a, b) in enumerate(self.batches)
        ]
        return [
            f"from {format_offsets(self.begin)}",
            f"to {format_offsets(self.end)}",
            f"whole batches by shard: {', '.join(spans)}; {self.records:,} records from the start",
            f"reading ends at {format_offsets(self.until)}",
        ]


def make_plan(order: Order, recording: Recording, log: Ends) -> Plan:
    """Turn an order into offsets and whole batches.

    Raises:
        UserError: No batch lies within, or the log does not hold what the first run has read.
    """
    topics = [feed.topic for feed in recording.job.feeds]
    partitions = recording.config.partitions
    begin, end = resolve(order.begin, order.end, log, topics, partitions)
    following = recording.whole(end)
    batches = list(zip(recording.whole(begin), following, strict=True))
    if all(a >= b for a, b in batches):
        raise UserError(
            f"no whole batch of {order.job} lies between --from and --to; the end is rounded down "
            "to whole batches: take them further apart"
        )
    recording.check(following)
    covered = recording.covered(following)
    held = {(t, p): log.ends(t, p) for t in topics for p in range(partitions)}
    for place, first in recording.first_read().items():
        if place in covered:
            _check_held(place, first, covered[place], held[place])
    return Plan(
        begin,
        end,
        batches,
        {place: covered.get(place, 0) for place in held},
        recording.records(following),
    )


def _check_held(place: tuple[str, int], first: int, end: int, held: tuple[int, int]) -> None:
    name, (low, high) = f"{place[0]}/{place[1]}", held
    if low > first:
        raise UserError(
            f"{name} begins at offset {low}, the recorded run read it from {first} on: what lies "
            "between is gone, so its state cannot be computed again; import an archive that has it"
        )
    if high < end:
        raise UserError(
            f"{name} ends at offset {high}, the recorded run read it up to {end}; mend --prefix, "
            "or choose an earlier --to"
        )
