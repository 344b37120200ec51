"""What looks like a practice and is none: each script beside the nearest one that is."""

import pytest

from tests.abuse_made import Venue
from tests.unit.test_abuse_rules import market, near_close, push, rules, said, traded
from udfs.abuse.rulebook import RuleBook

AGREED = {"liquidity_provision": True}


def bait(venue, price, quantity=100, wait=2.0, traded_in=5):
    """A bid that is withdrawn; its owner sells meanwhile."""
    name = venue.order("s", "BUY", quantity, price)
    venue.wait(wait)
    if traded_in:
        venue.order("s", "SELL", traded_in, 10_000)
    venue.cancel(name)


def test_an_order_at_the_touch_is_no_bait():
    at_touch, behind = market(), market()
    bait(at_touch, 10_000)
    bait(behind, 9_999)
    assert (rules(at_touch), rules(behind)) == ([], ["spoofing"])


def test_twice_what_is_at_the_touch_is_large_in_a_deep_book():
    def deep(quantity):
        venue = market()
        venue.order("other", "BUY", 3_000, 9_900)
        bait(venue, 9_998, quantity)
        return venue

    # 50 pieces at the touch, 3,050 on the side: 100 are 3 % of the depth
    book = RuleBook.model_validate({"spoofing": {"score_ppm": 300_000}})
    assert rules(deep(100), book=book) == ["spoofing"]
    assert rules(deep(99), book=book) == []


def test_quotes_entered_one_side_after_the_other_are_lopsided_for_a_moment_only():
    venue = market()
    first = venue.order("m", "BUY", 100, 9_998)
    venue.order("m", "SELL", 90, 10_012)
    venue.wait(2)
    venue.order("m", "SELL", 5, 10_000)
    venue.cancel(first)
    assert rules(venue) == []


def test_bait_in_vain_has_to_lie_far_away_and_go_at_once():
    def in_vain(price, wait, hopes=True):
        venue = market()
        if hopes:
            venue.order("s", "SELL", 5, 10_009)
        bait(venue, price, wait=wait, traded_in=0)
        return venue

    (alert,) = said(in_vain(9_994, 2))[0].to_dicts()
    assert (alert["rule"], alert["band"]) == ("spoofing", "LOW")
    assert alert["measured"].endswith("0 traded on the other side meanwhile")
    for honest in (in_vain(9_995, 2), in_vain(9_994, 6), in_vain(9_994, 2, hopes=False)):
        assert rules(honest) == []


def meets_itself(times, others=0):
    """One owner whose small sales meet its own older bid; it also buys of others."""
    venue = market()
    for _ in range(times):
        name = venue.order("w", "BUY", 20, 10_005)
        venue.wait(60)
        venue.order("w", "SELL", 4, 10_005)
        venue.cancel(name)
        venue.wait(60)
    for _ in range(others):
        venue.order("w", "BUY", 1, 10_010)
    venue.order("w", "BUY", 20, 10_005)
    venue.order("w", "SELL", 4, 10_005)
    return venue


def test_who_meets_an_own_order_by_chance_washes_nothing():
    assert "wash-trade" not in rules(meets_itself(1))
    assert "wash-trade" in rules(meets_itself(2))
    # three trades of 4 with itself, counted on both sides, and one piece bought: 4 % of 25
    assert "wash-trade" not in rules(meets_itself(2, others=1))


def test_a_trade_of_like_orders_is_meant_at_once():
    assert rules(traded("w", "w")) == ["wash-trade"]


def quotes(pairs, **more):
    """Orders of one owner that are withdrawn slowly, without a trade."""
    venue = market()
    for _ in range(pairs):
        name = venue.order("q", "BUY", 5, 9_900, **more)
        venue.wait(20)
        venue.cancel(name, **more)
    return venue


def test_market_makers_have_an_order_to_trade_ratio_of_their_own():
    assert rules(quotes(250)) == ["order-to-trade-ratio"]
    assert rules(quotes(249)) == []
    assert rules(quotes(250, **AGREED)) == []


@pytest.mark.parametrize(("more", "expected"), [({}, ["smoking"]), (AGREED, [])])
def test_pegged_orders_under_an_agreement_do_not_smoke(more, expected):
    venue = market(spread=40)
    for _ in range(3):
        name = venue.order("k", "SELL", 5, 10_010, **more)
        venue.wait(5)
        venue.replace(name, 5, 10_030, **more)
        venue.wait(0.05)
        venue.order("slow", "BUY", 5, 10_030)
        venue.wait(60)
    assert rules(venue) == expected


CLOSE = {"close_s": 9 * 3_600 + 600}


def test_a_clients_order_worked_into_the_close_marks_nothing():
    assert rules(near_close(100, 20), **CLOSE) == ["marking-the-close"]
    assert rules(near_close(100, 20, parent_id="P1"), **CLOSE) == []


def test_one_order_or_orders_others_come_for_do_not_mark_the_close():
    def before_close():
        venue = Venue()
        venue.order("a", "SELL", 100, 10_000)
        venue.order("b", "BUY", 100, 10_000)
        venue.wait(600)
        return venue

    one, waits = before_close(), before_close()
    for step in range(4):
        one.order("a", "SELL", 100, 10_000 + 20 * step)
        waits.order("close", "BUY", 100, 10_000 + 20 * step)
        waits.wait(5)
        waits.order("a", "SELL", 100, 10_000 + 20 * step)
    one.order("close", "BUY", 400, 10_100)
    for venue in (one, waits):
        venue.order("b", "BUY", 5, 9_000)
        venue.phase("CLOSED")
        assert rules(venue, **CLOSE) == []


def front(own, big):
    venue = market()
    venue.order("own", "BUY", 10, 10_010, **own)
    venue.wait(20)
    venue.order("big", "BUY", 100, 10_008, **big)
    venue.wait(30)
    venue.order("own", "SELL", 10, 10_008, **own)
    return venue


def test_people_of_the_member_run_ahead_of_its_clients_and_clients_of_none():
    client = {"client": "213800MBWEIJDM5CU638", "capacity": "AOTC"}
    person = {"capacity": "AOTC"}
    assert rules(front(person, client)) == ["front-running"]
    assert rules(front(client, client)) == []
    assert rules(front(person, person)) == []
    assert rules(front(person | {"parent_id": "P1"}, client)) == []


def test_a_take_that_moves_nothing_is_part_of_a_run_and_does_not_count():
    def paused(steps):
        venue = push(0, wait=10, steps=steps)
        venue.order("maker", "SELL", 5, 10_000 + 10 * (steps - 1))
        venue.order("r", "BUY", 5, 10_000 + 10 * (steps - 1))
        venue.order("follower", "BUY", 60, 10_045)
        venue.wait(1)
        venue.order("r", "SELL", 30, 10_045)
        return venue

    assert rules(paused(5)) == ["ramping"]
    assert rules(paused(4)) == []
