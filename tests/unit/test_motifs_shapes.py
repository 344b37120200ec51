"""Each shape at its boundaries; numbers of definitions.md (Compliance > AML > Graph typologies)."""

import pytest

from tests.transferred import DAY, HOUR, told, without_floor
from udfs.motifs.params import ScatterGather

START = 100 * DAY
W = 4 * DAY


def from_many(hub, count, at=START, step=HOUR, amount=1_000):
    return [(f"S{n:02d}", hub, at + n * step, amount) for n in range(count)]


def to_many(hub, count, at=START, step=HOUR, amount=1_000):
    return [(hub, f"T{n:02d}", at + n * step, amount) for n in range(count)]


def ids(*numbers):
    return [f"t{n:03d}" for n in numbers]


# -- fans ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "made"), [("fan-in", from_many), ("fan-out", to_many)])
def test_a_fan_has_five_new_counterparties(rule, made):
    assert told(made("H", 4), rule) == []
    assert told(made("H", 5), rule) == [("H", 5, ids(0, 1, 2, 3, 4))]
    assert told(made("H", 6), rule) == told(made("H", 5), rule)


@pytest.mark.parametrize(("rule", "made"), [("fan-in", from_many), ("fan-out", to_many)])
def test_a_fan_counts_each_counterparty_once(rule, made):
    rows = made("H", 4)
    again = [(s, t, at + 5 * HOUR, 1) for s, t, at, _ in rows]
    assert told(rows + again, rule) == []


