"""Control evidence and the EMIR extract: lines, findings and places, from logs made by hand."""

from pathlib import Path
from typing import Any

import pytest

from deploy.reports import controls, emir, form
from deploy.reports.walk import Log, Window, joined, walk
from schemas.codec import encode
from schemas.records import record
from tests.made_log import MadeLog, filled

DAY_MS = 1_772_409_600_000  # 2026-03-02T00:00:00Z
DAY = 1_000 * DAY_MS
A, B, C = ("a" * 64, "b" * 64, "c" * 64)
ALL = Window()


def change(log: MadeLog, appended: int, name: str, old: str, new: str, **given: Any) -> str:
    usual = {
        "change_id": f"{name}-{appended}",
        "time": 1_000 * appended,
        "effective_time": 1_000 * appended,
        "author": "ann",
        "approver": "bob",
    }
    asked = usual | {"name": name, "from_hash": old, "to_hash": new} | given
    return log.result(0, appended, "control.changes", "ControlChange", **asked)


def read(log: MadeLog, kinds: tuple[str, ...] = controls.KINDS) -> Log:
    source = log.source()
    return joined([walk(source, shard, ALL, kinds) for shard in range(log.partitions)], kinds)


def findings(log: MadeLog) -> list[tuple[str, str, str]]:
    tables = controls.report(read(log), ALL)
    return tables["findings"].select("event", "name", "finding").rows()


def test_changes_in_good_order_have_no_findings() -> None:
    log = MadeLog()
    change(log, DAY_MS, "aml", "", A)
    change(log, DAY_MS + 1, "limits", "", C, kind="LIMIT")
    change(log, DAY_MS + 2, "aml", A, B)
    change(log, DAY_MS + 3, "aml", B, "")
    change(log, DAY_MS + 4, "aml", "", A)
    log.result(1, DAY_MS + 5, "alerts", "Alert", decided_by=f"rules:{A}", time=DAY + 5_000)
    assert findings(log) == []


def test_each_finding_names_the_place_of_its_change() -> None:
    log = MadeLog()
    change(log, DAY_MS, "aml", "", A, approver="")
    change(log, DAY_MS, "abuse", "", A, approver="ann")
    change(log, DAY_MS + 1, "aml", C, B)
    change(log, DAY_MS + 2, "limits", "", C, effective_time=DAY)
    assert findings(log) == [
        ("0:0", "aml", "not approved"),
        ("0:1", "abuse", "approved by its author"),
        ("0:2", "aml", "broken succession"),
        ("0:3", "limits", "in force before it was made"),
    ]


def test_what_decides_must_have_been_brought_in_and_be_in_force() -> None:
    log = MadeLog()
    change(log, DAY_MS, "aml", "", A, effective_time=DAY + 1)
    log.result(1, DAY_MS, "alerts", "Alert", decided_by=f"rules:{A}", time=DAY + 1)
    log.result(1, DAY_MS, "alerts", "Alert", decided_by=f"rules:{A}", time=DAY)
    log.result(1, DAY_MS, "alerts", "Alert", decided_by=f"model:{B}", time=DAY)
    assert sorted(findings(log)) == [
        ("1:0", f"rules:{A}", "decided before it was in force"),
        ("1:2", f"model:{B}", "decided without a recorded change"),
    ]


def test_the_day_limits_what_is_told_and_not_what_is_compared() -> None:
    log = MadeLog()
    change(log, DAY_MS - 1, "aml", "", A)
    change(log, DAY_MS, "aml", A, B)
    change(log, DAY_MS + 86_400_000, "aml", A, C)
    tables = controls.report(read(log), Window.of(form.day_of("2026-03-02")))
    assert tables["changes"]["event"].to_list() == ["0:1"]
    assert tables["findings"].is_empty()


def test_versions_are_runs_of_batches() -> None:
    log = MadeLog()
    for number, version in enumerate(["n/1", "n/1", "n/2", "n/1"]):
        given = {"job": "netting", "sequence": number, "slice_end": DAY + number * 1_000_000}
        log.result(0, DAY_MS, "netting.batches", "BatchIndex", version=version, **given)
    table = controls.report(read(log), ALL)["versions"]
    assert table.select(
        "version", "batches", "first_slice", "first_event", "last_event"
    ).rows() == [
        ("n/1", 2, "2026-03-02T00:00:00.000000Z", "0:0", "0:1"),
        ("n/2", 1, "2026-03-02T00:00:02.000000Z", "0:2", "0:2"),
        ("n/1", 1, "2026-03-02T00:00:03.000000Z", "0:3", "0:3"),
    ]


