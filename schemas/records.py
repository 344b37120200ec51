"""Which records travel: each `.avsc` of the tree with its schema id, roles and frame columns.

The `.avsc` files are the only place where a field is declared. The record-level attribute
`tidemark` says which field is the id, the business time, the producer, its sequence, the subject,
and which fields name the input a result rests on; the field-level attribute `check` is read by
`schemas.checks`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import polars as pl
from fastavro.schema import fingerprint, to_parsing_canonical_form

_COLUMNS: Mapping[str, pl.DataType] = {
    "long": pl.Int64(),
    "int": pl.Int32(),
    "boolean": pl.Boolean(),
    "string": pl.String(),
    "bytes": pl.Binary(),
    "fixed": pl.Binary(),
    "enum": pl.String(),
}
_IDS: dict[str, dict[int, int]] = {}


@dataclass(frozen=True, eq=False)
class Record:
    """One version of one record.

    Attributes:
        name: Record name without namespace.
        version: 1, 2, ...; the greatest is the newest.
        schema_id: The id that stands in the wire header of its messages.
        schema: The Avro schema as in its file.
        fingerprint: SHA-256 of the schema's parsing canonical form.
        id: Field with the event id; None (here and below) if the record has none.
        time: Field with the business time, microseconds UTC.
        producer: Field that says who gave the sequence.
        sequence: Field with the running number of the producer.
        subject: Field that says whom or what the record is about.
        lineage: Fields that say which input it rests on: (topic, partition, first offset, last
            offset), (topic, partition, offset), or (ranges) as in a batch index, of the record's
            own partition; empty if there are none.
        columns: Column types of a frame of these records, in field order.
    """

    name: str
    version: int
    schema_id: int
    schema: dict[str, Any]
    fingerprint: bytes
    id: str | None
    time: str | None
    producer: str | None
    sequence: str | None
    subject: str | None
    lineage: tuple[str, ...]
    columns: dict[str, pl.DataType]

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The field declarations, in order."""
        fields: list[dict[str, Any]] = self.schema["fields"]
        return fields

    def __reduce__(self) -> tuple[Any, tuple[str, int]]:
        """A record that was sent to another process is looked up there, so there is one of each."""
        return record, (self.name, self.version)


def record(name: str, version: int | None = None) -> Record:
    """The record called `name`, newest version if none is given; KeyError if there is none."""
    versions = _catalogue()[name]
    return versions[max(versions) if version is None else version]


def by_schema_id(schema_id: int) -> Record | None:
    """The record version whose messages carry `schema_id`; None if there is none in the tree."""
    return _by_id().get(schema_id)


def names() -> list[str]:
    """Names of all records, sorted."""
    return sorted(_catalogue())


def versions(name: str) -> list[Record]:
    """All versions of a record, oldest first."""
    found = _catalogue()[name]
    return [found[version] for version in sorted(found)]


def embedded_ids() -> dict[str, dict[int, int]]:
    """The schema ids of `ids.json`: record name -> version -> id."""
    text = files("schemas").joinpath("ids.json").read_text(encoding="utf-8")
    return {
        name: {int(version): schema_id for version, schema_id in found.items()}
        for name, found in json.loads(text).items()
    }


def use_ids(ids: Mapping[str, Mapping[Any, int]] | None) -> None:
    """Let this process use the schema ids a registry gave; None goes back to `ids.json`.

    To be called before the first record is looked up: records handed out earlier keep their old
    ids.
    """
    _IDS.clear()
    for name, found in (ids or {}).items():
        _IDS[name] = {int(version): schema_id for version, schema_id in found.items()}
    _catalogue.cache_clear()
    _by_id.cache_clear()


def kind(field: Mapping[str, Any]) -> str:
    """A field's Avro type less logical type: long, int, string, bytes, fixed, boolean, enum."""
    declared = field["type"]
    found: str = declared["type"] if isinstance(declared, dict) else declared
    if found not in _COLUMNS:
        raise ValueError(f"field {field['name']}: type {found} is not supported")
    return found


@cache
def _catalogue() -> dict[str, dict[int, Record]]:
    ids = _IDS or embedded_ids()
    found: dict[str, dict[int, Record]] = {}
    for path in _avsc(files("schemas").joinpath("avro")):
        made = _make(json.loads(path.read_text(encoding="utf-8")), ids)
        if made.version in found.setdefault(made.name, {}):
            raise ValueError(
                f"{path.name}: version {made.version} of {made.name} is declared twice"
            )
        found[made.name][made.version] = made
    return found


@cache
def _by_id() -> dict[int, Record]:
    return {made.schema_id: made for found in _catalogue().values() for made in found.values()}


def _avsc(folder: Traversable) -> Iterator[Traversable]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _avsc(entry)
        elif entry.name.endswith(".avsc"):
            yield entry


def _make(schema: dict[str, Any], ids: Mapping[str, Mapping[int, int]]) -> Record:
    roles = schema["tidemark"]
    name, version = schema["name"], roles["version"]
    return Record(
        name=name,
        version=version,
        schema_id=ids[name][version],
        schema=schema,
        fingerprint=bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "SHA-256")),
        id=roles.get("id"),
        time=roles.get("time"),
        producer=roles.get("producer"),
        sequence=roles.get("sequence"),
        subject=roles.get("subject"),
        lineage=tuple(roles.get("lineage", ())),
        columns={field["name"]: _COLUMNS[kind(field)] for field in schema["fields"]},
    )
