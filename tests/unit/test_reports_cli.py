"""The report commands over an archive: files, exit codes, one line for what a person can mend."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.reports.states import Step, first, following
from schemas.codec import encode
from schemas.records import record
from tests.made_log import LOG, MadeLog, filled

DAY_MS = 1_772_409_600_000  # 2026-03-02T00:00:00Z
CONTENT = b"a,b\n"


def submission(log: MadeLog, step: Step, number: int) -> None:
    row = step.record(1_000 * DAY_MS, "reports/submissions/1", number)
    log.append("submissions", 1, DAY_MS, encode(record("ReportSubmission"), row), b"r")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = MadeLog()
    usual = {"domain": "AML", "rule": "velocity", "subject": "C1", "currency": "", "events": "p1"}
    log.result(0, DAY_MS, "alerts", "Alert", alert_id="a1", **usual)
    log.result(1, DAY_MS, "cycles", "NettingCycle", gross=10, bilateral_net=5, asset="EUR")
    log.result(1, DAY_MS, "nets", "NetPosition", net_id="n", netting_set="L|EUR")
    log.append("fills", 0, DAY_MS, encode(record("Fill"), filled("Fill", {})), b"b")
    log.append("obligations", 0, DAY_MS, b"", b"s")
    prepared = first("sar", CONTENT)
    submission(log, prepared, 0)
    submission(log, following(prepared, "SENT"), 1)
    return log.archive(tmp_path_factory.mktemp("log") / "archive")


def tidemark(*argv: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.cli", "report", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


FILES = {
    "transactions": {"transactions.csv", "fields.csv", "lineage.csv", "open.csv", "refused.csv"},
    "sar": {".md", ".json"},
    "emir": {"nets.csv", "fields.csv", "obligations.csv"},
    "controls": {
        *("controls.md", "changes.csv", "findings.csv", "versions.csv", "deciders.csv"),
        "chains.csv",
    },
    "operations": {
        *("report.html", "chains.csv", "results.csv", "inputs.csv", "batches.csv", "dead.csv"),
        *("netting.csv", "cycles.csv", "alerts.csv", "changes.csv", "submissions.csv"),
        *("fails.csv", "risk.csv"),
    },
}


@pytest.mark.parametrize("name", FILES)
def test_each_report_writes_its_files(name: str, archive: Path, tmp_path: Path) -> None:
    day = ["--day", "2026-03-02"] if name in ("operations", "sar") else []
    told = tidemark(name, "--file", archive, "--out", tmp_path / "r", *day, "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["folder"] == str(tmp_path / "r")
    written = {path.name for path in (tmp_path / "r").iterdir()}
    if name == "sar":
        assert {Path(one).suffix for one in written} == FILES[name]
    else:
        assert written == FILES[name]


def test_two_workers_write_what_one_does(archive: Path, tmp_path: Path) -> None:
    asked = ["operations", "--file", archive, "--day", "2026-03-02"]
    for workers in (1, 2):
        told = tidemark(*asked, "--out", tmp_path / str(workers), "--workers", workers)
        assert told.returncode == 0, told.stderr
    for path in sorted((tmp_path / "1").iterdir()):
        assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes()


def test_status_says_where_each_report_is(archive: Path) -> None:
    told = tidemark("status", "--file", archive, "--json")
    assert [(row["state"], row["attempt"]) for row in json.loads(told.stdout)] == [("SENT", 1)]
    name = json.loads(told.stdout)[0]["report_id"]
    steps = json.loads(tidemark("status", name, "--file", archive, "--json").stdout)
    assert [row["state"] for row in steps] == ["PREPARED", "SENT"]


def test_a_history_that_cannot_be_is_shown_and_ends_with_1(tmp_path: Path) -> None:
    log = MadeLog()
    prepared = first("sar", CONTENT)
    submission(log, prepared, 0)
    submission(log, Step(**{**vars(prepared), "state": "ACKNOWLEDGED", "number": 1}), 1)
    told = tidemark("status", "--file", log.archive(tmp_path / "a"))
    assert told.returncode == 1
    assert "has a history that cannot be: step 1 goes from PREPARED" in told.stderr


def test_a_report_on_a_broken_chain_is_written_and_ends_with_1(tmp_path: Path) -> None:
    log = MadeLog(1)
    for number in range(3):
        log.result(0, DAY_MS, "alerts", "Alert", alert_id=f"a{number}")
    del log.spans[LOG, 0].values[1], log.spans[LOG, 0].offsets[1]
    del log.spans[LOG, 0].keys[1], log.spans[LOG, 0].appended[1]
    log.spans[LOG, 0].offsets[:] = [0, 1]
    out = tmp_path / "r"
    told = tidemark("controls", "--file", log.archive(tmp_path / "a"), "--out", out)
    assert told.returncode == 1
    assert "the chain of shard 0 does not hold: gap" in told.stderr
    assert (out / "controls.md").exists()


BAD: list[tuple[list[str], str]] = [
    (["operations", "--day", "2026-02-30"], "is not a day"),
    (["operations", "--day", "today"], "is not a day"),
    (["stor"], "no alert of MARKET_ABUSE there: nothing to draft"),
    (["sar", "--subject", "nobody"], "no alert of AML on nobody there"),
    (["sar", "--alert", "zz"], "no alert 'zz' of AML"),
    (["transactions", "--submitter", "X"], "is no LEI"),
    (["transactions", "--day", "x"], "is not a day"),
]


@pytest.mark.parametrize(("argv", "says"), BAD)
def test_what_a_person_can_mend_is_one_line(
    argv: list[str], says: str, archive: Path, tmp_path: Path
) -> None:
    told = tidemark(*argv, "--file", archive, "--out", tmp_path / "r")
    (line,) = told.stderr.split("\n")[-2:-1]
    assert told.returncode == 1
    assert line.startswith("tidemark: ")
    assert says in line
    assert "Traceback" not in told.stderr


def test_other_things_a_person_can_mend(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    empty = MadeLog().archive(tmp_path / "empty")
    cases = [
        (["controls", "--file", archive, "--out", tmp_path / "full"], "is not an empty folder"),
        (["controls", "--file", tmp_path, "--out", tmp_path / "r"], "is no archive"),
        (["transactions", "--file", empty, "--out", tmp_path / "s"], "does not hold fills"),
        (["status", "--file", empty], "does not hold submissions"),
        (["status", "sar-x", "--file", archive], "there is no report sar-x"),
        (["submit", tmp_path, "--endpoint", "http://127.0.0.1:1/"], "is no file"),
        (["submit", archive / "manifest.json", "--endpoint", "http://h/"], "give --kind"),
    ]
    for argv, says in cases:
        told = tidemark(*argv)
        assert (told.returncode, told.stderr.count("\n")) == (1, 1), told.stderr
        assert says in told.stderr


def test_a_taken_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = tidemark("endpoint", "--port", taken.getsockname()[1])
    assert told.returncode == 1
    assert "cannot be had (Address already in use); take another one" in told.stderr


@pytest.mark.parametrize(
    "argv",
    [
        ["status"],
        ["controls", "--out", "r"],
        ["submit", __file__, "--kind", "sar", "--endpoint", "http://127.0.0.1:1/"],
    ],
)
def test_no_broker_is_one_line(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEMARK_HOME", str(tmp_path))
    told = tidemark(*argv, "--brokers", "127.0.0.1:1")
    assert (told.returncode, told.stderr.count("\n")) == (1, 1), told.stderr
    assert "no Kafka broker answers at 127.0.0.1:1" in told.stderr
