"""The days before a market opens: length, volatility that clusters, sectors, jumps; CSV histories.

Tolerances are four standard errors, derived beside each test; seeds are fixed.
"""

from pathlib import Path

import numpy as np
import pytest

from connectors.generators import Amount, MarketWorld, Plan
from connectors.generators.market.factors import PHI, SECTORS, SPREAD, YEAR
from connectors.generators.market.history import History, HistoryError, from_csv, from_parquet
from connectors.generators.market.instruments import BOND, EQUITY, FX, OPTION
from connectors.generators.market.past import Past
from connectors.generators.market.pricing import bond_price, option_price
from tests.generated import generate

T = 750
EQUITY_FACTORS = 1 + len(SECTORS)


@pytest.fixture(scope="module")
def world() -> MarketWorld:
    return MarketWorld(11, amount=Amount(10))


@pytest.fixture(scope="module")
def past(world: MarketWorld) -> Past:
    return world.past


def test_there_are_750_business_days_before_the_first(world: MarketWorld, past: Past) -> None:
    days = past.factors.days
    assert len(days) == len(past.instruments.days) == T
    assert days[-1] * 86_400_000_000 < world.start
    assert np.is_busday(days.astype("datetime64[D]")).all()
    assert np.busday_count(days[0].astype("datetime64[D]"), days[-1].astype("datetime64[D]")) == 749
    assert past.instruments.returns.shape == past.changes.shape == (T, len(world.universe))
    assert past.instruments.returns.min() >= -1.0


def test_instruments_move_as_their_factors_say(world: MarketWorld, past: Past) -> None:
    """A pair has no risk of its own: its return is exp(loadings . steps) - 1."""
    pairs = world.universe.kind == FX
    steps = past.factors.returns @ world.universe.loadings[pairs].T
    assert past.instruments.returns[:, pairs] == pytest.approx(np.expm1(steps), rel=1e-9, abs=1e-12)


def test_a_call_rises_with_its_underlying_and_changes_are_whole(
    world: MarketWorld, past: Past
) -> None:
    universe = world.universe
    calls = np.flatnonzero((universe.frame["option_side"] == "CALL").to_numpy())
    assert set(universe.kind[calls]) == {OPTION}
    for call in calls[:40]:
        under = past.instruments.returns[:, universe.root[call]]
        assert np.corrcoef(under, past.changes[:, call])[0, 1] > 0.5
    assert past.changes.dtype == np.int64


def test_the_variance_of_a_day_is_the_models(world: MarketWorld, past: Past) -> None:
    """Steps over sd * exp(h / 2), days with jumps left out, are standard normal.

    Mean within 4 / sqrt(n), variance within 4 sqrt(2 / n) of 1.
    """
    factors = world.universe.factors
    scale = factors.sd * np.exp(past.volatility[:-1][:, factors.group] / 2.0)
    drift = -factors.rate * factors.jump_mean / YEAR
    for f, name in enumerate(factors.names):
        quiet = past.jumps[:, f] == 0
        z = (past.factors.returns[quiet, f] - drift[f]) / scale[quiet, f]
        assert abs(z.mean()) <= 4 / np.sqrt(len(z)), name
        assert abs(z.var() - 1.0) <= 4 * np.sqrt(2 / len(z)), name


def test_volatility_clusters(past: Past) -> None:
    """Mean of log(step^2) over the 11 equity factors is h and noise of variance (pi^2 / 2) / 11.

    So its autocorrelation at lag k is s phi^k with s = V / (V + pi^2 / 22), V the variance of h
    (Harvey, Ruiz and Shephard 1994). Standard error by Bartlett's formula; the estimated mean
    makes the estimate less by about (1 - r) times the variance of the mean over that of a day.
    """
    y = np.log(past.factors.returns[:, :EQUITY_FACTORS] ** 2).mean(axis=1)
    y = y - y.mean()
    found = float(np.sum(y[1:] * y[:-1]) / np.sum(y**2))
    share = SPREAD / (SPREAD + np.pi**2 / 2 / EQUITY_FACTORS)
    rho = share * PHI ** np.arange(2_000.0)
    rho[0] = 1.0
    expected = rho[1]
    k = np.arange(1, 1_900)
    error = np.sqrt(np.sum((rho[k + 1] + rho[k - 1] - 2 * expected * rho[k]) ** 2) / T)
    bias = (1 - expected) * (1 + 2 * rho[1:].sum()) / T
    assert found > 4 / np.sqrt(T)
    assert abs(found - expected) <= 4 * error + bias


