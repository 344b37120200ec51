"""The work in quixstreams, as it is documented: a stateful `apply` over RocksDB, a filter.

    python quixstreams_job.py BROKERS SOURCE ALERTS THRESHOLD STATE_DIR

Start it once a core with state directories of their own: the processes share one consumer group.
Changelog topics are on, as by default; without them a rebalance loses state.
"""

import sys
from typing import Any

from quixstreams import Application, State


def application(
    brokers: str, source: str, alerts: str, threshold: int, state_dir: str
) -> Application:
    """The application from topic to topic."""
    app = Application(
        broker_address=brokers,
        consumer_group=alerts,
        auto_offset_reset="earliest",
        state_dir=state_dir,
        loglevel="WARNING",
    )
    events = app.topic(source, key_deserializer="str", value_deserializer="json")
    out = app.topic(alerts, key_serializer="str", value_serializer="json")

    def roll(event: dict[str, Any], state: State) -> dict[str, Any]:
        count, total = state.get("totals", default=(0, 0))
        count, total = count + 1, total + event["amount"]
        state.set("totals", (count, total))
        return {
            "event_id": event["event_id"],
            "time": event["time"],
            "entity": event["entity"],
            "amount": event["amount"],
            "count": count,
            "total": total,
        }

    stream = app.dataframe(events)
    stream = stream.apply(roll, stateful=True)
    stream = stream.filter(lambda alert: alert["amount"] > threshold)
    stream.to_topic(out)
    return app


if __name__ == "__main__":
    brokers, source, alerts, threshold, state_dir = sys.argv[1:]
    application(brokers, source, alerts, int(threshold), state_dir).run()
