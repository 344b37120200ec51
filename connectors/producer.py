"""Sends generated chunks to Kafka: each message once, in order, or the run fails.

Idempotent and acknowledged by all replicas.

Each message goes to the partition its batch names, so the order within a partition is the
generator's. A message that cannot be delivered ends the run with one error. The pace is kept by a
clock and a sleeper that are handed in; without a rate nothing waits.

Messages are handed over one by one: `produce_batch` takes the same time for its own part and asks
for a dictionary a message besides.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from connectors.generators.feed import Batch, Chunk
from connectors.kafka_admin import describe

Clock = Callable[[], float]
Sleeper = Callable[[float], None]

SETTINGS: Mapping[str, str | int | bool] = {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 20,
    "batch.size": 500_000,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 200_000,
    "queue.buffering.max.kbytes": 131_072,
    "delivery.report.only.error": True,
    "log_level": 0,
}
"""Of librdkafka. lz4, because Flink brings no zstd library; no report of each delivered message,
because that would cost a Python call each."""
APART = frozenset({"venue.controls"})
"""Topics whose records have a place in the log that no other topic's records share."""
_A_MOMENT = 0.005
"""Seconds; append times are whole milliseconds."""
_PATIENCE = 10.0
"""Seconds that messages in flight have left once a run has failed."""


class DeliveryError(Exception):
    """Kafka cannot be reached, is not laid out as expected, or lost messages; in one line."""


@dataclass
class Sent:
    """What went out: records by topic, and ticks."""

    records: Counter[str] = field(default_factory=Counter)
    ticks: int = 0

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        if batch.ticks:
            self.ticks += len(batch.values)
        else:
            self.records[batch.topic] += len(batch.values)


class Pace:
    """Keeps to a number of records a second on average, in steps as small as a chunk."""

    def __init__(self, rate: float, clock: Clock, sleep: Sleeper) -> None:
        """Start counting now. `clock` gives seconds that never go back."""
        self.rate = rate
        self._clock = clock
        self._sleep = sleep
        self._start = clock()

    def wait(self, records: int) -> None:
        """Sleep until so many records, all since the start, are due."""
        ahead = self._start + records / self.rate - self._clock()
        if ahead > 0:
            self._sleep(ahead)


class KafkaEnd:
    """A producer for generated batches; `close` tells whether everything arrived."""

    def __init__(
        self,
        brokers: str,
        settings: Mapping[str, str | int | bool] | None = None,
        prefix: str = "",
    ) -> None:
        """Connect lazily; `settings` override `SETTINGS`, topic names get `prefix`."""
        self._prefix = prefix
        self._failed = 0
        self._first: KafkaError | None = None
        merged = {**SETTINGS, **(settings or {}), "bootstrap.servers": brokers}
        self._producer = Producer(
            {**merged, "on_delivery": self._report, "error_cb": lambda _: None}
        )
        self._brokers = brokers

    def check(self, topics: Iterable[str], partitions: int) -> None:
        """Make sure that the topics are there, with the partitions the messages are made for."""
        try:
            known = describe(self._brokers)
        except KafkaException:
            raise DeliveryError(
                f"no Kafka broker answers at {self._brokers}; start it: tidemark up"
            ) from None
        for topic in (self._prefix + name for name in topics):
            found = known[topic].partitions if topic in known else 0
            if not found:
                raise DeliveryError(f"topic {topic} does not exist; create the topics: tidemark up")
            if found != partitions:
                raise DeliveryError(
                    f"topic {topic} has {found} partitions, not {partitions}; mend --partitions"
                )

    def send(self, batch: Batch) -> None:
        """Hand a batch over, waiting while the queue is full."""
        produce, partition = self._producer.produce, batch.partition
        topic = self._prefix + batch.topic
        keys = [batch.keys] * len(batch.values) if isinstance(batch.keys, bytes) else batch.keys
        for key, value in zip(keys, batch.values, strict=True):
            while True:
                try:
                    produce(topic, value, key, partition)
                    break
                except BufferError:
                    self._producer.poll(0.01)
        self._producer.poll(0)
        self._raise_failed()

    def settle(self) -> None:
        """Wait until all is acknowledged, and until the log's clock has moved on."""
        self.close()
        time.sleep(_A_MOMENT)

    def close(self) -> None:
        """Wait until every message is acknowledged.

        Raises:
            DeliveryError: Some were not.
        """
        self._producer.flush()
        self._raise_failed()

    def _report(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed += 1
            self._first = self._first or error

    def _raise_failed(self) -> None:
        if self._first is not None:
            self._producer.purge()
            self._producer.flush(_PATIENCE)
            raise DeliveryError(
                f"{self._failed} messages were not delivered; the first one: {self._first.str()}"
            )


def deliver(
    chunks: Iterable[Chunk],
    end: KafkaEnd,
    pace: Pace | None = None,
    progress: Callable[[Sent], None] | None = None,
) -> Sent:
    """Send all chunks and wait for the last acknowledgement; what went out.

    What a venue sets is given an append time of its own: all before it is acknowledged first, and
    nothing follows until it is.
    """
    sent = Sent()
    for chunk in chunks:
        apart = any(batch.topic in APART and not batch.ticks for batch in chunk)
        if apart:
            end.settle()
        for batch in chunk:
            end.send(batch)
            sent.add(batch)
        if apart:
            end.settle()
        if progress is not None:
            progress(sent)
        if pace is not None:
            pace.wait(sent.records.total())
    end.close()
    return sent