def test_sectors_move_together(world: MarketWorld, past: Past) -> None:
    """Correlations are what loadings and the days' factor covariance say, in the mean of pairs.

    The own parts of two equities share exp(h / 2): the standard error of one pair's correlation is
    sqrt(E exp(2 h) / T) = sqrt(exp(V) / T), a bound for that of a mean of pairs.
    """
    equities = np.flatnonzero(world.universe.kind == EQUITY)
    logs = np.log1p(past.instruments.returns[:, equities])
    found = np.corrcoef(logs.T)
    loadings, sd = world.universe.loadings[equities], logs.std(axis=0, ddof=1)
    expected = loadings @ np.cov(past.factors.returns.T) @ loadings.T / np.outer(sd, sd)
    sector = world.universe.frame["sector"].to_numpy()[equities]
    other = ~np.eye(len(equities), dtype=bool)
    same = (sector[:, None] == sector[None, :]) & other
    error = np.sqrt(np.exp(SPREAD) / T)
    for pairs in (same, other & ~same):
        assert abs(found[pairs].mean() - expected[pairs].mean()) <= error
    gap = expected[same].mean() - expected[other & ~same].mean()
    assert gap > 2 * error
    assert found[same].mean() - found[other & ~same].mean() > gap / 2


def test_jumps_are_as_many_and_as_large_as_they_should_be(world: MarketWorld, past: Past) -> None:
    """Numbers are Poisson; the root mean square of n jump days of sectors has error 1 / sqrt(2 n),
    and more by what volatility adds.
    """
    factors = world.universe.factors
    for found, rate in (
        (past.jumps.sum(), factors.rate.sum()),
        (past.own_jumps.sum(), world.universe.own_rate.sum()),
    ):
        mean = rate / YEAR * T
        assert abs(found - mean) <= 4 * np.sqrt(mean)
    sectors = slice(1, EQUITY_FACTORS)
    jumped = past.jumps[:, sectors] == 1
    size = np.sqrt(np.mean(past.factors.returns[:, sectors][jumped] ** 2))
    usual = np.hypot(factors.jump_sd[1], factors.sd[1])
    assert size == pytest.approx(usual, rel=4 / np.sqrt(2 * jumped.sum()))
    quiet = np.sqrt(np.mean(past.factors.returns[:, sectors][past.jumps[:, sectors] == 0] ** 2))
    assert size > 2 * quiet


@pytest.mark.parametrize("count", [4_000, 16_000])
def test_a_day_has_the_variance_of_a_day_however_many_ticks(count: int) -> None:
    """Squared moves of EUR against GBP add up to (2 - 2 * 0.5) sd^2 exp(h).

    Of n moves the error is sqrt(2 / n); h moves by 0.2 a day, 0.2 / sqrt(3) in its mean.
    """
    world = MarketWorld(11, amount=Amount(count))
    universe = world.universe
    isin = universe.frame["isin"][int(np.flatnonzero(universe.kind == FX)[0])]
    run = generate(world, Plan(count=world.count, seed=11))
    quotes = run.frame("quotes").filter(isin=isin).sort("quote_id")
    assert set(run.frame("instruments").filter(isin=isin)["base_currency"]) == {"EUR"}
    moves = np.diff(np.log((quotes["bid"] + quotes["ask"]).to_numpy() / 2))
    expected = 0.005**2 * np.exp(world.past.volatility[-1, 2])
    error = np.hypot(np.sqrt(2 / len(moves)), 0.2 / np.sqrt(3))
    assert np.sum(moves**2) / expected == pytest.approx(1.0, abs=4 * error)


def test_prices_of_bonds_and_options() -> None:
    """A bond that pays its yield is at par. Hull, Options, Futures and Other Derivatives: S = 42,
    K = 40, r = 10 %, v = 20 %, T = 0.5: call 4.76, put 0.81.
    """
    one = np.ones(1)
    assert bond_price(0.05 * one, 0.05 * one, 10 * one)[0] == pytest.approx(100.0)
    assert bond_price(0.05 * one, 0.0 * one, 2 * one)[0] == pytest.approx(100 / 1.05**2)
    assert bond_price(0.0 * one, 0.03 * one, 4 * one)[0] == pytest.approx(112.0)
    assert bond_price(-0.01 * one, 0.01 * one, one)[0] == pytest.approx(101 / 0.99)
    terms = (42.0 * one, 40.0 * one, 0.5 * one, 0.2 * one, 0.1 * one)
    assert round(option_price(*terms, one)[0], 2) == 4.76
    assert round(option_price(*terms, -one)[0], 2) == 0.81


