"""`tidemark risk` over a log in memory: what is recorded, and one line for what is wrong."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import typer

from connectors.generators.market.history import History
from deploy import cli
from deploy.commands import risk
from deploy.rules import ends
from schemas.codec import decode
from tests.made_rules import NOON, Desk, Shell
from udfs.risk.scenario_sets import digest_of

A, B = "DE0007164600", "FR0000120271"
WHO = ("--author", "ada", "--reason", "first")
LIMITS = """\
limits:
  - {id: firm-var, scope: FIRM, measure: VAR, soft: 100_000, hard: 150_000}
  - id: b1-loss
    scope: BOOK
    name: B1
    measure: LOSS
    soft: 500
    hard: 900
"""
MARGIN = "margin: [{book: B1, collateral: 5_000, haircut_ppm: 20_000, rounding: 100}]\n"


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    for topic in ("fills", "quotes"):
        desk.tick(topic, NOON)
    return desk


@pytest.fixture
def shell(
    tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    app = typer.Typer()
    app.callback()(lambda: None)
    risk.register(app)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(cli, "register_all", lambda: None)
    monkeypatch.setattr(ends, "opened", desk.opened)
    return Shell(tmp_path, desk, capsys)


def sent(desk: Desk, topic: str) -> list[tuple[int, dict[str, Any]]]:
    return [
        (batch.partition, decode(value or b"")[1])
        for batch in desk.sent
        if batch.topic == topic
        for value in batch.values
    ]


def history(folder: Path) -> Path:
    """Four days of two instruments and of a factor."""
    returns = np.array([[0.01, -0.02, 0.5], [0.0, 0.000_001_4, 0.5], [-0.3, 2.0, 0.5], [0.1, 0, 0]])
    History((A, B, "fx:EUR"), np.arange(4), returns).to_csv(folder / "history.csv")
    return folder / "history.csv"


def test_a_set_is_in_every_partition_with_its_digest(shell: Shell, desk: Desk) -> None:
    argv = ("publish", "scenarios", history(shell.folder), "--name", "days", *WHO)
    code, out, err = shell("risk", *argv, "--json")
    assert code == 0, err
    told = json.loads(out)
    assert (told["set"], told["instruments"], told["days"], told["factors_left_out"]) == (
        *("days@1", 2, 4, 1),
    )
    rows = sent(desk, "scenarios")
    assert Counter(place for place, _ in rows) == {0: 2, 1: 2, 2: 2, 3: 2}
    for place in range(4):
        own = [row for at, row in rows if at == place]
        assert [row["sequence"] for row in own] == [0, 1]
        assert {row["producer"] for row in own} == {f"tidemark/scenarios/{place}"}
        assert digest_of(pl.DataFrame(own)) == told["digest"]
        assert {row["set_digest"] for row in own} == {told["digest"]}
        assert [np.frombuffer(row["returns"], "<i4").tolist() for row in own] == [
            [10_000, 0, -300_000, 100_000],
            [-20_000, 1, 2_000_000, 0],
        ]
        assert {(row["time"], row["book_scenarios"], row["firm_scenarios"]) for row in own} == {
            (NOON, 4, 4)
        }
    ((_, change),) = sent(desk, "control.changes")
    assert (change["kind"], change["name"], change["from_hash"], change["to_hash"]) == (
        *("MODEL", "days", "", told["digest"]),
    )


def test_a_set_is_not_published_twice_and_is_completed(shell: Shell, desk: Desk) -> None:
    argv = ("risk", "publish", "scenarios", history(shell.folder), "--name", "days", *WHO)
    shell(*argv)
    lost = desk.log.spans.pop(("scenarios", 2))
    code, _, err = shell(*argv, "--epoch", "1")
    assert code == 0, err
    assert desk.log.spans["scenarios", 2].values == lost.values
    assert len(sent(desk, "control.changes")) == 1
    code, _, err = shell(*argv, "--epoch", "1")
    assert (code, err.count("\n")) == (1, 1)
    assert "all of it was published already" in err
    code, _, err = shell(*argv, "--epoch", "1", "--method", "monte-carlo", "--seed", "2")
    assert (code, "give --epoch 2" in err) == (1, True)
    code, _, err = shell(*argv, "--method", "monte-carlo", "--seed", "2")
    assert code == 0, err
    newest = sent(desk, "scenarios")[-1][1]
    assert (newest["epoch"], newest["book_scenarios"], newest["firm_scenarios"]) == (
        *(2, 5_000, 100_000),
    )
    first, second = (row for _, row in sent(desk, "control.changes"))
    assert second["from_hash"] == first["to_hash"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("day,name,return\n2026-02-26,X,0.1\n2026-02-27,X,0.1\n", "line 2: 'X' is no ISIN"),
        (f"day,name,return\n2026-02-26,{A},x\n", "line 2: a finite number is asked"),
        (f"day,name,price\n2026-02-26,{A},1\n2026-02-27,{A},-1\n", "line 3: a price above 0"),
        (f"day,name,return\n2026-02-26,{A},0\n2026-02-27,{A},0\n", "it has no return other than 0"),
        (f"day,name,return\n2026-02-26,{A},0.1\n", "4 for each of 2 to"),
        ("day,name,return\n2026-02-26,market,0.1\n", "has no instrument, only factors"),
        (f"day,name,return\n2026-02-26,{A},9999\n2026-02-27,{A},0\n", "below 214,748 %"),
        ("day;name\n", "line 1: the header must be"),
    ],
)
def test_a_history_that_is_wrong_is_one_line(
    shell: Shell, desk: Desk, text: str, says: str
) -> None:
    path = shell.file(text, "history.csv")
    code, _, err = shell("risk", "publish", "scenarios", path, "--name", "days", *WHO)
    assert (code, err.count("\n")) == (1, 1)
    assert says in err
    assert desk.sent == []


def test_limits_are_in_every_partition_and_replace_earlier_ones(shell: Shell, desk: Desk) -> None:
    code, _, err = shell("risk", "publish", "limits", shell.file(LIMITS), *WHO)
    assert code == 0, err
    rows = sent(desk, "limits")
    assert Counter(place for place, _ in rows) == {0: 2, 1: 2, 2: 2, 3: 2}
    assert {key for b in desk.sent if b.topic == "limits" for key in b.keys} == {
        b"firm-var",
        b"b1-loss",
    }
    told = [
        (r["limit_id"], r["scope"], r["name"], r["measure"], r["soft"], r["hard"]) for _, r in rows
    ]
    assert told[:2] == [
        ("firm-var", "FIRM", "firm", "VAR", 100_000, 150_000),
        ("b1-loss", "BOOK", "B1", "LOSS", 500, 900),
    ]
    changed = LIMITS.replace("hard: 900", "hard: 800")
    later = ("--effective", "2026-03-02T13:00:00Z", "--approver", "bob")
    code, _, err = shell("risk", "publish", "limits", shell.file(changed), *WHO, *later)
    assert code == 0, err
    first, second = (row for _, row in sent(desk, "control.changes") if row["name"] == "b1-loss")
    assert (first["kind"], first["from_hash"]) == ("LIMIT", "")
    assert second["from_hash"] == first["to_hash"] != second["to_hash"]
    assert second["approver"] == "bob"
    revoked = "limits: [{id: b1-loss, scope: BOOK, name: B1, measure: LOSS, revoked: true}]"
    code, _, err = shell("risk", "publish", "limits", shell.file(revoked), *WHO, *later)
    assert code == 0, err
    last = sent(desk, "control.changes")[-1][1]
    assert (last["from_hash"], last["to_hash"]) == (second["to_hash"], "")
    assert sent(desk, "limits")[-1][1]["revoked"] is True


def test_the_same_limits_again_are_nothing_to_do(shell: Shell, desk: Desk) -> None:
    shell("risk", "publish", "limits", shell.file(LIMITS), *WHO)
    before = len(desk.sent)
    code, _, err = shell("risk", "publish", "limits", shell.file(LIMITS), *WHO)
    assert (code, len(desk.sent)) == (1, before)
    assert "all of it was published already" in err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("limits: []", "1 to 20000 limits are asked, not 0"),
        ("limit: []", "line 1: one table limits with a list is asked"),
        (LIMITS.replace("soft: 500", "soft: 901"), "line 3: soft 901 is above hard 900"),
        (LIMITS.replace("soft: 500", "soft: -1"), "line 3: soft is a whole number from 0, not -1"),
        (LIMITS.replace("soft: 500", "soft: 1.5"), "soft is a whole number from 0, not '1.5'"),
        (LIMITS.replace("LOSS", "PAIN"), "line 3: measure is 'PAIN'; there are VAR, ES"),
        (LIMITS.replace("b1-loss", "firm-var"), "line 3: firm-var stands in line 2 already"),
        (LIMITS.replace("scope: BOOK", "scope: FIRM"), "line 3: a BOOK has its name, the FIRM"),
        (LIMITS.replace("hard: 900", "hurd: 900"), "line 3: there is no field hurd; there are id"),
        (LIMITS.replace("    scope: BOOK\n", ""), "line 3: scope is lacking"),
        (
            LIMITS.replace("name: B1", "name: B 1"),
            "line 3: it cannot be recorded: out-of-range: name is 'B 1'",
        ),
        (LIMITS + "    soft: 3\n", "line 9: 'soft' stands twice"),
        ("limits: [", "this is no YAML"),
    ],
)
def test_limits_that_are_wrong_are_one_line(shell: Shell, desk: Desk, text: str, says: str) -> None:
    code, _, err = shell("risk", "publish", "limits", shell.file(text), *WHO)
    assert (code, err.count("\n")) == (1, 1)
    assert says in err
    assert desk.sent == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--approver", "ADA"), "ada cannot approve the own change"),
        (("--reason", " "), "a change needs a reason"),
        (("--effective", "2026-03-02T11:59:59Z"), "is in the past: the stream is at"),
        (("--effective", "noon"), "is no time with its zone"),
    ],
)
def test_who_when_and_why_are_checked(
    shell: Shell, desk: Desk, more: tuple[str, ...], says: str
) -> None:
    code, _, err = shell("risk", "publish", "limits", shell.file(LIMITS), *WHO, *more)
    assert (code, err.count("\n")) == (1, 1)
    assert says in err
    assert desk.sent == []


def test_margin_terms_and_actions(shell: Shell, desk: Desk) -> None:
    code, _, err = shell("risk", "publish", "margin", shell.file(MARGIN), *WHO)
    assert code == 0, err
    rows = sent(desk, "margin.terms")
    assert [place for place, _ in rows] == [0, 1, 2, 3]
    row = rows[0][1]
    assert (row["book"], row["collateral"], row["haircut_ppm"], row["rounding"]) == (
        *("B1", 5_000, 20_000, 100),
    )
    assert (row["threshold"], row["minimum_transfer"], row["time"]) == (0, 0, NOON)
    ((_, change),) = sent(desk, "control.changes")
    assert (change["kind"], change["name"]) == ("LIMIT", "margin:B1")
    split = ("--isin", A, "--kind", "split", "--new", "2", "--author", "ada")
    when = ("--effective", "2026-03-01T00:00:00Z")
    code, _, err = shell("risk", "publish", "action", *split, *when)
    assert code == 0, err
    actions = sent(desk, "corporate.actions")
    assert [place for place, _ in actions] == [0, 1, 2, 3]
    assert (actions[0][1]["new"], actions[0][1]["old"], actions[0][1]["kind"]) == (2, 1, "SPLIT")
    code, _, err = shell("risk", "publish", "action", *split, "--old", "3", *when)
    assert (code, "was published with other terms" in err) == (1, True)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("--isin", A, "--kind", "split"), "a split of as many for as many is none"),
        (("--isin", A, "--kind", "dividend"), "a dividend has --amount"),
        (("--isin", "DE0", "--kind", "split", "--new", "2"), "isin is 'DE0'"),
    ],
)
def test_actions_that_are_none(shell: Shell, desk: Desk, argv: tuple[str, ...], says: str) -> None:
    when = ("--effective", "2026-03-01T00:00:00Z", "--author", "ada")
    code, _, err = shell("risk", "publish", "action", *argv, *when)
    assert (code, err.count("\n")) == (1, 1)
    assert says in err
    assert desk.sent == []


def test_a_backtest_of_a_file(shell: Shell) -> None:
    """Four days: the loss of 5 is beyond the VaR of 4 before it, that of 9 is not."""
    text = "day,pnl,var,model\n2026-03-02,1,4,1\n2026-03-03,-5,9,-5\n2026-03-04,-9,9,-9\n"
    path = shell.file(text + "2026-03-05,,9,1\n", "pnl.csv")
    out = shell.folder / "report"
    code, said, err = shell("risk", "backtest", "--file", path, "--out", out, "--json")
    assert code == 0, err
    told = json.loads(said)
    (one,) = told["models"]
    assert (one["days"], one["exceptions"], one["missing"]) == (3, 2, 1)
    assert (one["range"], one["holds"]) == ([0, 1], False)
    assert (told["attribution"]["days"], told["attribution"]["missing"]) == (2, 1)
    page = (out / "backtest.html").read_text()
    assert page.count("<svg") == 2
    for outside in ('href="http', 'src="', "<script", "url(http", "@import"):
        assert outside not in page
    for again, says in (
        (("--file", path, "--out", out), "is not an empty folder"),
        (("--file", shell.file("day,pnl\n", "x.csv"), "--out", out / "b"), "line 1: the header"),
    ):
        code, _, err = shell("risk", "backtest", *again)
        assert (code, err.count("\n")) == (1, 1)
        assert says in err


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("2026-03-02,1,1", "line 3: the day does not come after"),
        ("2026-03-03,1", "line 3: 3 fields are asked"),
        ("2026-03-33,1,1", "line 3: 2026-02-27 is a day, not '2026-03-33,1,1'"),
        ("2026-03-03,x,1", "line 3: a number is asked"),
        ("2026-03-03,inf,1", "line 3: a finite number is asked"),
    ],
)
def test_a_file_of_pnl_that_is_wrong_names_its_line(shell: Shell, row: str, says: str) -> None:
    path = shell.file(f"day,pnl,var\n2026-03-02,1,1\n{row}\n", "pnl.csv")
    code, _, err = shell("risk", "backtest", "--file", path, "--out", shell.folder / "out")
    assert (code, err.count("\n")) == (1, 1)
    assert says in err
