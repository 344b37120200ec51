"""What counts as found, as true and as false, on schemes and alerts by hand."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from deploy.bench.harness import Report
from deploy.commands import evaluate
from deploy.errors import UserError
from deploy.evaluate import aml, figures
from deploy.evaluate.judged import Judged, by_kind, by_rule, judge, pooled, wilson

HOUR = 3_600_000_000


def label(scheme: str, kind: str, member: str, postings: str, **more: Any) -> dict[str, Any]:
    times = {"first_time": 10 * HOUR, "last_time": 20 * HOUR}
    row = {"scheme": scheme, "kind": kind, "member": member, "role": "subject"}
    return {**row, **times, "postings": postings, "posting_count": postings.count(";") + 1, **more}


def alert(name: str, rule: str, subject: str, hours: float, events: str, corrects: str = "") -> Any:
    time = round(hours * HOUR)
    row = {"alert_id": name, "rule": rule, "subject": subject, "time": time, "events": events}
    return {**row, "corrects": corrects}


LABELS = pl.DataFrame(
    [
        label("S1", "smurfing", "A", "p1;p2"),
        label("S1", "smurfing", "B", "p2;p3", role="depositor", first_time=8 * HOUR),
        label("S2", "structuring-near", "C", "p4"),
        label("S3", "structuring-near", "D", "p5"),
        label("S4", "cycle", "E", ""),
    ]
)
ALERTS = pl.DataFrame(
    [
        alert("a1", "smurfing", "A", 18.0, "p0;p3"),
        alert("a1.2", "smurfing", "A", 19.0, "p0;p1;p3", "a1"),
        alert("a2", "structuring", "C", 21.0, "p4"),
        alert("a3", "structuring", "Z", 5.0, "p8;p9"),
        alert("a4", "velocity", "D", 6.0, "p5"),
        alert("a5", "velocity", "D", 2.0, "p7"),
    ]
)


def found() -> Judged:
    return judge(LABELS, ALERTS)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (0, 0, 0.0, 1.0),
    ],
)
def test_ranges_are_wilsons(hits: int, of: int, low: float, high: float) -> None:
    assert wilson(hits, of) == pytest.approx((low, high), abs=5e-5)
    assert wilson(of - hits, of) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_an_alert_is_true_if_it_rests_on_a_scheme_and_counts_once_with_its_amendments() -> None:
    raised = found().alerts.sort("alert_id")
    assert raised.select("alert_id", "true").rows() == [
        ("a1", True),
        ("a2", True),
        ("a3", False),
        ("a4", True),
        ("a5", False),
    ]
    assert raised["time"][0] == 18 * HOUR


def test_schemes_found_by_their_own_rule_and_how_long_it_took() -> None:
    kinds = by_kind(found(), ["smurfing", "structuring", "velocity"])
    columns = ("kind", "rule", "schemes", "found", "by_any", "hours", "in_time", "recall")
    assert kinds.select(columns).rows() == [
        ("cycle", "", 1, None, 0, None, 0, None),
        # S1 begins at 8 h with its second member and is found at 18 h, before 20 h
        ("smurfing", "smurfing", 1, 1, 1, 10.0, 1, 1.0),
        # S2 is found at 21 h, after its end; S3 by another rule only
        ("structuring-near", "structuring", 2, 1, 2, 11.0, 0, 0.5),
    ]
    assert kinds.row(2)[-2:] == (0.0945, 0.9055)


def test_precision_and_false_alerts_of_each_rule() -> None:
    rules = by_rule(found(), 0.5)
    columns = ("rule", "alerts", "true", "schemes", "false_rate", "precision")
    assert rules.select(columns).rows() == [
        ("smurfing", 1, 1, 1, 0.0, 1.0),
        ("structuring", 2, 1, 1, 2.0, 0.5),
        ("velocity", 2, 1, 1, 2.0, 0.5),
    ]


def test_worlds_add_up() -> None:
    both = pooled([found(), judge(LABELS.with_columns(scheme="T" + pl.col("scheme")), ALERTS)])
    kinds = by_kind(both, ["structuring"])
    assert kinds.filter(kind="structuring-near").select("schemes", "found").rows() == [(4, 2)]
    assert by_rule(both, 1.0)["alerts"].to_list() == [2, 4, 4]


def test_no_alert_finds_nothing() -> None:
    nothing = judge(LABELS, pl.DataFrame())
    assert by_kind(nothing, ["smurfing"])["found"].to_list() == [None, 0, None]
    assert by_rule(nothing, 1.0).is_empty()


def test_who_of_a_ring_is_found() -> None:
    people = [label("R", "ring", f"D{n}", f"p{n}") for n in range(20)]
    gather = [label("R", "ring", "G", "p30", role="collector", last_time=40 * HOUR)]
    alerts = [alert(f"a{n}", "structuring", f"D{n}", 12.0 + n, f"p{n}") for n in range(19)]
    alerts.append(alert("x", "structuring", "X", 1.0, "p77"))
    results, table = figures.of_ring(judge(pl.DataFrame(people + gather), pl.DataFrame(alerts)))
    said = {one.what: one for one in results}
    depositors = said["ring: depositors found by structuring, 19 of 20"]
    assert (depositors.value, depositors.met) == (0.95, True)
    assert said["ring: members found by any rule, 19 of 21"].value == 0.9048
    assert said["ring: false members"].value == 1
    assert said["ring: time to first alert"].value == 2.0
    # 19 of 20 are 95 %: the last of them at 30 h, 20 h after the ring's begin
    assert said["ring: time until 95% are found"].value == 20.0
    assert table.rows() == [("structuring", 19, 0, 0, 1)]


def test_small_worlds_and_a_ring_are_judged_as_one() -> None:
    asked = aml.Asked(customers=400, days=7, seed=5, worlds=2, laundering=0.01, ring=40)
    told: list[str] = []
    outcome = aml.run(asked, told.append)
    told_of = {one.what: one.value for one in outcome.report.results}
    assert told_of["worlds"] == 2
    assert outcome.kinds["schemes"].sum() == told_of["schemes"]
    # few schemes make up the share, so it is met roughly
    assert float(told_of["postings in schemes"]) == pytest.approx(0.01, rel=0.6)
    assert told_of["ring: depositors found by structuring, 40 of 40"] == 1.0
    assert len(told) == 3


@pytest.mark.parametrize("text", ["", "x", "-1%", "11%", "nan", "0.2"])
def test_a_share_is_told_to_be_none(text: str) -> None:
    with pytest.raises(UserError, match=r"is no share from 0% to 10%; give it as 0\.1%"):
        evaluate._share(text)


def test_shares_are_read_with_and_without_percent() -> None:
    assert evaluate._share("0.1%") == evaluate._share("0.001") == 0.001


def test_commands_of_one_group_share_it() -> None:
    app = typer.Typer()
    assert evaluate.group(app, "evaluate") is evaluate.group(app, "evaluate")


def test_the_command_writes_figures_and_shows_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds, rules = by_kind(found(), ["smurfing", "structuring"]), by_rule(found(), 1.0)
    results = [*figures.of_kinds(kinds), *figures.of_rules(rules), *figures.of_all(found(), 1.0)]
    report = Report("evaluate-aml", 1, results)
    outcome = aml.Outcome(report, kinds, rules, pl.DataFrame())
    asked: list[aml.Asked] = []

    def run(one: aml.Asked, tell: object) -> aml.Outcome:
        asked.append(one)
        return outcome

    monkeypatch.setattr(aml, "run", run)
    path = tmp_path / "figures.json"
    app = typer.Typer()
    evaluate.register(app)
    told = CliRunner().invoke(app, ["evaluate", "aml", "--laundering", "0.2%", "--out", str(path)])
    assert told.exit_code == 0
    assert (asked[0].laundering, asked[0].customers, asked[0].worlds) == (0.002, 14_000, 2)
    said = {one["what"]: one["value"] for one in json.loads(path.read_text())["results"]}
    assert said["recall of structuring-near by its rule, 1 of 2"] == 0.5
    assert said["precision of all rules, 3 of 5"] == 0.6
    assert said["schemes touched by any rule, 3 of 4"] == 0.75
    assert said["false alerts for 10,000 accounts and day"] == 2.0
    assert "precision of all rules, 3 of 5" in told.output
    assert "recall of" not in told.output
