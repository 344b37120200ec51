"""Positions and P&L of slices, by hand: amounts in the text are euros unless said otherwise."""

import pickle

import polars as pl

from tests.risk_frames import EQUITY, OTHER, SECOND, fill, fold, mark, pair, tick
from udfs.risk.marks import Quality
from udfs.risk.step import TABLES, RiskStep

US = "US0378331005"


def run(*events, ends=None):
    return fold(RiskStep(), TABLES, events, ends)


def last(outputs, topic="pnl"):
    """The last record, of a slice for P&L."""
    frame = outputs[topic]
    if topic == "pnl":
        frame = frame.filter(kind="SLICE")
    return frame.row(-1, named=True)


def shown(outputs, *names):
    record = last(outputs)
    return tuple(record[name] for name in names)


SUMS = ("realised", "realised_fifo", "unrealised", "total")


def test_the_example_of_the_definitions():
    """Definitions, Ma: FIFO realises 350 and leaves -50, average cost 300 and 0; both total 300."""
    out = run(
        mark(EQUITY, 0, 1000),
        fill("A", EQUITY, 1, 100, 10_00),
        fill("A", EQUITY, 2, 100, 12_00),
        fill("A", EQUITY, 3, -150, 13_00),
        mark(EQUITY, 4, 11_00),
    )
    assert shown(out, *SUMS) == (300_00, 350_00, 0, 300_00)
    held = last(out, "positions")
    assert (held["quantity"], held["cost"], held["cost_fifo"]) == (50, 50 * 11_00, 50 * 12_00)


def test_a_flip_opens_the_rest_at_its_own_price():
    """100 * 2 realised; 50 short at 12, marked at 11: 50 more."""
    out = run(
        mark(EQUITY, 0, 11_00),
        fill("A", EQUITY, 1, 100, 10_00),
        fill("A", EQUITY, 2, -150, 12_00),
    )
    assert shown(out, *SUMS) == (200_00, 200_00, 50_00, 250_00)
    held = last(out, "positions")
    assert (held["quantity"], held["cost"], held["cost_fifo"]) == (-50, -600_00, -600_00)
    assert shown(out, "gross", "net") == (550_00, -550_00)


def test_fees_and_rebates_leave_the_total():
    out = run(
        mark(EQUITY, 0, 10_00),
        fill("A", EQUITY, 1, 10, 10_00, fee=5_00),
        fill("A", EQUITY, 2, 10, 10_00, fee=-1_50),
    )
    assert shown(out, "fees", "total", "unrealised") == (3_50, -3_50, 0)


def test_a_bond_is_priced_in_percent_of_a_thousand():
    """5 bonds of 1,000 from 98.5 to 99 percent gain 25; they are worth 4,950."""
    terms = {"kind": "BOND", "multiplier": 10, "price_scale": 3}
    out = run(mark(EQUITY, 0, 99_000, **terms), fill("A", EQUITY, 1, 5, 98_500, price_scale=3))
    assert shown(out, "unrealised", "net") == (25_00, 4_950_00)


def test_an_option_stands_for_a_hundred_shares():
    """2 contracts of 100 from 1.50 to 1.75 gain 50."""
    terms = {"kind": "OPTION", "option_side": "CALL", "strike": 10_00, "multiplier": 100}
    out = run(mark(EQUITY, 0, 1_75, **terms), fill("A", EQUITY, 1, 2, 1_50))
    assert shown(out, "unrealised", "net") == (50_00, 350_00)


def test_rates_are_direct_or_inverse_or_over_the_dollar():
    """100 USD are 90 at 0.9 a dollar, 90.91 at 1.1 a euro; 1,800 JPY are 10 at 150 * 1.2."""
    dollars = [mark(US, 0, 110_00, currency="USD"), fill("A", US, 1, 10, 100_00, currency="USD")]
    assert shown(run(pair("USD", "EUR", 0, 9_000), *dollars), "total", "net") == (90_00, 990_00)
    assert shown(run(pair("EUR", "USD", 0, 11_000), *dollars), "total", "net") == (90_91, 1_000_00)
    yen = {"currency": "JPY", "price_scale": 0}
    over = run(
        pair("USD", "JPY", 0, 150_0000),
        pair("EUR", "USD", 0, 1_2000),
        mark(OTHER, 0, 198, **yen),
        fill("A", OTHER, 1, 100, 180, **yen),
    )
    assert shown(over, "total", "net") == (10_00, 110_00)


def test_a_new_rate_revalues_what_is_held():
    dollars = [mark(US, 0, 110_00, currency="USD"), fill("A", US, 1, 10, 100_00, currency="USD")]
    out = run(pair("USD", "EUR", 0, 9_000), *dollars, pair("USD", "EUR", 3, 8_000))
    assert shown(out, "total") == (80_00,)


def test_without_a_rate_a_position_is_named_and_not_in_the_sums():
    francs = {"currency": "CHF"}
    log = [mark(OTHER, 0, 110_00, **francs), fill("A", OTHER, 1, 10, 100_00, **francs)]
    out = run(*log)
    assert shown(out, "total", "positions", "unvalued", "complete") == (0, 1, 1, False)
    assert last(out, "positions")["quality"] == Quality.NO_RATE
    out = run(*log, pair("CHF", "EUR", 2, 1_0000))
    assert shown(out, "total", "positions", "unvalued", "complete") == (100_00, 1, 0, True)


