"""Cycles, walks and layers at their boundaries; numbers of definitions.md."""

import pytest

from tests.transferred import DAY, HOUR, alerts, told, without_floor
from udfs.aml.rule import Band
from udfs.motifs.params import Chain, Layers

START = 100 * DAY
W = 4 * DAY


def ids(*numbers):
    return [f"t{n:03d}" for n in numbers]


def around(nodes, amounts=None, step=HOUR, closed=True):
    ends = nodes[1:] + nodes[:1] if closed else nodes[1:]
    amounts = amounts or [1_000_000] * len(ends)
    return [
        (a, b, START + n * step, amount)
        for n, (a, b, amount) in enumerate(zip(nodes, ends, amounts, strict=False))
    ]


def of_length(size):
    return (Band(name="LOW", at_least=size, score=1),)


# -- cycles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", range(3, 11))
def test_cycles_of_three_to_ten_hops(length):
    assert told(around("BCADEFGHIJ"[:length]), "cycle") == [
        (min("BCADEFGHIJ"[:length]), length, ids(*range(length)))
    ]


def test_cycles_of_two_only_if_asked_for_and_none_of_eleven():
    assert told(around("AB"), "cycle") == []
    assert told(around("AB"), "cycle", without_floor(cycle=Chain(bands=of_length(2)))) == [
        ("A", 2, ids(0, 1))
    ]
    assert told(around("ABCDEFGHIJK"), "cycle") == []


def test_money_that_does_not_come_back_is_no_cycle():
    assert told(around("ABCDE", closed=False), "cycle") == []


@pytest.mark.parametrize("order", [(0, 2, 1), (2, 1, 0), (1, 1, 2), (0, 1, 1)])
def test_times_rise_from_hop_to_hop(order):
    rows = [
        (a, b, START + hour * HOUR, 1_000)
        for (a, b), hour in zip(("AB", "BC", "CA"), order, strict=True)
    ]
    assert told(rows, "cycle") == []


def test_a_hop_loses_at_most_a_tenth():
    assert len(told(around("ABC", [1_000_000, 900_000, 810_000]), "cycle")) == 1
    assert told(around("ABC", [1_000_000, 899_999, 810_000]), "cycle") == []
    assert told(around("ABC", [1_000_000, 900_000, 809_999]), "cycle") == []


def test_a_hop_gains_at_most_what_conversion_rounds():
    assert len(told(around("ABC", [1_000_000, 1_001_000, 1_001_000]), "cycle")) == 1
    assert told(around("ABC", [1_000_000, 1_001_001, 1_001_000]), "cycle") == []


