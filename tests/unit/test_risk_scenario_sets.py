import hashlib

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.risk_sets import (
    CALL,
    EURUSD,
    GBPUSD,
    A,
    B,
    G,
    U,
    built,
    head_of,
    mark,
    marks,
    published,
    row,
)
from udfs.risk.montecarlo import drawn, normal_var_error, plain
from udfs.risk.scenario_parts import fault
from udfs.risk.scenario_sets import digest_of, draws, rates_path
from udfs.risk.tails import WEIGHT_UNIT, age_weights, historical


def test_a_digest_is_over_fields_as_json_and_returns():
    parts = published({A: [0.01, -0.02], B: [0.003, 0.0]}, epoch=7)
    # 10,000 and -20,000; 3,000 and 0 ppm as int32, little-endian.
    first = b'["days",7,0,2,"DE000000000A","HISTORICAL",1000000,0,2,2,8]\n'
    first += bytes.fromhex("10270000e0b1ffff")
    second = b'["days",7,1,2,"FR000000000B","HISTORICAL",1000000,0,2,2,8]\n'
    second += bytes.fromhex("b80b000000000000")
    assert digest_of(parts) == hashlib.sha256(first + second).hexdigest()
    assert digest_of(parts.reverse()) == digest_of(parts)
    assert parts["set_digest"].to_list() == [digest_of(parts)] * 2


def test_returns_are_brought_to_the_reporting_currency():
    of = built(
        {A: [0.01, 0.02], U: [0.01, 0.0], G: [0.0, 0.03], EURUSD: [0.02, 0.0], GBPUSD: [0.01, 0.0]}
    )
    assert row(of, A) == [10_000, 20_000]
    # A dollar is worth 1/1.02 of what it was in euros: 1.01/1.02 - 1 = -0.0098039.
    assert row(of, U) == [-9_804, 0]
    # A pound: 1.01 dollars, of which each is 1/1.02: the same number by another way.
    assert row(of, G) == [-9_804, 30_000]
    # One euro bought for dollars: 0.02 dollars gained, each worth 1/1.02: 0.0196078.
    assert row(of, EURUSD) == [19_608, 0]
    assert row(of, GBPUSD) == [9_804, 0]
    assert row(of, "cash:USD") == [-19_608, 0]
    assert row(of, "cash:GBP") == [-9_804, 0]
    assert of.label == "days@1"


def test_the_last_days_are_the_scenarios():
    returns = {A: [0.01, 0.02, 0.03], B: [0.04, 0.05, 0.06]}
    assert row(built(returns, book_scenarios=2), A) == [20_000, 30_000]
    assert row(built(returns, book_scenarios=2, size="firm"), A) == [10_000, 20_000, 30_000]


def test_squares_are_of_the_underlying_in_its_own_currency():
    option = mark(CALL, underlying=U, currency="USD")
    terms = marks(mark(U), mark(EURUSD), mark(B), option)
    of = built({U: [0.03, -0.01], EURUSD: [0.02, 0.0], B: [0.5, 0.5]}, terms)
    assert row(of, f"{U}^2") == [900, 100]
    assert set(of.scenarios.instruments) == {U, EURUSD, B, f"{U}^2", "cash:USD"}


def test_an_instrument_without_a_rate_is_named():
    of = built({A: [0.01, 0.02], U: [0.01, 0.0]})
    assert of.unusable == {U: "no scenarios of the rate of USD"}
    assert of.scenarios.instruments == (A,)
    fallen = built({U: [0.01, 0.0], EURUSD: [-1.0, 0.0]})
    assert set(fallen.unusable) == {U, EURUSD}


def test_what_is_not_known_has_no_row():
    unknown = mark(B, kind="UNKNOWN", currency="", multiplier=0)
    of = built({A: [0.01, 0.02], B: [0.01, 0.02]}, marks(mark(A), unknown))
    assert of.scenarios.instruments == (A,)
    assert built({A: [0.1, 0.2]}, marks(unknown)).scenarios.changes.shape == (0, 2)


