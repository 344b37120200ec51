"""What a trace is made of: things of the log under each other, for people and for programs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.topics import TICK_KEY
from schemas.codec import CodecError, decode
from schemas.records import record


@dataclass
class Node:
    """One thing, and under it what it rests on or what it caused.

    Attributes:
        what: What it is in a word or two, as in `NetPosition` or `raw record`.
        id: How a person names it: SHARD:SEQUENCE, TOPIC/PARTITION/OFFSET or a result's id.
        facts: What is known of it; times in microseconds UTC, amounts in minor units.
        children: What it rests on, or what it caused.
        more: How many things like the last child are not shown.
    """

    what: str
    id: str
    facts: dict[str, Any] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    more: int = 0

    def document(self) -> dict[str, Any]:
        """For JSON; bytes as hexadecimal digits."""
        document: dict[str, Any] = {"what": self.what, "id": self.id}
        document |= {name: plain(value) for name, value in self.facts.items()}
        if self.children:
            document["children"] = [child.document() for child in self.children]
        if self.more:
            document["more"] = self.more
        return document

    def lines(self, before: str = "", under: str = "") -> Iterator[str]:
        """For people: one line a thing, drawn as a tree."""
        facts = ", ".join(f"{name} {told(name, value)}" for name, value in self._short().items())
        yield f"{before}{self.what} {self.id}".rstrip() + (f": {facts}" if facts else "")
        last = len(self.children) - (0 if self.more else 1)
        for number, child in enumerate(self.children):
            here, below = ("└─ ", "   ") if number == last else ("├─ ", "│  ")
            yield from child.lines(under + here, under + below)
        if self.more:
            yield f"{under}└─ and {self.more:,} more"

    def _short(self) -> dict[str, Any]:
        """The facts, without fields that only repeat the result's id."""
        fields, own = self.facts.get("fields"), self.facts.get("result")
        if fields is None:
            return self.facts
        return self.facts | {"fields": {n: v for n, v in fields.items() if v != own}}


def plain(value: Any) -> Any:
    """A fact as JSON may hold it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return value


def told(name: str, value: Any) -> str:
    """A fact as a person reads it; a record's fields by name."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} {_field(key, inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value[:5]))}{', ...' if len(value) > 5 else ''}]"
    if isinstance(value, bytes):
        return value.hex() if len(value) <= 8 else f"{value[:8].hex()}..."
    is_time = name.endswith(("time", "_end", "_start")) or name == "appended"
    return moment(value) if is_time and isinstance(value, int) else str(value)


def _field(name: str, value: Any) -> str:
    """A field of a record: append times are milliseconds there."""
    return told(name, value * 1_000 if name == "appended" else value)


def moment(micros: int) -> str:
    """A time in microseconds UTC, as ISO 8601 with as many digits as it needs."""
    try:
        found = datetime.fromtimestamp(micros // 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return str(micros)
    digits = f"{micros % 1_000_000:06d}".rstrip("0")
    return found.strftime("%Y-%m-%dT%H:%M:%S") + (f".{digits}" if digits else "") + "Z"


def said(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a record that say something: not who numbered it, no roots, no empty text."""
    rec = record(name)
    hidden = {rec.producer, rec.sequence, "version"}
    return {
        key: value
        for key, value in fields.items()
        if key not in hidden
        and not (isinstance(value, bytes) and len(value) == 32)
        and value not in ("", b"")
    }


def raw_facts(appended: int, key: bytes | None, value: bytes | None) -> dict[str, Any]:
    """What a record of the log holds, decoded; append time in milliseconds UTC."""
    facts: dict[str, Any] = {"appended": appended * 1_000}
    if key == TICK_KEY:
        return facts | {"tick": "no record"}
    if value is None:
        return facts | {"tombstone": "no value"}
    try:
        rec, fields = decode(value)
    except CodecError as error:
        return facts | {"problem": str(error), "value": value}
    return facts | {"record": f"{rec.name} {rec.version}", "fields": said(rec.name, fields)}
