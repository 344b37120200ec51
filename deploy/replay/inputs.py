"""Why two runs differ: is the input what the first run has read, and if not, from where on?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from connectors.log import Span, SpanSource
from connectors.topics import TICK_KEY
from deploy.replay.recorded import Batch
from schemas.merkle import leaf_hashes, root

Side = tuple[bytes | None, bytes | None]
"""Key and value of an input record."""


@dataclass(frozen=True)
class InputDifference:
    """The first input record that is not the same; None stands for no record."""

    topic: str
    partition: int
    offset: int
    recorded: Side | None
    replayed: Side | None


@dataclass(frozen=True)
class Cause:
    """What the input of the first differing batch says.

    Attributes:
        same_root: Whether its records give the root that the first run recorded.
        first: The first record that differs from the first run's own input, if that can be read.
    """

    same_root: bool
    first: InputDifference | None


def find_cause(
    feeds: Sequence[str], shard: int, batch: Batch, source: SpanSource, recorded: SpanSource | None
) -> Cause:
    """Look at the input of a batch.

    Args:
        feeds: The job's input topics, in its order.
        shard: The shard of the batch.
        batch: The recorded batch.
        source: Where the second run read from.
        recorded: Where the first run did, if that is another place and still there.
    """
    offsets = batch.offsets()
    leaves: list[bytes] = []
    first: InputDifference | None = None
    for topic in (name for name in feeds if name in offsets):
        begin, last = offsets[topic]
        span = source.read(topic, shard, begin, last + 1)
        leaves += leaf_hashes(
            [v for k, v in zip(span.keys, span.values, strict=True) if k != TICK_KEY]
        )
        if first is None and recorded is not None:
            first = _first(topic, shard, recorded.read(topic, shard, begin, last + 1), span)
    return Cause(root(leaves) == batch.input_root, first)


def _first(topic: str, partition: int, recorded: Span, replayed: Span) -> InputDifference | None:
    rows = (zip(s.offsets, s.keys, s.values, strict=True) for s in (recorded, replayed))
    for want, have in zip_longest(*rows):
        if want != have:
            offset = min(row[0] for row in (want, have) if row is not None)
            sides = (row[1:] if row and row[0] == offset else None for row in (want, have))
            return InputDifference(topic, partition, offset, *sides)
    return None
