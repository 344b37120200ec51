"""Each scheme of several people is the shape it is called after, in order of time, in its window.

Shapes and windows: the graph typologies of the documentation, 4 days, gather-scatter 9.
"""

from itertools import pairwise, product

import polars as pl
import pytest

from connectors.generators import AmlWorld, Plan, Wanted
from tests.generated import generate
from tests.laundering import DAY, Found, T, found, looked_at

FLOOR = 300_000
"""3,000 dollars: the least that a travel rule asks about, 31 CFR 1010.410."""


@pytest.fixture(scope="module", params=[(1, 30), (2, 7)], ids=["month", "week"])
def world(request: pytest.FixtureRequest) -> Found:
    return found(*request.param)


def shapes(world: Found, kind: str, days: float = 4) -> list[tuple[str, pl.DataFrame]]:
    """The four schemes of a kind with their transfers: above the floor, within the window."""
    schemes = world.labels.filter(kind=kind)["scheme"].unique().sort().to_list()
    assert len(schemes) == 4
    made = [(scheme, world.edges(scheme)) for scheme in schemes]
    for scheme, edges in made:
        assert edges["base"].min() > FLOOR
        assert edges["time"].max() - edges["time"].min() < days * DAY
        assert set(edges["owner"]) | set(edges["counterparty"]) == set(
            world.labels.filter(scheme=scheme)["member"]
        )
    return made


def test_fan_in(world: Found) -> None:
    for scheme, edges in shapes(world, "fan-in"):
        (hub,) = world.role(scheme, "hub")
        assert set(edges["counterparty"]) == {hub}
        assert edges["owner"].n_unique() == edges.height >= 5


def test_fan_out(world: Found) -> None:
    for scheme, edges in shapes(world, "fan-out"):
        (hub,) = world.role(scheme, "hub")
        assert set(edges["owner"]) == {hub}
        assert edges["counterparty"].n_unique() == edges.height >= 5


def test_gather_scatter(world: Found) -> None:
    for scheme, edges in shapes(world, "gather-scatter", days=9):
        (hub,) = world.role(scheme, "hub")
        came, went = edges.filter(counterparty=hub), edges.filter(owner=hub)
        assert came.height + went.height == edges.height
        assert min(came["owner"].n_unique(), went["counterparty"].n_unique()) >= 4
        assert came["time"].max() < went["time"].min()
        assert 0.87 <= went["base"].sum() / came["base"].sum() < 1.0


def test_scatter_gather(world: Found) -> None:
    for scheme, edges in shapes(world, "scatter-gather"):
        (source,), (target,) = world.role(scheme, "source"), world.role(scheme, "target")
        into, out = edges.filter(owner=source), edges.filter(counterparty=target)
        assert into.height + out.height == edges.height
        both = into.join(out, left_on="counterparty", right_on="owner", suffix="_out")
        assert both.height == into.height == out.height >= 4
        assert (both["time"] < both["time_out"]).all()
        assert (both["base_out"] < both["base"]).all()
        assert (both["base_out"] > 0.9 * both["base"]).all()


@pytest.mark.parametrize(("kind", "least"), [("cycle", 3), ("random", 5)])
def test_money_moves_on_hop_by_hop(world: Found, kind: str, least: int) -> None:
    """Times rise, amounts fall by 3.1 % at most; a cycle returns, a random walk does not."""
    for _, edges in shapes(world, kind):
        rows = edges.rows(named=True)
        assert least <= len(rows) <= 10
        for one, other in pairwise(rows):
            assert one["counterparty"] == other["owner"]
            assert one["time"] < other["time"]
            assert 0.969 * one["base"] <= other["base"] < one["base"]
        assert edges["owner"].n_unique() == len(rows)
        assert (rows[-1]["counterparty"] == rows[0]["owner"]) == (kind == "cycle")
        assert (rows[-1]["counterparty"] in set(edges["owner"])) == (kind == "cycle")


def test_bipartite(world: Found) -> None:
    for scheme, edges in shapes(world, "bipartite", days=2):
        sources, targets = world.role(scheme, "source"), world.role(scheme, "target")
        pairs = list(edges.select("owner", "counterparty").rows())
        assert sorted(pairs) == sorted(product(sources, targets))
        assert min(len(sources), len(targets)) >= 2
        assert 6 <= len(pairs) <= 15
        members = pl.col("owner").is_in(sources | targets)
        inner = members & pl.col("counterparty").is_in(sources | targets)
        assert world.transfers().filter(inner).height == len(pairs)


def test_stack(world: Found) -> None:
    """Two layers or more: what a middleman gets comes before what he pays."""
    for scheme, edges in shapes(world, "stack"):
        middle = world.role(scheme, "middleman")
        assert 8 <= edges.height <= 30
        for one in middle:
            came, went = edges.filter(counterparty=one), edges.filter(owner=one)
            assert min(came.height, went.height) >= 2
            assert came["time"].max() < went["time"].min()
        for one in world.role(scheme, "source"):
            assert edges.filter(owner=one).height >= 2
            assert edges.filter(counterparty=one).is_empty()


def test_a_ring_of_a_thousand() -> None:
    """Depositors below T who structure, several collectors, one sink."""
    wanted = Wanted(counts={}, ring=1_000)
    world = AmlWorld(6, days=14, count=20_000, people=500, wanted=wanted)
    ring = looked_at(world, generate(world, Plan(count=world.count, seed=6)))
    (scheme,) = ring.labels["scheme"].unique()
    people, collectors = ring.role(scheme, "subject"), ring.role(scheme, "collector")
    (sink,) = ring.role(scheme, "sink")
    assert (len(people), len(collectors)) == (1_000, 34)
    cash = ring.postings.filter(pl.col("owner").is_in(people), channel="CASH", direction="CREDIT")
    by_person = cash.group_by("owner").agg(
        pl.len(),
        pl.col("base").sum(),
        least=pl.col("base").min(),
        most=pl.col("base").max(),
        span=pl.col("time").max() - pl.col("time").min(),
    )
    assert by_person.height == 1_000
    assert by_person["len"].min() >= 3
    assert by_person["base"].min() > T
    assert by_person["least"].min() >= 8 * T // 10
    assert by_person["most"].max() < T
    assert by_person["span"].max() < 3 * DAY
    edges = ring.edges(scheme)
    onward = edges.filter(pl.col("owner").is_in(people))
    assert set(onward["owner"]) == people
    assert set(onward["counterparty"]) == collectors
    each = onward.group_by("counterparty").agg(
        pl.col("time").max() - pl.col("time").min(), pl.len()
    )
    assert each["time"].max() < 4 * DAY
    assert 10 <= each["len"].min() <= each["len"].max() == 30
    last = edges.filter(pl.col("owner").is_in(collectors))
    assert set(last["counterparty"]) == {sink}
    assert set(last["owner"]) == collectors
    assert last["time"].max() - last["time"].min() < 4 * DAY