def test_bonds_fall_when_yields_rise(world: MarketWorld, past: Past) -> None:
    bonds = np.flatnonzero(world.universe.kind == BOND)
    levels = world.universe.loadings[bonds] @ past.factors.returns.T
    for bond, level in zip(bonds, levels, strict=True):
        assert np.corrcoef(level, past.instruments.returns[:, bond])[0, 1] < 0.0


GOOD = "day,name,return\n2026-02-26,a,0.1\n2026-02-26,b,-0.2\n2026-02-27,b,0.5\n2026-02-27,a,0\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_of_a_csv_may_stand_in_any_order(tmp_path: Path) -> None:
    found = from_csv(written(tmp_path / "h.csv", GOOD))
    assert found.names == ("a", "b")
    assert found.returns.tolist() == [[0.1, -0.2], [0.0, 0.5]]
    assert found.of(("b",)).returns.tolist() == [[-0.2], [0.5]]
    with pytest.raises(ValueError, match="1 names without history, first c"):
        found.of(("a", "c"))


def test_prices_become_returns(tmp_path: Path) -> None:
    text = "day,name,price\n2026-02-25,a,100\n2026-02-26,a,110\n2026-02-27,a,99\n"
    found = from_csv(written(tmp_path / "h.csv", text))
    assert found.returns[:, 0] == pytest.approx([0.1, -0.1])
    assert len(found.days) == 2


def test_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    plain = from_csv(written(tmp_path / "h.csv", GOOD))
    (tmp_path / "w.csv").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert np.array_equal(from_csv(tmp_path / "w.csv").returns, plain.returns)
    with pytest.raises(HistoryError, match="line 7: a finite number"):
        from_csv(written(tmp_path / "h.csv", GOOD + "2026-02-28,a\u2028,1\n2026-02-28,a,x\n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: the header"),
        ("date,name,return\n", "line 1: the header"),
        ("day,name,return\n", "line 2: there is no row"),
        (GOOD + "2026-02-28,a\n", "line 6: three fields"),
        (GOOD + "2026-02-28,a,1,2\n", "line 6: three fields"),
        (GOOD + "28.02.2026,a,1\n", "line 6: a day as in"),
        (GOOD + "2026-02-28, ,1\n", "line 6: a name"),
        (GOOD + "2026-02-28,a,x\n", "line 6: a finite number"),
        (GOOD + "2026-02-28,a,\n", "line 6: a finite number"),
        (GOOD + "2026-02-28,a,nan\n", "line 6: a finite number"),
        (GOOD + "2026-02-28,a,inf\n\n", "line 6: a finite number.*1 more lines"),
        (GOOD + "2026-02-28,a,-1.5\n", "line 6: a return of at least -1"),
        (GOOD + "2026-02-27,a,0.3\n", "line 6: a has this day already"),
        (GOOD + "2026-02-28,a,0.3\n", "b has no row for 2026-02-28"),
        ("day,name,price\n2026-02-27,a,0\n", "line 2: a price above 0"),
        ("day,name,price\n2026-02-27,a,5\n", "two days"),
    ],
)
def test_a_malformed_row_is_refused_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=words):
        from_csv(written(tmp_path / "h.csv", text))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_bytes(b"day,name,return\n\xff")
    with pytest.raises(HistoryError, match="not UTF-8 at byte 16"):
        from_csv(tmp_path / "h.csv")


def test_parquet_gives_the_same_bits(past: Past, tmp_path: Path) -> None:
    both = past.instruments.and_of(past.factors)
    both.to_parquet(tmp_path / "h.parquet")
    found = from_parquet(tmp_path / "h.parquet")
    assert found.names == both.names
    assert np.array_equal(found.returns, both.returns)
    assert np.array_equal(found.days, both.days)


def test_the_history_goes_through_csv_with_the_same_bits(past: Past, tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    past.factors.to_csv(path)
    found = from_csv(path)
    assert found.names == past.factors.names
    assert np.array_equal(found.days, past.factors.days)
    assert np.array_equal(found.returns, past.factors.returns)


@pytest.mark.parametrize(
    ("names", "days", "returns", "words"),
    [
        (("a",), [1, 2], [[0.0], [np.nan]], "1 returns are no numbers, first a on day 1970-01-03"),
        (("a",), [2, 1], [[0.0], [0.0]], "must rise"),
        (("a", "a"), [1], [[0.0, 0.0]], "twice"),
        (("a",), [1, 2], [[0.0]], "returns of"),
    ],
)
def test_arrays_that_are_no_history_are_refused(
    names: tuple[str, ...], days: list[int], returns: list[list[float]], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        History(names, np.array(days), np.array(returns))
