"""Writes empty ticks to every partition of every topic, so that log time moves everywhere.

At most once: a tick that does not arrive within a few seconds is given up, the next one does its
work. A broker that is away is waited for without end; librdkafka reconnects with growing pauses.
"""

import logging
from collections.abc import Sequence
from threading import Event

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from connectors.topics import TICK_KEY

_LOG = logging.getLogger(__name__)
_GIVEN_UP_MS = 5_000
_FLUSH = 2.0


def run(
    brokers: str, topics: Sequence[str], partitions: int, interval_ms: int, stop: Event
) -> None:
    """Tick every `interval_ms` until `stop` is set; trouble is one line of log, its end another."""
    ticker = _Ticker(brokers, calm=2 * _GIVEN_UP_MS // interval_ms + 1)
    places = [(topic, partition) for topic in topics for partition in range(partitions)]
    while True:
        for topic, partition in places:
            ticker.tick(topic, partition)
        ticker.listen()
        if stop.wait(interval_ms / 1_000):
            break
    ticker.close()


class _Ticker:
    """A producer that tells of trouble once; it is over after `calm` rounds without a failure."""

    def __init__(self, brokers: str, calm: int) -> None:
        self._brokers = brokers
        self._calm = calm
        self._quiet = 0
        self._trouble = False
        self._failed: str | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": brokers,
                "acks": 1,
                "linger.ms": 0,
                "message.timeout.ms": _GIVEN_UP_MS,
                "queue.buffering.max.messages": 100_000,
                "reconnect.backoff.max.ms": 5_000,
                "delivery.report.only.error": True,
                "log_level": 0,
                "error_cb": self._error,
                "on_delivery": self._report,
            }
        )

    def tick(self, topic: str, partition: int) -> None:
        """Write one empty tick; a full queue or an unknown partition is trouble, not an end."""
        try:
            self._producer.produce(topic, b"", TICK_KEY, partition)
        except (BufferError, KafkaException) as error:
            self._failed = f"{topic}/{partition}: {error}"

    def listen(self) -> None:
        """Take the broker's answers, and tell when trouble began or is over."""
        self._producer.poll(0)
        self._quiet = 0 if self._failed else self._quiet + 1
        if self._failed and not self._trouble:
            _LOG.warning("ticks do not arrive at %s, trying on: %s", self._brokers, self._failed)
            self._trouble = True
        elif self._trouble and self._quiet >= self._calm:
            _LOG.warning("ticks arrive at %s again", self._brokers)
            self._trouble = False
        self._failed = None

    def close(self) -> None:
        """Give the last ticks a moment to arrive."""
        self._producer.flush(_FLUSH)

    def _error(self, error: KafkaError) -> None:
        self._failed = error.str()

    def _report(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed = f"{message.topic()}/{message.partition()}: {error.str()}"
