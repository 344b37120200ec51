"""Alerts as records: what they say of rule set, versions, money and place."""

import polars as pl
import pytest

from schemas.records import record
from tests.aml_outcomes import NOON, frame, outcome, tables
from udfs.aml.catalogue import REVISED, RULES
from udfs.aml.handling import TABLES, handled
from udfs.aml.records import alerts, refusals
from udfs.aml.typologies import PREFIX
from udfs.shape import ENGINE

NO_LATE = pl.DataFrame(schema={"subject": pl.String, "at": pl.Int64})
NO_ACTION = pl.DataFrame(
    schema={"at": pl.Int64, "subject": pl.String, "rule": pl.String, "kind": pl.String}
).with_columns(until=pl.lit(0))


def raised(*rules: str) -> pl.DataFrame:
    rows = {rule: (frame([outcome(0, ["p1", "p2"], amount=123_45)]), 60) for rule in rules}
    return handled(tables(TABLES), rows, NO_LATE, NO_ACTION, "")[0]


def test_an_alert_has_every_field_but_those_of_the_engine() -> None:
    found = alerts(raised("velocity"), "rules:abc", {}, "aml/1", shard=3)
    assert found.columns == [name for name in record("Alert").columns if name not in ENGINE]
    row = found.row(0, named=True)
    assert (row["time"], row["domain"], row["subject_kind"]) == (NOON, "AML", "CUSTOMER")
    assert (row["events"], row["event_count"]) == ("p1;p2", 2)
    assert (row["amount"], row["currency"], row["scale"]) == (123_45, "USD", 2)
    assert (row["decided_by"], row["version"]) == ("rules:abc", "aml/1")
    assert (row["source_topic"], row["source_partition"]) == ("postings", 3)


@pytest.mark.parametrize("versions", [{}, {"velocity": "3"}], ids=str)
def test_a_rule_is_at_version_1_until_it_was_revised(versions: dict[str, str]) -> None:
    found = alerts(raised("velocity", "structuring"), "rules:abc", versions, "aml/2", 0)
    said = dict(found.select("rule", "rule_version").rows())
    assert said == {"structuring": "1", "velocity": versions.get("velocity", "1")}


def test_only_rules_and_typologies_that_there_are_are_revised() -> None:
    assert all(name in RULES or name.startswith(PREFIX) for name in REVISED)
    assert all(int(version) > 1 for version in REVISED.values())


@pytest.mark.parametrize(("version", "name"), [("aml/1", "aml"), ("motifs/2", "motifs")])
def test_a_refusal_is_named_after_set_job_and_place(version: str, name: str) -> None:
    row = {"at": NOON, "name": "aml", "epoch": 7, "offset": 9, "why": "old-epoch: 7"}
    found = refusals([row], version, shard=2).row(0, named=True)
    assert found["alert_id"] == f"rule-set-aml-7-{name}-2-9"
    assert (found["reason"], found["measured"]) == ("old-epoch: 7", "epoch 7")
    assert (found["first_offset"], found["last_offset"], found["version"]) == (9, 9, version)


def test_no_refusal_gives_no_frame() -> None:
    assert refusals([], "aml/1", 0).is_empty()
