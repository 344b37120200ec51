"""The work in pathway, as it is documented: a grouped aggregate, large events joined with it.

    PATHWAY_THREADS=2 python pathway_job.py BROKERS SOURCE ALERTS THRESHOLD [SNAPSHOT_DIR]

Pathway computes by minibatches of some 100,000 events. `asof_now_join` gives an event the count and
sum of its entity as they are when its minibatch is done, so they may hold later events of the same
minibatch: the alerts are the same, their count and sum are not exactly the rolling ones. Its
documentation has no per-event rolling state but Python callbacks, which are slower. JSON is the
format its Kafka connector parses itself.
"""

import sys

import pathway as pw


class Event(pw.Schema):
    """What is needed of an event."""

    event_id: int
    time: int
    entity: str
    amount: int


def build(brokers: str, source: str, alerts: str, threshold: int) -> None:
    """Declare the computation from topic to topic."""
    settings = {"bootstrap.servers": brokers, "group.id": alerts, "auto.offset.reset": "earliest"}
    events = pw.io.kafka.read(settings, topic=source, schema=Event, format="json", name="events")
    totals = events.groupby(pw.this.entity).reduce(
        pw.this.entity, count=pw.reducers.count(), total=pw.reducers.sum(pw.this.amount)
    )
    large = events.filter(pw.this.amount > threshold)
    out = large.asof_now_join(totals, pw.left.entity == pw.right.entity).select(
        pw.left.event_id,
        pw.left.entity,
        pw.left.amount,
        pw.right.count,
        pw.right.total,
        event_time=pw.left.time,
    )
    pw.io.kafka.write(out, settings, topic_name=alerts, format="json")


if __name__ == "__main__":
    brokers, source, alerts, threshold, *snapshots = sys.argv[1:]
    build(brokers, source, alerts, int(threshold))
    persistence = None
    if snapshots:
        backend = pw.persistence.Backend.filesystem(snapshots[0])
        persistence = pw.persistence.Config(backend, snapshot_interval_ms=10_000)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE, persistence_config=persistence)
