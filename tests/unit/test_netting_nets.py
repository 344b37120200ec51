"""Hand-computed nets: every figure below can be checked with pencil and paper."""

import polars as pl
import pytest

from udfs.netting import nets

CYCLE = 60_000_000


def owed(*rows, **common):
    """Obligations from (payer, receiver, amount), all in the first cycle unless said otherwise."""
    values = {
        "netting_set": "CCP|EUR",
        "asset": "EUR",
        "scale": 2,
        "trade_time": 1,
        "watermark": 0,
        "late": False,
    } | common
    return pl.DataFrame(
        [
            {"payer": payer, "receiver": receiver, "amount": amount, "offset": offset} | values
            for offset, (payer, receiver, amount) in enumerate(rows)
        ]
    )


def netted(obligations):
    pairs = nets.paired(nets.in_cycles(obligations, CYCLE))
    bilaterals = nets.bilateral(pairs)
    multilaterals = nets.multilateral(nets.both_views(bilaterals))
    return bilaterals, multilaterals, nets.cycles(bilaterals, multilaterals)


def test_a_ring_of_equal_debts_nets_to_nothing_multilaterally_only():
    bilaterals, multilaterals, cycles = netted(
        owed(("A", "B", 100), ("B", "C", 100), ("C", "A", 100))
    )
    assert bilaterals.select("member", "counterparty", "receives", "delivers", "net").rows() == [
        ("A", "B", 0, 100, -100),
        ("A", "C", 100, 0, 100),
        ("B", "C", 0, 100, -100),
    ]
    assert multilaterals.select("member", "receives", "delivers", "net", "pairs").rows() == [
        ("A", 100, 100, 0, 2),
        ("B", 100, 100, 0, 2),
        ("C", 100, 100, 0, 2),
    ]
    assert cycles["bilateral_efficiency_ppm"].to_list() == [0]
    assert cycles["multilateral_efficiency_ppm"].to_list() == [1_000_000]
    assert cycles.select("gross", "bilateral_net", "multilateral_net", "members").rows() == [
        (300, 300, 0, 3)
    ]


def test_debts_in_both_directions_net_within_the_pair():
    bilaterals, multilaterals, cycles = netted(
        owed(("A", "B", 70), ("B", "A", 100), ("A", "B", 10))
    )
    assert bilaterals.select("receives", "delivers", "net", "obligations").rows() == [
        (100, 80, 20, 3)
    ]
    assert multilaterals["net"].to_list() == [20, -20]
    # G = 180, N = 20: 1 - 20/180 = 0.888888.., rounded down
    assert cycles["bilateral_efficiency_ppm"].to_list() == [888_888]
    assert cycles["multilateral_efficiency_ppm"].to_list() == [888_888]


def test_four_members_save_more_multilaterally():
    obligations = owed(
        ("A", "B", 50), ("B", "C", 30), ("C", "D", 40), ("D", "A", 10), ("B", "A", 20)
    )
    bilaterals, multilaterals, cycles = netted(obligations)
    assert dict(multilaterals.select("member", "net").rows()) == {
        "A": -20,
        "B": 0,
        "C": -10,
        "D": 30,
    }
    assert bilaterals.select(pl.col("net").abs()).sum().item() == 30 + 10 + 30 + 40
    assert cycles.select("gross", "bilateral_net", "multilateral_net").rows() == [(150, 110, 30)]
    assert cycles["bilateral_efficiency_ppm"].to_list() == [266_666]
    assert cycles["multilateral_efficiency_ppm"].to_list() == [800_000]


def test_other_assets_sets_and_scales_are_netted_apart():
    obligations = pl.concat(
        [
            owed(("A", "B", 5)),
            owed(("B", "A", 5), scale=3),
            owed(("B", "A", 5), asset="USD"),
            owed(("B", "A", 5), netting_set="OTHER|EUR"),
        ]
    )
    bilaterals, _, cycles = netted(obligations)
    assert bilaterals["net"].to_list() == [-5, 5, 5, 5]
    assert cycles["gross"].to_list() == [5, 5, 5, 5]


def test_an_obligation_to_oneself_nets_to_zero_and_counts_once():
    bilaterals, multilaterals, cycles = netted(owed(("A", "A", 7), ("A", "B", 3)))
    assert bilaterals.select("member", "counterparty", "receives", "delivers", "net").rows() == [
        ("A", "A", 7, 7, 0),
        ("A", "B", 0, 3, -3),
    ]
    assert multilaterals.select("member", "net", "obligations", "pairs").rows() == [
        ("A", -3, 2, 2),
        ("B", 3, 1, 1),
    ]
    assert cycles["gross"].to_list() == [10]


@pytest.mark.parametrize(
    ("time", "watermark", "end"),
    [
        (0, -(2**63), CYCLE),
        (CYCLE - 1, 0, CYCLE),
        (CYCLE, 0, 2 * CYCLE),
        (-1, -(2**63), 0),
        (5, CYCLE, 2 * CYCLE),
    ],
)
def test_cycle_is_the_window_of_the_effective_time(time, watermark, end):
    obligation = owed(("A", "B", 1), trade_time=time, watermark=watermark)
    assert nets.in_cycles(obligation, CYCLE)["cycle_end"].to_list() == [end]


def test_sums_up_to_the_last_bit_are_exact_and_beyond_it_refused():
    most = (2**63 - 1) // 10**15
    rest = 2**63 - 1 - most * 10**15
    full = [("A", "B", 10**15)] * most + [("A", "B", rest)]
    bilaterals, _, cycles = netted(owed(*full))
    assert bilaterals["net"].to_list() == [-(2**63 - 1)]
    assert cycles["gross"].to_list() == [2**63 - 1]
    assert cycles["multilateral_efficiency_ppm"].to_list() == [0]
    with pytest.raises(OverflowError, match=r"asset=EUR, scale=2 add up to 9223372036854775808"):
        netted(owed(*full, ("C", "D", 1)))


def test_code_points_order_the_pair():
    bilaterals, _, _ = netted(owed(("a", "Z", 1), ("é", "z", 1)))
    assert bilaterals.select("member", "counterparty").rows() == [("Z", "a"), ("z", "é")]
