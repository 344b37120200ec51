"""Named stresses of a small market, priced by hand."""

import numpy as np
import pytest

from udfs.risk import options, stress
from udfs.risk.scenarios import vector

FACTORS = ["equity/A", "rate/EUR", "volatility/A", "fx/USD"]
LEVELS = np.array([100.0, 0.03, 0.2, 1.1])
NAMES = ["share", "bond", "call"]


def reprice(levels):
    """A share, a zero bond of 10 years on 1,000, a call at 100 with half a year to go."""
    spot, rate, volatility = levels[:, 0], levels[:, 1], levels[:, 2]
    call = options.price(True, spot, 100.0, 0.5, rate, 0.0, volatility)
    return np.stack([spot, 1000 * np.exp(-10 * rate), call], axis=1)


def run(quantities, stresses, levels=LEVELS):
    after = stress.shifted(FACTORS, levels, stresses)
    priced = stress.revalued(NAMES, levels, after, reprice, per_unit=100)
    return stress.outcomes(vector(priced, quantities), priced, stresses, after)


def test_shifts_relative_and_by_an_amount():
    both = stress.Stress("both", (stress.Shift("equity/*", -100_000), stress.Shift("*", amount=1)))
    found = stress.shifted(FACTORS, LEVELS, [both])
    assert found.levels[0] == pytest.approx([91, 1.03, 1.2, 2.1])
    assert found.unmatched == ((),)


def test_the_standard_set_by_hand():
    found = {o.name: o for o in run([10, 0, 0], stress.parallel())}
    assert len(found) == 8
    assert found["equities down 10 %"].pnl == -10_000  # 10 shares * 10.00 in cents
    assert found["equities up 10 %"].pnl == 10_000
    assert found["currencies down 6 %"].pnl == 0
    bond = {o.name: o for o in run([0, 1, 0], stress.parallel())}
    # 1000 (e^-0.4 - e^-0.3) = 670.320 - 740.818 = -70.498
    assert bond["rates up 100 bp"].pnl == -7_050
    call = {o.name: o for o in run([0, 0, 100], stress.parallel())}
    before, after = options.price(True, 100, 100, 0.5, 0.03, 0, [0.2, 0.24])
    assert call["volatilities up 20 %"].pnl == 100 * round(float(after - before) * 100)


def test_the_worst_comes_first_and_parts_add_up():
    found = run([10, -2, 100], stress.parallel())
    assert [o.pnl for o in found] == sorted(o.pnl for o in found)
    for outcome in found:
        assert sum(outcome.parts) == outcome.pnl
        assert outcome.incomplete == ()


def test_a_pattern_that_fits_nothing_is_said():
    lost = stress.Stress("credit", (stress.Shift("credit/*", 100_000),))
    assert run([1, 1, 1], [lost])[0].incomplete == ("no factor fits credit/*",)


def test_a_level_that_is_none_makes_its_instruments_incomplete():
    levels = LEVELS.copy()
    levels[1] = np.nan
    found = run([1, 1, 0], stress.parallel()[:2], levels)
    assert found[0].incomplete == ("bond: no change in 2 of 2 scenarios",)
    assert run([1, 0, 0], stress.parallel()[:2], levels)[0].incomplete == ()


def test_by_sensitivities():
    # delta 2 and gamma -0.1 at 100: up 10: 20 - 5 = 15; down 10: -20 - 5 = -25
    levels = np.array([100.0, np.inf])
    stresses = stress.parallel()[:2]
    after = stress.shifted(["equity/A", "rate/EUR"], levels, stresses)
    priced = stress.by_sensitivity(
        ["A", "B"], levels, after, [[2.0, 0.0], [1.0, 1.0]], [[-0.1, 0.0], [0.0, 0.0]]
    )
    assert priced.changes[0].tolist() == [15, -25]
    assert priced.gaps.tolist() == [0, 2]
