"""The work in PyFlink's per-record idiom: a `KeyedProcessFunction` with a `ValueState`.

    flink run -p 2 -py pyflink_job.py --brokers B --source T --alerts T --threshold N

As its documentation writes it: the JVM parses JSON into rows, Python sees one row a call. Bundles
have the size and time Flink has by default (this project's cluster is set for rows that are batches
already), the state cache holds every entity, and the sink is exactly once, as ours is.
"""

import argparse
import json
from collections.abc import Iterator

from pyflink.common import Configuration, Row, Types, WatermarkStrategy
from pyflink.common.serialization import SimpleStringSchema
from pyflink.datastream import KeyedProcessFunction, RuntimeContext, StreamExecutionEnvironment
from pyflink.datastream.connectors.base import DeliveryGuarantee
from pyflink.datastream.connectors.kafka import (
    KafkaOffsetsInitializer,
    KafkaRecordSerializationSchema,
    KafkaSink,
    KafkaSource,
)
from pyflink.datastream.formats.json import JsonRowDeserializationSchema
from pyflink.datastream.state import ValueStateDescriptor

DEFAULTS = {
    "python.fn-execution.bundle.size": "1000",
    "python.fn-execution.bundle.time": "1000",
    "python.state.cache-size": "200000",
}


class Rolling(KeyedProcessFunction):
    """Count and sum of an entity, and its alerts."""

    def __init__(self, threshold: int) -> None:
        """Alert above `threshold`."""
        self.threshold = threshold

    def open(self, runtime_context: RuntimeContext) -> None:
        """Get the state."""
        kind = Types.TUPLE([Types.LONG(), Types.LONG()])
        self.totals = runtime_context.get_state(ValueStateDescriptor("totals", kind))

    def process_element(self, value: Row, ctx: KeyedProcessFunction.Context) -> Iterator[str]:
        """Take in one event."""
        count, total = self.totals.value() or (0, 0)
        count, total = count + 1, total + value["amount"]
        self.totals.update((count, total))
        if value["amount"] > self.threshold:
            alert = {
                "event_id": value["event_id"],
                "time": value["time"],
                "entity": value["entity"],
                "amount": value["amount"],
                "count": count,
                "total": total,
            }
            yield json.dumps(alert)


def main() -> None:
    """Submit the job."""
    parser = argparse.ArgumentParser()
    for name in ("brokers", "source", "alerts"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--threshold", type=int, required=True)
    given = parser.parse_args()

    configuration = Configuration()
    for key, setting in DEFAULTS.items():
        configuration.set_string(key, setting)
    env = StreamExecutionEnvironment.get_execution_environment(configuration)

    row = Types.ROW_NAMED(
        ["event_id", "time", "entity", "amount"],
        [Types.LONG(), Types.LONG(), Types.STRING(), Types.LONG()],
    )
    source = (
        KafkaSource.builder()
        .set_bootstrap_servers(given.brokers)
        .set_topics(given.source)
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_bounded(KafkaOffsetsInitializer.latest())
        .set_value_only_deserializer(JsonRowDeserializationSchema.builder().type_info(row).build())
        .build()
    )
    sink = (
        KafkaSink.builder()
        .set_bootstrap_servers(given.brokers)
        .set_record_serializer(
            KafkaRecordSerializationSchema.builder()
            .set_topic(given.alerts)
            .set_value_serialization_schema(SimpleStringSchema())
            .build()
        )
        .set_delivery_guarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .set_transactional_id_prefix(given.alerts)
        .set_property("transaction.timeout.ms", "3600000")
        .build()
    )
    events = env.from_source(source, WatermarkStrategy.no_watermarks(), "events")
    keyed = events.key_by(lambda event: event["entity"], key_type=Types.STRING())
    keyed.process(Rolling(given.threshold), output_type=Types.STRING()).uid("rolling").sink_to(sink)
    env.execute("bench-idiom")


if __name__ == "__main__":
    main()