def test_amounts_up_to_the_greatest_do_not_overflow():
    greatest = 2**62
    assert len(told(around("ABC", [greatest] * 3), "cycle")) == 1
    assert told(around("ABC", [greatest, greatest // 2, greatest // 2]), "cycle") == []


def test_a_cycle_has_four_days():
    assert told(around("ABC", step=W // 2), "cycle") == []
    assert len(told(around("ABC", step=W // 2 - 1), "cycle")) == 1


def test_the_newest_way_round_is_told():
    rows = [
        ("A", "B", START, 100),
        ("B", "C", START + HOUR, 100),
        ("B", "C", START + 2 * HOUR, 100),
        ("C", "A", START + 3 * HOUR, 100),
    ]
    assert told(rows, "cycle") == [("A", 3, ids(0, 2, 3))]


def test_cycles_that_share_a_node_are_two():
    rows = around("ABC") + [(a, b, at + 10 * HOUR, n) for a, b, at, n in around("ADE")]
    assert [subject for subject, *_ in told(rows, "cycle")] == ["A", "A"]


def test_the_same_cycle_again_is_no_news():
    rows = around("ABC") + [(a, b, at + 10 * HOUR, n) for a, b, at, n in around("ABC")]
    assert len(told(rows, "cycle")) == 1
    much_later = around("ABC") + [(a, b, at + 20 * DAY, n) for a, b, at, n in around("ABC")]
    assert len(told(much_later, "cycle")) == 2


# -- walks -----------------------------------------------------------------------------------------


def test_walks_are_off_and_need_five_hops():
    assert told(around("ABCDEF", closed=False), "walk") == []
    on = without_floor(walk=Chain(bands=of_length(5)))
    assert told(around("ABCDE", closed=False), "walk", on) == []
    assert told(around("ABCDEF", closed=False), "walk", on) == [("A", 5, ids(0, 1, 2, 3, 4))]


# -- layers ----------------------------------------------------------------------------------------


def layer(senders, receivers, at=START, missing=()):
    pairs = [(s, t) for s in senders for t in receivers if s + t not in missing]
    return [(s, t, at + n * HOUR, 1_000) for n, (s, t) in enumerate(pairs)]


def test_a_bipartite_has_six_pairs():
    assert told(layer("AB", "XY"), "bipartite") == []
    assert told(layer("ABC", "XYZ", missing=("AX", "BY", "CZ", "AY")), "bipartite") == []
    assert told(layer("AB", "PQR"), "bipartite") == [("A", 6, ids(*range(6)))]
    ring = layer("ABC", "PQR", missing=("AP", "BQ", "CR"))
    assert told(ring, "bipartite") == []  # no edge whose ends share all the others


def test_who_shares_less_than_two_is_not_in_the_layer():
    rows = [("D", "P", START - HOUR, 1), *layer("AB", "PQR")]
    assert told(rows, "bipartite") == [("A", 6, ids(*range(1, 7)))]


@pytest.mark.parametrize("inner", ["AB", "PQ", "BA"])
def test_a_bipartite_has_no_edges_inside_a_set(inner):
    rows = [(inner[0], inner[1], START - HOUR, 1), *layer("AB", "PQR")]
    assert told(rows, "bipartite") == []


def test_receivers_may_pay_back():
    rows = [("P", "A", START - HOUR, 1), *layer("AB", "PQR")]
    assert told(rows, "bipartite") == [("A", 6, ids(*range(1, 7)))]


def test_a_bipartite_has_four_days():
    rows = layer("AB", "PQR")
    early = ("A", "P", START + 5 * HOUR - W, 1_000)
    assert told([early, *rows[1:]], "bipartite") == []
    assert len(told([(*early[:2], early[2] + 1, 1_000), *rows[1:]], "bipartite")) == 1


def stacked(later=10 * HOUR):
    return layer("AB", "PQ") + layer("PQ", "XY", at=START + later)


def test_a_stack_is_two_layers_in_series():
    assert told(stacked(), "stack") == [("A", 8, ids(*range(8)))]
    assert told(stacked()[:7], "stack") == []
    assert told(stacked()[1:], "stack") == []


def test_the_second_layer_of_a_stack_comes_after_the_first():
    assert told(stacked(-10 * HOUR), "stack") == []


def test_a_stack_has_four_days():
    assert told(stacked(W - 3 * HOUR), "stack") == []
    assert len(told(stacked(W - 3 * HOUR - 1), "stack")) == 1


def test_a_stack_does_not_return_to_its_first_senders():
    rows = layer("AB", "PQ") + layer("PQ", "AX", at=START + 10 * HOUR)
    assert told(rows, "stack") == []


def test_old_relations_make_no_layer_unless_they_count():
    before = [(s, t, at - 20 * DAY, n) for s, t, at, n in layer("AB", "PQR")]
    assert told(before + layer("AB", "PQR"), "bipartite") == told(before, "bipartite")
    every = without_floor(bipartite=Layers(bands=of_length(6), new_only=False))
    assert len(told(before + layer("AB", "PQR"), "bipartite", every)) == 2


def test_what_an_alert_of_a_stack_says():
    (alert,) = (a for a in alerts(stacked()) if a["rule"] == "stack")
    assert alert["reason"] == (
        "2 sources (A, B) shared 2 new targets (P, Q), who then shared 2 new targets (X, Y) "
        "within 13 h"
    )
    assert alert["amount"] == 4_000
