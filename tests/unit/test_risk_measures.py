from math import erf, exp, log, pi, sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.risk_sets import (
    CALL,
    EURUSD,
    NOW,
    TODAY,
    A,
    B,
    G,
    U,
    built,
    held,
    mark,
    marks,
)
from udfs.risk.measures import components, exposures, measure, pnl_vectors, unmeasured
from udfs.risk.tails import historical
from udfs.risk.whatif import base, trade_exposures, what_if

LADDER = {A: [-i / 1_000 for i in range(1, 101)]}  # -0.1 % to -10 %
SET = built(LADDER)
NAMES = ("var", "es_inclusive", "es_fractional", "var_975", "es_975", "scenarios", "rank")


def numbers(frame, group="b"):
    return frame.filter(group=group).select(NAMES).row(0)


def test_var_and_es_of_a_ladder_of_losses():
    # 1,000 euros: losses of 1 to 100. At 99 % of 100 scenarios k = 1: 100. At 97.5 % n a = 2.5,
    # k = 3: VaR 98, fractional ES (100 + 99 + 98 / 2) / 2.5 = 99.2. In cents.
    found = measure(exposures(held(("b", A, 10)), marks(mark(A)), SET, NOW), SET)
    assert numbers(found) == (10_000, 10_000, 10_000, 9_800, 9_920, 100, 1)
    assert found.select("gross", "net", "positions", "missing").row(0) == (100_000, 100_000, 1, 0)
    assert found.select("complete", "incomplete", "scenario_set").row(0) == (True, "", "days@1")
    assert found["decided_by"].item() == f"scenarios:{SET.digest}"


def test_of_500_scenarios_the_fifth_loss_is_var():
    # n a = 5 exactly (Mb of the definitions): losses 1 to 500, VaR 496, both ES 498.
    many = built({A: [-i / 1_000 for i in range(1, 501)]})
    found = measure(exposures(held(("b", A, 10)), marks(mark(A)), many, NOW), many)
    assert numbers(found)[:3] == (49_600, 49_800, 49_800)
    assert numbers(found)[5:] == (500, 5)


def test_a_short_position_gains_what_a_long_one_loses():
    # Its worst scenario is a gain of 1: a negative VaR, not floored at 0.
    found = measure(exposures(held(("b", A, -10)), marks(mark(A)), SET, NOW), SET)
    assert numbers(found)[0] == -100
    assert found.select("gross", "net").row(0) == (100_000, -100_000)


def test_too_few_scenarios_are_named():
    few = built({A: LADDER[A][:99]})
    found = measure(exposures(held(("b", A, 10)), marks(mark(A)), few, NOW), few)
    assert not found["complete"].item()
    assert found["incomplete"].item() == "too few scenarios for this tail: 99"
    assert found["var"].item() == 9_900


def test_exposures_are_whole_units_rounded_half_to_even():
    price = mark(A, bid=100_04, ask=100_05)  # mid 100.045, half to even 100.04
    of = exposures(held(("a", A, 1), ("b", A, 50), ("c", A, -150)), marks(price), SET, NOW)
    assert of.matrix[:, 0].tolist() == [100, 5_002, -15_006]
    other = built(LADDER | {U: [0.01] * 100, EURUSD: [0.01] * 100})
    # 7 * 10 * 12.50 * 0.8 = 700; 1 * 10 * 12.50 * 0.8 + half a unit: 100.5 to 100.
    pair = mark(U, 12_50, multiplier=10), mark(U, 12_5625, multiplier=10, price_scale=4)
    for quote, quantity, whole in ((pair[0], 7, 700), (pair[1], 1, 100), (pair[1], 3, 302)):
        of = exposures(held(("b", U, quantity)), marks(quote, mark(EURUSD)), other, NOW)
        assert of.held["exposure"].to_list() == [whole]


@pytest.mark.parametrize("scale", [0, 8, 9])
def test_any_scale_of_a_price(scale):
    price = mark(A, 25 * 10**scale, price_scale=scale)
    assert exposures(held(("b", A, 4)), marks(price), SET, NOW).matrix.tolist() == [[100]]


def test_what_has_no_exposure_is_counted_and_named():
    wrong = [
        mark(B, bid=0, ask=0, quality="CROSSED"),
        mark(U, rate=0),
        mark(G, rate=10**10),
        mark("XS0000000TOO", bid=10**14, ask=10**14),
        mark("XS000000UNKN", kind="UNKNOWN", currency="", multiplier=0, bid=0, ask=0),
    ]
    book = [("b", row["isin"], 10**6) for row in wrong] + [("b", A, 10), ("b", "XS00000NEVER", 1)]
    found = measure(exposures(held(*book), marks(mark(A), *wrong), SET, NOW), SET)
    assert found.select("positions", "missing", "complete").row(0) == (1, 6, False)
    assert found["incomplete"].item().split("; ") == [
        f"no price (crossed): {B}",
        f"no rate of USD: {U}",
        f"not in the scenario set: {G}, XS0000000TOO",
        "not known: XS000000UNKN, XS00000NEVER",
    ]
    assert found["var"].item() == 10_000
    rich = exposures(held(("b", A, 10**12)), marks(mark(A, 10**9)), SET, NOW)
    assert rich.reasons == ((f"exposure too large to compute with: {A}",),)
    many = [("b", f"XS000000000{n}", 1) for n in range(8)]
    assert exposures(held(*many), marks(mark(A)), SET, NOW).reasons[0][0].endswith(" and 3 more")