@pytest.mark.parametrize(("rule", "made"), [("fan-in", from_many), ("fan-out", to_many)])
def test_an_edge_as_old_as_the_window_is_outside(rule, made):
    assert told(made("H", 5, step=W // 4), rule) == []
    assert told(made("H", 5, step=W // 4 - 1), rule) == [("H", 5, ids(0, 1, 2, 3, 4))]


@pytest.mark.parametrize(("rule", "made"), [("fan-in", from_many), ("fan-out", to_many)])
def test_salaries_and_rents_go_where_they_went_a_month_before(rule, made):
    first = made("H", 8, at=START)
    later = made("H", 8, at=START + 31 * DAY)
    assert len(told(first, rule)) == 2
    assert told(first + later, rule) == told(first, rule)


def test_counterparties_are_new_again_after_45_days_without_dealings():
    first, last = from_many("H", 5), from_many("H", 5, at=START + 45 * DAY)
    found = [events for *_, events in told(first + last, "fan-in")]
    assert found == [ids(0, 1, 2, 3, 4), ids(5, 6, 7, 8, 9)]
    sooner = from_many("H", 5, at=START + 45 * DAY - 1)
    assert len(told(first + sooner, "fan-in")) == 1


def test_who_was_paid_by_the_hub_before_is_not_new_to_it():
    known = [("H", "S00", START, 1)]
    later = START + 10 * DAY
    assert told(known + from_many("H", 5, at=later), "fan-in") == []
    assert len(told(known + from_many("H", 6, at=later), "fan-in")) == 1


def test_a_shop_has_new_customers_all_the_time():
    # One new customer every 2 days for 40 days: begun 20, in the 4 days of a burst 5 more.
    usual = [(f"C{n:02d}", "H", START + 2 * n * DAY, 1_000) for n in range(20)]
    burst = from_many("H", 5, at=START + 40 * DAY)
    # After the last: the window begins 36 d 4 h after the first, 6 are in it, 25 - 6 = 19 before.
    # 6 * 868 h >= factor * 19 * 96 h holds up to a factor of 2.855263 (5208 / 1824).
    assert told(usual + burst, "fan-in") == []
    low, high = (without_floor(fan_in={"burst_ppm": factor}) for factor in (2_855_263, 2_855_264))
    assert len(told(usual + burst, "fan-in", low)) == 1
    assert told(usual + burst, "fan-in", high) == []


# -- gather-scatter --------------------------------------------------------------------------------


def gathered(sources, targets, later=10 * HOUR, passed=500):
    return from_many("H", sources) + to_many("H", targets, at=START + later, amount=passed)


def test_gather_scatter_needs_three_on_both_sides():
    assert told(gathered(2, 9, passed=900), "gather-scatter") == []
    assert told(gathered(9, 2, passed=9_000), "gather-scatter") == []
    assert told(gathered(3, 3), "gather-scatter") == [("H", 3, ids(*range(6)))]
    assert told(gathered(4, 4, passed=667), "gather-scatter") == [("H", 3, ids(*range(7)))]
    assert told(gathered(4, 4, passed=666), "gather-scatter") == [("H", 4, ids(*range(8)))]


def test_scattering_before_gathering_is_none():
    assert told(gathered(3, 3, later=-10 * HOUR), "gather-scatter") == []


def test_what_is_gathered_between_counts_from_the_best_moment_on():
    # Sources at hours 0, 1, 2, 12, targets at 10, 11, 13, 14: after hour 2 it is 3 and 4.
    rows = [*from_many("H", 3), ("S99", "H", START + 12 * HOUR, 1_000)]
    rows += [("H", f"T{n}", START + hour * HOUR, 900) for n, hour in enumerate((10, 11, 13, 14))]
    found = told(rows, "gather-scatter")
    assert found == [("H", 3, ids(0, 1, 2, 3, 4, 6))]


def test_half_of_what_was_gathered_has_to_be_scattered():
    assert told(gathered(3, 3, passed=499), "gather-scatter") == []
    assert len(told(gathered(3, 3, passed=500), "gather-scatter")) == 1


def test_gather_scatter_has_nine_days():
    assert told(gathered(3, 3, later=9 * DAY - 2 * HOUR), "gather-scatter") == []
    assert len(told(gathered(3, 3, later=9 * DAY - 2 * HOUR - 1), "gather-scatter")) == 1


# -- scatter-gather --------------------------------------------------------------------------------


def over(middlemen, later=10 * HOUR, paid=1_000, passed=900):
    ways = [f"M{n}" for n in range(middlemen)]
    into = [("A", m, START + n * HOUR, paid) for n, m in enumerate(ways)]
    return into + [(m, "B", START + later + n * HOUR, passed) for n, m in enumerate(ways)]


def test_scatter_gather_needs_three_middlemen():
    assert told(over(2), "scatter-gather") == []
    assert told(over(3), "scatter-gather") == [("A", 3, ids(*range(6)))]
    assert told(over(4), "scatter-gather") == [("A", 3, ids(0, 1, 2, 4, 5, 6))]


def test_each_middleman_is_paid_before_he_pays():
    assert told(over(3, later=-10 * HOUR), "scatter-gather") == []
    assert told(over(3, later=0), "scatter-gather") == []
    assert len(told(over(3, later=1), "scatter-gather")) == 1


def test_a_middleman_passes_on_half_or_more_and_no_more_than_he_got():
    assert told(over(3, passed=499), "scatter-gather") == []
    assert len(told(over(3, passed=500), "scatter-gather")) == 1
    assert len(told(over(3, passed=1_010), "scatter-gather")) == 1
    assert told(over(3, passed=1_011), "scatter-gather") == []


def test_scatter_gather_adds_up_what_goes_over_a_middleman():
    rows = over(3, paid=500, passed=900) + [
        ("A", f"M{n}", START + (3 + n) * HOUR, 500) for n in range(3)
    ]
    assert [size for _, size, _ in told(rows, "scatter-gather")] == [3]


def test_scatter_gather_has_four_days():
    late = W - 2 * HOUR
    assert told(over(3, later=late), "scatter-gather") == []
    assert len(told(over(3, later=late - 1), "scatter-gather")) == 1


def test_a_salary_and_rents_are_no_scatter_gather():
    chosen = without_floor(scatter_gather=ScatterGather(new_only=False))
    assert told(over(9, paid=3_000, passed=1_200), "scatter-gather", chosen) == []
