"""Rings by hand: who is in, what the score is, where each limit lies; and the generated ring."""

from collections.abc import Iterable

import polars as pl
import pytest

from connectors.generators import AmlWorld, Plan, Wanted
from deploy.graph.communities import centrality, communities
from deploy.graph.flows import flows
from deploy.graph.params import Params
from deploy.graph.rings import Ring, find
from tests.generated import generate
from tests.laundering import DAY, Found, T, looked_at

PARAMS = Params()
Sent = tuple[str, str, int]

DEPOSITORS = [f"d{n:02}" for n in range(12)]
RING: list[Sent] = [
    *((who, f"c{n % 3}", 30_000_00) for n, who in enumerate(DEPOSITORS)),
    *((f"c{n}", "sink", 100_000_00) for n in range(3)),
]
"""12 depositors send 30,000 each to 3 collectors; each collector sends 100,000 on to the sink."""


def frame(rows: Iterable[Sent]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=["source", "target", "amount"], orient="row")


def rings(rows: Iterable[Sent], marked: Iterable[str], params: Params = PARAMS) -> list[Ring]:
    return find(frame(rows), frozenset(marked), params)


def test_a_ring_has_depositors_collectors_and_a_sink() -> None:
    (ring,) = rings(RING, DEPOSITORS)
    assert (ring.sink, ring.collectors) == ("sink", ("c0", "c1", "c2"))
    assert ring.depositors == tuple(DEPOSITORS)
    assert len(ring.members) == 16
    assert ring.amount == 300_000_00


def test_the_score_is_that_of_the_definition() -> None:
    """Of 360,000 sent 300,000 reach the sink: 5/6; all else is whole: 0.7 + 0.3 * 5/6 = 0.95."""
    (ring,) = rings(RING, DEPOSITORS)
    assert ring.shares == {
        "evidence": 1_000_000,
        "flow": 833_333,
        "common": 1_000_000,
        "closed": 1_000_000,
    }
    assert ring.score == 949_999


def test_everyday_business_of_members_draws_nobody_in() -> None:
    landlord = [(who, "landlord", 1_000_00) for who in [*DEPOSITORS, *"uvwxyz"]]
    shop = [("sink", "shop", 5_000_00), ("employer", "d00", 4_000_00)]
    (ring,) = rings([*RING, *landlord, *shop], DEPOSITORS)
    assert ring.members == rings(RING, DEPOSITORS)[0].members
    # 12 * 1,000 more were sent, so 300 of 372 reach the sink; and of 660 + 12 + 9 that touch
    # members 660 stay.
    assert ring.shares["flow"] == 300 * 1_000_000 // 372
    assert ring.shares["closed"] == 660 * 1_000_000 // 681


def test_customers_without_evidence_are_no_members_and_lower_the_score() -> None:
    others = [(f"o{n}", "c0", 1_000_00) for n in range(12)]
    (ring,) = rings([*RING, *others], DEPOSITORS)
    assert (len(ring.members), ring.strangers) == (16, 12)
    assert ring.shares["evidence"] == 500_000
    many = [(f"o{n:03}", "c0", 1_000_00) for n in range(120)]
    assert rings([*RING, *many], DEPOSITORS) == []  # 12 of 132 have evidence


def test_a_landlord_of_structurers_is_no_ring() -> None:
    """20 tenants, 3 of them with evidence: 0.5 * 3/20 + 0.3 + 0.1 + 0.1 * 3/20 = 0.49."""
    tenants = [(f"t{n:02}", "landlord", 1_000_00) for n in range(20)]
    assert rings(tenants, ["t00", "t01", "t02"], Params(least_members=3)) == []
    (found,) = rings(tenants, ["t00", "t01", "t02"], Params(least_members=3, threshold=490_000))
    assert (found.score, found.strangers) == (490_000, 17)


@pytest.mark.parametrize(("senders", "found"), [(2, 0), (3, 1), (4, 1)])
def test_a_collector_has_three_senders_with_evidence(senders: int, found: int) -> None:
    paid = [(who, "c", 9_000_00) for who in DEPOSITORS[:senders]]
    assert len(rings(paid, DEPOSITORS, Params(least_members=3))) == found


@pytest.mark.parametrize(("amount", "found"), [(1_999_99, 0), (2_000_00, 1), (2_000_01, 1)])
def test_a_payee_matters_from_a_fifth_of_what_was_sent(amount: int, found: int) -> None:
    paid = [(who, "c", amount) for who in DEPOSITORS]
    rest = [(who, f"{who}-own", 10_000_00 - amount) for who in DEPOSITORS]
    seen = flows(frame([*paid, *rest]), frozenset(DEPOSITORS), PARAMS)
    assert len(seen.collectors) == found


