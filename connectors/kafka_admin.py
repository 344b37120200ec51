"""Kafka's administration, repeatable: topics from the one table, end offsets, broker settings.

    python -m connectors.kafka_admin --brokers HOST:PORT --partitions N

creates the topics of `connectors.topics` that are missing.
"""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec

from connectors.topics import TOPIC_CONFIG, TOPICS

TIMEOUT = 10.0


@dataclass(frozen=True)
class TopicInfo:
    """A topic as the broker has it."""

    name: str
    partitions: int


def trouble(brokers: str) -> str | None:
    """Why the broker does not serve, in a few words; None when it does."""
    try:
        _admin(brokers).list_topics(timeout=3)
    except KafkaException as error:
        return str(error.args[0].str())
    return None


def describe(brokers: str) -> dict[str, TopicInfo]:
    """Every topic of the broker, its own internal ones left out."""
    listed = _admin(brokers).list_topics(timeout=TIMEOUT).topics
    return {
        name: TopicInfo(name, len(topic.partitions))
        for name, topic in sorted(listed.items())
        if not name.startswith("__")
    }


def create_topics(
    brokers: str,
    partitions: int,
    names: Iterable[str] = tuple(TOPICS),
    config: Mapping[str, str] = TOPIC_CONFIG,
) -> list[str]:
    """Create those of `names` that are missing, with one partition count; the names created."""
    known = describe(brokers)
    wanted = [name for name in names if name not in known]
    if not wanted:
        return []
    topics = [
        NewTopic(name, num_partitions=partitions, replication_factor=1, config=dict(config))
        for name in wanted
    ]
    admin = _admin(brokers)  # held until all answers are in: they end with it
    for future in admin.create_topics(topics).values():
        future.result(TIMEOUT)
    return wanted


def delete_topics(brokers: str, names: Iterable[str]) -> None:
    """Delete topics and wait for the broker's word on each."""
    admin = _admin(brokers)
    for future in admin.delete_topics(list(names)).values():
        future.result(TIMEOUT)


def end_offsets(brokers: str, names: Iterable[str]) -> dict[tuple[str, int], int]:
    """The offset after the last record of each (topic, partition), transaction markers included."""
    known = describe(brokers)
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "tidemark-admin", **_QUIET})
    try:
        return {
            (name, partition): int(
                consumer.get_watermark_offsets(TopicPartition(name, partition), timeout=TIMEOUT)[1]
            )
            for name in names
            for partition in range(known[name].partitions)
        }
    finally:
        consumer.close()


def uncommitted(brokers: str, names: Iterable[str]) -> list[tuple[str, int]]:
    """The partitions of the topics in which a transaction is open."""
    known = describe(brokers)
    places = [TopicPartition(name, p) for name in names for p in range(known[name].partitions)]
    admin = _admin(brokers)
    ends = []
    for level in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED):
        asked = dict.fromkeys(places, OffsetSpec.latest())
        found = admin.list_offsets(asked, isolation_level=level, request_timeout=TIMEOUT)
        ends.append({(p.topic, p.partition): f.result(TIMEOUT).offset for p, f in found.items()})
    committed, written = ends
    return [place for place, end in written.items() if committed[place] < end]


def last_append_ms(brokers: str, topic: str, partition: int = 0) -> int | None:
    """Log time of a partition's newest record, milliseconds UTC; None if it has none.

    Raises:
        KafkaException: The broker did not say.
    """
    place = TopicPartition(topic, partition)
    admin = _admin(brokers)
    asked = admin.list_offsets({place: OffsetSpec.max_timestamp()}, request_timeout=TIMEOUT)
    newest = asked[place].result(2 * TIMEOUT)
    return newest.timestamp if newest.offset >= 0 else None


def broker_config(brokers: str) -> dict[str, str]:
    """The settings in force on the (first) broker."""
    admin = _admin(brokers)
    broker = next(iter(admin.list_topics(timeout=TIMEOUT).brokers))
    (future,) = admin.describe_configs([ConfigResource("broker", str(broker))]).values()
    return {name: str(entry.value) for name, entry in future.result(TIMEOUT).items()}


_QUIET = {"log_level": 0, "enable.auto.commit": False, "socket.connection.setup.timeout.ms": 3000}


def _admin(brokers: str) -> AdminClient:
    settings = {name: value for name, value in _QUIET.items() if name != "enable.auto.commit"}
    return AdminClient({"bootstrap.servers": brokers, **settings})


def main() -> None:
    """Create the missing topics of a broker and say which."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    given = parser.parse_args()
    created = create_topics(given.brokers, given.partitions)
    print(f"created {len(created)} of {len(TOPICS)} topics: {', '.join(created) or 'none missing'}")


if __name__ == "__main__":
    main()
