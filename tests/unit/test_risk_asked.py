"""`tidemark risk show | explain | whatif` over a log made by hand, with numbers by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from connectors.topics import TOPICS
from deploy import cli
from deploy.commands import risk
from schemas.codec import encode
from schemas.records import record
from tests.made_log import filled
from tests.made_rules import HOUR, NOON, Desk, Shell
from udfs.risk.scenario_sets import parts_of

A = "DE0007164600"
TOPICS_READ = (
    *("positions", "pnl", "pnl.corrections", "var", "limits.used", "margin.calls", "firm.pnl"),
    *("firm.var", "firm.limits", "marks", "scenarios", "limits"),
)
BEFORE = NOON - 13 * HOUR
"""23:00 the day before."""


def put(desk: Desk, topic: str, **given: Any) -> None:
    span = desk.log.spans.get((topic, 0))
    number = {"producer": "made/0", "sequence": len(span) if span else 0}
    rec = record(TOPICS[topic].record)
    desk.append(topic, 0, encode(rec, filled(rec.name, {**number, "time": NOON, **given})), b"k")


def mark(desk: Desk, time: int, price: int, **given: Any) -> None:
    told = {"isin": A, "kind": "EQUITY", "currency": "EUR", "multiplier": 1, "price_scale": 2}
    put(desk, "marks", **told, time=time, bid=price, ask=price, quality="GOOD", **given)


def position(desk: Desk, time: int, quantity: int, price: int, pnl: int) -> None:
    held = {"book": "B1", "isin": A, "currency": "EUR", "quantity": quantity, "price": price}
    put(desk, "positions", **held, price_scale=2, time=time, pnl=pnl, value=quantity * price)


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """50 pieces at 9.00 the day before, 100 at 10.00 now; losses of 0.1 % to 10 % in 100 days."""
    app, desk = typer.Typer(), Desk(partitions=1)
    app.callback()(lambda: None)
    risk.register(app)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(cli, "register_all", lambda: None)
    for topic in TOPICS_READ:
        desk.log.tick(topic, 0, 1_000)
    mark(desk, BEFORE, 9_00)
    mark(desk, NOON, 10_00)
    mark(desk, NOON + HOUR, 1, late=True)  # a late one stands for nothing
    position(desk, BEFORE, 50, 9_00, 0)
    position(desk, NOON, 100, 10_00, 70_00)
    returns = -np.arange(1, 101).reshape(-1, 1) / 1_000
    parts = parts_of([A], returns, "days", 1, book_scenarios=100, firm_scenarios=100)
    who = {"author": "ada", "approver": "", "reason": "first"}
    for row in parts.to_dicts():
        put(desk, "scenarios", **row, **who, row_id=f"r{row['part']}", time=BEFORE)
    for name, measure, hard in (("l-var", "VAR", 90_00), ("l-loss", "LOSS", 50_00)):
        limit = {"limit_id": name, "scope": "BOOK", "name": "B1", "measure": measure}
        put(desk, "limits", **limit, **who, record_id=name, soft=0, hard=hard, time=BEFORE)
    put(desk, "pnl", name="B1", kind="SLICE", scope="BOOK", day=-60_00, total=-60_00, complete=True)
    put(desk, "pnl", name="B1", kind="POINT", scope="BOOK", day=-1, total=-1)
    put(desk, "firm.pnl", name="firm", kind="SLICE", scope="FIRM", total=-60_00)
    put(desk, "pnl.corrections", book="B1", isin=A, before=5, after=8, difference=3)
    put(desk, "pnl.corrections", book="B2", isin=A, before=5, after=1, difference=-4)
    return Shell(tmp_path, desk, capsys)


def asked(shell: Shell, *argv: Any) -> dict[str, Any]:
    code, out, err = shell("risk", *argv, "--file", shell.archive(), "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_show_tells_what_was_said_last_and_what_was_said_by_a_time(shell: Shell) -> None:
    found = asked(shell, "show")
    (row,) = found["positions"]
    assert (row["quantity"], row["pnl"]) == (100, 70_00)
    assert [one["day"] for one in found["pnl"]] == [-60_00]
    assert [one["total"] for one in found["firm"]["pnl"]] == [-60_00]
    assert sum(one["difference"] for one in found["corrections"]) == -1
    before = asked(shell, "show", "--book", "B1", "--as-of", "2026-03-02T00:00:00Z")
    assert [one["quantity"] for one in before["positions"]] == [50]
    assert (before["pnl"], before["corrections"]) == ([], [])
    code, out, _ = shell("risk", "show", "--book", "B1", "--file", shell.archive())
    assert code == 0
    assert "1 corrections, 0.03 in all" in out


def test_explain_adds_up(shell: Shell) -> None:
    """1,000 euros: the worst day of 100 loses 10 %; of 50 pieces each gained 1.00 since."""
    found = asked(shell, "explain", "B1", "--top", "3")
    assert (found["measures"]["var"], found["measures"]["es_975"]) == (100_00, 99_20)
    assert found["components"] == [{"row": A, "exposure": 1_000, "es": 100_00, "var": 100_00}]
    assert [(one["scenario"], one["pnl"]) for one in found["scenarios"]] == [(99, -100_00)]
    assert found["pnl"] == [
        {"isin": A, "total": 70_00, "price": 50_00, "fx": 0, "trades": 20_00},
    ]
    code, out, _ = shell("risk", "explain", "B1", "--file", shell.archive())
    assert (code, "P&L since 2026-03-02T00:00:00" in out) == (0, True)


def test_whatif_tells_measures_and_limits_before_and_after(shell: Shell) -> None:
    trade = ("--book", "B1", "--isin", A, "--side", "SELL", "--quantity", "50", "--price", "1100")
    found = asked(shell, "whatif", *trade)
    assert (found["before"]["var"], found["after"]["var"]) == (100_00, 50_00)
    assert (found["incremental"]["var"], found["incremental"]["gross"]) == (-50_00, -500_00)
    assert found["trade"]["gain"] == 50_00
    assert {one["limit_id"]: tuple(one.values())[3:] for one in found["limits"]} == {
        "l-var": (100_00, "HARD", 50_00, "SOFT"),
        "l-loss": (60_00, "HARD", 10_00, "SOFT"),
    }
    assert found["accepted"] is True
    more = ("--book", "B1", "--isin", A, "--side", "BUY", "--quantity", "50")
    assert asked(shell, "whatif", *more)["accepted"] is False


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("explain", "B9"), "book 'B9' has no position"),
        (("explain", "B1", "--as-of", "2026-03-01T22:59:00Z"), "book 'B1' has no position"),
        (("show", "--as-of", "noon"), "--as-of 'noon' is no time with its zone"),
        (
            ("whatif", "--book", "B1", "--isin", "X", "--side", "BUY", "--quantity", "1"),
            "'X' has no mark",
        ),
    ],
)
def test_what_is_not_there_is_one_line(shell: Shell, argv: tuple[str, ...], says: str) -> None:
    code, _, err = shell("risk", *argv, "--file", shell.archive())
    assert (code, err.count("\n")) == (1, 1)
    assert says in err
