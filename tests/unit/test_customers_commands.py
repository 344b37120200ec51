"""`tidemark customers` over a log in memory: what is recorded, shown and refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from connectors.topics import partition_of
from deploy import cli
from deploy.commands import customers
from deploy.customers.changes import change, differences
from deploy.errors import UserError
from deploy.rules import ends
from schemas.codec import decode
from tests.made_rules import HOUR, NOON, Desk, Shell

NEW = (
    *("--kind", "PERSON", "--name", "Ada Lovelace", "--country", "US", "--area", "US-NY"),
    *("--zone", "America/New_York", "--opened", "2026-03-01T00:00:00-05:00"),
    *("--identity", "PASSED", "--no-pep", "--rating", "LOW", "--due-diligence", "STANDARD"),
    *("--author", "ada", "--reasons", "salaried"),
)
HIGH = ("--rating", "HIGH", "--author", "bob", "--reasons", "cash business")


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.tick("postings", NOON)
    return desk


@pytest.fixture
def shell(
    tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    app = typer.Typer()
    app.callback()(lambda: None)
    customers.register(app)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(cli, "register_all", lambda: None)
    monkeypatch.setattr(ends, "opened", desk.opened)
    return Shell(tmp_path, desk, capsys)


def recorded(desk: Desk) -> list[dict[str, Any]]:
    return [decode(value or b"")[1] for batch in desk.sent for value in batch.values]


def test_a_new_customer_and_a_change_are_a_whole_record_each(shell: Shell, desk: Desk) -> None:
    for argv in ([*NEW], [*HIGH, "--now", "2026-03-02T12:30:00Z"]):
        code, _, err = shell("customers", "change", "C-77", *argv)
        assert code == 0, err
    place = partition_of(b"C-77", 4)
    assert {(batch.topic, batch.partition) for batch in desk.sent} == {("customers", place)}
    assert {key for batch in desk.sent for key in batch.keys} == {b"C-77"}
    first, second = recorded(desk)
    assert first == {
        "change_id": f"tidemark/customers/{place}#0",
        "producer": f"tidemark/customers/{place}",
        "sequence": 0,
        "time": NOON,
        "customer": "C-77",
        "kind": "PERSON",
        "name": "Ada Lovelace",
        "country": "US",
        "area": "US-NY",
        "zone": "America/New_York",
        "opened": 1_772_341_200_000_000,  # 2026-03-01T05:00:00Z
        "industry": "",
        "identity": "PASSED",
        "pep": False,
        "rating": "LOW",
        "reasons": "salaried",
        "due_diligence": "STANDARD",
        "author": "ada",
    }
    assert second == first | {
        "change_id": f"tidemark/customers/{place}#1",
        "sequence": 1,
        "time": NOON + HOUR // 2,
        "rating": "HIGH",
        "reasons": "cash business",
        "author": "bob",
    }
    assert differences(first, second) == {"rating": ("LOW", "HIGH")}


def test_show_tells_what_is_known_and_every_record(shell: Shell, desk: Desk) -> None:
    shell("customers", "change", "C-77", *NEW)
    shell("customers", "change", "C-77", *HIGH, "--pep")
    code, out, err = shell("customers", "show", "C-77", "--file", shell.archive(), "--json")
    assert code == 0, err
    rows = json.loads(out)
    assert [(row["rating"], row["pep"], row["author"]) for row in rows] == [
        ("LOW", False, "ada"),
        ("HIGH", True, "bob"),
    ]
    assert rows[0]["time"] == "2026-03-02T12:00:00.000000Z"
    code, out, _ = shell("customers", "show", "C-77", "--file", shell.archive())
    assert code == 0
    assert "Ada Lovelace" in out
    assert "cash business" in out


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["C-9", *HIGH], "nothing is known of customer 'C-9'; a new one needs: --kind, --name, "),
        (["C-77", *HIGH[:4], "--reasons", " "], "a change needs its reasons; give --reasons"),
        (["C-77", "--rating", "LOW", *HIGH[2:]], "nothing of C-77 would change"),
        (["C-77", "--zone", "No/Where", *HIGH[2:]], "zone is 'No/Where', a time zone of the IANA"),
        (["C-77", "--country", "Utopia", *HIGH[2:]], "country is 'Utopia'"),
        (["C-77", *HIGH, "--now", "2026-03-02T11:59:59Z"], "is before the last change of C-77"),
        (["C-77", *HIGH, "--now", "2026-03-02T13:00:01Z"], "is over an hour ahead of the stream"),
        (["C-77", *HIGH, "--now", "noon"], "is no time with its zone"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_recorded(
    shell: Shell, desk: Desk, argv: list[str], says: str
) -> None:
    shell("customers", "change", "C-77", *NEW)
    code, _, err = shell("customers", "change", *argv)
    assert (code, err.count("\n")) == (1, 1)
    assert says in err
    assert len(recorded(desk)) == 1


def test_a_customer_nobody_knows_is_one_line(shell: Shell) -> None:
    shell("customers", "change", "C-77", *NEW)
    code, _, err = shell("customers", "show", "C-78", "--file", shell.archive())
    assert (code, err.count("\n")) == (1, 1)
    assert "nothing is known of customer 'C-78'" in err


def test_without_a_time_in_the_stream_a_time_is_asked() -> None:
    with pytest.raises(UserError, match="the stream has shown no time yet; give --now TIME"):
        change(Desk().ends(), "C-1", {}, "why", "ada")
