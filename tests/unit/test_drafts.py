"""Drafts over recorded input: what is gained, lost and changed, and how much of it is right."""

from typing import Any

import polars as pl
import pytest

from deploy.drafts import judged
from deploy.drafts.backtest import Input, run
from deploy.drafts.compared import compared
from deploy.drafts.folds import Range, alerts
from jobs.catalogue import Config
from schemas.records import record
from tests.aml_log import HOUR, START, Log
from tests.rule_sets import PUBLIC, cash_from, signed
from udfs.aml.catalogue import PARAMS
from udfs.aml.ruleset import digest, parse
from udfs.aml.slots import DEFAULT_BODY

BEGIN, END = START + HOUR // 4, START + HOUR // 2
LOWER, LOWEST = cash_from(500_000), cash_from(300_000, 500_000)
ONE = Config(1, lateness_ms=1_000, rule_keys=PUBLIC.hex())


def alert(name: str, rule: str, subject: str, time: int, **more: Any) -> dict[str, Any]:
    row = {"alert_id": name, "rule": rule, "subject": subject, "time": time}
    usual = {"band": "LOW", "score": 1, "measured": "m", "limit": "l", "reason": "r"}
    return {**row, **usual, "corrects": "", **more}


def test_alerts_are_compared_by_rule_subject_and_trigger() -> None:
    live = [
        alert("a1", "ctr", "A", 10),
        alert("a2", "ctr", "B", 20),
        alert("a3", "ctr", "C", 30),
        alert("a4", "velocity", "A", 10),
        alert("a5", "velocity", "E", 50),
        alert("a5.2", "velocity", "E", 50, band="HIGH", corrects="a5"),
    ]
    draft = [
        alert("a4", "velocity", "A", 10, limit="another"),
        alert("b1", "ctr", "A", 10, band="HIGH"),
        alert("b2", "ctr", "B", 21),
        alert("b3", "ctr", "C", 30, score=2),
        alert("a5", "velocity", "E", 50),
        alert("b6", "travel", "Z", 60),
    ]
    found = compared(pl.DataFrame(live), pl.DataFrame(draft))
    assert found.gained["alert_id"].to_list() == ["b2", "b6"]
    assert found.lost["alert_id"].to_list() == ["a2", "a5.2"]
    columns = ("rule", "subject", "time", "band", "draft_band", "score", "draft_score")
    assert found.changed.select(columns).rows() == [
        ("ctr", "A", 10, "LOW", "HIGH", 1, 1),
        ("ctr", "C", 30, "LOW", "LOW", 1, 2),
    ]
    assert found.by_rule().rows() == [
        # live, draft, gained, lost, changed, same
        ("ctr", 3, 3, 1, 1, 2, 0),
        ("travel", 0, 1, 1, 0, 0, 0),
        ("velocity", 3, 2, 0, 1, 0, 2),
    ]


def test_nothing_differs_from_itself() -> None:
    same = pl.DataFrame([alert("a1", "ctr", "A", 10), alert("a2", "ctr", "A", 10)])
    found = compared(same, same.reverse())
    assert (found.gained.height, found.lost.height, found.changed.height) == (0, 0, 0)
    assert found.by_rule().rows() == [("ctr", 2, 2, 0, 0, 0, 2)]


def made(*sets: dict[str, Any]) -> Log:
    """Cash of single customers around the range, from 4,000 to 11,000."""
    log = Log()
    for row in sets:
        log.put("rules", "RuleSet", row, appended=START + 1_000_000)
    times = {"before": BEGIN - 1, "first": BEGIN, "last": END - 1, "after": END}
    for when, time in times.items():
        for amount in (4_000, 6_000, 11_000):
            owner = f"{when}-{amount}"
            log.post(owner, time, owner=owner, channel="CASH", amount=amount * 100)
    log.tick(END + HOUR)
    return log


def raised(log: Log, body: str | None, begin: int = BEGIN) -> list[tuple[str, str]]:
    found = alerts(log.log, ONE, body, begin, lambda n: None).filter(rule="ctr-aggregation")
    return found.select("subject", "band").rows()


def test_a_draft_decides_from_the_start_of_the_range_on() -> None:
    assert raised(made(), None) == [
        (f"{when}-11000", "LOW") for when in ("before", "first", "last", "after")
    ]
    assert raised(made(), LOWEST) == [
        ("before-11000", "LOW"),
        *(
            (f"{when}-{amount}", band)
            for when in ("first", "last", "after")
            for amount, band in ((11000, "MEDIUM"), (4000, "LOW"), (6000, "MEDIUM"))
        ),
    ]


