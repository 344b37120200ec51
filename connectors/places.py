"""A record's place in the log in one 64-bit word: a batch carries one array, not four.

Bits, from the top: offset (40), topic (6: its position in the job's list), tick (1), millisecond of
the minute of the append time (16). Together with the slice's end the last gives the append time
exactly, as a slice is never longer than a minute. The Kafka source writes the word in SQL
(connectors.kafka), the fold reads it.
"""

from dataclasses import dataclass

import numpy as np

from connectors.layout import Array

MAX_TOPICS = 64
MAX_SLICE_MS = 60_000
_TICK, _TOPIC, _OFFSET = 16, 17, 23
TICK_BIT, TOPIC_UNIT, OFFSET_UNIT = 1 << _TICK, 1 << _TOPIC, 1 << _OFFSET
_MINUTE = 60_000


@dataclass(frozen=True)
class Places:
    """Where the records of a batch stand; arrays of shape (n,), appended in milliseconds UTC."""

    offset: Array
    topic: Array
    tick: Array
    appended: Array


def pack(offset: int, topic: int, tick: bool, appended: int) -> int:
    """The word of one record; `appended` in milliseconds UTC."""
    return offset * OFFSET_UNIT + topic * TOPIC_UNIT + tick * TICK_BIT + appended % _MINUTE


def unpack(words: Array, slice_end: int) -> Places:
    """The places in a batch whose slice ends before `slice_end`, milliseconds UTC."""
    last = slice_end - 1
    appended = last - last % _MINUTE + (words & 0xFFFF)
    return Places(
        offset=words >> _OFFSET,
        topic=(words >> _TOPIC) & (MAX_TOPICS - 1),
        tick=(words & TICK_BIT) != 0,
        appended=np.where(appended > last, appended - _MINUTE, appended),
    )
