"""Drafts of STOR and SAR: what alerts say goes in, what they do not is named as open."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import UserError
from deploy.reports.cases import cases
from deploy.reports.drafts import markdown, write
from deploy.reports.sar import sar
from deploy.reports.stor import stor
from deploy.reports.walk import Window, joined, walk
from tests.made_log import MadeLog

MARCH_2 = 1_772_409_600_000_000  # 2026-03-02T00:00:00Z
HOUR = 3_600_000_000
RULES = f"rules:{'a' * 64}"


def alert(log: MadeLog, alert_id: str, shard: int = 0, **given: Any) -> str:
    usual = {
        "domain": "AML",
        "rule": "structuring",
        "rule_version": "3",
        "decided_by": RULES,
        "subject": "C-77",
        "subject_kind": "CUSTOMER",
        "account": "ACC1",
        "band": "HIGH",
        "score": 912_345,
        "amount": 2_850_000,
        "currency": "USD",
        "scale": 2,
        "measured": "3 deposits of 9,500.00 USD",
        "limit": "10,000.00 USD a day",
        "reason": "deposits just below the reporting limit",
        "events": "p1;p2;p3",
        "event_count": 3,
        "time": MARCH_2 + 2 * HOUR,
        "first_time": MARCH_2,
        "last_time": MARCH_2 + 2 * HOUR,
    }
    said = usual | {"alert_id": alert_id} | given
    return log.result(
        *(shard, MARCH_2 // 1_000, "alerts", "Alert"), lineage="postings/0:5-90", **said
    )


def alerts(log: MadeLog) -> Any:
    source = log.source()
    logs = [walk(source, shard, Window(), ["Alert"]) for shard in range(log.partitions)]
    return joined(logs, ["Alert"]).results["Alert"]


def fields(draft: Any) -> dict[str, Any]:
    return {name: value for part in draft.parts for name, value in part.fields}


def test_a_sar_has_the_parts_of_the_form_and_says_what_is_known() -> None:
    log = MadeLog()
    alert(log, "a1")
    (case,) = cases(alerts(log), "AML")
    draft = sar(case)
    assert [part.title.split(" - ")[0] for part in draft.parts] == [
        *("Part I", "Part II", "Part III", "Part IV", "Part V", "Annex")
    ]
    known = fields(draft)
    assert known["Identifier in our systems"] == "C-77 (CUSTOMER)"
    assert known["Date or date range of suspicious activity"] == (
        "2026-03-02T00:00:00.000000Z to 2026-03-02T02:00:00.000000Z"
    )
    assert known["Amount: greatest of one alert, by currency"] == ["28500.00 USD"]
    assert known["Rules that were met"] == ["structuring 3, band HIGH, score 0.912345"]
    # 31 CFR 1020.320(b)(3): 30 calendar days after 2 March
    assert known["Latest day of filing, if the first alert was initial detection"] == "2026-04-01"
    assert known["Events behind it"] == ["p1", "p2", "p3"]
    assert known["What the log says"] == [
        "2026-03-02T02:00:00.000000Z: deposits just below the reporting limit "
        "(measured 3 deposits of 9,500.00 USD, limit 10,000.00 USD a day)"
    ]
    assert known["Proofs"] == ["tidemark prove 0:0"]


def test_a_stor_has_the_sections_of_the_template() -> None:
    log = MadeLog()
    given = {"domain": "MARKET_ABUSE", "rule": "spoofing", "subject_kind": "LEI"}
    alert(log, "a1", instrument="US0378331005", venue="XNAS", currency="", account="", **given)
    (case,) = cases(alerts(log), "MARKET_ABUSE")
    draft = stor(case)
    assert [part.title[:9] for part in draft.parts] == [f"Section {n}" for n in range(1, 7)]
    known = fields(draft)
    assert known["Description of the financial instrument: ISIN"] == ["US0378331005"]
    assert known["Market where order or transaction occurred: MIC"] == ["XNAS"]
    assert known["Account numbers"] is None
    assert (
        draft.open.count(
            "Section 5 - Additional information: Background or any other "
            "information considered relevant"
        )
        == 1
    )


def test_open_fields_are_named_and_never_filled() -> None:
    log = MadeLog()
    alert(log, "a1")
    draft = sar(cases(alerts(log), "AML")[0])
    text = markdown(draft)
    assert text.count("**open**") == len(draft.open)
    for name in ("Name", "Address", "Date of birth", "Taxpayer identification number"):
        assert f"Part I - Subject information: {name}" in draft.open


def test_alerts_of_a_subject_are_one_case_and_an_amended_one_counts_once() -> None:
    log = MadeLog()
    first = alert(log, "a1", amount=100)
    alert(log, "a2", rule="velocity", time=MARCH_2 + HOUR, amount=50, events="p3;p4")
    alert(log, "b1", subject="C-78")
    newest = alert(log, "a1.2", corrects="a1", amount=300)
    case, other = cases(alerts(log), "AML")
    assert [one["alert_id"] for one in case.alerts] == ["a2", "a1.2"]
    assert case.amended == (first,)
    assert case.alerts[1]["event"] == newest
    assert case.amounts() == {("USD", 2): 300}
    assert case.events() == ["p3", "p4", "p1", "p2"]
    assert other.subject == "C-78"


def test_a_case_can_be_asked_for_by_subject_or_by_any_form_of_an_alert() -> None:
    log = MadeLog()
    alert(log, "a1")
    alert(log, "a1.2", corrects="a1")
    alert(log, "b1", subject="C-78")
    found = alerts(log)
    assert [case.subject for case in cases(found, "AML", "C-78")] == ["C-78"]
    for asked in ("a1", "a1.2"):
        (case,) = cases(found, "AML", wanted=[asked])
        assert [one["alert_id"] for one in case.alerts] == ["a1.2"]
    with pytest.raises(UserError, match="no alert 'c1' of AML"):
        cases(found, "AML", wanted=["a1", "c1"])
    assert cases(found, "MARKET_ABUSE") == []


def test_events_that_are_not_listed_are_counted() -> None:
    log = MadeLog()
    alert(log, "a1", event_count=1_500)
    (case,) = cases(alerts(log), "AML")
    assert "1497 of its 1500 events are not listed" in fields(sar(case))["What the log says"][0]


def test_files_are_named_after_the_subject_whatever_it_is(tmp_path: Path) -> None:
    log = MadeLog()
    for number, subject in enumerate(["../../etc/x", "C 77", "C_77", ".hidden"]):
        alert(log, f"a{number}", subject=subject, reason="x\n# y | <b>")
    paths = write(tmp_path, [sar(case) for case in cases(alerts(log), "AML")])
    assert len(set(paths)) == 4
    assert {path.parent for path in paths} == {tmp_path}
    assert all(path.name.startswith("sar-") for path in paths)
    for path in paths:
        assert "\n# y" not in path.read_text()
        told = json.loads(path.with_suffix(".json").read_text())
        assert told["status"] == "draft, not filed"
