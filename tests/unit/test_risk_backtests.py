"""Backtests give the published tables, and what can be computed by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.risk.backtests import (
    christoffersen,
    desk_passes,
    exceptions,
    kupiec,
    multiplier_1996,
    multiplier_mar32,
    not_rejected,
    traffic_light,
    worse,
)
from udfs.risk.pla import attribution, pla_zone

# Basel Committee, Supervisory framework for the use of "backtesting" in conjunction with the
# internal models approach to market risk capital requirements, January 1996, table 2.
BASEL = [8.11, 28.58, 54.32, 75.81, 89.22, 95.88, 98.63, 99.60, 99.89, 99.97, 99.99]
PLUS = [0.0] * 5 + [0.40, 0.50, 0.65, 0.75, 0.85, 1.00]

# Kupiec (1995), as reprinted in Jorion, Value at Risk, chapter on backtesting: numbers of failures
# N that are not rejected at 5 %, bounds excluded. For 255 days at 1 % only N < 7 is printed; by the
# formula no failure at all has -510 ln 0.99 = 5.13 > 3.84 and is rejected too.
KUPIEC = [
    (0.01, {255: (0, 7), 510: (1, 11), 1000: (4, 17)}),
    (0.025, {255: (2, 12), 510: (6, 21), 1000: (15, 36)}),
    (0.05, {255: (6, 21), 510: (16, 36), 1000: (37, 65)}),
    (0.075, {255: (11, 28), 510: (27, 51), 1000: (59, 92)}),
    (0.10, {255: (16, 36), 510: (38, 65), 1000: (81, 120)}),
]


def test_a_day_is_judged_by_the_var_of_the_day_before_and_strictly() -> None:
    found = exceptions([-99, -10, -21, 5, -31], [10, 20, 30, 30, 1])
    assert found.flags.tolist() == [False, True, False, True]
    assert (found.count, found.days, found.missing.tolist()) == (2, 4, [])


def test_a_day_without_a_number_counts_and_is_named() -> None:
    found = exceptions([0.0, math.nan, 1.0, 1.0], [5.0, 5.0, math.inf, 5.0])
    assert found.flags.tolist() == [True, False, True]
    assert found.missing.tolist() == [0, 2]
    assert worse(exceptions([0, 0, 0], [1, 1, 1]), exceptions([0, -2, 0], [1, 1, 1])).count == 1


def test_rows_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="two equal rows"):
        exceptions([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="two equal rows"):
        attribution([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="none such"):
        kupiec(3, 2, 0.01)


@pytest.mark.parametrize(
    ("p", "days", "bounds"), [(p, n, b) for p, r in KUPIEC for n, b in r.items()]
)
def test_kupiecs_regions(p: float, days: int, bounds: tuple[int, int]) -> None:
    low, high = not_rejected(days, p)
    assert (low - 1, high + 1) == bounds


def test_kupiec_by_hand() -> None:
    """x = n p exactly gives 0; x = 0 gives -2 n ln(1 - p)."""
    assert kupiec(10, 250, 0.04).statistic == pytest.approx(0.0, abs=1e-12)
    assert kupiec(0, 250, 0.01).statistic == pytest.approx(-500 * math.log(0.99), rel=1e-12)
    by_hand = -2 * (240 * math.log(0.99 / 0.96) + 10 * math.log(0.01 / 0.04))
    assert kupiec(10, 250, 0.01).statistic == pytest.approx(by_hand, rel=1e-12)
    assert kupiec(10, 250, 0.01).rejected


def test_clusters_are_found_although_their_number_is_right() -> None:
    """10 exceptions in 250 days at 4 %, in runs of 3, 2 and 5: n11 = 2 + 1 + 4."""
    flags = np.zeros(250, dtype=bool)
    flags[[40, 41, 42, 100, 101, 200, 201, 202, 203, 204]] = True
    found = christoffersen(flags, 0.04)
    assert found.transitions == (236, 3, 3, 7)
    apart = (
        236 * math.log(236 / 239) + 3 * math.log(3 / 239) + 3 * math.log(0.3) + 7 * math.log(0.7)
    )
    alike = 239 * math.log(239 / 249) + 10 * math.log(10 / 249)
    assert found.independence.statistic == pytest.approx(2 * (apart - alike), rel=1e-12)
    assert found.joint.statistic == pytest.approx(found.independence.statistic, rel=1e-9)
    assert found.independence.rejected
    assert found.joint.rejected
    assert found.joint.p_value == pytest.approx(math.exp(-found.joint.statistic / 2), rel=1e-9)


@pytest.mark.parametrize("flags", [[False] * 9, [True] * 9, [False, True]])
def test_empty_cells_are_no_error(flags: list[bool]) -> None:
    assert christoffersen(flags, 0.05).independence.statistic == pytest.approx(0.0, abs=1e-12)


@given(st.lists(st.booleans(), min_size=2, max_size=60))
def test_transitions_add_up_and_statistics_are_not_negative(flags: list[bool]) -> None:
    found = christoffersen(flags, 0.05)
    assert sum(found.transitions) == len(flags) - 1
    assert found.joint.statistic >= found.independence.statistic >= 0.0


@pytest.mark.parametrize("count", range(11))
def test_basels_table(count: int) -> None:
    light = traffic_light(count)
    assert round(100 * light.cumulative, 2) == BASEL[count]
    assert light.zone == ("green" if count < 5 else "yellow" if count < 10 else "red")
    assert (light.yellow, light.red) == (5, 10)
    assert multiplier_1996(count) == pytest.approx(3.0 + PLUS[count])


def test_the_light_of_a_published_example() -> None:
    """MathWorks Risk Management Toolbox, varbacktest.tl: 57 failures in 1,043 days at 95 %."""
    light = traffic_light(57, 1_043, 0.05)
    assert (light.zone, round(light.cumulative, 5)) == ("green", 0.77913)
    assert round(1.0 - traffic_light(56, 1_043, 0.05).cumulative, 5) == 0.26396
    assert traffic_light(40, 250, 0.10).zone == "yellow"


def test_multipliers_of_mar32() -> None:
    found = [multiplier_mar32(count) for count in (0, 4, 5, 6, 7, 8, 9, 10, 250)]
    assert found == [1.50, 1.50, 1.70, 1.76, 1.83, 1.88, 1.92, 2.00, 2.00]
    assert desk_passes(12, 30)
    assert not desk_passes(13, 0)
    assert not desk_passes(0, 31)


@pytest.mark.parametrize(("days", "p"), [(500, 0.01), (250, 0.025), (60, 0.05)])
def test_zones_of_other_lengths_are_those_of_the_exact_binomial(days: int, p: float) -> None:
    """The distribution summed term by term, with exact binomial coefficients."""
    terms = [math.comb(days, k) * p**k * (1 - p) ** (days - k) for k in range(days + 1)]
    reached = np.cumsum(terms)
    light = traffic_light(3, days, p)
    assert light.yellow == np.flatnonzero(reached >= 0.95)[0]
    assert light.red == np.flatnonzero(reached >= 0.9999)[0]
    assert light.cumulative == pytest.approx(reached[3], rel=1e-9)


def test_attribution_by_hand() -> None:
    """Ranks 1 2 3 4 5 against 2 1 4 3 5: d^2 = 4, rho = 1 - 6 * 4 / (5 * 24) = 0.8."""
    found = attribution([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])
    assert found.spearman == pytest.approx(0.8)
    assert found.ks == 0.0
    assert (found.zone, found.complete, found.days) == ("amber", False, 5)
    shifted = attribution([1, 2, 3, 4], [3, 4, 5, 6])
    assert (shifted.spearman, shifted.ks, shifted.zone) == (pytest.approx(1.0), 0.5, "red")


def test_attribution_without_variation_or_with_holes_is_said() -> None:
    assert attribution([1, 1, 1], [1, 2, 3]).zone == "undefined"
    found = attribution([1.0, math.nan, 3.0], [1.0, 2.0, math.inf])
    assert (found.missing.tolist(), found.days, found.zone) == ([1, 2], 1, "undefined")


@pytest.mark.parametrize(
    ("spearman", "ks", "zone"),
    [
        (0.81, 0.08, "green"),
        (0.80, 0.08, "amber"),
        (0.81, 0.09, "amber"),
        (0.70, 0.12, "amber"),
        (0.69, 0.08, "red"),
        (0.81, 0.13, "red"),
    ],
)
def test_zones_of_the_attribution_test(spearman: float, ks: float, zone: str) -> None:
    assert pla_zone(spearman, ks) == zone