@pytest.mark.parametrize(
    ("pairs", "path"),
    [
        ([("USD", "EUR", "2"), ("EUR", "USD", "1")], (("2", 1),)),
        ([("EUR", "USD", "1")], (("1", -1),)),
        ([("EUR", "USD", "9"), ("EUR", "USD", "1")], (("1", -1),)),
        ([("EUR", "GBP", "1")], None),
    ],
)
def test_a_rate_is_direct_before_inverse(pairs, path):
    frame = pl.DataFrame(pairs, schema=["base_currency", "currency", "isin"], orient="row")
    assert rates_path("USD", frame) == path
    assert rates_path("EUR", frame) == ()


@pytest.mark.parametrize(
    ("pairs", "path"),
    [
        ([("GBP", "USD", "1"), ("EUR", "USD", "2")], (("1", 1), ("2", -1))),
        ([("USD", "GBP", "1"), ("USD", "EUR", "2")], (("1", -1), ("2", 1))),
        ([("GBP", "USD", "1"), ("EUR", "USD", "2"), ("EUR", "GBP", "3")], (("3", -1),)),
        ([("GBP", "CHF", "1"), ("EUR", "CHF", "2")], None),
    ],
)
def test_a_rate_may_go_over_the_dollar(pairs, path):
    frame = pl.DataFrame(pairs, schema=["base_currency", "currency", "isin"], orient="row")
    assert rates_path("GBP", frame) == path


def test_draws_are_exact_sums_over_the_days():
    days = np.array([[12_000, -7_000, 30_000], [-500, 250_000, 1]], dtype=float)
    roots = np.sqrt(age_weights(3, 0.9) / WEIGHT_UNIT)
    found = draws(days, roots, 5, 7)
    normals = plain(4, 3, 5)
    for one in range(7):
        sign = 1 if one < 4 else -1
        factors = [round(z * w * 2**24) for z, w in zip(normals[one % 4], roots, strict=True)]
        for which in range(2):
            total = sum(f * int(d) for f, d in zip(factors, days[which], strict=True))
            whole, rest = divmod(abs(total), 2**24)
            whole += rest > 2**23 or (rest == 2**23 and whole % 2 == 1)
            assert found[which, one] == sign * (whole if total > 0 else -whole)


def test_draws_of_a_row_do_not_depend_on_other_rows():
    rng = np.random.default_rng(3)
    days = np.rint(rng.normal(0, 20_000, (9, 60)))
    roots = np.sqrt(age_weights(60, 0.97) / WEIGHT_UNIT)
    whole = draws(days, roots, 1, 5_001)
    assert np.array_equal(draws(days[[4, 2]], roots, 1, 5_001), whole[[4, 2]])
    assert np.array_equal(draws(days, roots, 1, 4_098)[:, :2_049], whole[:, :2_049])


def test_normals_piece_by_piece_are_the_same():
    bits = np.random.PCG64(9)
    pieces = [drawn(bits, n, 4) for n in (1, 5, 2)]
    assert np.array_equal(np.concatenate(pieces), plain(8, 4, 9))


def test_draws_have_the_weighted_covariance_of_the_days():
    # VaR of a normal loss at 99 %: 2.326348 standard deviations, here of weights that fall with
    # age (Mb of the definitions); antithetic draws of a symmetric law are no less exact.
    rng = np.random.default_rng(1)
    first = rng.normal(0, 0.01, 250) * np.linspace(0.5, 1.5, 250)
    second = 0.6 * first + rng.normal(0, 0.01, 250)
    options = {"method": "MONTE_CARLO", "decay_ppm": 970_000, "seed": 11}
    of = built({A: first, B: second}, book_scenarios=10, firm_scenarios=100_000, size="firm",
               **options)  # fmt: skip
    powers = 0.97 ** np.arange(249, -1, -1)
    weights = powers / powers.sum()
    both = of.scenarios.changes[of.scenarios.rows[A]] + of.scenarios.changes[of.scenarios.rows[B]]
    sigma = np.sqrt((weights * (first + second) ** 2).sum()) * 1e6
    tail = historical(both)
    assert abs(tail.var - 2.326348 * sigma) < 3 * normal_var_error(100_000, 10_000, sigma)
    assert both.mean() == 0
    less = built({A: first, B: second}, book_scenarios=10, firm_scenarios=100_000, **options)
    assert less.scenarios.changes.shape == (2, 10)


