"""`tidemark backtest aml --rules` and `tidemark alerts diff` from files and archives."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer

from connectors.generators.files import SCHEMA
from connectors.log import MemoryLog
from deploy import cli
from deploy.commands import alerts, backtest
from deploy.drafts import asked, told
from deploy.drafts.compared import compared
from deploy.proofs.sources import InMemory
from deploy.reports import asked as reports_asked
from jobs.catalogue import Config, aml_job
from schemas.codec import encode
from schemas.records import record
from tests.aml_log import DAY, FEEDS, HOUR, START, Log
from tests.made_rules import Desk
from tests.rule_sets import PUBLIC, cash_from, signed

Shell = Callable[..., tuple[int, str, str]]
BEGIN = "2026-03-02T08:15:00Z"
AT = START + HOUR // 4
CONFIG = Config(1, lateness_ms=1_000, rule_keys=PUBLIC.hex())
DRAFT = """\
rules:
  ctr-aggregation:
    bands: [{name: LOW, at_least: 500_000, score: 100_000}]
"""


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    app = typer.Typer()
    alerts.register(app)
    backtest.register(app)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(cli, "register_all", lambda: None)

    def run(*argv: Any) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tidemark", *map(str, argv)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        assert isinstance(ended.value.code, int | None)
        return ended.value.code or 0, told.out, told.err

    return run


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    path = tmp_path / "draft.yaml"
    path.write_text(DRAFT)
    return path


def cash() -> Log:
    log = Log()
    for owner, time in (("before", AT - 1), ("at", AT)):
        log.post(owner, time, owner=owner, channel="CASH", amount=6_000_00)
    log.tick(START + HOUR)
    return log


def to_files(log: MemoryLog, folder: Path) -> list[str]:
    """Each topic as a recorded log."""
    options = []
    for topic in FEEDS:
        span = log.spans[topic, 0]
        columns = {"offset": span.offsets, "appended": span.appended}
        columns |= {"key": span.keys, "value": span.values}  # type: ignore[dict-item]
        frame = pl.DataFrame({"topic": topic, "partition": 0, **columns}, schema=SCHEMA)
        frame.write_parquet(folder / f"{topic}.parquet")
        options += ["-i", f"{topic}={folder / topic}.parquet"]
    return options


def label(folder: Path) -> str:
    """A generated world's label on the posting `at`, as records in a file."""
    rec = record("SchemeLabel")
    row = {name: "" if kind == pl.String else 0 for name, kind in rec.columns.items()}
    row |= {"label_id": "S1|at", "producer": "g", "scheme": "S1", "kind": "smurfing"}
    row |= {"member": "at", "role": "subject", "time": AT, "first_time": AT, "last_time": AT}
    row |= {"postings": "at", "posting_count": 1}
    pl.DataFrame([row], schema=rec.columns).write_parquet(folder / "schemes.parquet")
    return f"schemes={folder / 'schemes.parquet'}"


def test_a_draft_over_files(shell: Shell, tmp_path: Path, draft: Path) -> None:
    given = [*to_files(cash().log, tmp_path), "-i", label(tmp_path), "-o", "partitions=1"]
    out = tmp_path / "out"
    code, text, err = shell(
        "backtest", "aml", "--rules", draft, *given, "--out", out, "--from", BEGIN, "--json"
    )
    assert (code, err) == (0, "")
    said = json.loads(text)
    assert said == json.loads((out / "summary.json").read_text())
    assert said["rules"] == [
        {"rule": "ctr-aggregation", "live": 0, "draft": 1, "gained": 1, "lost": 0, "changed": 0}
        | {"same": 0}
    ]
    by = {one["alerts"]: one for one in said["rates"]}
    assert by["live"]["precision"]["share"] is None
    assert (by["live"]["recall"]["hits"], by["live"]["recall"]["of"]) == (0, 1)
    assert (by["draft"]["precision"]["share"], by["draft"]["recall"]["share"]) == (1.0, 1.0)
    assert pl.read_parquet(out / "gained.parquet")["subject"].to_list() == ["at"]
    code, text, _ = shell("backtest", "aml", "--rules", draft, *given, "--out", out)
    assert code == 0
    assert "6000.00 USD of cash-in in 1 transactions" in text
    assert "before" in text
    assert "1.000 (2 of 2" not in text