def test_a_fill_waits_for_the_terms_of_its_instrument():
    log = [fill("A", EQUITY, 0, 10, 10_00)]
    out = run(*log)
    assert shown(out, "total", "positions", "unvalued", "complete") == (0, 1, 1, False)
    assert "positions" not in out
    unknown = {"kind": "UNKNOWN", "multiplier": 0, "quality": "UNKNOWN_INSTRUMENT"}
    log += [mark(EQUITY, 1, 0, **unknown), mark(EQUITY, 1, 12_00)]
    out = run(*log)
    assert shown(out, "total", "positions", "unvalued", "complete") == (20_00, 1, 0, True)
    assert last(out, "positions")["quantity"] == 10


def test_an_instrument_that_never_had_a_sound_quote_has_no_value():
    out = run(mark(EQUITY, 0, 0, quality="CROSSED"), fill("A", EQUITY, 1, 10, 10_00))
    assert shown(out, "total", "unvalued", "complete") == (0, 1, False)
    held = last(out, "positions")
    assert (held["quality"], held["price"], held["unrealised"]) == (Quality.CROSSED, 0, 0)


def test_an_old_mark_is_used_and_named():
    """The watermark is 5 s behind the newest fill: 61 s after the mark it is stale, 60 s not."""
    for at, stale in ((65, 0), (66, 1)):
        out = run(
            mark(EQUITY, 0, 11_00), tick(at * SECOND), fill("A", EQUITY, at * SECOND, 10, 10_00)
        )
        assert shown(out, "total", "stale", "unvalued") == (10_00, stale, 0)
        assert shown(out, "complete") == (not stale,)


def test_a_fill_that_can_never_be_used_stays_in_the_count():
    out = run(
        mark(EQUITY, 0, 11_00),
        fill("A", EQUITY, 1, 10, 10_00, currency="USD"),
        fill("A", EQUITY, 2, 10, 10_005, price_scale=3),
        fill("A", OTHER, 3, 10, 10_00),
        mark(OTHER, 4, 10_00),
    )
    assert shown(out, "total", "positions", "unvalued") == (0, 2, 1)


def test_a_mark_in_other_units_gives_no_price():
    out = run(
        mark(EQUITY, 0, 10_00), fill("A", EQUITY, 1, 10, 10_00), mark(EQUITY, 2, 99, price_scale=0)
    )
    assert shown(out, "total", "unvalued") == (0, 1)


def test_an_older_mark_does_not_replace_a_newer_one():
    held = [mark(EQUITY, 5, 10_00), fill("A", EQUITY, 6, 10, 10_00)]
    assert shown(run(*held, mark(EQUITY, 4, 20_00, late=True)), "total") == (0,)
    assert shown(run(*held, mark(EQUITY, 5, 20_00, late=True)), "total") == (0,)
    assert shown(run(*held, mark(EQUITY, 5, 20_00)), "total") == (100_00,)


def test_a_fill_beyond_all_bounds_is_refused_alone():
    """2^50 units is the bound of a position; a thousand such fills reach it."""
    scale = {"price_scale": 4}
    much = [fill("A", EQUITY, i, 10**12, 1, fill_id=f"f{i}", **scale) for i in range(1, 1_130)]
    out = run(mark(EQUITY, 0, 1, **scale), *much, ends=[1_130])
    held = last(out, "positions")
    assert 2**50 - 10**12 <= held["quantity"] < 2**50
    assert shown(out, "unvalued") == (1,)


def test_open_positions_are_told_again_each_full_second():
    """Slices end at 20, 30 and 1,000 ms: the last one tells what has had a mark since."""
    log = [mark(EQUITY, 0, 10_00), fill("A", EQUITY, 1, 10, 10_00), mark(EQUITY, 2, 11_00)]
    log += [tick(3)] * 97
    out = run(*log, ends=[2, 3, 100])
    assert out["positions"]["value"].to_list() == [100_00, 110_00]
    assert out["positions"]["slice_end"].diff().to_list()[1:] == [980_000]


def test_books_are_apart_and_said_what_was_read():
    out = run(
        mark(EQUITY, 0, 10_00),
        fill("B", EQUITY, 1, 10, 10_00),
        fill("A", EQUITY, 1, -10, 10_00),
        mark(EQUITY, 2, 11_00),
        ends=[3, 4],
    )
    rows = out["pnl"].filter(pl.col("slice_end") == pl.col("slice_end").max())
    assert rows.select("name", "total", "inputs").rows() == [
        ("A", -10_00, "marks:1-1"),
        ("B", 10_00, "marks:1-1"),
    ]
    assert rows.select("first_offset", "last_offset").rows() == [(1, 1), (0, 0)]


def test_step_travels_to_a_worker():
    assert pickle.loads(pickle.dumps(RiskStep())) == RiskStep()
