"""The daily report: figures from a log made by hand, the same page every time."""

import re
from pathlib import Path

import pytest

from deploy.reports import form, page
from deploy.reports.operations import KINDS, operations
from deploy.reports.walk import Log, Window, joined, walk
from tests.made_log import LOG, MadeLog

GOLDEN = Path(__file__).parents[1] / "golden" / "reports"
DAY_MS = 1_772_409_600_000  # 2026-03-02T00:00:00Z
NINE, TEN = DAY_MS + 9 * 3_600_000, DAY_MS + 10 * 3_600_000
DAY = Window.of(form.day_of("2026-03-02"))
TITLE = "Operations on 2026-03-02 (log time, UTC)"


def batch(log: MadeLog, shard: int, end_ms: int, inputs: str, **given: object) -> None:
    counts = {"job": "netting", "shard": shard, "slice_end": 1_000 * end_ms, "inputs": inputs}
    log.result(shard, end_ms, "netting.batches", "BatchIndex", **(counts | given))


def made() -> MadeLog:
    """Two shards; a line before and a line after the day; two cycles; dead letters; alerts."""
    log = MadeLog()
    batch(log, 0, DAY_MS - 1, "obligations:900", records=900, used=900)
    # slices that end at 10:00 belong to the hour from 9:00
    used = {"records": 10, "used": 7, "duplicates": 2, "late": 3, "dead": 1}
    batch(log, 0, TEN, "obligations:10", **used)
    batch(log, 1, TEN + 1_000, "obligations:4;payments:6", records=10, used=10)
    log.result(
        *(0, TEN, "netting.dead", "DeadLetter"),
        job="netting",
        topic="obligations",
        reason="out-of-range",
    )
    cycle = {"asset": "EUR", "scale": 2, "cycle_end": 1_000 * TEN, "obligations": 4, "members": 3}
    log.result(
        *(0, TEN + 1, "cycles", "NettingCycle"),
        **cycle,
        netting_set=f"{'A' * 20}|EUR",
        gross=100_000,
        bilateral_net=40_000,
        multilateral_net=10_000,
        bilateral_efficiency_ppm=600_000,
        multilateral_efficiency_ppm=900_000,
    )
    log.result(
        *(1, TEN + 1_002, "cycles", "NettingCycle"),
        **(cycle | {"late": 1}),
        netting_set=f"{'B' * 20}|EUR",
        gross=50_000,
        bilateral_net=50_000,
        multilateral_net=5_000,
        multilateral_efficiency_ppm=900_000,
    )
    alert = {"domain": "AML", "rule": "structuring", "rule_version": "3", "subject": "C1"}
    log.result(1, TEN + 1_003, "alerts", "Alert", **alert, alert_id="a1")
    log.result(1, TEN + 1_003, "alerts", "Alert", **alert, alert_id="a2", corrects="a1")
    log.tick(LOG, 1, TEN + 1_004)
    batch(log, 1, DAY_MS + 86_400_000, "payments:800", records=800, used=800)
    return log


def read(log: MadeLog, window: Window = DAY) -> Log:
    source = log.source()
    return joined([walk(source, shard, window, KINDS) for shard in range(log.partitions)], KINDS)


def test_the_tables_are_those_written_by_hand(tmp_path: Path) -> None:
    page.write(tmp_path, operations(read(made())), TITLE)
    for golden in sorted(GOLDEN.glob("operations-*.csv")):
        name = golden.name.removeprefix("operations-")
        assert (tmp_path / name).read_text() == golden.read_text(), name


def test_totals_are_those_of_the_day() -> None:
    totals = operations(read(made())).totals
    assert totals == {
        "results": 7,
        "records": 20,
        "used": 17,
        "duplicates": 2,
        "duplicates_unchecked": 0,
        "late": 3,
        "dead": 1,
        "cycles": 2,
        "alerts": 2,
        "unreadable": 0,
        "wrong_chains": 0,
    }


def test_the_page_says_the_figures_and_what_there_is_none_of(tmp_path: Path) -> None:
    text = page.write(tmp_path, operations(read(made())), TITLE).read_text()
    assert f"<h1>{TITLE}</h1>" in text
    assert "Every chain holds." in text
    assert '<td class="n">400000</td>' in text  # bilateral: 1 - 900.00 / 1,500.00
    assert "There are none in the log. VaR figures are not in it either." in text
    assert "Nobody changed any." in text
    assert text.count("<svg") == 5


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    pages = [
        page.write(tmp_path / name, operations(read(made())), TITLE).read_bytes() for name in "ab"
    ]
    assert pages[0] == pages[1]
    assert not re.search(rb"<dc:date>|Matplotlib v", pages[0])


def test_what_a_log_says_is_text_on_the_page_and_nothing_else(tmp_path: Path) -> None:
    log = MadeLog()
    log.result(0, TEN, "alerts", "Alert", rule="<script>$x_{1}$</script>", alert_id="a", scale=0)
    text = page.write(tmp_path, operations(read(log)), TITLE).read_text()
    assert "<script" not in text
    assert "&lt;script&gt;$x_{1}$&lt;/script&gt;" in text


def test_a_log_without_a_single_event_gives_a_page(tmp_path: Path) -> None:
    text = page.write(tmp_path, operations(read(MadeLog())), TITLE).read_text()
    assert "No record was refused." in text
    assert "<svg" not in text


def test_business_time_chooses_by_what_events_say() -> None:
    log = MadeLog()
    inside = 1_000 * TEN
    for cycle_end in (inside, inside - 86_400_000_000):
        log.result(0, NINE + 172_800_000, "cycles", "NettingCycle", cycle_end=cycle_end)
    assert operations(read(log)).totals["cycles"] == 0
    window = Window.of(form.day_of("2026-03-02"), "business")
    assert operations(read(log, window)).totals["cycles"] == 1


def test_a_broken_chain_is_said_and_what_follows_is_reported(tmp_path: Path) -> None:
    log = made()
    span = log.spans[LOG, 0]
    span.values[1] = (span.values[1] or b"")[:-1] + b"\x00"
    found = operations(read(log))
    assert found.totals["wrong_chains"] == 1
    assert found.totals["cycles"] == 2
    assert found.tables["chains"].rows()[0][:3] == (0, "WRONG", 1)
    text = page.write(tmp_path, found, TITLE).read_text()
    assert "1 of the chains do not hold" in text


def test_an_event_nobody_can_read_is_counted() -> None:
    log = made()
    log.event(0, TEN + 5, kind="Alert", payload=b"nonsense", source_topic="alerts")
    found = operations(read(log))
    assert found.totals["unreadable"] == 1
    assert found.totals["alerts"] == 2


@pytest.mark.parametrize(
    ("net", "gross", "ppm"), [(0, 0, 0), (1, 3, 666_666), (3, 3, 0), (0, 5, 1_000_000)]
)
def test_efficiency_is_rounded_down(net: int, gross: int, ppm: int) -> None:
    log = MadeLog()
    log.result(0, TEN, "cycles", "NettingCycle", gross=gross, bilateral_net=net)
    assert operations(read(log)).tables["netting"]["bilateral_ppm"].to_list() == [ppm]


def test_sums_beyond_64_bits_are_exact() -> None:
    log = MadeLog()
    for _ in range(3):
        log.result(0, TEN, "cycles", "NettingCycle", gross=2**62, asset="EUR", scale=2)
    table = operations(read(log)).tables["netting"]
    assert table["gross"].to_list() == ["138350580552821637.12"]  # 3 * 2^62 cents
