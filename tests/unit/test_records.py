"""The tree of schemas is complete and says the same as the table of topics."""

import pickle
import re
from importlib.resources import files

import polars as pl
import pytest

from connectors.topics import TOPICS
from schemas import records
from schemas.records import Record, by_schema_id, kind, names, record, use_ids, versions

EVERY = [rec for name in names() for rec in versions(name)]


def label(rec: Record) -> str:
    return f"{rec.name}.v{rec.version}"


def test_record_is_the_newest_version_unless_one_is_named() -> None:
    assert record("Payment").version == 3
    assert record("Payment", 1).version == 1
    assert [rec.version for rec in versions("Payment")] == [1, 2, 3]
    with pytest.raises(KeyError):
        record("Nonsense")
    with pytest.raises(KeyError):
        record("Payment", 4)


def test_every_topic_has_its_record_and_its_key_is_a_field() -> None:
    for topic in TOPICS.values():
        assert topic.key is None or topic.key in record(topic.record).columns


@pytest.mark.parametrize("rec", EVERY, ids=label)
def test_schema_id_leads_back_to_the_record(rec: Record) -> None:
    assert by_schema_id(rec.schema_id) is rec
    assert record(rec.name, rec.version) is rec
    assert pickle.loads(pickle.dumps(rec)) is rec


@pytest.mark.parametrize("rec", EVERY, ids=label)
def test_roles_are_fields_of_the_right_type(rec: Record) -> None:
    for field, asked in [
        (rec.time, pl.Int64()),
        (rec.producer, pl.String()),
        (rec.sequence, pl.Int64()),
        (rec.subject, pl.String()),
    ]:
        assert field is None or rec.columns[field] == asked
    assert rec.id is None or rec.columns[rec.id] in (pl.String(), pl.Int64())
    times = {field["name"]: field["type"] for field in rec.fields}
    assert rec.time is None or times[rec.time]["logicalType"] == "timestamp-micros"


@pytest.mark.parametrize("rec", EVERY, ids=label)
def test_every_field_is_documented_and_of_a_supported_type(rec: Record) -> None:
    assert rec.schema["doc"].endswith(".")
    for field in rec.fields:
        assert field["doc"].strip()
        assert kind(field)


FROM_OUTSIDE = [
    *("Obligation", "Fill", "Payment", "Posting", "Label", "SchemeLabel", "ControlChange"),
    *("ReportSubmission", "Customer", "AlertAction", "RuleSet", "ListChunk"),
    *("Quote", "Instrument"),
]
LONGER = {
    ("RuleSet", "body"): 262_144,  # every rule with every field, hundreds of corridors
    ("ListChunk", "rows"): 262_144,  # a part of a list; 512 parts make the longest list
    ("SchemeLabel", "postings"): 65_536,  # 1,000 posting ids of 64 and the semicolons
}
"""Texts that may be longer than 1,024 characters, and why."""


@pytest.mark.parametrize("name", FROM_OUTSIDE)
def test_every_text_and_number_from_outside_is_bounded(name: str) -> None:
    for rec in versions(name):
        for field in rec.fields:
            check = field.get("check", {})
            match kind(field):
                case "string":
                    assert check["maxLength"] <= LONGER.get((name, field["name"]), 1024)
                case "long" | "int" if field["name"] not in ("partition", "event_sequence"):
                    assert {"min", "max"} <= set(check)


def test_link_is_the_last_field_of_a_regulatory_event() -> None:
    link = record("RegulatoryEvent").fields[-1]
    assert (link["name"], link["type"]["size"]) == ("link", 32)


def test_file_is_named_after_record_and_version() -> None:
    found = {path.name for path in records._avsc(files("schemas").joinpath("avro"))}
    newest = {f"{name}.avsc" for name in names()}
    older = {f"{rec.name}.v{rec.version}.avsc" for n in names() for rec in versions(n)[:-1]}
    assert found == newest | older
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+(\.v\d+)?\.avsc", name) for name in found)


def test_ids_of_a_registry_replace_the_embedded_ones() -> None:
    ids = {
        name: {str(rec.version): 1000 + rec.schema_id for rec in versions(name)} for name in names()
    }
    embedded = record("Fill").schema_id
    use_ids(ids)
    try:
        assert record("Fill").schema_id == 1000 + embedded
        assert by_schema_id(embedded) is None
        assert by_schema_id(1000 + embedded) is record("Fill")
    finally:
        use_ids(None)
    assert record("Fill").schema_id == embedded