@pytest.mark.parametrize(("members", "found"), [(9, 0), (10, 1), (11, 1)])
def test_a_ring_has_ten_members(members: int, found: int) -> None:
    paid = [(f"d{n:02}", "sink", 9_000_00) for n in range(members - 1)]
    assert len(rings(paid, [who for who, _, _ in paid])) == found


def test_two_rings_that_share_a_customer_of_little_weight_are_two() -> None:
    """1.00 between rings is less than the least weight for each pair, 2.00: 16 * 16 pairs."""
    other = [(f"x{a}", f"x{b}", amount) for a, b, amount in RING]
    marked = [*DEPOSITORS, *(f"x{who}" for who in DEPOSITORS)]
    found = rings([*RING, *other, ("sink", "xc1", 1_00)], marked)
    assert [ring.sink for ring in found] == ["sink", "xsink"]
    assert [len(ring.members) for ring in found] == [16, 16]


def test_a_sink_that_collects_for_another_makes_one_ring_with_it() -> None:
    """Money of three sinks goes to one above them: four steps from depositor to the top."""
    parts = [[(f"{n}{a}", f"{n}{b}", amount) for a, b, amount in RING] for n in "xyz"]
    top = [(f"{n}sink", "top", 280_000_00) for n in "xyz"]
    marked = [f"{n}{who}" for n in "xyz" for who in DEPOSITORS]
    (ring,) = rings([*parts[0], *parts[1], *parts[2], *top], marked)
    assert (ring.sink, len(ring.members)) == ("top", 3 * 16 + 1)


def test_the_order_of_transfers_changes_nothing() -> None:
    noise = [(f"n{n}", f"n{(n * 7) % 40}", 100_00 * n) for n in range(1, 40)]
    rows = [*RING, *noise]
    (ring,) = rings(rows, DEPOSITORS)
    for order in (rows[::-1], rows[20:] + rows[:20]):
        (again,) = rings(order, DEPOSITORS)
        assert again.edges.equals(ring.edges)
        assert (again.roles, again.score) == (ring.roles, ring.score)


def test_no_transfers_no_evidence_no_ring() -> None:
    assert rings([("a", "b", 1)], []) == []
    assert rings(RING, []) == []
    assert communities(frame([]).cast({"amount": pl.Int64}), PARAMS) == []


def test_the_sink_is_the_most_central() -> None:
    (ring,) = rings(RING, DEPOSITORS)
    rank = centrality(ring.edges)
    assert abs(sum(rank.values()) - 1_000_000) <= 8  # half a part of each of 16
    least = {
        role: min(rank[m] for m, r in ring.roles.items() if r == role)
        for role in ("sink", "collector", "depositor")
    }
    assert least["sink"] > least["collector"] > least["depositor"]


@pytest.mark.parametrize("given", [{"window_us": 0}, {"least_members": 2}])
def test_nonsense_is_refused(given: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        Params(**given)


def structurers(world: Found) -> frozenset[str]:
    """Who pays in cash of 0.8 T to T three times within 10 days, and more than T, in loops."""
    cash = world.postings.filter(
        (pl.col("channel") == "CASH") & (pl.col("direction") == "CREDIT")
    ).filter(pl.col("base").is_between(T * 8 // 10, T))
    found = set()
    for (owner,), own in cash.group_by("owner"):
        times = sorted(own["time"].to_list())
        if any(b - a < 10 * DAY for a, b in zip(times, times[2:], strict=False)):
            found.add(str(owner))
    return frozenset(found)


def test_the_generated_ring_of_a_thousand_is_found() -> None:
    wanted = Wanted(counts={}, ring=1_000)
    made = AmlWorld(3, days=8, count=14_000, people=500, wanted=wanted)
    world = looked_at(made, generate(made, Plan(count=made.count, seed=3)))
    sent = world.transfers().select(source="owner", target="counterparty", amount="base")
    (ring,) = find(sent, structurers(world), PARAMS)
    (scheme,) = world.labels.filter(kind="ring")["scheme"].unique()
    members = set(world.labels.filter(scheme=scheme)["member"])
    assert len(members) == 1_035
    assert len(ring.members & members) >= 0.95 * len(members)
    assert ring.members <= members
    assert {ring.sink} == world.role(scheme, "sink")
    assert set(ring.collectors) == world.role(scheme, "collector")