def test_returns_beyond_reason_are_named():
    rng = np.random.default_rng(1)
    wild = np.abs(rng.normal(0, 20, 700))
    options = {"method": "MONTE_CARLO", "book_scenarios": 10, "firm_scenarios": 10}
    of = built({A: rng.normal(0, 0.01, 700), B: wild}, **options)
    assert of.unusable == {B: "returns too large to compute with"}


@pytest.mark.parametrize("value", [np.nan, np.inf, 3_000.0])
def test_what_is_no_return_is_not_published(value):
    with pytest.raises(ValueError, match="must be numbers"):
        published({A: [0.01, value]})


GOOD = {A: [0.01, -0.02, 0.0], B: [0.003, 0.001, 0.02]}


@pytest.mark.parametrize(
    ("returns", "options", "reason"),
    [
        (GOOD, {}, ""),
        (GOOD | {U: [0.0, 0.0, 0.0]}, {}, f"1 rows, first {U}: it has no return other than 0"),
        (GOOD | {U: [0.0, -1.1, 0.0]}, {}, f"1 rows, first {U}: it loses more than all"),
        (GOOD | {U: [0.0, -1.0, 0.0]}, {}, ""),
        (GOOD, {"decay_ppm": 970_000}, "equal weights"),
        (GOOD, {"book_scenarios": 4}, "more scenarios are asked than the 3 days"),
        (GOOD, {"method": "MONTE_CARLO", "firm_scenarios": 400, "decay_ppm": 900_000}, ""),
        (GOOD, {"method": "GUESS"}, "no method GUESS"),
        ({A: [0.01]}, {}, "2 to 10000 days are asked"),
    ],
)
def test_faults_of_a_set(returns, options, reason):
    parts = published(returns, **options)
    assert reason in fault(head_of(parts), parts)
    assert bool(reason) == bool(fault(head_of(parts), parts))


def test_faults_of_its_parts():
    parts = published(GOOD)
    head = head_of(parts)
    twice = parts.with_columns(isin=pl.lit(A))
    assert fault(head, twice) == f"instrument {A} has two rows"
    octets = pl.Series("returns", [bytes(12), bytes(8)])
    assert fault(head, parts.with_columns(octets)).startswith("rows of different length")
    half = pl.Series("returns", [b"123456", b"123456"])
    assert "4 for each" in fault(head, parts.with_columns(half))
    swapped = parts.with_columns(isin=parts["isin"].reverse())
    assert fault(head, swapped) == "the parts do not have the digest that they state"


@settings(max_examples=20)
@given(st.permutations([A, B, U, G, EURUSD, GBPUSD]))
def test_the_order_of_instruments_changes_no_bit(order):
    rng = np.random.default_rng(2)
    returns = dict(zip([A, B, U, G, EURUSD, GBPUSD], rng.normal(0, 0.01, (6, 30)), strict=True))
    options = {"method": "MONTE_CARLO", "seed": 4, "book_scenarios": 50}
    one = built(returns, **options)
    other = built({isin: returns[isin] for isin in order}, **options)
    for name in one.scenarios.instruments:
        assert row(one, name) == row(other, name)
    assert one.digest != other.digest or order == [A, B, U, G, EURUSD, GBPUSD]
