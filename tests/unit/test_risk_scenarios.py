"""Scenario P&L of books: exact sums, updates that are rebuilds, parts that add up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.risk import attribution, scenarios
from udfs.risk.tails import historical


def small():
    """Two instruments and four scenarios, in cents a share."""
    return scenarios.scenario_set(["A", "B"], [[-10, 5, 0, -3], [4, -20, 1, 2]])


def test_a_book_by_hand():
    # 3 A, -2 B: 3*-10 - 2*4 = -38; 15 + 40 = 55; -2; -9 - 4 = -13
    book = scenarios.vector(small(), [3, -2])
    assert book.pnl.tolist() == [-38, 55, -2, -13]
    assert book.incomplete == ()
    # tail of half of the scenarios: k = 2, losses 38 and 13: VaR 13, ES 25.5, halves up 26
    found = attribution.components(book, small(), 500_000)
    assert (found.tail.var, found.tail.es_inclusive) == (13, 26)
    assert found.scenarios == (0, 3)
    assert found.tail_sums == (39, 12)  # 30 + 9 of A, 8 + 4 of B
    assert found.var == (9, 4)
    assert found.es == (20, 6)  # 19.5 and 6, of 25.5 rounded up


def test_hull_historical_simulation_of_one_day():
    # Hull, Risk Management and Financial Institutions, section 13.1: v_now v_i / v_{i-1}. By hand:
    # 100 now, 50 -> 51 -> 48.96: +2 % and -4 %
    changes = scenarios.relative_changes([[50.0], [51.0], [48.96]], [100.0])
    assert changes == pytest.approx(np.array([[2.0, -4.0]]))
    rates = scenarios.additive_changes([[0.01], [0.012], [0.011]], [0.05])
    assert rates == pytest.approx(np.array([[0.002, -0.001]]))


def test_prices_that_are_none_are_gaps_and_said():
    history = [[50, 10], [0, 11], [52, 12], [53, np.nan]]
    found = scenarios.scenario_set(["A", "B"], scenarios.relative_changes(history, [100, 10]), 100)
    assert found.gaps.tolist() == [2, 1]
    book = scenarios.vector(found, [0, 5])
    assert book.incomplete == ("B: no change in 1 of 3 scenarios",)
    assert len(scenarios.vector(found, [1, 5]).incomplete) == 2
    dead = scenarios.scenario_set(["A"], scenarios.relative_changes([[1], [2]], [-1]))
    assert dead.gaps.tolist() == [1]
    rate = scenarios.additive_changes([[0.01], [np.nan], [0.01]], [0.05])
    assert np.isnan(rate).all()


def test_instruments_without_scenarios_are_named():
    found = scenarios.placed(small(), {"B": 5, "X": 1, "C": -1, "Y": 0})
    assert found.quantities.tolist() == [0, 5]
    assert found.unknown == ("C", "X")
    book = scenarios.vector(small(), *found)
    assert book.incomplete == ("not in the scenario set: C", "not in the scenario set: X")
    after = scenarios.traded(book, small(), {0: 1})
    assert after.incomplete == book.incomplete


def test_multipliers_and_rates():
    # 0.25 a point, 50 a point, 1.1 to the base currency, in 1/100: 0.25 * 50 * 1.1 * 100 = 1375
    found = scenarios.scenario_set(["F"], [[0.25, -0.5]], [50 * 1.1 * 100])
    assert found.changes.tolist() == [[1375, -2750]]


def test_what_a_trade_would_add():
    book = scenarios.vector(small(), [3, -2])
    found = attribution.what_if(book, small(), {1: 2}, 500_000)
    # after: 3 A alone: -30, 15, 0, -9: VaR 9, ES 19.5 -> 20; before 13 and 26
    assert (found.after.var, found.incremental_var, found.incremental_es) == (9, -4, -6)
    assert attribution.what_if(book, small(), {1: 2}, 500_000, found.before) == found


def test_sums_that_might_not_be_exact_are_refused():
    big = scenarios.scenario_set(["A"], [[2**50, -1]])
    assert scenarios.vector(big, [7]).pnl.tolist() == [7 * 2**50, -7]
    with pytest.raises(OverflowError, match="2\\^53"):
        scenarios.vector(big, [8])
    with pytest.raises(OverflowError, match="2\\^53"):
        scenarios.traded(scenarios.vector(big, [7]), big, {0: 1})
    with pytest.raises(OverflowError, match="2\\^53"):
        scenarios.scenario_set(["A"], [[2.0**53]])
    with pytest.raises(OverflowError, match="2\\^53"):
        scenarios.vectors(big, [[1], [8]])


def test_a_flip_that_is_not_exact_on_the_way_is_rebuilt():
    # 7 v is odd and above 2^53: the change alone could not be held; 4 v can
    v = 2**51 - 2**23 + 1
    big = scenarios.scenario_set(["A"], [[v]])
    flipped = scenarios.traded(scenarios.vector(big, [-3]), big, {0: 7})
    assert flipped.pnl.tolist() == [4 * v]


def test_names_are_unique():
    with pytest.raises(ValueError, match="once"):
        scenarios.scenario_set(["A", "A"], [[1], [2]])


def test_a_digest_names_the_set():
    assert small().digest == small().digest
    other = scenarios.scenario_set(["A", "B"], [[-10, 5, 0, -3], [4, -20, 1, 3]])
    assert other.digest != small().digest


def test_a_hedge_shows_what_it_is_made_of():
    # each alone loses or gains much, together nothing: the parts are not 0
    hedge = scenarios.scenario_set(["A", "B"], [[-1000, 500], [1000, -500]])
    found = attribution.components(scenarios.vector(hedge, [7, 7]), hedge, 500_000)
    assert (found.tail.es_inclusive, found.es) == (0, (7000, -7000))


def test_an_empty_book_has_no_loss():
    book = scenarios.vector(small(), [0, 0])
    found = attribution.components(book, small(), 500_000)
    assert (found.tail.var, found.es) == (0, (0, 0))
    nothing = scenarios.scenario_set(["A"], np.zeros((1, 0)))
    empty = attribution.components(scenarios.vector(nothing, [1]), nothing)
    assert empty.tail.var is None
    assert empty.incomplete == ("too few scenarios for this tail: 0",)
    assert empty.scenarios == ()


books = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 200))


def drawn(seed, instruments, count):
    rng = np.random.default_rng(seed)
    changes = rng.integers(-(10**9), 10**9, (instruments, count))
    names = [f"I{i}" for i in range(instruments)]
    return scenarios.scenario_set(names, changes), rng.integers(-(10**4), 10**4, instruments)


@settings(max_examples=50)
@given(books, st.lists(st.tuples(st.integers(0, 11), st.integers(-500, 500)), max_size=20))
def test_trade_by_trade_is_a_rebuild_bit_for_bit(drawing, trades):
    found, quantities = drawn(*drawing)
    book = scenarios.vector(found, quantities)
    for row, quantity in trades:
        change = {row % len(found.instruments): quantity}
        book = scenarios.traded(book, found, change)
    rebuilt = scenarios.vector(found, book.quantities)
    assert book.pnl.tobytes() == rebuilt.pnl.tobytes()
    many = scenarios.vectors(found, np.stack([book.quantities, -book.quantities]))
    assert many[0].tobytes() == rebuilt.pnl.tobytes()


@settings(max_examples=50)
@given(books)
def test_order_of_positions_changes_no_bit(drawing):
    found, quantities = drawn(*drawing)
    turned = scenarios.ScenarioSet(
        found.instruments[::-1], np.ascontiguousarray(found.changes[::-1]), found.gaps[::-1]
    )
    backwards = scenarios.vector(turned, quantities[::-1])
    assert backwards.pnl.tobytes() == scenarios.vector(found, quantities).pnl.tobytes()
    exact = [
        sum(int(q) * int(c) for q, c in zip(quantities, column, strict=True))
        for column in found.changes.T
    ]
    assert backwards.pnl.tolist() == exact


@settings(max_examples=50)
@given(books, st.sampled_from([10_000, 25_000, 300_000]))
def test_components_add_up_exactly(drawing, tail_ppm):
    found, quantities = drawn(*drawing)
    book = scenarios.vector(found, quantities)
    parts = attribution.components(book, found, tail_ppm)
    assert sum(parts.tail_sums) == parts.tail.tail_sum
    assert sum(parts.es) == parts.tail.es_inclusive
    assert sum(parts.var) == parts.tail.var == historical(book.pnl, tail_ppm).var
