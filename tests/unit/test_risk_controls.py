import polars as pl
import pytest

from schemas.step import Clock
from tests.naive.tables import naive_state
from tests.risk_sets import NOW
from udfs.risk import risk_telling
from udfs.risk.controls import (
    LIMITS,
    STATUS,
    TABLES,
    TERMS,
    Refused,
    limit_measures,
    limits_used,
    margin_calls,
    root_of_days,
    take_limits,
    take_terms,
)
from udfs.risk.measures import SCHEMA


def limit(offset, limit_id="L", time=0, soft=100, hard=200, **changes):
    return {
        "record_id": f"r{offset}",
        "limit_id": limit_id,
        "scope": "BOOK",
        "name": "b",
        "measure": "VAR",
        "soft": soft,
        "hard": hard,
        "revoked": False,
        "time": time,
        "sequence": 0,
        "offset": offset,
    } | changes


def terms(offset, time=0, book="b", **changes):
    return {
        "record_id": f"t{offset}",
        "book": book,
        "collateral": 1_000,
        "haircut_ppm": 100_000,
        "threshold": 0,
        "minimum_transfer": 0,
        "rounding": 1,
        "time": time,
        "sequence": 0,
        "offset": offset,
    } | changes


def var(value, book="b", **changes):
    row = {name: 0 for name, kind in SCHEMA.items() if kind == pl.Int64}
    row |= {"group": book, "complete": True, "incomplete": "", "scenario_set": "s@1"}
    row |= {"var": value, "es_975": 2 * value, "gross": 50, "net": -30, "decided_by": ""}
    return pl.DataFrame([row | changes], schema=SCHEMA)


def pnl(day=0, book="b", complete=True, total=0, base=0):
    return pl.DataFrame(
        {"name": [book], "day": [day], "complete": [complete], "total": [total], "base": [base]}
    )


def used(state, value, at=0, everything=False, **changes):
    measured = limit_measures("BOOK", var(value, **changes), pnl())
    return limits_used(state, measured, at, scope="BOOK", names=["b"], everything=everything)


def test_a_limit_is_told_when_its_status_changes_and_at_points():
    state = naive_state(TABLES)
    assert take_limits(state, pl.DataFrame([limit(0)])) == []
    assert used(state, 100).is_empty()
    columns = ("value", "use_ppm", "status", "before", "complete")
    # Above 100 is soft; 101 of 200 is 505,000 ppm.
    assert used(state, 101).select(columns).row(0) == (101, 505_000, "SOFT", "WITHIN", True)
    assert used(state, 200).is_empty()
    assert used(state, 200, everything=True).select(columns).row(0)[1:4] == (
        1_000_000,
        "SOFT",
        "SOFT",
    )
    assert used(state, 201).select("status", "before").row(0) == ("HARD", "SOFT")
    assert used(state, 99).select("status", "before").row(0) == ("WITHIN", "HARD")


def test_what_is_not_measured_is_said_to_be():
    state = naive_state(TABLES)
    take_limits(state, pl.DataFrame([limit(0)]))
    found = used(state, 5, scenario_set="")
    assert found.select("value", "use_ppm", "status", "complete").row(0) == (
        0,
        0,
        "UNMEASURED",
        False,
    )


def test_limits_of_books_of_other_shards_and_of_the_firm_are_not_told():
    state = naive_state(TABLES)
    rows = [limit(0, "A", name="other"), limit(1, "B", name="firm", scope="FIRM")]
    assert take_limits(state, pl.DataFrame(rows)) == []
    assert used(state, 10**6, everything=True).is_empty()


@pytest.mark.parametrize(
    ("measure", "value"), [("VAR", 7), ("ES", 14), ("LOSS", 4), ("GROSS", 50), ("NET", 30)]
)
def test_what_each_measure_is(measure, value):
    state = naive_state(TABLES)
    take_limits(state, pl.DataFrame([limit(0, measure=measure)]))
    measured = limit_measures("BOOK", var(7), pnl(day=-4))
    told = limits_used(state, measured, 0, scope="BOOK", names=["b"], everything=True)
    assert told["value"].item() == value
    assert limit_measures("BOOK", var(7), pnl(day=4)).filter(measure="LOSS")["value"].item() == 0


