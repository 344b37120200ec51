"""Reads topics by offset range: what the oracle, the verifier and the drills take as given."""

from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.log import Span

_BATCH = 10_000
_WAIT_S = 0.1
_MOST_EMPTY = 600
_QUICK = {
    "queued.max.messages.kbytes": 1_024,
    "fetch.message.max.bytes": 262_144,
}
_FETCH_WAIT_MS = 10
"""A broker answers a connection's requests in order: whatever is asked after a read waits for the
last fetch, which at librdkafka's default of 500 ms was most of the time of reading many topics."""


class LogReader:
    """Reads committed records of topic partitions; at-most the end offsets found when asked."""

    def __init__(self, brokers: str, prefix: str = "", quick: bool = False) -> None:
        """Read from `brokers`; topic names are logical and get `prefix`.

        `quick` is for a few records here and there: little is fetched ahead.
        """
        self.prefix = prefix
        self.consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": "tidemark-reader",
                "log_level": 0,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": _FETCH_WAIT_MS,
                "fetch.queue.backoff.ms": _FETCH_WAIT_MS,
                "queued.max.messages.kbytes": 65_536,
                **(_QUICK if quick else {}),
            }
        )

    def close(self) -> None:
        """Disconnect."""
        self.consumer.close()

    def ends(self, topic: str, partition: int) -> tuple[int, int]:
        """First and next offset; the next one is that of the last committed record plus one."""
        place = TopicPartition(self.prefix + topic, partition)
        low, high = self.consumer.get_watermark_offsets(place, timeout=20)
        return int(low), int(high)

    def at(self, topic: str, partition: int, appended: int) -> int:
        """The first offset appended at this time or later, milliseconds UTC; else the next one."""
        _, high = self.ends(topic, partition)
        asked = TopicPartition(self.prefix + topic, partition, appended)
        (found,) = self.consumer.offsets_for_times([asked], timeout=20)
        return min(int(found.offset), high) if found.offset >= 0 else high

    def read(
        self, topic: str, partition: int, start: int | None = None, end: int | None = None
    ) -> Span:
        """The records with start <= offset < end; without an end, up to the last committed one."""
        if start is None or end is None:
            low, high = self.ends(topic, partition)
            start = low if start is None else start
            end = high if end is None else end
        if start >= end:
            return Span()
        self.consumer.assign([TopicPartition(self.prefix + topic, partition, start)])
        try:
            return self._consumed(topic, partition, start, end)
        finally:
            self.consumer.unassign()

    def _consumed(self, topic: str, partition: int, start: int, end: int) -> Span:
        """What comes of the assigned partition, up to `end` or what is committed."""
        span = Span()
        empty = 0
        while empty < _MOST_EMPTY:
            due = end - (span.offsets[-1] + 1 if span.offsets else start)
            messages = self.consumer.consume(min(_BATCH, due), timeout=_WAIT_S)
            empty = 0 if messages else empty + 1
            for message in messages:
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        return span
                    raise KafkaException(error)
                offset = int(message.offset() or 0)
                if offset >= end:
                    return span
                span.put(offset, message.timestamp()[1], message.key(), message.value())
                if offset == end - 1:
                    return span
        seconds = _MOST_EMPTY * _WAIT_S
        reason = f"{topic} partition {partition} gave nothing for {seconds:.0f} s"
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, reason))

    def shard(
        self, topics: Sequence[str], partition: int, until: Mapping[str, int] | None = None
    ) -> dict[str, Span]:
        """All topics of one shard, each up to its offset in `until` (exclusive)."""
        return {
            t: self.read(t, partition, end=None if until is None else until.get(t, 0))
            for t in topics
        }
