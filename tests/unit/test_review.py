"""`tidemark review`: which alerts are asked about, in which order, and what is stored."""

import json

import pytest
import typer

from deploy import cli
from deploy.alerts import told
from deploy.alerts.worklist import worklist
from deploy.commands import review
from deploy.rules import ends
from tests.made_rules import HOUR, NOON, Desk, Shell


@pytest.fixture
def desk():
    desk = Desk()
    given = {"domain": "MARKET_ABUSE", "instrument": "DE0001234567", "events": "e1;e2"}
    desk.alert("sure", score=990_000, rule="spoofing", **given)
    desk.alert("near", score=520_000, rule="spoofing", **given)
    desk.alert("nearer", score=510_000, rule="spoofing", **given)
    desk.alert("rare", score=900_000, rule="smoking", **given)
    desk.alert("other", score=500_000)  # anti money laundering
    desk.tick("postings", NOON + HOUR)
    desk.tick("alert.actions")
    return desk


@pytest.fixture
def shell(tmp_path, desk, monkeypatch, capsys):
    app = typer.Typer()
    review.register(app)
    app.callback()(lambda: None)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(cli, "register_all", lambda: None)
    monkeypatch.setattr(ends, "opened", desk.opened)
    read = told.read
    monkeypatch.setattr(told, "read", lambda archive, *place: (
        read(archive, *place) if archive else worklist(desk.log.source(), range(4))
    ))  # fmt: skip
    return Shell(tmp_path, desk, capsys)


def listed(shell, *argv):
    code, out, err = shell("review", "list", "--file", shell.archive(), "--json", *argv)
    assert code == 0, err
    return [row["id"] for row in json.loads(out)]


def labels(desk):
    items = worklist(desk.log.source(), range(4)).items
    return {item.id: item.status.label for item in items if item.status.label}


def test_doubtful_alerts_come_first_and_rules_without_labels_in_turn(shell):
    """Nearest to one half; then smoking, as spoofing was just asked about; and so on."""
    assert listed(shell) == ["nearer", "rare", "near", "sure"]
    assert listed(shell, "--most", 2) == ["nearer", "rare"]
    assert listed(shell, "--domain", "AML") == ["other"]


def test_answers_are_stored_as_labels(shell, desk, monkeypatch):
    said = iter(["x", "t", "s", "f"])
    monkeypatch.setattr(typer, "prompt", lambda _: next(said))
    code, out, err = shell("review", "ask", "--user", "ada", "--most", 3)
    assert code == 0, err
    assert "nearer" in out
    assert out.endswith("2 of 3 labelled\n")
    assert labels(desk) == {"nearer": "true-positive", "near": "false-positive"}
    assert listed(shell) == ["rare", "sure"]


def test_the_user_may_stop(shell, desk, monkeypatch):
    said = iter(["u", "q"])
    monkeypatch.setattr(typer, "prompt", lambda _: next(said))
    assert shell("review", "ask", "--user", "ada")[0] == 0
    assert labels(desk) == {"nearer": "unsure"}
