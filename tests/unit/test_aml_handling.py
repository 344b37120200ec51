"""Cool-down, amendments, snoozes: which outcomes become alerts, and under which ids."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.state import ColumnTable
from tests.aml_outcomes import NOON, SECOND, frame, outcome, tables
from udfs.aml.handling import MEMORY, SNOOZES, TABLES, forget, handled, snooze

CALM = 100
"""Cool-down of these tests, seconds."""
State = dict[str, ColumnTable]


def raised(state: State, *rows: dict[str, Any], rule: str = "r", slot: str = "") -> pl.DataFrame:
    return judged(state, {rule: (frame(rows), CALM)}, slot)[0]


def judged(
    state: State, outcomes: Mapping[str, tuple[pl.DataFrame, int]], slot: str = ""
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Handled, with a late event at each late outcome."""
    late = pl.concat(
        [found.filter("late").select("subject", "at") for found, _ in outcomes.values()]
    )
    return handled(state, outcomes, late, NO_ACTION, slot)


def seconds(found: pl.DataFrame) -> list[int]:
    """When alerts were raised, seconds after noon."""
    return [] if found.is_empty() else [(at - NOON) // SECOND for at in found["at"]]


def asked(
    kind: str, subject: str = "C-1", rule: str = "", until: int = 0, at: int = 0
) -> pl.DataFrame:
    """An action `at` seconds after noon."""
    times = {"at": NOON + at * SECOND, "until": NOON + until * SECOND}
    return pl.DataFrame([{"subject": subject, "rule": rule, "kind": kind, **times}])


NO_ACTION = asked("CLOSE")
NO_LATE = pl.DataFrame(schema={"subject": pl.String, "at": pl.Int64})


def test_an_alert_is_named_by_rule_subject_time_and_events() -> None:
    found = raised(tables(TABLES), outcome(0, ["p1", "p2"]), rule="structuring")
    text = f"structuring|C-1|{NOON}|p1;p2|1"
    digest = hashlib.sha256(text.encode()).hexdigest()[:24]
    assert found["alert_id"].to_list() == [f"structuring-{digest}"]
    assert found["corrects"].to_list() == [""]


@pytest.mark.parametrize("change", [{"subject": "C-2"}, {"us": 1}, {"events": ["p2"]}], ids=str)
def test_each_of_them_gives_another_name(change: dict[str, Any]) -> None:
    one = raised(tables(TABLES), outcome(0))
    other = raised(tables(TABLES), outcome(0, **change))
    assert one["alert_id"][0] != other["alert_id"][0]


def test_what_was_measured_does_not_change_the_name() -> None:
    one = raised(tables(TABLES), outcome(0))
    other = raised(tables(TABLES), outcome(0, band="HIGH", score=9, amount=7, reason="else"))
    assert one["alert_id"][0] == other["alert_id"][0]


def test_within_the_cool_down_nothing_new_is_said_and_at_its_end_it_is() -> None:
    found = raised(tables(TABLES), *(outcome(at) for at in (0, 1, CALM - 1, CALM, CALM + 1)))
    assert seconds(found) == [0, CALM]
    assert found["corrects"].to_list() == ["", ""]


def test_the_last_microsecond_of_the_cool_down_counts() -> None:
    found = raised(tables(TABLES), outcome(0), outcome(CALM, us=-1), outcome(CALM))
    assert found["at"].to_list() == [NOON, NOON + CALM * SECOND]


def test_what_is_folded_says_so() -> None:
    _, quiet = judged(tables(TABLES), {"r": (frame([outcome(0), outcome(1)]), CALM)})
    assert quiet.select("at", "why", "alert_id").rows() == [(NOON + SECOND, "folded", "")]


def test_other_subjects_and_rules_have_a_cool_down_of_their_own() -> None:
    state = tables(TABLES)
    both = {"r": (frame([outcome(0)]), CALM), "s": (frame([outcome(0)]), CALM)}
    assert judged(state, both)[0]["rule"].to_list() == ["r", "s"]
    assert seconds(raised(state, outcome(1, subject="C-2"))) == [1]
    assert seconds(raised(state, outcome(1))) == []


def test_a_shadow_has_a_memory_of_its_own() -> None:
    state = tables(TABLES)
    raised(state, outcome(0))
    assert seconds(raised(state, outcome(1), slot="shadow.")) == [1]


def test_a_higher_band_amends_the_first_version_and_is_numbered() -> None:
    bands = ["LOW", "LOW", "MEDIUM", "LOW", "MEDIUM", "HIGH", "HIGH"]
    found = raised(tables(TABLES), *(outcome(at, band=band) for at, band in enumerate(bands)))
    first = found["alert_id"][0]
    assert seconds(found) == [0, 2, 5]
    assert found["alert_id"].to_list() == [first, f"{first}.2", f"{first}.3"]
    assert found["corrects"].to_list() == ["", first, first]


def test_a_late_event_amends_with_any_band_and_the_highest_stays() -> None:
    state = tables(TABLES)
    found = raised(
        state,
        outcome(0, band="HIGH"),
        outcome(1, band="LOW", late=True),
        outcome(2, band="MEDIUM"),
        outcome(3, band="HIGH"),
    )
    first = found["alert_id"][0]
    assert found.select("alert_id", "corrects", "band").rows() == [
        (first, "", "HIGH"),
        (f"{first}.2", first, "LOW"),
    ]


def test_a_late_event_amends_once_and_not_with_what_rests_on_it_later() -> None:
    rows = frame(outcome(at, late=at > 0) for at in range(4))
    late = pl.DataFrame({"subject": ["C-1", "C-2"], "at": [NOON + SECOND, NOON + 2 * SECOND]})
    found, _ = handled(tables(TABLES), {"r": (rows, CALM)}, late, NO_ACTION, "")
    assert seconds(found) == [0, 1]


def test_a_late_event_after_the_cool_down_is_a_new_alert() -> None:
    found = raised(tables(TABLES), outcome(0), outcome(CALM, ["p9"], late=True))
    assert found["corrects"].to_list() == ["", ""]


def test_an_amendment_does_not_prolong_the_cool_down() -> None:
    late = CALM - 1
    found = raised(tables(TABLES), outcome(0), outcome(late, band="HIGH"), outcome(CALM, ["p3"]))
    assert seconds(found) == [0, late, CALM]
    assert found["corrects"].to_list() == ["", found["alert_id"][0], ""]


def test_after_the_cool_down_bands_and_versions_begin_anew() -> None:
    found = raised(
        tables(TABLES),
        outcome(0, band="HIGH"),
        outcome(CALM, ["p2"], band="LOW"),
        outcome(CALM + 1, ["p3"], band="MEDIUM"),
    )
    second = found["alert_id"][1]
    assert found["alert_id"].to_list()[1:] == [second, f"{second}.2"]


def test_report_is_above_review_and_review_above_high() -> None:
    rows = [outcome(at, band=band) for at, band in enumerate(("HIGH", "REVIEW", "REPORT"))]
    assert seconds(raised(tables(TABLES), *rows)) == [0, 1, 2]


@pytest.mark.parametrize("rule", ["", "r"], ids=["all rules", "this rule"])
def test_a_snooze_ends_at_its_time_and_leaves_no_cool_down(rule: str) -> None:
    state = tables(TABLES)
    snooze(state, asked("SNOOZE", rule=rule, until=50))
    found = raised(state, outcome(0), outcome(50, us=-1), outcome(50))
    assert found["at"].to_list() == [NOON + 50 * SECOND]
    assert found["corrects"].to_list() == [""]


def test_a_snooze_is_of_one_subject_and_one_rule() -> None:
    state = tables(TABLES)
    snooze(state, asked("SNOOZE", rule="r", until=50))
    assert seconds(raised(state, outcome(1))) == []
    assert seconds(raised(state, outcome(1), rule="s")) == [1]
    assert seconds(raised(state, outcome(1, subject="C-2"))) == [1]


def test_what_is_snoozed_says_so_also_when_it_would_amend() -> None:
    state = tables(TABLES)
    raised(state, outcome(0))
    snooze(state, asked("SNOOZE", until=50))
    late = frame([outcome(1, band="HIGH", late=True)])
    assert judged(state, {"r": (late, CALM)})[1]["why"].to_list() == ["snoozed"]


def test_actions_of_the_same_call_count_from_their_moment_on() -> None:
    actions = pl.concat(
        [
            asked("SNOOZE", until=CALM, at=2),
            asked("WAKE", at=4),
            asked("SNOOZE", rule="r", until=CALM, at=5),
        ]
    )
    rows = frame(outcome(at, [f"p{at}"]) for at in range(1, 7))
    found, quiet = handled(tables(TABLES), {"r": (rows, 0)}, NO_LATE, actions, "")
    assert seconds(found) == [1, 4]
    assert seconds(quiet) == [2, 3, 5, 6]


def test_waking_all_rules_leaves_the_snooze_of_one() -> None:
    state = tables(TABLES)
    snooze(state, pl.concat([asked("SNOOZE", until=50), asked("SNOOZE", rule="r", until=50)]))
    snooze(state, asked("WAKE"))
    assert seconds(raised(state, outcome(1))) == []
    assert seconds(raised(state, outcome(1), rule="s")) == [1]
    snooze(state, asked("WAKE", rule="r"))
    assert seconds(raised(state, outcome(2))) == [2]


def test_of_several_snoozes_the_last_counts_also_if_it_is_shorter() -> None:
    state = tables(TABLES)
    snooze(state, pl.concat([asked("SNOOZE", until=50), asked("SNOOZE", until=10)]))
    assert seconds(raised(state, outcome(9), outcome(10))) == [10]


def test_other_actions_put_nobody_to_sleep() -> None:
    state = tables(TABLES)
    snooze(state, pl.concat([asked(kind, until=50) for kind in ("ACKNOWLEDGE", "CLOSE", "LABEL")]))
    assert len(state[SNOOZES]) == 0
    assert seconds(raised(state, outcome(1))) == [1]


def test_what_no_later_event_asks_for_is_dropped() -> None:
    state = tables(TABLES)
    snooze(state, asked("SNOOZE", subject="C-9", until=CALM))
    raised(state, outcome(0))
    end = NOON + CALM * SECOND
    forget(state, ("", "shadow."), end - 2)
    assert (len(state[MEMORY]), len(state[SNOOZES])) == (1, 1)
    forget(state, ("", "shadow."), end - 1)
    assert (len(state[MEMORY]), len(state[SNOOZES])) == (0, 0)


ROWS = st.lists(
    st.tuples(
        st.integers(0, 3 * CALM),
        st.sampled_from(["C-1", "C-2"]),
        st.sampled_from(["LOW", "MEDIUM", "HIGH"]),
        st.booleans(),
    ),
    max_size=25,
)


@given(ROWS, st.lists(st.integers(0, 3 * CALM), max_size=4))
def test_any_cut_gives_the_same_alerts(
    drawn: Sequence[tuple[int, str, str, bool]], cuts: Sequence[int]
) -> None:
    rows = [
        outcome(at, [f"p{number}"], subject=subject, band=band, late=late)
        for number, (at, subject, band, late) in enumerate(sorted(drawn))
    ]

    def said(bounds: Sequence[int]) -> list[tuple[Any, ...]]:
        state, out = tables(TABLES), []
        for since, until in pairwise([-1, *bounds, 3 * CALM]):
            now = [r for r in rows if since < (r["at"] - NOON) // SECOND <= until]
            found = raised(state, *now)
            out += (
                found.select("alert_id", "corrects", "at", "subject").rows() if len(found) else []
            )
            forget(state, ("", "shadow."), NOON + until * SECOND)
        return out

    assert said(sorted(set(cuts))) == said([])