def test_stale_marks_count_and_are_named():
    found = exposures(held(("b", A, 10)), marks(mark(A)), SET, NOW + 60_000_001)
    assert (found.stale.tolist(), found.positions.tolist()) == ([1], [1])
    table = measure(found, SET)
    assert table.select("var", "complete", "incomplete").row(0) == (
        10_000,
        False,
        f"stale mark: {A}",
    )
    assert not exposures(held(("b", A, 1)), marks(mark(A)), SET, NOW + 60_000_000).stale.any()
    assert exposures(held(("b", A, 1)), marks(mark(A, quality=1)), SET, NOW).stale.all()


def test_a_book_that_holds_nothing_loses_nothing():
    of = exposures(held(("b", A, 5), ("b", A, -5)), marks(mark(A)), SET, NOW, ["none"])
    found = measure(of, SET)
    assert found["group"].to_list() == ["b", "none"]
    assert found["var"].to_list() == [0, 0]
    assert found["complete"].all()


def test_without_a_set_nothing_is_measured():
    found = unmeasured(["b", "a"], "no scenario set in force")
    assert found["group"].to_list() == ["a", "b"]
    assert found["var"].to_list() == [0, 0]
    assert not found["complete"].any()


def black_scholes(spot, strike, years, rate, volatility):
    """Price, delta and gamma of a call by Merton's formula (Me of the definitions)."""
    d1 = (log(spot / strike) + (rate + volatility**2 / 2) * years) / (volatility * sqrt(years))
    d2 = d1 - volatility * sqrt(years)
    normal = [(1 + erf(d / sqrt(2))) / 2 for d in (d1, d2)]
    price = spot * normal[0] - strike * exp(-rate * years) * normal[1]
    gamma = exp(-(d1**2) / 2) / sqrt(2 * pi) / (spot * volatility * sqrt(years))
    return price, normal[0], gamma


def test_an_option_is_taken_by_delta_and_gamma():
    at = TODAY * 86_400_000_000  # midnight: 365 days to the end of the last one
    price, delta, gamma = black_scholes(105.0, 100.0, 1.0, 0.02, 0.25)
    option = mark(CALL, round(price * 10**6), price_scale=6, strike=100 * 10**6, multiplier=100)
    table = marks(mark(A, 105_00), option)
    of_set = built(LADDER, table)
    of = exposures(held(("b", CALL, 1_000)), table, of_set, at)
    linear, square = (of_set.scenarios.rows[name] for name in (A, f"{A}^2"))
    assert of.matrix[0, linear] == pytest.approx(100_000 * delta * 105, abs=1)
    assert of.matrix[0, square] == pytest.approx(100_000 * gamma * 105**2 / 2, abs=1)
    # A fall of 10 %: delta S r + gamma S^2 r^2 / 2.
    worst = pnl_vectors(of, of_set).pnl[0, -1] / 1e6
    expected = 100_000 * (-delta * 10.5 + gamma / 2 * 10.5**2)
    assert worst == pytest.approx(expected, abs=0.2)
    assert of.gross.tolist() == [int(of.matrix[0, linear]) * 100]


def test_an_option_in_another_currency_moves_with_it_by_its_value():
    at = TODAY * 86_400_000_000
    price, delta, _ = black_scholes(100.0, 100.0, 1.0, 0.04, 0.25)
    option = mark(CALL, round(price * 10**6), price_scale=6, strike=100 * 10**6, currency="USD",
                  underlying=U, rate=8 * 10**9)  # fmt: skip
    table = marks(mark(U), mark(EURUSD), option)
    flat = built({U: [0.0] * 99 + [0.1], EURUSD: [0.25] * 99 + [0.0]}, table)
    of = exposures(held(("b", CALL, 100_000)), table, flat, at)
    # A dollar falls by 20 %; with no move of the underlying the option loses a fifth in euros.
    value = 100_000 * price * 0.8
    assert pnl_vectors(of, flat).pnl[0, 0] / 1e6 == pytest.approx(-0.2 * value, abs=1)
    assert of.matrix[0, flat.scenarios.rows[U]] == pytest.approx(80_000 * delta * 100, abs=1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"underlying": B}, f"no price of its underlying: {CALL}"),
        ({"expiry": TODAY - 1}, f"expired: {CALL}"),
        ({"bid": 1, "ask": 1, "strike": 50_00}, "no implied volatility (below its least value)"),
        ({"bid": 101_00, "ask": 101_00}, "no implied volatility (above its most)"),
        ({"currency": "USD"}, "its underlying has another currency"),
        ({"bid": 0, "ask": 0, "quality": "MISSING"}, "no price (missing)"),
    ],
)
def test_options_that_cannot_be_valued_are_named(changes, reason):
    table = marks(mark(A), mark(CALL, 5_00, rate=10**10) | changes)
    of = exposures(held(("b", CALL, 1)), table, built(LADDER, table), NOW)
    assert of.missing.tolist() == [1]
    assert of.reasons[0][0].startswith(reason)
    assert not of.matrix.any()


