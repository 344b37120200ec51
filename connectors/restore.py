"""Writes recorded records back into Kafka, each at its recorded offset and with its append time.

A reader of committed records sees exactly what was recorded. Offsets that no record has are taken
by what no such reader sees: the marker that ends a transaction, or an aborted transaction.
"""

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.producer import SETTINGS

MOST_FILLED = 10_000_000
"""Offsets without a record that are filled in one place at most."""
_PATIENCE_S = 60.0
_POLL_S = 0.002
_TOLD = 10_000


class Recorded(NamedTuple):
    """One record of a topic partition; `appended` in milliseconds UTC."""

    offset: int
    appended: int
    key: bytes | None
    value: bytes | None


_FILLER = Recorded(0, 0, None, b"")


class RestoreError(Exception):
    """The records cannot stand at their offsets; the text says why, in one line."""


class PartitionWriter:
    """Writes one empty partition, whose topic uses CreateTime, from offset 0 on.

    One producer writes runs of records, another one fills gaps by transactions. Neither writes
    before the other's records are acknowledged, so that the order is kept. The last record before a
    gap is held back: it may have to go into a transaction, whose marker then fills the gap.
    """

    def __init__(self, brokers: str, topic: str, partition: int) -> None:
        """Nothing is written yet."""
        self.topic = topic
        self.partition = partition
        self.next = 0
        self._held: Recorded | None = None
        self._failed: KafkaError | None = None
        self._brokers: dict[str, str | int | float | bool] = {
            "bootstrap.servers": brokers,
            "log_level": 0,
        }
        self._settings = {
            **SETTINGS,
            **self._brokers,
            "error_cb": lambda _: None,
            "on_delivery": self._report,
        }
        self._plain = Producer(self._settings)
        self._transactional: Producer | None = None
        self._watch = Consumer({**self._brokers, "group.id": "tidemark-restore"})

    def close(self) -> None:
        """Disconnect; what was not acknowledged is given up."""
        self._plain.purge()
        self._watch.close()

    def write(
        self, records: Iterable[Recorded], end: int, wrote: Callable[[int], None] = lambda n: None
    ) -> None:
        """Write all records, in order of offset, and fill up to `end`; `wrote` hears how many.

        Raises:
            RestoreError: A gap is too large, or the broker gave other offsets.
            KafkaException: The broker refused a record.
        """
        told = 0
        for record in records:
            self._go_on(record.offset)
            self._held = record
            if self.next - told >= _TOLD:
                wrote(self.next - told)
                told = self.next
        self._go_on(end)
        self._settle()
        wrote(self.next - told)

    def _go_on(self, offset: int) -> None:
        """Write the record held back, and fill up to `offset`."""
        held, self._held = self._held, None
        gap = offset - self.next - (held is not None)
        if not 0 <= gap <= MOST_FILLED:
            raise RestoreError(
                f"{self.topic}/{self.partition}: offset {offset:,} cannot follow {self.next:,}, "
                f"0 to {MOST_FILLED:,} offsets without a record are possible"
            )
        if gap == 1 and held is not None:
            self._transaction([held], commit=True)
            return
        if held is not None:
            self._produce(self._plain, held)
        if gap and held is None:
            self._begin_at(offset)
        elif gap:
            self._transaction([_FILLER] * (gap - 1), commit=False)

    def _begin_at(self, offset: int) -> None:
        """Let the partition begin at `offset`, as one does whose older records are gone."""
        for _ in range(offset):
            self._produce(self._plain, _FILLER)
        self._settle()
        place = TopicPartition(self.topic, self.partition, offset)
        admin = AdminClient(self._brokers)
        for future in admin.delete_records([place]).values():
            future.result(_PATIENCE_S)

    def _transaction(self, records: list[Recorded], commit: bool) -> None:
        """Write records in a transaction of their own; its marker takes one more offset."""
        self._flush(self._plain)
        if self._transactional is None:
            own = {"transactional.id": f"restore-{self.topic}-{self.partition}"}
            self._transactional = Producer({**self._settings, **own})
            self._transactional.init_transactions(_PATIENCE_S)
        producer = self._transactional
        producer.begin_transaction()
        for record in records:
            self._produce(producer, record)
        self._flush(producer)
        if commit:
            producer.commit_transaction(_PATIENCE_S)
        else:
            producer.abort_transaction(_PATIENCE_S)
        self.next += 1
        self._await_end()

    def _produce(self, producer: Producer, record: Recorded) -> None:
        _, appended, key, value = record
        while True:
            try:
                producer.produce(self.topic, value, key, self.partition, timestamp=appended)
                break
            except BufferError:
                producer.poll(0.01)
        self.next += 1
        if self.next % 1_000 == 0:
            producer.poll(0)

    def _settle(self) -> None:
        """Wait until all is acknowledged, and stands where it should."""
        self._flush(self._plain)
        self._await_end()

    def _flush(self, producer: Producer) -> None:
        producer.flush()
        if self._failed is not None:
            raise KafkaException(self._failed)

    def _await_end(self) -> None:
        """Wait for the broker: a marker is written after the commit has been answered."""
        place = TopicPartition(self.topic, self.partition)
        deadline = time.monotonic() + _PATIENCE_S
        while (found := self._watch.get_watermark_offsets(place, timeout=20)[1]) != self.next:
            if found > self.next or time.monotonic() > deadline:
                raise RestoreError(
                    f"{self.topic}/{self.partition} ends at offset {found:,}, not {self.next:,}: "
                    "something else writes to it, or the broker is too slow"
                )
            time.sleep(_POLL_S)

    def _report(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed = self._failed or error
