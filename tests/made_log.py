"""A regulatory log made by hand: results put into chained events, in memory or as an archive."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.log import MemoryLog
from deploy.archive.files import frame_of, summed, ticks_in, write
from deploy.archive.manifest import Manifest, store
from deploy.proofs.sources import InMemory
from schemas.codec import encode
from schemas.merkle import GENESIS, leaf_hash, link
from schemas.records import kind, record

LOG = "regulatory.events"


def filled(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a record: those given, else 0, empty text, zeros or the first symbol."""
    values: dict[str, Any] = {}
    for field in record(name).fields:
        match kind(field):
            case "long" | "int":
                nothing: Any = 0
            case "string":
                nothing = ""
            case "enum":
                nothing = field["type"]["symbols"][0]
            case "fixed":
                nothing = bytes(field["type"]["size"])
            case "boolean":
                nothing = False
            case _:
                nothing = b""
        values[field["name"]] = given.get(field["name"], nothing)
    if unknown := set(given) - set(values):
        raise ValueError(f"{name} has no {unknown}")
    return values


class MadeLog(MemoryLog):
    """Events by shard; `partitions` are written to the archive, those without events too."""

    def __init__(self, partitions: int = 2) -> None:
        super().__init__()
        self.partitions = partitions
        self.next = [0] * partitions
        self.heads = [GENESIS] * partitions

    def result(
        self, shard: int, appended: int, topic: str, name: str, /, lineage: str = "", **given: Any
    ) -> str:
        """Log a result as an event, and say where: SHARD:SEQUENCE."""
        rec, values = record(name), filled(name, given)
        return self.event(
            shard,
            appended,
            event_time=values[rec.time] if rec.time else 1_000 * appended,
            kind=name,
            subject=values[rec.subject or ""],
            payload=encode(rec, values),
            fingerprint=rec.fingerprint,
            source_topic=topic,
            source_partition=shard,
            result_id=values[rec.id] if rec.id else "",
            result_version=values.get("version", ""),
            lineage=lineage,
            decided_by=values.get("decided_by", ""),
            corrects=values.get("corrects", ""),
        )

    def event(self, shard: int, appended: int, /, **given: Any) -> str:
        sequence = self.next[shard]
        event = filled("RegulatoryEvent", given)
        event |= {"producer": f"regulatory/{shard}", "sequence": sequence}
        message = encode(record("RegulatoryEvent"), event)[:-32]
        self.heads[shard] = link(self.heads[shard], sequence, leaf_hash(message))
        self.append(LOG, shard, appended, message + self.heads[shard], b"key")
        self.next[shard] += 1
        return f"{shard}:{sequence}"

    def source(self) -> InMemory:
        return InMemory(self)

    def archive(self, folder: Path) -> Path:
        """The log as an archive."""
        topics: dict[str, dict[str, Any]] = {}
        for topic in sorted({LOG, *(topic for topic, _ in self.spans)}):
            for partition in range(self.partitions):
                span = self.spans.get((topic, partition))
                parts = []
                if span is not None:
                    frame = frame_of(span)
                    parts = [(write(folder, topic, partition, frame), ticks_in(frame))]
                end = len(span) if span is not None else 0
                topics.setdefault(topic, {})[str(partition)] = summed(0, end, parts)
        folder.mkdir(parents=True, exist_ok=True)
        store(folder, Manifest(prefix="", partitions=self.partitions, topics=topics))
        return folder
