"""Typologies: scores by hand, window and thresholds at their edges, and the events behind."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.state import ColumnTable
from tests.aml_outcomes import NOON, SECOND, frame, outcome, tables
from udfs.aml.rule import OUTCOME
from udfs.aml.ruleset import Typology
from udfs.aml.typologies import LONGEST, SEEN, TABLES, forget, weighed

WINDOW = 100
"""Seconds."""
PLACEMENT = Typology(
    weights={"r": 600_000, "s": 500_000}, window_s=WINDOW, review=400_000, report=800_000
)
State = dict[str, ColumnTable]
Rows = Mapping[str, Sequence[dict[str, Any]]]


def said(state: State, rows: Rows, typology: Typology = PLACEMENT, slot: str = "") -> pl.DataFrame:
    found = {rule: frame(some) for rule, some in rows.items()}
    out = weighed(state, found, {"placement": typology}, slot)
    return out.get("typology-placement", pl.DataFrame(schema=dict(OUTCOME)))


def test_a_score_is_the_sum_of_weight_times_score() -> None:
    # 600,000 x 500,000 / 10^6 = 300,000 alone is below review; and 500,000 x 333,333 / 10^6 =
    # 166,666.5, rounded down: 466,666
    found = said(
        tables(TABLES), {"r": [outcome(0, score=500_000)], "s": [outcome(1, score=333_333)]}
    )
    row = found.row(0, named=True)
    assert found.height == 1
    assert (row["at"], row["score"], row["band"]) == (NOON + SECOND, 466_666, "REVIEW")
    assert row["measured"] == "score 466666 of 1000000"
    assert row["limit"] == "review 400000, report 800000"
    assert row["reason"] == "weighed: r 300000, s 166666"


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (399_999, []),
        (400_000, ["REVIEW"]),
        (400_001, ["REVIEW"]),
        (799_999, ["REVIEW"]),
        (800_000, ["REPORT"]),
        (800_001, ["REPORT"]),
    ],
)
def test_thresholds_are_reached_when_met_exactly(score: int, band: list[str]) -> None:
    alone = Typology(weights={"r": 1_000_000}, window_s=1, review=400_000, report=800_000)
    found = said(tables(TABLES), {"r": [outcome(0, score=score)]}, alone)
    assert found["band"].to_list() == band


def test_a_score_is_at_most_the_whole() -> None:
    # 600,000 + 500,000 is 1,100,000
    both = {"r": [outcome(0, score=1_000_000)], "s": [outcome(0, score=1_000_000)]}
    assert said(tables(TABLES), both)["score"].to_list() == [600_000, 1_000_000]


@pytest.mark.parametrize(("age_us", "weighs"), [(-1, True), (0, False), (1, False)])
def test_an_outcome_exactly_as_old_as_the_window_is_outside(age_us: int, weighs: bool) -> None:
    rows = {
        "r": [outcome(0, score=600_000)],  # 360,000
        "s": [outcome(WINDOW, us=age_us, score=100_000)],  # 50,000
    }
    assert said(tables(TABLES), rows)["score"].to_list() == ([410_000] if weighs else [])


def test_the_last_outcome_of_a_rule_counts_not_the_greatest_nor_all() -> None:
    rows = {
        "r": [outcome(0, score=600_000), outcome(1, score=300_000)],
        "s": [outcome(2, score=440_000)],  # 180,000 + 220,000
    }
    assert said(tables(TABLES), rows)["score"].to_list() == [400_000]


def test_a_typology_speaks_only_when_one_of_its_rules_does() -> None:
    state = tables(TABLES)
    assert said(state, {"r": [outcome(0, score=900_000)]}).height == 1
    assert said(state, {"other": [outcome(1, score=1_000_000)]}).height == 0


def test_customers_are_weighed_apart_and_accounts_of_one_together() -> None:
    rows = {
        "r": [outcome(0, account="A-1", score=500_000)],
        "s": [
            outcome(1, account="A-2", score=500_000),
            outcome(2, account="B-1", subject="C-2", score=500_000),
        ],
    }
    found = said(tables(TABLES), rows)
    assert found.select("subject", "account", "score").rows() == [("C-1", "", 550_000)]


def test_the_account_is_told_if_it_is_one() -> None:
    rows = {"r": [outcome(0, score=500_000)], "s": [outcome(1, score=500_000)]}
    assert said(tables(TABLES), rows)["account"].to_list() == ["A-1"]


def test_an_alert_rests_on_the_events_of_all_that_was_weighed() -> None:
    first = outcome(
        0, ["p1", "p3"], score=500_000, amount=900_00, first_offset=3, last_offset=9
    ) | {"first_time": NOON - SECOND}
    last = outcome(5, ["p3", "p4"], score=500_000, amount=700_00, first_offset=5, last_offset=7)
    row = said(tables(TABLES), {"s": [first], "r": [last]}).row(0, named=True)
    assert row["events"] == ["p1", "p3", "p4"]
    assert row["event_count"] == 3
    assert (row["first_time"], row["last_time"]) == (NOON - SECOND, NOON + 5 * SECOND)
    assert (row["first_offset"], row["last_offset"]) == (3, 9)
    assert row["amount"] == 900_00


def test_events_of_an_outcome_outside_the_window_are_not_named() -> None:
    rows = {"s": [outcome(0, ["old"])], "r": [outcome(WINDOW, ["new"], score=900_000)]}
    assert said(tables(TABLES), rows)["events"].to_list() == [["new"]]


def test_at_most_a_thousand_events_are_named_and_all_are_counted() -> None:
    # r: 1,500 of which 1,000 are listed; s: 2 of its own: 1,000 + 2 + 500 not listed
    many = outcome(0, [f"p{i:04}" for i in range(1_000)], score=500_000) | {"event_count": 1_500}
    rows = {"r": [many], "s": [outcome(1, ["q1", "q2"], score=500_000)]}
    row = said(tables(TABLES), rows).row(0, named=True)
    assert len(row["events"]) == 1_000
    assert row["event_count"] == 1_502


def test_late_is_told_of_the_outcome_that_speaks_not_of_what_was_weighed_before() -> None:
    rows = {"r": [outcome(0, late=True)], "s": [outcome(1, score=900_000), outcome(2, late=True)]}
    high = {"r": [outcome(0, score=900_000, late=True), outcome(1, score=900_000)]}
    assert said(tables(TABLES), high)["late"].to_list() == [True, False]
    assert said(tables(TABLES), rows)["late"].to_list() == [False]


def test_a_shadow_weighs_by_itself() -> None:
    state = tables(TABLES)
    said(state, {"r": [outcome(0, score=500_000)]})
    assert said(state, {"s": [outcome(1, score=500_000)]}, slot="shadow.").height == 0


def test_what_no_window_can_reach_is_dropped() -> None:
    # a window reaches back to later than t - a year; t is at least a microsecond after `until`
    state = tables(TABLES)
    said(state, {"r": [outcome(0)]})
    forget(state, ("", "shadow."), NOON + LONGEST - 2)
    assert len(state[SEEN]) == 1
    forget(state, ("", "shadow."), NOON + LONGEST - 1)
    assert len(state[SEEN]) == 0


def test_no_window_may_be_longer_than_what_is_kept() -> None:
    longest = LONGEST // SECOND
    fields = {"weights": {"r": 1_000_000}, "review": 1, "report": 1}
    assert Typology.model_validate({**fields, "window_s": longest}).window_s == longest
    with pytest.raises(ValidationError):
        Typology.model_validate({**fields, "window_s": longest + 1})


ROWS = st.lists(
    st.tuples(
        st.integers(0, 300), st.sampled_from("rs"), st.sampled_from(["C-1", "C-2"]),
        st.sampled_from([300_000, 700_000, 900_000]),
    ),
    max_size=25,
)  # fmt: skip


@given(ROWS, st.lists(st.integers(0, 300), max_size=4))
def test_any_cut_gives_the_same_outcomes(
    drawn: Sequence[tuple[int, str, str, int]], cuts: Sequence[int]
) -> None:
    rows = [
        (rule, outcome(at, [f"p{number}"], subject=subject, score=score))
        for number, (at, rule, subject, score) in enumerate(sorted(drawn))
    ]

    def folded(bounds: Sequence[int]) -> pl.DataFrame:
        state, parts = tables(TABLES), []
        for since, until in pairwise([-1, *bounds, 300]):
            bounds_us = NOON + since * SECOND, NOON + until * SECOND
            now = [row for row in rows if bounds_us[0] < row[1]["at"] <= bounds_us[1]]
            by_rule = {rule: [one for name, one in now if name == rule] for rule in "rs"}
            parts.append(said(state, by_rule))
            forget(state, ("", "shadow."), NOON + until * SECOND)
        return pl.concat(parts)

    assert folded(sorted(set(cuts))).equals(folded([]))