def test_a_draft_over_a_log_with_its_recorded_options(
    shell: Shell, tmp_path: Path, draft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys of live sets come from the job's batch indexes: the recorded set counts."""
    log = Log()
    log.put("rules", "RuleSet", signed(1, START + 60_000_000, cash_from(600_000)), START + 1)
    for owner, time in (("before", AT - 1), ("at", AT)):
        log.post(owner, time, owner=owner, channel="CASH", amount=6_000_00)
    log.tick(START + HOUR)
    for folded in log.fold(aml_job(CONFIG)):
        for result in folded.results:
            if result.topic == "aml.batches":
                log.log.append(result.topic, 0, 2**41, result.value, result.key)

    @contextmanager
    def opened(*_: Any) -> Iterator[tuple[InMemory, range]]:
        yield InMemory(log.log), range(1)

    monkeypatch.setattr(reports_asked, "place", lambda *_: None)
    monkeypatch.setattr(reports_asked, "opened", opened)
    monkeypatch.setattr(asked, "_topics", lambda *_: [*FEEDS, "aml.batches"])
    out = tmp_path / "out"
    code, text, err = shell("backtest", "aml", "--rules", draft, "--out", out, "--json")
    assert (code, err) == (0, "")
    said = json.loads(text)
    assert said["options"] == str(CONFIG)
    assert said["live"] == ["rules:" + signed(1, 1, cash_from(600_000))["hash"]]
    assert [one["same"] for one in said["rules"]] == [2]


def test_what_cannot_be_is_one_line(shell: Shell, tmp_path: Path, draft: Path) -> None:
    given = to_files(cash().log, tmp_path)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("rules:\n  ctr-aggregation: {limit: 3}\n")
    out = ["--out", tmp_path / "out"]
    for argv, why in (
        (["netting", "--rules", draft], "netting has no rule sets; leave --rules out"),
        (["aml", "--rules", wrong, *given], "wrong.yaml line 2: rule ctr-aggregation, field limit"),
        (["aml", "--rules", draft, *given, "--from", "noon"], "--from 'noon' is no time with"),
        (["aml", "--rules", draft, "--from", BEGIN, "--to", BEGIN], "--from is not before --to"),
        (["aml", "--rules", draft, *given, "--prefix", "x."], "give --input, or --file, or"),
        (["aml", "--rules", draft, "-o", "slice-ms=1"], "options are as recorded in the log"),
        (["netting", *given[:2], "--from", BEGIN], "--file, --brokers and --prefix go with"),
        (["aml"], "no input; give --input TOPIC=FILE"),
    ):
        code, text, err = shell("backtest", *argv, *out)
        assert (code, text) == (1, "")
        assert why in err
        assert err.count("\n") == 1


def desk() -> Desk:
    """A shadow from AT on until a day later, and what live and shadow have said."""
    found = Desk(partitions=1)
    sets = [
        signed(3, AT, cash_from(1), "SHADOW"),
        signed(5, AT + DAY, cash_from(2), "SHADOW"),
        signed(6, AT + 2 * DAY, "", "SHADOW_END"),
    ]
    for number, row in enumerate(sets):
        value = encode(record("RuleSet"), row | {"sequence": number})
        found.append("rules", 0, value, b"aml")
    usual: dict[str, Any] = {"rule": "ctr-aggregation", "decided_by": "rules:x", "band": "LOW"}
    for name, time in (("a0", AT - 1), ("a1", AT), ("a2", AT + 1), ("a3", AT + DAY)):
        found.alert(name, time=time, **usual)
    found.alert("other-job", time=AT + 5, **usual | {"rule": "screening"}, producer="screening/0")
    found.alert("refused", time=AT + 6, **usual | {"decided_by": ""})
    shadow = (("a1", AT, "LOW"), ("b2", AT + 1, "HIGH"), ("b3", AT + 2, "LOW"))
    for number, (name, time, band) in enumerate(shadow):
        said = usual | {"band": band, "time": time, "producer": "aml/0", "sequence": number}
        found.alert(name, topic="alerts.shadow", **said)
    return found


def test_what_live_and_shadow_said_is_compared(shell: Shell, tmp_path: Path) -> None:
    archive = desk().log.archive(tmp_path / "archive")
    code, text, _ = shell("alerts", "diff", 3, "--file", archive, "--out", tmp_path, "--json")
    assert code == 0
    assert json.loads(text) == {
        "from": AT,
        "to": AT + DAY,
        "rules": [
            {"rule": "ctr-aggregation", "live": 2, "draft": 3, "gained": 1, "lost": 0}
            | {"changed": 1, "same": 1}
        ],
    }
    assert pl.read_parquet(tmp_path / "gained.parquet")["alert_id"].to_list() == ["b3"]
    changed = pl.read_parquet(tmp_path / "changed.parquet")
    assert changed.select("alert_id", "draft_alert_id", "draft_band").rows() == [
        ("a2", "b2", "HIGH")
    ]
    code, text, _ = shell("alerts", "diff", "--file", archive)
    assert (code, "a3" in text, "LOW -> HIGH" in text) == (0, False, False)
    assert "ctr-aggregation" in text
    code, _, err = shell("alerts", "diff", 4, "--file", archive)
    assert (code, "no shadow of epoch 4 was published; see: tidemark rules show" in err) == (
        1,
        True,
    )


def test_long_sets_are_cut_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    usual = {"rule": "ctr", "band": "LOW", "score": 1, "measured": "m", "limit": "l", "reason": ""}
    rows = [usual | {"alert_id": f"a{n:02}", "subject": f"C{n:02}", "time": n} for n in range(22)]
    alerts_of_draft = pl.DataFrame(rows)
    told.show(compared(alerts_of_draft.clear(), alerts_of_draft))
    shown = capsys.readouterr().out
    assert "C19" in shown
    assert "C20" not in shown
    assert shown.endswith("2 more gained; all are in gained.parquet of --out\n")
