"""Kafka: one broker in KRaft mode, which is its own controller, on loopback."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from connectors import kafka_admin
from deploy import jars, java
from deploy.errors import UserError
from deploy.services.base import GC, Command
from deploy.settings import HOST, Settings

CLUSTER_ID = "tidemark-cluster-00001"
TRANSACTION_MAX_TIMEOUT_MS = 7_200_000
"""Twice the sinks' own: it bounds the outage after which open results still commit."""

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
num.partitions={partitions}
auto.create.topics.enable=false
message.max.bytes=2097152
replica.fetch.max.bytes=2097152
transaction.max.timeout.ms={transaction_timeout}
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=268435456
"""


class Kafka:
    """The broker of one stack."""

    name = "kafka"
    budget_mib = 1_000

    def __init__(self, settings: Settings) -> None:
        """Nothing is written before `prepare`."""
        self._settings = settings
        self._data = settings.data / "kafka"

    def ports(self) -> Mapping[str, int]:
        """The listener for clients and the controller's own."""
        return {name: self._settings.port(name) for name in ("kafka", "kafka-controller")}

    def prepare(self) -> Command:
        """Write the broker's properties and format its storage the first time."""
        config = self._settings.run / "kafka" / "server.properties"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(
            PROPERTIES.format(
                host=HOST,
                port=self._settings.port("kafka"),
                controller=self._settings.port("kafka-controller"),
                data=self._data,
                partitions=self._settings.partitions,
                transaction_timeout=TRANSACTION_MAX_TIMEOUT_MS,
            )
        )
        class_path = jars.class_path(self._settings.jar_home, "kafka")
        if not (self._data / "meta.properties").exists():
            self._format(class_path, config)
        options = ["-Xms256m", "-Xmx768m", GC, "-XX:MaxDirectMemorySize=64m", *_LOGGING]
        return Command([java.binary(), *options, "-cp", class_path, "kafka.Kafka", config])

    def trouble(self) -> str | None:
        """None when the broker answers a metadata request."""
        return kafka_admin.trouble(self._settings.brokers)

    def finish(self) -> None:
        """Create the topics of `connectors.topics` that are not there yet."""
        kafka_admin.create_topics(self._settings.brokers, self._settings.partitions)

    def address(self) -> str:
        """The bootstrap server."""
        return self._settings.brokers

    def _format(self, class_path: str, config: Path) -> None:
        argv: list[str | Path] = [
            java.binary(),
            "-Xmx128m",
            GC,
            "-cp",
            class_path,
            "kafka.tools.StorageTool",
        ]
        argv += ["format", f"--cluster-id={CLUSTER_ID}", "-c", config]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
            reason = lines[-1] if lines else "no message"
            raise UserError(f"Kafka's storage {self._data} cannot be formatted: {reason}")


_LOGGING = [
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka=info",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka=warn",
]
