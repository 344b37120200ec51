"""What a person may point at in the log, and the one way to write it.

3:12345              an event of the regulatory log: shard and place in its chain
obligations/2/77     a raw record: topic, partition and offset
anything else        a result's own id, such as a net_id
"""

import re
from dataclasses import dataclass

from deploy.errors import UserError

_EVENT = re.compile(r"(\d+):(\d+)", re.ASCII)
_RECORD = re.compile(r"([A-Za-z0-9._-]+)/(\d+)/(\d+)", re.ASCII)
_MOST = 2**63 - 1
_MOST_PARTITIONS = 2**31 - 1


@dataclass(frozen=True)
class EventId:
    """An event of the regulatory log: its shard, and its sequence in the shard's chain."""

    shard: int
    sequence: int

    def __str__(self) -> str:
        """As a person writes it."""
        return f"{self.shard}:{self.sequence}"


@dataclass(frozen=True)
class RecordId:
    """A record of a topic partition; `topic` is a logical name, without prefix."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """As a person writes it."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True)
class ResultId:
    """A result's own id: the field that its schema names as `id`."""

    text: str

    def __str__(self) -> str:
        """As a person writes it."""
        return self.text


def parse_id(text: str) -> EventId | RecordId | ResultId:
    """What `text` points at, by its shape alone: whether there is such a thing is not asked.

    Raises:
        UserError: It is empty, or a number in it is larger than any in a log.
    """
    text = text.strip()
    if not text:
        raise UserError(
            "the id is empty; give SHARD:SEQUENCE, TOPIC/PARTITION/OFFSET or a result's own id"
        )
    if found := _EVENT.fullmatch(text):
        shard, sequence = found.groups()
        return EventId(_number(shard, _MOST_PARTITIONS), _number(sequence, _MOST))
    if found := _RECORD.fullmatch(text):
        topic, partition, offset = found.groups()
        return RecordId(topic, _number(partition, _MOST_PARTITIONS), _number(offset, _MOST))
    return ResultId(text)


def _number(digits: str, most: int) -> int:
    if len(digits) > len(str(most)) or int(digits) > most:
        raise UserError(f"{digits[:40]} is larger than any number of a log; mend the id")
    return int(digits)