def test_a_limit_holds_from_its_time_and_the_one_before_goes():
    state = naive_state(TABLES)
    rows = [limit(0), limit(1, time=NOW, hard=300), limit(2, time=NOW, hard=400)]
    take_limits(state, pl.DataFrame(rows))
    assert used(state, 1, NOW - 1, everything=True)["hard"].to_list() == [200]
    assert len(state[LIMITS]) == 3
    assert used(state, 1, NOW, everything=True)["hard"].to_list() == [400]
    assert len(state[LIMITS]) == 1
    take_limits(state, pl.DataFrame([limit(3, time=NOW + 1, revoked=True)]))
    assert used(state, 1, NOW + 1, everything=True).is_empty()
    assert len(state[STATUS]) == 0
    # Of an earlier time than the one in force: it changes nothing.
    take_limits(state, pl.DataFrame([limit(4, time=5)]))
    assert used(state, 1, NOW + 1, everything=True).is_empty()


def test_faulty_records_change_nothing_and_are_named():
    state = naive_state(TABLES)
    take_limits(state, pl.DataFrame([limit(0)]))
    wrong = [
        limit(1, soft=-1),
        limit(2, soft=300),
        limit(3, scope="FIRM"),
        limit(4, name="firm"),
    ]
    assert take_limits(state, pl.DataFrame(wrong)) == [
        Refused("r1", "negative"),
        Refused("r2", "soft above hard"),
        Refused("r3", "firm is the name of the firm alone"),
        Refused("r4", "firm is the name of the firm alone"),
    ]
    assert used(state, 1, everything=True)["hard"].to_list() == [200]
    bad = [
        terms(5, collateral=-1),
        terms(6, haircut_ppm=1_000_001),
        terms(7, rounding=0),
        terms(8, threshold=-1),
    ]
    assert [one.reason for one in take_terms(state, pl.DataFrame(bad))] == [
        "negative",
        "haircut above 1,000,000 ppm",
        "rounding below 1",
        "negative",
    ]
    assert len(state[TERMS]) == 0


def test_a_margin_call_by_hand():
    # ES 1,000: two days 1,414.2 up to 1,415. Total fell by 300. Collateral 1,000 less 10 %: 900.
    # Required 1,715 - threshold 15 = 1,700, deficit 800, up to a multiple of 500.
    state = naive_state(TABLES)
    take_terms(state, pl.DataFrame([terms(0, threshold=15, rounding=500)]))
    found = margin_calls(state, var(500), pnl(total=700, base=1_000), NOW)
    assert found.to_dicts() == [
        {
            "book": "b",
            "currency": "EUR",
            "initial": 1_415,
            "variation": 300,
            "collateral": 900,
            "required": 1_700,
            "deficit": 800,
            "call": 1_000,
            "returned": 0,
            "uncalled": 0,
            "complete": True,
        }
    ]
    told = risk_telling.margin_calls(
        found, NOW, Clock(1, NOW), risk_telling.Behind("fills", 0, 1, 2, "risk/1")
    )
    assert told["call_id"].to_list() == [f"b|{NOW}"]


def test_an_incomplete_requirement_gives_nothing_back():
    state = naive_state(TABLES)
    take_terms(state, pl.DataFrame([terms(0, collateral=10_000, haircut_ppm=0)]))
    whole = margin_calls(state, var(500), pnl(), NOW)
    assert whole.select("deficit", "returned").row(0) == (-8_585, 8_585)
    for risk, gain in ((var(500, complete=False), pnl()), (var(500), pnl(complete=False))):
        found = margin_calls(state, risk, gain, NOW)
        assert found.select("deficit", "returned", "complete").row(0) == (-8_585, 0, False)
    missing = margin_calls(state, var(500, "other"), pnl(), NOW)
    assert missing.select("initial", "returned", "complete").row(0) == (0, 0, False)
    assert margin_calls(state, var(1, "x"), pnl(book="x"), NOW).is_empty()


@pytest.mark.parametrize(("es", "two_days"), [(0, 0), (-5, 0), (1, 2), (5, 8), (70, 99), (12, 17)])
def test_two_days_are_the_root_of_two_rounded_up(es, two_days):
    # sqrt(2): 1.414 up to 2; 7.07 to 8; 98.99 to 99; 16.97 to 17.
    assert root_of_days(es) == two_days
