"""Valuation points, corrections and ends of days, by hand: amounts in the text are euros."""

import polars as pl

from tests.risk_frames import EQUITY, MINUTE, OTHER, SECOND, START, fill, fold, mark, pair, tick
from udfs.risk.parameters import DAY_US, HORIZON_US
from udfs.risk.step import TABLES, RiskStep

MIDNIGHT = 16 * 3_600 * SECOND
"""Of the day of START, 08:00, microseconds after it."""


def run(*events, ends=None):
    return fold(RiskStep(), TABLES, events, ends)


def points(outputs, *names, kind="POINT"):
    frame = outputs["pnl"].filter(kind=kind)
    return [(row["time"] - START, *(row[n] for n in names)) for row in frame.to_dicts()]


def corrected(outputs):
    names = ("time", "cause", "before", "after", "difference")
    return outputs["pnl.corrections"].select(*names).rows()


UNTIL = [
    mark(EQUITY, 0, 10_00),
    fill("A", EQUITY, SECOND, 100, 10_00),
    mark(EQUITY, 59 * SECOND, 10_10),
    mark(EQUITY, 61 * SECOND, 20_00),
    fill("A", EQUITY, 61 * SECOND, 100, 20_00, fill_id="after"),
    tick(66 * SECOND),
]
"""100 shares bought at 10 are worth 10.10 after a minute, and more is bought after it."""


def test_a_point_says_what_prevailed_at_it():
    out = run(*UNTIL)
    names = ("total", "net", "positions", "slice_end", "inputs", "complete")
    assert points(out, *names) == [(MINUTE, 10_00, 1_010_00, 1, START + MINUTE, "", True)]


def test_the_watermark_must_have_passed_a_point():
    assert points(run(*UNTIL[:-1], tick(65 * SECOND)), "total") == []


def test_a_late_fill_corrects_the_points_it_is_late_for():
    """50 more at 10 would have been worth 5 more at the first point, less a fee of 0.07."""
    late = fill("A", EQUITY, 30 * SECOND, 50, 10_00, fill_id="late", fee=7)
    out = run(*UNTIL, late, mark(EQUITY, 100 * SECOND, 20_00), tick(126 * SECOND))
    assert corrected(out) == [(START + MINUTE, "LATE_FILL", 10_00, 14_93, 4_93)]
    assert points(out, "total") == [(MINUTE, 10_00), (2 * MINUTE, 1_499_93)]
    assert out["pnl.corrections"]["cause_id"].to_list() == ["late"]


def test_a_late_mark_corrects_only_if_no_newer_one_was_known():
    """10.20 half a second before the point would have been worth 10 more; 10.20 earlier nothing."""
    rest = [mark(EQUITY, 100 * SECOND, 20_00), tick(126 * SECOND)]
    out = run(*UNTIL, mark(EQUITY, 59 * SECOND + SECOND // 2, 10_20, late=True), *rest)
    assert corrected(out) == [(START + MINUTE, "LATE_MARK", 10_00, 20_00, 10_00)]
    out = run(*UNTIL, mark(EQUITY, 45 * SECOND, 10_20, late=True), *rest)
    assert "pnl.corrections" not in out


def test_corrections_of_one_point_build_on_each_other():
    """10.20 for 100, then 50 more at 10: 20, then 30."""
    out = run(
        *UNTIL,
        mark(EQUITY, 59 * SECOND + 1, 10_20, late=True),
        fill("A", EQUITY, 30 * SECOND, 50, 10_00, fill_id="late"),
        mark(EQUITY, 100 * SECOND, 20_00),
        tick(126 * SECOND),
    )
    assert corrected(out) == [
        (START + MINUTE, "LATE_MARK", 10_00, 20_00, 10_00),
        (START + MINUTE, "LATE_FILL", 20_00, 30_00, 10_00),
    ]


def test_a_late_rate_corrects_every_position_in_its_currency():
    """100 USD are 90, and 80 once the rate of 0.8 is known."""
    dollars = {"currency": "USD"}
    out = run(
        pair("USD", "EUR", 0, 9_000),
        mark(OTHER, 0, 110_00, **dollars),
        fill("A", OTHER, 1, 10, 100_00, **dollars),
        tick(66 * SECOND),
        pair("USD", "EUR", 10, 8_000, late=True),
        mark(OTHER, 100 * SECOND, 110_00, **dollars),
        tick(126 * SECOND),
    )
    assert corrected(out) == [(START + MINUTE, "LATE_MARK", 90_00, 80_00, -10_00)]


def test_what_is_older_than_the_horizon_is_counted():
    """The watermark is an hour and 5 s after the first point, and less after the second."""
    hour = HORIZON_US
    out = run(
        *UNTIL,
        mark(EQUITY, MINUTE + hour + 10 * SECOND, 20_00),
        tick(MINUTE + hour + 10 * SECOND),
        fill("A", EQUITY, 30 * SECOND, 50, 10_00, fill_id="late"),
        tick(hour + 4 * MINUTE),
    )
    assert corrected(out) == [(START + 2 * MINUTE, "LATE_FILL", 1_000_00, 1_500_00, 500_00)]
    assert points(out, "total", "too_late")[-1] == (hour + 2 * MINUTE, 1_500_00, 1)


def test_a_minute_without_fills_and_marks_has_no_point():
    out = run(*UNTIL, tick(30 * MINUTE), mark(EQUITY, 30 * MINUTE, 10_00), tick(31 * MINUTE))
    assert [at for (at,) in points(out)] == [MINUTE, 2 * MINUTE, 30 * MINUTE]


def test_the_end_of_a_day_is_its_last_point_and_what_corrects_it():
    """10 at midnight, 5 more by a late fill; the next day begins with 15."""
    log = [
        mark(EQUITY, MIDNIGHT - 100 * SECOND, 10_00),
        fill("A", EQUITY, MIDNIGHT - 99 * SECOND, 100, 10_00),
        mark(EQUITY, MIDNIGHT - SECOND, 10_10),
        tick(MIDNIGHT + 10 * SECOND),
        fill("A", EQUITY, MIDNIGHT - 30 * SECOND, 50, 10_00, fill_id="late"),
        mark(EQUITY, MIDNIGHT + 50 * SECOND, 10_20),
        tick(MIDNIGHT + HORIZON_US + 10 * SECOND),
        mark(EQUITY, MIDNIGHT + HORIZON_US + 10 * SECOND, 10_30),
    ]
    out = run(*log)
    names = ("total", "corrections", "day")
    assert points(out, *names)[1:] == [
        (MIDNIGHT, 10_00, 0, 10_00),
        (MIDNIGHT + MINUTE, 30_00, 0, 15_00),
    ]
    assert corrected(out) == [(START + MIDNIGHT, "LATE_FILL", 10_00, 15_00, 5_00)]
    assert points(out, *names, "slice_end", kind="DAY") == [
        (MIDNIGHT, 15_00, 5_00, 15_00, START + MIDNIGHT)
    ]
    slices = out["pnl"].filter(pl.col("kind") == "SLICE")
    assert slices.row(-1, named=True)["day"] == 45_00 - 15_00


def test_a_quiet_day_is_told_too_and_once():
    out = run(*UNTIL, tick(MIDNIGHT + HORIZON_US + 10 * SECOND), tick(MIDNIGHT + 2 * DAY_US))
    assert points(out, "total", "corrections", kind="DAY") == [(MIDNIGHT, 1_000_00, 0)]