def test_live_sets_of_the_range_do_not_count_for_the_draft_and_earlier_ones_do() -> None:
    earlier, later = signed(1, BEGIN - 2, LOWER), signed(2, BEGIN + 1, DEFAULT_BODY)
    log = made(earlier, later)
    by_live = [*(("before", n) for n in (11000, 6000)), *(("first", n) for n in (11000, 6000))]
    by_live += [("last", 11000), ("after", 11000)]
    assert [who for who, _ in raised(log, None)] == [f"{when}-{n}" for when, n in by_live]
    by_draft = by_live[:2] + [
        (when, n) for when in ("first", "last", "after") for n in (11000, 4000, 6000)
    ]
    assert [who for who, _ in raised(log, LOWEST)] == [f"{when}-{n}" for when, n in by_draft]


def test_the_log_is_as_it_was() -> None:
    log = made(signed(1, BEGIN - 2, LOWER))
    before = {place: list(span.values) for place, span in log.log.spans.items()}
    raised(log, LOWEST)
    assert {place: list(span.values) for place, span in log.log.spans.items()} == before


def test_a_run_writes_what_differs_within_the_range(tmp_path: Any) -> None:
    given = Input(made().log, ONE, pl.DataFrame(schema=record("SchemeLabel").columns))
    outcome = run(given, parse(LOWEST, PARAMS), Range(BEGIN, END), tmp_path / "out")
    sets = {
        name: pl.read_parquet(tmp_path / "out" / f"{name}.parquet").filter(rule="ctr-aggregation")
        for name in ("gained", "lost", "changed")
    }
    assert sets["gained"]["subject"].to_list() == [
        f"{when}-{n}" for when in ("first", "last") for n in (4000, 6000)
    ]
    assert sets["lost"].height == 0
    assert sets["changed"].select("subject", "band", "draft_band").rows() == [
        (f"{when}-11000", "LOW", "MEDIUM") for when in ("first", "last")
    ]
    assert outcome.summary["draft"] == digest(LOWEST)
    assert outcome.summary["live"] == [f"rules:{digest(DEFAULT_BODY)}"]
    (row,) = [one for one in outcome.summary["rules"] if one["rule"] == "ctr-aggregation"]
    assert [*row.values()][1:] == [2, 6, 4, 0, 2, 0]
    assert outcome.rates == {}


def test_labels_tell_how_many_are_right() -> None:
    live = pl.DataFrame([alert(f"a{n}", "ctr", f"C{n}", n) for n in range(1, 7)])
    draft = pl.DataFrame(
        [
            alert("a1", "ctr", "C1", 1),
            alert("a3", "ctr", "C3", 3),
            alert("a2.2", "ctr", "C2", 2, corrects="a2"),
            alert("new", "ctr", "C9", 9),
        ]
    )
    actions = pl.DataFrame(
        [
            {"alert_id": name, "kind": "LABEL", "time": time, "action_id": "x", "disposition": said}
            for time, (name, said) in enumerate(
                [
                    ("a1", judged.FALSE),
                    ("a1", judged.TRUE),
                    ("a2", judged.TRUE),
                    ("a3", judged.FALSE),
                    ("a4", judged.TRUE),
                    ("a5", "unsure"),
                ]
            )
        ]
    )
    labels = judged.labels_of(actions)
    first, second = (judged.by_labels(one, labels, live) for one in (live, draft))
    # true: a1 (the last label counts), a2, a4; false: a3; a5 and a6 nobody knows
    assert (first.precision, first.recall) == (judged.Share(3, 4), judged.Share(3, 3))
    assert (second.precision, second.recall) == (judged.Share(2, 3), judged.Share(2, 3))
    assert judged.Share(0, 0).document()["share"] is None


@pytest.mark.parametrize(
    ("begin", "end", "seen"), [(0, 99, 2), (21, 99, 1), (20, 99, 2), (0, 10, 0), (0, 11, 1)]
)
def test_schemes_of_the_range_count(begin: int, end: int, seen: int) -> None:
    """S1 has postings from 10 to 20, S2 from 30 to 40 and, by another member, from 11."""
    schemes = pl.DataFrame(
        [
            {"scheme": s, "kind": "smurfing", "member": m, "role": "subject"}
            | {"first_time": low, "last_time": high, "postings": p}
            for s, m, low, high, p in (
                ("S1", "A", 10, 20, "p1"),
                ("S2", "B", 30, 40, "p2"),
                ("S2", "C", 11, 12, "p3"),
            )
        ]
    )
    found = pl.DataFrame([alert("a1", "smurfing", "A", 15, events="p1;p9")])
    rates = judged.by_schemes(found, schemes, begin, end)
    assert rates.recall.of == seen
    assert rates.recall.hits == rates.precision.hits == (1 if begin <= 20 and end > 10 else 0)
