"""Events as canonical JSON, against RFC 8785 and a file written by hand; the commands."""

import json
from pathlib import Path

import pytest
import rfc8785
import typer
from typer.testing import CliRunner

from connectors.log import MemoryLog
from deploy.commands import lineage as command
from deploy.errors import UserError
from deploy.lineage.build import build
from deploy.lineage.canonical import fields, lines, plain, select, shown
from schemas.codec import decode, encode
from schemas.records import record
from tests.chained import NET_AB, ONE, SHARD, A, MemorySource, archived, by_hand, folded
from tests.unit.test_lineage_asof import event, net

GOLDEN = Path(__file__).parents[1] / "golden" / "regulatory_event.json"


def cycle() -> bytes:
    """A cycle with an amount no double holds, and signs that JSON escapes."""
    row = {
        "cycle_id": 'a"\\\u20ac\n',
        "producer": "netting/0",
        "sequence": 2**53 - 1,
        "netting_set": "s",
        "asset": "EUR",
        "scale": 2,
        "cycle_start": 0,
        "cycle_end": 2**53,
        "members": 2,
        "obligations": 1,
        "late": 0,
        "gross": 2**63 - 1,
        "bilateral_net": -(2**53),
        "multilateral_net": -(2**53) + 1,
        "bilateral_efficiency_ppm": 0,
        "multilateral_efficiency_ppm": 0,
        "version": "netting/1",
    }
    return encode(record("NettingCycle"), row)


def logged(*messages: bytes) -> MemorySource:
    log = MemoryLog()
    log.tick("regulatory.events", 0, 5)
    for message in messages:
        log.append("regulatory.events", 0, 7, message, b"p0.0")
    return MemorySource(log)


def test_an_event_is_the_line_written_by_hand() -> None:
    message = event(
        4, cycle(), kind="NettingCycle", subject="s", result_id="r", lineage="", event_time=9
    )
    (line,) = lines(select(logged(message), [0]))
    fingerprint, link = record("NetPosition").fingerprint.hex(), (4).to_bytes(32, "big").hex()
    expected = GOLDEN.read_text().rstrip("\n").replace("FINGERPRINT", fingerprint)
    assert line.decode() == expected.replace("LINK", link)


def test_lines_are_canonical_and_nothing_is_lost() -> None:
    log = folded(by_hand(), ONE)
    documents = list(select(MemorySource(log), [0]))
    written = list(lines(documents))
    stored = log.spans["regulatory.events", 0].values
    assert len(written) == len(stored)
    for line, message in zip(written, stored, strict=True):
        parsed = json.loads(line)
        assert rfc8785.dumps(parsed) == line
        fields_of = decode(message or b"")[1]
        payload, rec = parsed["payload"], record(parsed["payload"]["record"])
        numbers = {"long", "int"}
        back = {
            field["name"]: bytes.fromhex(value)
            if isinstance(decode(fields_of["payload"])[1][field["name"]], bytes)
            else int(value)
            if str(field["type"]) in numbers or isinstance(value, int)
            else value
            for field in rec.fields
            for value in [payload["fields"][field["name"]]]
        }
        assert encode(rec, back) == fields_of["payload"]


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**53), "-9007199254740992"),
        (-(2**53) + 1, -(2**53) + 1),
        (True, True),
        (b"\x00\xff", "00ff"),
        ("text", "text"),
    ],
)
def test_values_a_double_cannot_hold_are_text(value: object, safe: object) -> None:
    assert plain(value) == safe


def test_a_payload_that_does_not_decode_is_given_as_bytes() -> None:
    assert fields(decode(event(0, b"\x01\x02"))[1])["payload"] == "0102"


