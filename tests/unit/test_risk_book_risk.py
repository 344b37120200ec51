import polars as pl

from schemas.records import record
from schemas.step import Clock
from tests.naive.tables import naive_state
from tests.risk_frames import EQUITY, SECOND, START, Event, fill, fold, mark, tick
from tests.risk_sets import NOW, A, held, marks, published
from tests.risk_sets import mark as mark_row
from udfs.risk.book_risk import TABLES, measured
from udfs.risk.refusals import take_controls
from udfs.risk.risk_telling import Behind
from udfs.risk.step import TABLES as STEP_TABLES
from udfs.risk.step import RiskStep

LADDER = {A: [-i / 1_000 for i in range(1, 101)]}
BEHIND = Behind("fills", 3, 0, 9, "risk/1")
PLACE = {"sequence": 0, "time": 0}
LIMIT = PLACE | {
    "record_id": "r",
    "limit_id": "L",
    "scope": "BOOK",
    "name": "b",
    "measure": "VAR",
    "soft": 9_999,
    "hard": 20_000,
    "revoked": False,
}
TERMS = PLACE | {
    "record_id": "t",
    "book": "b",
    "collateral": 0,
    "haircut_ppm": 0,
    "threshold": 0,
    "minimum_transfer": 0,
    "rounding": 1,
}


def numbered(*rows):
    return pl.DataFrame(list(rows), infer_schema_length=None).with_row_index("offset")


def books():
    names = {"name": ["b", "c"], "day": [0, 0], "total": [900, 0], "base": [1_000, 0]}
    return pl.DataFrame(names | {"complete": [True, True]})


def told(state, point=None):
    rows = held(("b", A, 10))
    clock = Clock(2_000, NOW, {}, 3)
    return measured(state, clock, rows, marks(mark_row(A)), books(), point, BEHIND, "fills:0-9")


def controls(state, *topics):
    rows = {
        "scenarios": numbered(*published(LADDER).to_dicts()).with_columns(time=pl.lit(NOW)),
        "limits": numbered(LIMIT, LIMIT | {"record_id": "f", "scope": "FIRM", "name": "firm"}),
        "margin.terms": numbered(TERMS),
    }
    batch = {topic: rows[topic] for topic in topics}
    return take_controls(state, batch, "BOOK", Clock(2_000, NOW, {}, 3), "risk/1")


def test_risk_limits_and_margin_of_books():
    # The ladder of losses: VaR 100 euros, ES 97.5 99.20. Margin of two days: 99.20 * 1.41421 =
    # 140.29, and 1 euro that was lost since the day before.
    state = naive_state(TABLES)
    controls(state, "scenarios", "limits", "margin.terms")
    out = told(state, point=NOW)
    assert out["var"].select("name", "var", "es_975", "positions", "complete").rows() == [
        ("b", 10_000, 9_920, 1, True),
        ("c", 0, 0, 0, True),
    ]
    assert out["var"]["decided_by"][0].startswith("scenarios:")
    assert out["limits.used"].select("limit_id", "value", "status").rows() == [
        ("L", 10_000, "SOFT")
    ]
    (call,) = out["margin.calls"].to_dicts()
    assert (call["initial"], call["variation"], call["call"]) == (14_029, 100, 14_129)
    for topic, name in (("var", "RiskMeasure"), ("limits.used", "LimitUse"),
                        ("margin.calls", "MarginCall")):  # fmt: skip
        kept = [c for c in record(name).columns if c not in ("producer", "sequence")]
        assert out[topic].columns == kept
    assert told(state)["limits.used"].is_empty()
    assert "margin.calls" not in told(state)


def test_before_there_are_scenarios_nothing_is_measured_and_it_is_said():
    state = naive_state(TABLES)
    controls(state, "limits", "margin.terms")
    out = told(state, point=NOW)
    assert out["var"]["incomplete"].unique().to_list() == ["no scenario set in force"]
    assert out["limits.used"]["status"].to_list() == ["UNMEASURED"]
    assert out["margin.calls"].select("initial", "variation", "call", "complete").row(0) == (
        0,
        100,
        100,
        False,
    )


def test_the_risk_step_measures_its_books():
    # 10 pieces at 100 euros and the ladder; the slice ends at a full second.
    parts = published({EQUITY: LADDER[A]}).with_columns(time=pl.lit(START)).to_dicts()
    events = [Event("scenarios", row) for row in parts]
    events += [Event("limits", LIMIT | {"time": START}), mark(EQUITY, 0, 10_000)]
    events += [fill("b", EQUITY, 1, 10, 10_000)]
    events += [tick(10 * SECOND)] * (100 - len(events))
    out = fold(RiskStep(), STEP_TABLES, events, [100])
    (var, *_) = out["var"].to_dicts()
    assert (var["name"], var["var"], var["missing"], var["scope"]) == ("b", 10_000, 0, "BOOK")
    assert out["limits.used"].select("limit_id", "status").row(0) == ("L", "SOFT")


def test_a_second_without_news_is_not_measured_again():
    # 40 records of 10 ms are 400 ms, the rest are slices of ticks: one that moves business time in
    # the second second, none in the third.
    events = [mark(EQUITY, 0, 10_000), fill("b", EQUITY, 1, 10, 10_000)]
    events += [tick(SECOND)] * (100 - len(events))
    events += [tick(2 * SECOND)] * 100 + [tick(2 * SECOND)] * 100
    out = fold(RiskStep(), STEP_TABLES, events, [100, 200, 300])
    assert out["var"]["slice_end"].n_unique() == 2
    events += [mark(EQUITY, 3 * SECOND, 10_001)] + [tick(0)] * 99
    out = fold(RiskStep(), STEP_TABLES, events, [100, 200, 300, 400])
    assert out["var"]["slice_end"].n_unique() == 3
