"""`tidemark graph rings` over a log in memory: what is raised once, amended, or held back."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from connectors.graph_links import LinkGraph
from connectors.topics import partition_of, shard_key
from deploy import cli
from deploy.commands import graph
from deploy.graph.evidence import evidence
from deploy.graph.params import Params
from deploy.graph.raised import members
from deploy.graph.search import draw, raise_alerts, search
from deploy.rules import ends
from deploy.rules.recorded import Ends, recorded
from schemas.codec import decode, encode
from schemas.records import record
from tests.made_log import filled
from tests.made_rules import DAY, HOUR, NOON, Desk, Shell

DEPOSITORS = [f"d{n:02}" for n in range(9)]
PARTITION = partition_of(b"sink", 4)


def send(desk: Desk, payer: str, payee: str, amount: int, time: int = NOON) -> None:
    span = desk.log.spans.get(("transfers", 0))
    number = len(span) if span else 0
    values = filled(
        "Transfer",
        {
            "transfer_id": f"t{number:03}",
            "producer": "aml/0",
            "sequence": number,
            "time": time,
            "source": payer,
            "target": payee,
            "target_account": payee if payee.startswith("X") else f"{payee}-1",
            "amount": amount,
            "currency": "USD",
            "scale": 2,
        },
    )
    desk.append("transfers", 0, encode(record("Transfer"), values), b"p")


def deposit(desk: Desk, who: str, collector: str, time: int = NOON) -> None:
    """Somebody with an alert on cash sends 30,000.00 to a collector."""
    desk.alert(f"a-{who}", who, time=time)
    send(desk, who, collector, 30_000_00, time)


@pytest.fixture
def desk() -> Desk:
    """9 depositors, 3 collectors, one sink: 13 members, 270,000.00 sent, 240,000.00 arrive."""
    desk = Desk()
    for number, who in enumerate(DEPOSITORS):
        deposit(desk, who, f"c{number % 3}", NOON + number)
    for number in range(3):
        send(desk, f"c{number}", "sink", 80_000_00, NOON + HOUR)
    for topic in ("transfers", "alerts", "alert.actions"):
        desk.tick(topic)
    return desk


@pytest.fixture
def shell(
    tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    app = typer.Typer()
    graph.register(app)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(cli, "register_all", lambda: None)
    monkeypatch.setattr(ends, "opened", desk.opened)
    return Shell(tmp_path, desk, capsys)


def written(desk: Desk) -> list[dict[str, Any]]:
    return [decode(value or b"")[1] for batch in desk.sent for value in batch.values]


def rings(shell: Shell, *argv: Any) -> dict[str, Any]:
    code, out, err = shell("graph", "rings", "--no-neo4j", "--json", *argv)
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_ring_is_an_alert_on_its_sink(shell: Shell, desk: Desk) -> None:
    told = rings(shell)
    assert (told["written"], told["marked"], told["transfers"]) == (1, 9, 12)
    (row,) = written(desk)
    (batch,) = desk.sent
    assert (batch.topic, batch.partition) == ("alerts", PARTITION)
    assert batch.keys == [shard_key(PARTITION, 4)]
    assert (row["producer"], row["sequence"]) == (f"rings/{PARTITION}", 0)
    assert (row["rule"], row["domain"], row["version"]) == ("ring", "AML", "rings/1")
    assert (row["subject"], row["subject_kind"], row["corrects"]) == ("sink", "CUSTOMER", "")
    assert (row["amount"], row["currency"], row["scale"]) == (240_000_00, "USD", 2)
    # 0.5 + 0.3 * 240/270 + 0.1 + 0.1
    assert (row["score"], row["band"]) == (966_666, "HIGH")
    assert (row["first_time"], row["last_time"]) == (NOON, NOON + HOUR)
    assert row["time"] == NOON + HOUR
    assert (row["first_offset"], row["last_offset"]) == (0, 11)
    assert (row["source_topic"], row["source_partition"]) == ("transfers", 0)
    assert row["events"] == ";".join(f"t{n:03}" for n in range(12))
    assert row["event_count"] == 12
    assert row["decided_by"] == f"model:{Params().digest}"
    assert row["reason"] == (
        "9 customers with alerts on cash sent through 3 collectors 240000.00 USD to one sink; "
        "0 others paid the same; of 1: evidence 1.000000, flow 0.888888, common 1.000000, "
        "closed 1.000000; members: sink sink collectors 3 c0 c1 c2 "
        "depositors 9 d00 d01 d02 d03 d04 d05 d06 d07 d08"
    )
    assert members(row["reason"]) == {"sink", "c0", "c1", "c2", *DEPOSITORS}


def test_the_same_ring_is_raised_once(shell: Shell, desk: Desk) -> None:
    first = rings(shell)
    again = rings(shell)
    assert [one["rings"][0]["state"] for one in (first, again)] == ["new", "known"]
    assert (first["rings"][0]["alert"], again["written"]) == (again["rings"][0]["alert"], 0)
    assert len(written(desk)) == 1


def test_people_are_shown_a_table(shell: Shell) -> None:
    code, out, _ = shell("graph", "rings", "--no-neo4j")
    assert code == 0
    assert "240000.00 USD" in out
    assert out.endswith("1 rings in 12 transfers up to 2026-03-02T13:00:00.000000Z; 1 written\n")


def test_a_grown_ring_amends_its_alert(shell: Shell, desk: Desk) -> None:
    first = rings(shell)["rings"][0]["alert"]
    deposit(desk, "d99", "c0", NOON + 2 * HOUR)
    told = rings(shell)
    assert told["rings"][0] | {"alert": first, "state": "grown"} == told["rings"][0]
    row = written(desk)[-1]
    assert (row["alert_id"], row["corrects"], row["sequence"]) == (f"{first}.2", first, 1)
    assert members(row["reason"]) == {"sink", "c0", "c1", "c2", *DEPOSITORS, "d99"}
    assert rings(shell)["written"] == 0
    # Seen as of before it had grown it says nothing that is not known.
    assert rings(shell, "--as-of", "2026-03-02T13:30:00Z")["rings"][0]["state"] == "known"


def test_the_same_log_gives_the_same_record(desk: Desk) -> None:
    def once() -> list[bytes | None]:
        found = search(desk.log.source(), range(4), Params())
        sent: list[Any] = []
        raise_alerts(found, Ends(desk.log.source(), sent.extend, 4))
        return [value for batch in sent for value in batch.values]

    assert once() == once() != []


def test_a_snoozed_sink_raises_no_alert(shell: Shell, desk: Desk) -> None:
    action = {
        "action_id": "s1",
        "producer": "p",
        "time": NOON,
        "subject": "sink",
        "rule": "ring",
        "kind": "SNOOZE",
        "until": NOON + DAY,
        "user": "ada",
        "reason": "known cash business",
    }
    values = encode(record("AlertAction"), filled("AlertAction", action))
    desk.append("alert.actions", PARTITION, values, b"sink")
    told = rings(shell)
    assert (told["written"], told["rings"][0]["state"]) == (0, "snoozed")
    assert written(desk) == []


def test_an_archive_is_searched_and_nothing_written(shell: Shell, desk: Desk) -> None:
    told = rings(shell, "--file", shell.archive())
    assert (told["rings"][0]["state"], told["written"], desk.sent) == ("new", 0, [])


@pytest.mark.parametrize(("late", "inside"), [(-1, 12), (0, 11)])
def test_a_window_holds_its_last_instant_and_not_its_first(
    desk: Desk, late: int, inside: int
) -> None:
    """The window is (as-of - W, as-of]; the first transfer is of NOON, the last of NOON + 1 h."""
    as_of = NOON + 14 * DAY + late
    alerts = recorded(desk.log.source(), "alerts", range(4))
    seen = evidence(desk.log.source(), alerts, Params(), as_of)
    assert (seen.transfers.height, len(seen.marked)) == (inside, inside - 3)
    seen = evidence(desk.log.source(), alerts, Params(), NOON + HOUR)
    assert seen.transfers.height == 12
    seen = evidence(desk.log.source(), alerts, Params(), NOON + HOUR - 1)
    assert seen.transfers.height == 9


def test_a_sink_elsewhere_is_an_account(desk: Desk) -> None:
    for number in range(3):
        send(desk, f"c{number}", "X-sink", 300_000_00, NOON + HOUR)
    found = search(desk.log.source(), range(4), Params())
    (one,) = found.rings
    assert one.row is not None
    assert (one.row["subject"], one.row["subject_kind"]) == ("X-sink", "ACCOUNT")


def test_neo4j_gets_every_ring_with_its_members(desk: Desk) -> None:
    class Kept(LinkGraph):
        def __init__(self) -> None:
            self.kept: list[Any] = []

        def put_rings(self, rings: Any) -> None:
            self.kept += rings

    kept = Kept()
    found = search(desk.log.source(), range(4), Params())
    assert draw(found, kept) == 1
    (ring,) = kept.kept
    assert (ring["id"], ring["sink"], ring["outside"]) == (found.rings[0].alert, "sink", "")
    roles = [one["role"] for one in ring["members"]]
    assert [roles.count(role) for role in ("sink", "collector", "depositor")] == [1, 3, 9]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--as-of", "2026-01-01T00:00:00Z"], "there are no transfers after"),
        (["--as-of", "yesterday"], "is no time with its zone"),
        (["--file", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_searched_is_one_line(shell: Shell, argv: list[str], told: str) -> None:
    code, _, err = shell("graph", "rings", *argv)
    assert (code, err.count("\n")) == (1, 1)
    assert told in err


def test_a_log_without_transfers_is_said(shell: Shell, desk: Desk) -> None:
    del desk.log.spans["transfers", 0]
    code, _, err = shell("graph", "rings")
    assert (code, err.count("\n")) == (1, 1)
    assert "there are no transfers" in err


def test_links_of_one_with_itself_are_refused(shell: Shell) -> None:
    code, _, err = shell("graph", "links", "C-1", "C-1")
    assert (code, err) == (1, "tidemark: the two are the same; name two\n")
