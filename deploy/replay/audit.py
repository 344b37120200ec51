"""An audit of a recorded stretch: run it once more, compare, name the first difference."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial

from connectors import kafka_admin
from connectors.reader import LogReader
from deploy import terminal
from deploy.drills.rig import free_prefix
from deploy.drills.waiting import MONOTONIC
from deploy.errors import UserError
from deploy.replay import running
from deploy.replay.comparing import Compared, Records, Stretch, compare_shard
from deploy.replay.inputs import Cause, find_cause
from deploy.replay.order import Order, Plan, make_plan
from deploy.replay.recorded import Recording, load
from deploy.replay.report import Report, first_of
from deploy.stack import Stack
from jobs.catalogue import JOBS, Config

Echo = Callable[[str], None]
Side = Callable[[int], tuple[Records, Sequence[Mapping[str, int]]]]


def replay(stack: Stack, order: Order, echo: Echo = lambda line: None) -> Report:
    """Carry an order out.

    Raises:
        UserError: It cannot be: no such job, topic, offset or version, or Flink failed.
    """
    brokers = stack.settings.brokers
    partitions = _check(brokers, order)
    parallelism = None if order.oracle else order.parallelism or partitions
    with ExitStack() as held:
        source, first = (
            held.enter_context(closing(LogReader(brokers, prefix)))
            for prefix in (order.prefix, order.against)
        )
        recording = load(order.job, first, partitions)
        _check_results(recording, first)
        plan = make_plan(order, recording, source)
        for line in plan.lines():
            echo(line)
        began = MONOTONIC()
        if parallelism is None:
            fold = partial(running.fold, source, recording, plan.until)
            compared = _compared(order, recording, plan, first, fold)
            seconds = MONOTONIC() - began
        else:
            out_prefix = _out_prefix(brokers, order)
            held.enter_context(running.topics(brokers, recording, out_prefix, order.keep))
            run = (plan.until, order.prefix, out_prefix, parallelism)
            seconds = running.run(stack, recording, *run)
            echo(f"finished after {seconds:.1f} s; reading both sides")
            second = held.enter_context(closing(LogReader(brokers, out_prefix)))
            written = partial(running.finished, second, recording)
            compared = _compared(order, recording, plan, first, written)
        cause = _cause(brokers, order, recording, compared, source, first)
    kept = None if parallelism is None or not order.keep else out_prefix
    version = recording.job.version
    return Report(order, version, parallelism, kept, plan, seconds, compared, cause)


def _check(brokers: str, order: Order) -> int:
    """The partitions of the topics, once it is clear that they are there and fit together."""
    if order.job not in JOBS:
        raise UserError(f"there is no job {order.job}; take one of: {', '.join(sorted(JOBS))}")
    job = JOBS[order.job](Config())
    known = kafka_admin.describe(brokers)
    inputs = [order.prefix + feed.topic for feed in job.feeds]
    outputs = [order.against + topic for topic in job.outputs]
    for option, names in (("--prefix", inputs), ("--against", outputs)):
        if missing := [name for name in names if name not in known]:
            raise UserError(f"the broker has no topic {missing[0]}; mend {option}")
    counts = {known[name].partitions for name in (*inputs, *outputs)}
    if len(counts) > 1:
        raise UserError(
            f"the topics have {sorted(counts)} partitions: those of --prefix and --against must "
            "have as many"
        )
    partitions = counts.pop()
    if order.parallelism is not None and not 1 <= order.parallelism <= partitions:
        raise UserError(
            f"parallelism {order.parallelism} is not in 1..{partitions}, the topics' partitions"
        )
    return partitions


def _check_results(recording: Recording, first: LogReader) -> None:
    """Raise UserError if the first results of the recorded run are gone: places are counted."""
    for topic in recording.job.outputs:
        for shard in range(recording.config.partitions):
            if low := first.ends(topic, shard)[0]:
                raise UserError(
                    f"{first.prefix}{topic}/{shard} begins at offset {low}: results before it are "
                    "gone, so none can be compared; import an archive that has them"
                )


def _out_prefix(brokers: str, order: Order) -> str:
    """The prefix of the second run's topics; no topic has it."""
    if order.out_prefix is None:
        return free_prefix(brokers, "replay")
    taken = [name for name in kafka_admin.describe(brokers) if name.startswith(order.out_prefix)]
    if taken or not order.out_prefix:
        raise UserError(
            f"--out-prefix {order.out_prefix!r} is taken by topic {taken[0]}; take another one"
            if taken
            else "--out-prefix is empty; name one that no topic has"
        )
    return order.out_prefix


def _compared(
    order: Order, recording: Recording, plan: Plan, first: LogReader, side: Side
) -> list[Compared]:
    """Each topic of each shard; `side` gives what the second run wrote to a shard."""
    found = []
    with terminal.bar("compare", len(plan.batches)) as advance:
        for shard, (begin, end) in enumerate(plan.batches):
            records, counts = side(shard)
            stretch = Stretch(recording.shards[shard][:end], begin, counts)
            recorded = running.written(first, recording.job, shard) if order.compare else None
            found += compare_shard(recording.job, shard, stretch, records, recorded)
            advance(1)
    return found


def _cause(
    brokers: str,
    order: Order,
    recording: Recording,
    compared: list[Compared],
    source: LogReader,
    first: LogReader,
) -> Cause | None:
    """What the input of the first differing batch says."""
    difference = first_of(compared)
    if difference is None or difference.batch is None:
        return None
    feeds = [feed.topic for feed in recording.job.feeds]
    known = kafka_admin.describe(brokers)
    other = order.prefix != order.against and all(order.against + t in known for t in feeds)
    batch, shard = difference.batch, difference.shard
    return find_cause(feeds, shard, batch, source, first if other else None)