def test_kind_subject_and_limit_select() -> None:
    source = logged(event(0, net()), event(1, net(), subject="other"), event(2, b"", kind="X"))
    numbers = [e["sequence"] for e in select(source, [0], kind="NetPosition")]
    assert numbers == [0, 1]
    assert [e["sequence"] for e in select(source, [0], subject=A)] == [0, 2]
    assert [e["sequence"] for e in select(source, [0], "NetPosition", A)] == [0]
    assert [e["sequence"] for e in select(source, [0], limit=2)] == [0, 1]
    (line,) = shown(select(source, [0], limit=1))
    assert line.startswith(b"0:0  2026-03-02T13:00:00Z  NetPosition  ")


def test_an_unknown_kind_and_a_damaged_log_are_told() -> None:
    with pytest.raises(UserError, match="there is no record Nets; records: "):
        list(select(logged(), [0], kind="Nets"))
    with pytest.raises(UserError, match=r"regulatory.events/0/1 is no event"):
        list(select(logged(b"junk"), [0]))


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    command.register(made)
    return made


def test_the_commands_answer_from_an_index_without_a_log(app: typer.Typer, tmp_path: Path) -> None:
    log, path = folded(by_hand(), ONE), tmp_path / "lineage.duckdb"
    build(MemorySource(log), path, SHARD)
    run = CliRunner().invoke
    at = ["--index", str(path)]
    told = run(app, ["trace", NET_AB, "--records", "0", "--json", *at])
    assert told.exit_code == 0
    (document,) = json.loads(told.stdout)
    assert document["children"][-1]["offsets"] == [5, 7]
    assert "obligations/0/7" in run(app, ["trace", NET_AB, "--records", "0", *at]).stdout
    told = run(app, ["as-of", "2026-03-02T23:00:00Z", A, "--json", *at])
    assert {found["kind"] for found in json.loads(told.stdout)["results"]} == {"NetPosition"}
    assert "results about" in run(app, ["as-of", "2026-03-02T13:00:00Z", A, *at]).stdout


@pytest.mark.parametrize(
    "argv",
    [
        ["trace", "0:1"],
        ["trace", ""],
        ["as-of", "2026-03-02T23:00:00Z", A],
        ["as-of", "yesterday", A],
        ["index", "--file", "/nonexistent"],
        ["events", "--file", "/nonexistent"],
    ],
)
def test_what_cannot_be_answered_is_a_line(
    app: typer.Typer, argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEMARK_HOME", str(tmp_path))
    told = CliRunner().invoke(app, argv)
    assert told.exit_code != 0
    assert isinstance(told.exception, UserError)
    assert "\n" not in str(told.exception)


def test_an_archive_is_indexed_traced_and_exported(
    app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEMARK_HOME", str(tmp_path))
    log = folded(by_hand(), ONE)
    file = str(archived(log, tmp_path / "day", (topic for topic, _ in log.spans)))
    run = CliRunner().invoke
    told = json.loads(run(app, ["index", "--file", file, "--json"]).stdout)
    assert told["rows"]["events"] == len(log.spans["regulatory.events", 0])
    assert json.loads(run(app, ["index", "--file", file, "--json"]).stdout)["offsets"] == 0
    shown = run(app, ["trace", NET_AB]).stdout  # the index knows where its log is
    assert "obligation_id O4" in shown
    assert "obligation_id O5" in shown
    assert "O3" not in shown
    written = run(app, ["events", "--file", file, "--kind", "NettingCycle", "--json"]).stdout
    assert [json.loads(line)["kind"] for line in written.splitlines()] == ["NettingCycle"] * 2


def test_an_archive_without_edges_is_indexed_and_one_without_events_is_not(
    app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEMARK_HOME", str(tmp_path))
    log = folded(by_hand(), ONE)
    events = archived(log, tmp_path / "events", ["regulatory.events"])
    other = archived(log, tmp_path / "other", ["nets"])
    assert CliRunner().invoke(app, ["index", "--file", str(events)]).exit_code == 0
    told = CliRunner().invoke(app, ["index", "--file", str(other)])
    assert "there is no topic regulatory.events to read" in str(told.exception)
