"""What is known of customers at a moment, and which share of every limit applies to them."""

from typing import Any

import polars as pl
import pytest

from connectors.state import ColumnTable
from udfs.aml.customers import CUSTOMERS, TABLE, factor, known_as_of, learn

PLAIN = {
    "customer": "C-1", "kind": "PERSON", "home_area": "US-NY", "home_country": "US", "opened": 1,
    "zone": "UTC", "rating": "LOW", "enhanced": False, "pep": False,
}  # fmt: skip
SCHEMA = {
    "at": pl.Int64, **{name: pl.String for name in PLAIN}, "opened": pl.Int64,
    "enhanced": pl.Boolean, "pep": pl.Boolean, "offset": pl.Int64,
}  # fmt: skip
FACTORS: dict[Any, int] = {
    "MEDIUM": 800_000, "HIGH": 500_000, "ENHANCED": 600_000, "PEP": 400_000,
}  # fmt: skip


def changes(*rows: dict[str, Any]) -> pl.DataFrame:
    numbered = [{**PLAIN, "offset": number, **row} for number, row in enumerate(rows)]
    return pl.DataFrame(numbered, schema=SCHEMA).sort("at", "offset")


def events(*rows: tuple[int, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"at": at, "posting_id": f"p{number}", "owner": owner, "offset": 100 + number}
            for number, (at, owner) in enumerate(rows)
        ]
    )


def state() -> dict[str, ColumnTable]:
    return {TABLE: ColumnTable(CUSTOMERS[TABLE])}


def ratings(found: pl.DataFrame) -> list[str]:
    return found["rating"].to_list()


def test_a_change_counts_from_its_moment_on_and_for_its_customer_alone() -> None:
    known = state()
    learn(known, changes({"at": 5, "rating": "LOW"}))
    found = known_as_of(
        known,
        changes({"at": 10, "rating": "HIGH"}, {"at": 20, "rating": "MEDIUM"}),
        events((9, "C-1"), (10, "C-1"), (11, "C-2"), (19, "C-1"), (20, "C-1")),
    )
    assert ratings(found) == ["LOW", "HIGH", "", "HIGH", "MEDIUM"]


def test_of_two_changes_of_one_moment_the_later_in_the_log_counts() -> None:
    both = changes({"at": 10, "rating": "HIGH"}, {"at": 10, "rating": "MEDIUM"})
    known = state()
    assert ratings(known_as_of(known, both, events((10, "C-1")))) == ["MEDIUM"]
    learn(known, both)
    assert ratings(known_as_of(known, both.clear(), events((11, "C-1")))) == ["MEDIUM"]


def test_a_change_replaces_everything_that_was_known() -> None:
    known = state()
    learn(known, changes({"at": 1, "home_area": "US-CA", "pep": True, "opened": 7}))
    found = known_as_of(known, changes({"at": 2, "home_area": "", "opened": 0}), events((2, "C-1")))
    assert found.select("home_area", "pep", "opened").rows() == [("", False, 0)]


def test_of_an_unknown_customer_nothing_is_known_and_days_are_those_of_utc() -> None:
    found = known_as_of(state(), changes(), events((1, "C-9")))
    row = found.drop("at", "posting_id", "owner", "offset").row(0, named=True)
    assert row.pop("zone") == "UTC"
    assert set(row.values()) == {"", 0}


def test_events_keep_their_order_and_their_offsets() -> None:
    shown = events((1, "C-2"), (1, "C-1"), (1, "C-2"), (2, "C-1"))
    found = known_as_of(state(), changes({"at": 1}), shown)
    assert found.select(shown.columns).equals(shown)


@pytest.mark.parametrize(
    ("change", "share"),
    [
        ({}, 1_000_000),
        ({"rating": "MEDIUM"}, 800_000),
        ({"rating": "HIGH"}, 500_000),
        ({"enhanced": True}, 600_000),
        ({"pep": True}, 400_000),
        ({"rating": "HIGH", "enhanced": True}, 500_000),
        ({"rating": "MEDIUM", "enhanced": True, "pep": True}, 400_000),
    ],
    ids=str,
)
def test_the_smallest_share_that_applies_counts(change: dict[str, Any], share: int) -> None:
    known = changes({"at": 1, **change})
    assert known.select(factor(FACTORS)).to_series().to_list() == [share]


def test_a_share_that_is_not_chosen_is_the_whole() -> None:
    known = changes({"at": 1, "rating": "HIGH", "pep": True})
    assert known.select(factor({"MEDIUM": 1})).to_series().to_list() == [1_000_000]