def test_sums_that_might_not_be_exact_are_taken_coarser_and_say_so():
    # 10^12 euros at most 10 %: 10^11 euros are 10^17 units, above 2^53. In thousands they fit.
    table = marks(mark(A))
    rows = held(*(("b", A, 10**10 - 1),), ("c", A, 10))
    found = measure(exposures(rows, table, SET, NOW), SET)
    assert found["var"].to_list() == [10**13, 10_000]
    assert found["complete"].to_list() == [False, True]
    assert found["incomplete"][0] == "exposures rounded to 1,000 of the currency"
    lots = [f"XS{n:010d}" for n in range(4_000)]
    table = marks(*(mark(isin, 10**6) for isin in lots))
    huge = built({isin: [2_000.0, -0.5] for isin in lots}, table)
    of = exposures(held(*(("b", isin, 10**8) for isin in lots)), table, huge, NOW)
    assert "too large to compute with: no number" in measure(of, huge)["incomplete"].item()


def test_components_add_up_to_the_cent():
    rng = np.random.default_rng(8)
    isins = [f"XS{n:010d}" for n in range(12)]
    table = marks(*(mark(isin) for isin in isins))
    many = built(dict(zip(isins, rng.normal(0, 0.02, (12, 250)), strict=True)), table)
    book = [("b", isin, int(q)) for isin, q in zip(isins, rng.integers(-99, 99, 12), strict=True)]
    of = exposures(held(*book), table, many, NOW)
    parts, whole = components(of, many, "b"), measure(of, many)
    assert parts["es"].sum() == whole["es_inclusive"].item()
    assert parts["var"].sum() == whole["var"].item()
    assert parts["es"].is_sorted(descending=True)


ISINS = [f"XS{n:010d}" for n in range(6)]
TABLE = marks(*(mark(isin) for isin in ISINS))
RANDOM = built(
    dict(zip(ISINS, np.random.default_rng(4).normal(0, 0.02, (6, 400)), strict=True)), TABLE
)
positions = st.lists(st.tuples(st.sampled_from(ISINS), st.integers(-(10**6), 10**6)), max_size=12)


@settings(max_examples=25)
@given(positions, positions)
def test_a_what_if_is_the_difference_of_two_measures_bit_for_bit(book, trade):
    rows = held(*(("b", *one) for one in book))
    before = exposures(rows, TABLE, RANDOM, NOW, ["b"])
    ready = base(before, RANDOM, "b")
    trades = pl.DataFrame(trade, schema={"isin": pl.String, "quantity": pl.Int64}, orient="row")
    change, lacking = trade_exposures(trades, TABLE, RANDOM, NOW)
    found = what_if(ready, RANDOM, change, lacking)
    whole = exposures(held(*(("b", *one) for one in book + trade)), TABLE, RANDOM, NOW, ["b"])
    assert tuple(found.before[n] for n in NAMES) == numbers(measure(before, RANDOM))
    assert tuple(found.after[n] for n in NAMES) == numbers(measure(whole, RANDOM))
    assert found.change["var"] == found.after["var"] - found.before["var"]


def test_an_incremental_var_by_hand():
    # Losses 1 to 100; a short of 4 takes 40 % of each away: 60.
    of = exposures(held(("b", A, 10)), marks(mark(A)), SET, NOW)
    trade = pl.DataFrame({"isin": [A, B], "quantity": [-4, 1]})
    change, lacking = trade_exposures(trade, marks(mark(A)), SET, NOW)
    found = what_if(base(of, SET, "b"), SET, change, lacking)
    assert (found.before["var"], found.after["var"], found.change["var"]) == (10_000, 6_000, -4_000)
    assert found.incomplete == (f"not known: {B}",)


@settings(max_examples=30)
@given(st.permutations([(g, i, n) for n, (g, i) in enumerate((g, i) for g in "ab" for i in ISINS)]))
def test_the_order_of_positions_changes_no_bit(rows):
    one = measure(exposures(held(*sorted(rows)), TABLE, RANDOM, NOW), RANDOM)
    assert measure(exposures(held(*rows), TABLE.reverse(), RANDOM, NOW), RANDOM).equals(one)


def test_vectors_are_those_of_plain_integers():
    of = exposures(held(("b", ISINS[0], 17), ("b", ISINS[3], -4)), TABLE, RANDOM, NOW)
    changes = RANDOM.scenarios.changes.astype(int).tolist()
    plain = [1_700 * a - 400 * b for a, b in zip(changes[0], changes[3], strict=True)]
    assert pnl_vectors(of, RANDOM).pnl[0].astype(int).tolist() == plain
    assert measure(of, RANDOM)["var"].item() == (historical(plain).var + 5_000) // 10_000
