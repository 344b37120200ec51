"""What the risk bench computes on is what it says, and every figure with a bar is measured."""

import numpy as np
import pytest

from connectors.generators.market.world import MarketWorld
from deploy.bench import risk_made, risk_measures, risk_numbers, risk_peer
from udfs.risk.scenarios import vector


@pytest.fixture(scope="module")
def world():
    return MarketWorld(3)


def test_scenarios_have_the_covariance_of_the_days(world):
    drawn = risk_made.scenarios(world, 40, 10_000)
    assert drawn.instruments == world.past.instruments.names[:40]
    assert np.array_equal(drawn.changes, np.rint(drawn.changes))
    wanted = np.cov(world.past.instruments.returns[:, :40].T)
    found = np.cov(drawn.changes) / 1e12
    sd = np.sqrt(np.diag(wanted))
    # the standard error of a covariance of 10,000 normals is at most sqrt(2) / 100 of the product
    assert np.abs((found - wanted) / np.outer(sd, sd)).max() < 5 * np.sqrt(2) / 100


def test_a_part_of_a_set_has_the_first_instruments_and_scenarios(world):
    drawn = risk_made.scenarios(world, 6, 100)
    part = risk_made.part(drawn, 4, 10)
    held = np.array([3, -2, 0, 5])
    both = vector(drawn, [*held, 0, 0]).pnl[:10], vector(part, held).pnl
    assert np.array_equal(*both)
    assert part.changes.flags.c_contiguous


def test_bars_are_those_of_the_work_order():
    results = risk_numbers.run(3, 1, instruments=20, scenarios=5_000, books=4)
    bars = sorted(result.bar for result in results if result.bar is not None)
    assert bars == [1, 1, 5, 20, 100, 1_000]
    assert len({result.what for result in results}) == len(results)


def test_rates_are_those_of_the_pairs(world):
    marks, held = risk_measures.opened(world)
    assert marks.height == len(world.universe)
    assert held["group"].n_unique() == 60
    rate = dict(marks.select("currency", "rate").unique().rows())
    assert rate["EUR"] == 10**10
    pair = marks.filter(base_currency="EUR", currency="USD").row(0, named=True)
    mid = (pair["bid"] + pair["ask"]) / 2 / 10 ** pair["price_scale"]
    assert rate["USD"] == pytest.approx(1e10 / mid, abs=1)


def test_the_peer_finds_the_same_numbers(world):
    firm = risk_made.scenarios(world, 20, 5_000)
    held = risk_made.exposures(3, 1, 20)[0]
    rows = {row.what: row for row in risk_peer.run(firm, held, risk_made.options(3, 20), 1)}
    off = [row.value for what, row in rows.items() if "difference" in what]
    assert max(off) < 1e-8
