"""What was released stays readable: old messages under new schemas, and no id means two things."""

import json
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import decode_batch, encode, encode_frame
from schemas.compatibility import check_tree, incompatibility
from schemas.records import Record, embedded_ids, names, record, versions
from tests.strategies import frame, rows

GOLDEN = Path(__file__).parents[1] / "golden" / "schema_fingerprints.json"
OLDER = [rec for name in names() for rec in versions(name)[:-1]]
PAIRS = [
    pytest.param(old, new, id=f"{old.name}.v{old.version}-v{new.version}")
    for name in names()
    for old in versions(name)
    for new in versions(name)
    if old.version < new.version
]


def test_every_version_of_the_tree_has_an_id_and_every_id_a_version() -> None:
    assert embedded_ids() == {
        name: {rec.version: rec.schema_id for rec in versions(name)} for name in names()
    }


def test_versions_of_a_record_are_numbered_without_a_gap() -> None:
    for name in names():
        found = [rec.version for rec in versions(name)]
        assert found == list(range(1, len(found) + 1))


def test_no_id_is_used_twice() -> None:
    ids = Counter(i for found in embedded_ids().values() for i in found.values())
    assert max(ids.values()) == 1
    assert all(0 < schema_id < 2**32 for schema_id in ids)


def test_released_schemas_are_unchanged() -> None:
    """The golden file holds id and fingerprint of each released version; lines are only added."""
    found = {
        f"{rec.name}.v{rec.version}": {"id": rec.schema_id, "sha256": rec.fingerprint.hex()}
        for name in names()
        for rec in versions(name)
    }
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("old", "new"), PAIRS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_old_messages_are_read_as_avro_resolves_them(
    old: Record, new: Record, data: st.DataObject
) -> None:
    """A second reader, fastavro from each version to the next, gives the same rows."""
    found = data.draw(st.lists(rows(old), min_size=1, max_size=4))
    messages = encode_frame(old, frame(old, found))
    if new is record(new.name):
        decoded, _, rejected = decode_batch(new, messages)
        assert rejected == []
        assert decoded.rows(named=True) == [resolved(old, new, message) for message in messages]
    for message in messages:
        assert set(resolved(old, new, message)) == set(new.columns)


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_symbols_are_only_added(old: Record, new: Record) -> None:
    known = {field["name"]: field["type"] for field in new.fields}
    for field in old.fields:
        if isinstance(field["type"], dict) and "symbols" in field["type"]:
            assert set(field["type"]["symbols"]) <= set(known[field["name"]]["symbols"])


def test_each_version_reads_the_one_before() -> None:
    check_tree()


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ({"name": "a", "type": "long"}, {"name": "a", "type": "string"}),
        ({"name": "a", "type": "long"}, {"name": "b", "type": "long"}),
        (
            {"name": "a", "type": {"type": "fixed", "name": "F", "size": 4}},
            {"name": "a", "type": {"type": "fixed", "name": "F", "size": 8}},
        ),
        (
            {"name": "a", "type": {"type": "enum", "name": "E", "symbols": ["X", "Y"]}},
            {"name": "a", "type": {"type": "enum", "name": "E", "symbols": ["X"]}},
        ),
    ],
    ids=["other type", "new field without default", "other size", "symbol removed"],
)
def test_an_incompatible_change_is_named(field: dict[str, Any], changed: dict[str, Any]) -> None:
    """The cases of Avro 1.12, Schema Resolution, that are an error."""
    old, new = (
        {"type": "record", "name": "R", "fields": [one, {"name": "z", "type": "long"}]}
        for one in (field, changed)
    )
    assert incompatibility(old, new)


@pytest.mark.parametrize(
    "changed",
    [
        [{"name": "a", "type": "long"}, {"name": "b", "type": "string", "default": ""}],
        [{"name": "renamed", "aliases": ["a"], "type": "long"}],
        [],
    ],
    ids=["new field with default", "renamed by alias", "field dropped"],
)
def test_a_compatible_change_is_let_through(changed: list[dict[str, Any]]) -> None:
    old = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}
    assert incompatibility(old, {"type": "record", "name": "R", "fields": changed}) is None


def test_there_is_an_older_version_to_test_with() -> None:
    assert OLDER
    oldest = record("Payment", 1)
    assert encode(oldest, {name: _zero(oldest, name) for name in oldest.columns})


def resolved(old: Record, new: Record, message: bytes) -> dict[str, Any]:
    body, value = message[5:], None
    for version in range(old.version, new.version):
        before, after = (plain(record(old.name, v)) for v in (version, version + 1))
        value = fastavro.schemaless_reader(BytesIO(body), before, after)
        assert isinstance(value, dict)
        written = BytesIO()
        fastavro.schemaless_writer(written, after, value)
        body = written.getvalue()
    assert value is not None
    return value


def plain(rec: Record) -> Any:
    return json.loads(json.dumps(rec.schema), object_hook=_without_logical_type)


def _without_logical_type(declared: dict[str, Any]) -> Any:
    return {name: value for name, value in declared.items() if name != "logicalType"}


def _zero(rec: Record, name: str) -> Any:
    return "" if str(rec.columns[name]) == "String" else 0