def test_the_page_is_written_and_shows_no_markup_of_others(tmp_path: Path) -> None:
    log = MadeLog(1)
    change(log, DAY_MS, "a|b<i>", "", A, reason="because\n# no heading")
    controls.write(tmp_path, controls.report(read(log), ALL))
    text = (tmp_path / "controls.md").read_text()
    assert r"a\|b\<i\>" in text
    assert "\n# no" not in text
    assert "| 0 | ok | 1 |" in text
    heading, line = (tmp_path / "changes.csv").read_text().splitlines()[:2]
    assert heading.startswith("event,logged,time,kind,name,from_hash,to_hash,author,approver")
    assert line.startswith("0:0,2026-03-02T00:00:00.000000Z,2026-03-02T00:00:00.000000Z,RULE_SET,")


def test_an_empty_log_gives_an_empty_report(tmp_path: Path) -> None:
    controls.write(tmp_path, controls.report(read(MadeLog()), ALL))
    assert (tmp_path / "controls.md").read_text().count("None.") == 3


CCP, MEMBER, OTHER = "5493001KJTIIGC8Y1R12", "7LTWFZYICNSX8D621K86", "529900T8BM49AURSDO55"


@pytest.fixture
def nets() -> MadeLog:
    log = MadeLog()
    usual = {
        "cycle_start": DAY,
        "cycle_end": DAY + 3_600_000_000,
        "netting_set": f"{CCP}|EUR",
        "asset": "EUR",
        "scale": 2,
        "member": MEMBER,
        "version": "netting/1",
    }
    log.result(
        *(0, DAY_MS, "nets", "NetPosition"),
        **usual,
        lineage="obligations/0:1-9",
        net_id="n1",
        counterparty=OTHER,
        receives=150,
        delivers=1_150,
        net=-1_000,
        obligations=3,
    )
    stock = {"asset": "US0378331005", "scale": 0, "netting_set": f"{CCP}|US0378331005"}
    log.result(
        *(1, DAY_MS, "nets", "NetPosition"),
        **(usual | stock),
        kind="MULTILATERAL",
        net_id="n2",
        receives=7,
        net=7,
        obligations=1,
        late=1,
    )
    return log


def test_nets_have_parties_and_exact_sums(nets: MadeLog, tmp_path: Path) -> None:
    emir.write(tmp_path, emir.report(read(nets, emir.KINDS)))
    start, end = "2026-03-02T00:00:00.000000Z", "2026-03-02T01:00:00.000000Z"
    _, first, second = (tmp_path / "nets.csv").read_text().splitlines()
    assert first == (
        f"0:0,n1,{start},{end},BILATERAL,EUR,1.50,11.50,-10.00,3,0,obligations/0:1-9,netting/1,"
        f"{MEMBER},true,{OTHER},EUR,Y,{CCP},2026-03-02,PSTN"
    )
    assert second == (
        f"1:0,n2,{start},{end},MULTILATERAL,US0378331005,7,0,7,1,1,,netting/1,"
        f"{MEMBER},true,{CCP},,Y,{CCP},2026-03-02,PSTN"
    )


def test_fields_of_the_extract_are_those_that_the_list_says(nets: MadeLog) -> None:
    tables = emir.report(read(nets, emir.KINDS))
    listed = tables["fields"]
    given = [
        f"{f} {n}" for f, n, s in listed.select("field", "name", "status").rows() if s == "given"
    ]
    assert given == [name for name in tables["nets"].columns if name[:2] in ("1.", "2.")]


def test_obligations_of_the_day_have_their_places() -> None:
    log = MadeLog()
    for number, time in enumerate([DAY - 1, DAY]):
        values = {"obligation_id": f"o{number}", "trade_time": time, "amount": 5, "scale": 3}
        message = encode(record("Obligation"), filled("Obligation", values))
        log.append("obligations", 1, DAY_MS, message, b"set")
    log.append("obligations", 1, DAY_MS, b"nonsense", b"set")
    found = emir.obligations(log.source(), [0, 1], Window.of(form.day_of("2026-03-02")))
    (row,) = found.to_dicts()
    assert (row["place"], row["amount"]) == ("obligations/1/1", "0.005")
    assert row["settlement_date"] == "1970-01-01"
