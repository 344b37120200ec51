"""Sound records of no use to the jobs of market risk: each is told, with its reason."""

import polars as pl

from schemas.step import Clock
from tests.naive.tables import naive_state
from tests.risk_frames import EQUITY, SECOND, START, Event, fill, fold, mark, tick
from tests.risk_sets import NOW, A, published
from tests.unit.test_risk_book_risk import LIMIT, TERMS, numbered
from udfs.risk.refusals import take_controls
from udfs.risk.step import TABLES, RiskStep

CLOCK = Clock(2_000, NOW, {}, 3)


def refused(state, topic, *rows, scope="BOOK"):
    return pl.concat(take_controls(state, {topic: numbered(*rows)}, scope, CLOCK, "risk/1"))


def test_limits_of_no_use_are_told_with_reason_and_place():
    good, bad = LIMIT, LIMIT | {"record_id": "r2", "soft": 30_000}
    (told,) = refused(naive_state(TABLES), "limits", good, bad).to_dicts()
    assert (told["record_id"], told["subject"], told["reason"]) == ("r2", "L", "soft above hard")
    assert (told["source_topic"], told["source_partition"]) == ("limits", 3)
    assert (told["first_offset"], told["last_offset"]) == (1, 1)
    assert told["refusal_id"] == "limits|3|1"


def test_a_limit_of_the_firm_is_judged_by_the_firm_alone():
    wrong = LIMIT | {"record_id": "f", "scope": "FIRM", "name": "firm", "soft": 30_000}
    assert refused(naive_state(TABLES), "limits", wrong).is_empty()
    assert refused(naive_state(TABLES), "limits", wrong, scope="FIRM").height == 1


def test_margin_terms_of_no_use_are_told():
    bad = TERMS | {"record_id": "t2", "haircut_ppm": 1_000_001}
    (told,) = refused(naive_state(TABLES), "margin.terms", TERMS, bad).to_dicts()
    assert (told["subject"], told["reason"]) == ("b", "haircut above 1,000,000 ppm")


def test_a_set_of_scenarios_with_a_wrong_digest_is_told_once():
    parts = published({A: [-0.01, 0.01]}).with_columns(
        time=pl.lit(NOW), set_digest=pl.lit("0" * 64)
    )
    (told,) = refused(naive_state(TABLES), "scenarios", *parts.to_dicts()).to_dicts()
    assert (told["record_id"], told["subject"]) == ("days-1-0", "days")
    assert "digest" in told["reason"]


def test_an_action_announced_after_its_time_is_told():
    split = {"action_id": "s", "isin": EQUITY, "kind": "SPLIT", "new": 2, "old": 1}
    events = [mark(EQUITY, 0, 10_000), fill("b", EQUITY, 1, 10, 10_000), tick(60 * SECOND)]
    events += [Event("corporate.actions", split | {"time": START + SECOND})]
    out = fold(RiskStep(), TABLES, events, [3, 4])
    (told,) = out["risk.refused"].to_dicts()
    assert (told["record_id"], told["isin"]) == ("s", EQUITY)
    assert told["reason"] == "announced after its time"


def test_a_fill_in_another_currency_is_told_once_and_leaves_its_position_unvalued():
    wrong = fill("b", EQUITY, SECOND, 10, 10_000, currency="JPY")
    events = [mark(EQUITY, 0, 10_000), wrong, tick(60 * SECOND)]
    out = fold(RiskStep(), TABLES, events, [1, 2])
    (told,) = out["risk.refused"].to_dicts()
    assert (told["subject"], told["isin"], told["reason"]) == ("b", EQUITY, "currency")
    assert told["first_offset"] == told["last_offset"]
    assert out["pnl"].row(-1, named=True)["unvalued"] == 1


def test_before_the_first_mark_numbers_bear_the_time_of_the_fills():
    out = fold(RiskStep(), TABLES, [fill("b", EQUITY, 10 * SECOND, 10, 10_000)], [1])
    (told,) = out["pnl"].filter(kind="SLICE").to_dicts()
    assert (told["time"], told["unvalued"]) == (START + 5 * SECOND, 1)
