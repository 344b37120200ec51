"""Two made-up rules, a rule set of them, and a log in memory that commands read and write."""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from connectors.generators.feed import Batch
from connectors.topics import partition_of
from deploy import cli
from deploy.rules.recorded import Ends
from schemas.codec import encode
from schemas.records import record
from tests.made_log import MadeLog, filled
from udfs.aml.rule import Band, RuleParams

NOON = 1_772_452_800_000_000  # 2026-03-02T12:00:00Z
HOUR = 3_600_000_000
DAY = 24 * HOUR


class Structuring(RuleParams):
    bands: tuple[Band, ...] = (
        Band(name="LOW", at_least=800_000, score=300_000),
        Band(name="HIGH", at_least=950_000, score=900_000),
    )
    limit: Annotated[int, Field(ge=1, le=100_000_000)] = 1_000_000
    deposits: Annotated[int, Field(ge=2, le=100)] = 3


class Velocity(RuleParams):
    bands: tuple[Band, ...] = (Band(name="MEDIUM", at_least=10, score=500_000),)
    corridors: tuple[tuple[str, str], ...] = ()


KNOWN: Mapping[str, type[RuleParams]] = {"structuring": Structuring, "velocity": Velocity}

WRITTEN = """\
# a firm's own
transfer_floor: 20_000
corridors: [[NO, IR], ["*", KP]]
rules:
  structuring:
    limit: 900_000
    bands:
      - {name: LOW, at_least: 700_000, score: 300_000}
      - {name: HIGH, at_least: 950_000, score: 900_000}
  velocity: {enabled: false}
typologies:
  placement:
    weights: {structuring: 700_000, velocity: 300_000}
    window_s: 86_400
    review: 400_000
    report: 800_000
"""


class Desk:
    """A log in memory with the ends that commands take."""

    def __init__(self, partitions: int = 4) -> None:
        self.log = MadeLog(partitions)
        self.partitions = partitions
        self.now_ms = 1_000
        self.sent: list[Batch] = []

    def append(self, topic: str, partition: int, value: bytes | None, key: bytes) -> None:
        self.now_ms += 1
        self.log.append(topic, partition, self.now_ms, value, key)

    def tick(self, topic: str, time: int | None = None) -> None:
        for partition in range(self.partitions):
            self.now_ms += 1
            self.log.tick(topic, partition, self.now_ms, time)

    def alert(self, name: str, subject: str = "C-1", topic: str = "alerts", **given: Any) -> None:
        usual = {"alert_id": name, "subject": subject, "rule": "structuring", "domain": "AML"}
        partition = partition_of(subject.encode(), self.partitions)
        span = self.log.spans.get((topic, partition))
        number = {"producer": f"aml/{partition}", "sequence": len(span) if span else 0}
        values = filled("Alert", {"time": NOON, **usual, **number, **given})
        self.append(topic, partition, encode(record("Alert"), values), b"p")

    def ends(self) -> Ends:
        def send(batches: Sequence[Batch]) -> None:
            self.sent += batches
            for batch in batches:
                for key, value in zip(batch.keys, batch.values, strict=True):
                    assert isinstance(key, bytes)
                    self.append(batch.topic, batch.partition, value, key)

        return Ends(self.log.source(), send, self.partitions)

    @contextmanager
    def opened(self, *_: Any, **__: Any) -> Any:
        """In place of deploy.rules.ends.opened."""
        yield self.ends()


class Shell:
    """Runs commands over a desk."""

    def __init__(self, folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.desk = desk
        self.capsys = capsys
        self.key = folder / "rules.pem"
        self.count = 0

    def file(self, text: str = WRITTEN, name: str = "rules.yaml") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def archive(self) -> Path:
        self.count += 1
        return self.desk.log.archive(self.folder / f"archive{self.count}")

    def __call__(self, *argv: Any) -> tuple[int, str, str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["tidemark", *map(str, argv)])
            with pytest.raises(SystemExit) as ended:
                cli.main()
        told = self.capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int | None)
        return code or 0, told.out, told.err
