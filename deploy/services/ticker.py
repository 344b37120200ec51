"""The ticker: keeps log time moving in every partition of every topic, so that no reader stalls."""

import time
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka import KafkaException

from connectors import kafka_admin
from connectors.topics import TOPICS
from deploy.processes import python
from deploy.services.base import Command
from deploy.settings import Settings

WATCHED = "labels"
ALLOWED_MS = 3_000
"""How old its last tick may be before readers count as stalled."""


class Ticker:
    """The ticking process, started again whenever it ends."""

    name = "ticker"
    budget_mib = 150

    def __init__(self, settings: Settings) -> None:
        """Nothing runs yet."""
        self._settings = settings

    def ports(self) -> Mapping[str, int]:
        """It listens nowhere."""
        return {}

    def prepare(self) -> Command:
        """Its command."""
        argv: list[str | Path] = [
            python(),
            "-m",
            "deploy.ticker",
            "--brokers",
            self._settings.brokers,
        ]
        argv += ["--partitions", str(self._settings.partitions)]
        argv += ["--interval-ms", str(self._settings.tick_ms)]
        return Command(argv, supervised=True)

    def trouble(self) -> str | None:
        """None when the newest record of a topic that only it writes often is young enough."""
        try:
            appended = kafka_admin.last_append_ms(self._settings.brokers, WATCHED)
        except KafkaException:
            return "cannot be judged: the broker does not say when it last wrote"
        if appended is None:
            return "has not written yet"
        age = time.time_ns() // 1_000_000 - appended
        return (
            None
            if age < self._settings.tick_ms + ALLOWED_MS
            else f"last wrote {age / 1000:.1f} s ago"
        )

    def finish(self) -> None:
        """Nothing to do."""

    def address(self) -> str:
        """What it does, since it has no address."""
        return f"every {self._settings.tick_ms} ms, {len(TOPICS)} topics"
