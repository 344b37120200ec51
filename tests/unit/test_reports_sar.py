"""Drafts of SAR from alerts, postings, customers and actions; what an archive gives and lacks."""

import json
from pathlib import Path

import pytest

from deploy.alerts.states import Status
from deploy.errors import UserError
from deploy.reports.ctr import ctr
from deploy.reports.drafting import drafted
from deploy.reports.drafts import Draft, write
from deploy.reports.sar import sar
from deploy.reports.walk import Window, joined, walk
from deploy.verification import Place
from tests.made_bank import SHARD, Bank, fields, shop, suspicious

GOLDEN = Path(__file__).parents[1] / "golden" / "reports"


@pytest.fixture
def bank() -> Bank:
    return shop()


def test_a_sar_is_the_file_read_by_eye(tmp_path: Path) -> None:
    bank = suspicious()
    draft = sar(bank.case(), bank.background(), {"s-1": Status(), "v-1": Status()})
    (path,) = write(tmp_path, [draft])
    assert path.read_text() == (GOLDEN / "sar.md").read_text()
    assert path.with_suffix(".json").read_text() == (GOLDEN / "sar.json").read_text()
    known = fields(draft)
    # each posting once: 3 x 9,500.00 in; 28,000.00 out
    assert known["Amount: distinct postings behind the alerts"] == [
        "in 28500.00 USD in 3",
        "out 28000.00 USD in 1",
    ]
    assert known["Product types and payment mechanisms"] == ["CASH", "WIRE"]


@pytest.mark.parametrize(
    ("suspects", "day"),
    [
        ({}, "2026-04-01"),  # 30 days after 2 March, the first form of s-1
        ({"s-1": "suspect-unknown"}, "2026-04-02"),  # then v-1 of 3 March comes first
        ({"s-1": "suspect-unknown", "v-1": "suspect-unknown"}, "2026-05-01"),  # 60 days
    ],
)
def test_a_sar_is_due_30_days_after_the_first_form_60_without_a_suspect(
    suspects: dict[str, str], day: str
) -> None:
    stands = {name: Status(suspect=said) for name, said in suspects.items()}
    known = fields(sar(suspicious().case(), stands=stands))
    assert known["Latest day of filing, if the first alert was initial detection"] == day
    assert known["Suspect identified at detection"] == (["suspect-unknown"] if suspects else None)


def test_a_draft_names_its_alerts_for_the_check_before_filing(tmp_path: Path) -> None:
    (path,) = write(tmp_path, [sar(suspicious().case())])
    assert json.loads(path.with_suffix(".json").read_text())["alerts"] == ["v-1", "s-1"]


def drawn(bank: Bank, name: str, tmp_path: Path, *wanted: str) -> list[Draft]:
    """The drafts of an archive of the bank's log."""
    place = Place(archive=bank.log.archive(tmp_path / "archive"))
    logs = [walk(bank.log.source(), shard, Window(), ["Alert"]) for shard in range(2)]
    return drafted(name, place, joined(logs, ["Alert"]).results["Alert"], None, wanted)[0]


def test_an_archive_gives_the_same_drafts(bank: Bank, tmp_path: Path) -> None:
    (draft,) = drawn(bank, "ctr", tmp_path)
    assert draft == ctr(bank.days()[0])


def test_currency_alerts_give_no_sar_unless_they_are_asked_for(bank: Bank, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the log has no alert of AML there: nothing to draft"):
        drawn(bank, "sar", tmp_path)
    (draft,) = drawn(bank, "sar", tmp_path / "asked", "ctr-1")
    assert fields(draft)["Rules that were met"][0].startswith("ctr-aggregation")
    assert drawn(suspicious(), "sar", tmp_path / "other")[0].alerts == ("v-1", "s-1")
    with pytest.raises(UserError, match="no alert of AML for a CTR there"):
        drawn(suspicious(), "ctr", tmp_path / "none")


def test_what_an_archive_lacks_is_open_in_a_sar_and_refuses_a_ctr(tmp_path: Path) -> None:
    bank = suspicious()
    del bank.log.spans["postings", SHARD]
    (draft,) = drawn(bank, "sar", tmp_path)
    known = fields(draft)
    assert known["Person or business"] is None
    assert known["Amount: distinct postings behind the alerts"] is None
    bank.alert("ctr-1")
    with pytest.raises(UserError, match="does not hold postings; export it, too"):
        drawn(bank, "ctr", tmp_path / "ctr")
