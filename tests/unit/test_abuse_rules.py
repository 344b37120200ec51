"""Each rule on a script that meets it, and on the nearest honest one that does not."""

import polars as pl

from tests.abuse_made import ISIN, MIC, SECOND, START, Venue, fold
from udfs.abuse.rulebook import RuleBook
from udfs.abuse.step import TABLES, AbuseStep


def said(venue, links=None, book=None, **options):
    """Alerts and evidence of what happened at the venue."""
    step = AbuseStep(book or RuleBook(), **options)
    out = fold(step, TABLES, venue.frame(), links=links)
    none = pl.DataFrame(schema={"rule": pl.String})
    return out.get("alerts", none), out.get("alerts.evidence", none)


def rules(venue, links=None, **options):
    return said(venue, links, **options)[0]["rule"].to_list()


def market(spread=10):
    """A maker's best prices 100.00 and 100.10, some trading in the past."""
    venue = Venue()
    venue.order("maker", "BUY", 50, 10_000, liquidity_provision=True)
    venue.order("maker", "SELL", 50, 10_000 + spread, liquidity_provision=True)
    venue.wait(120)
    return venue


def spoof(venue, size, real=5, life=3.0, quoted=0):
    if quoted:
        venue.order("s", "SELL", quoted, 10_012)
    bait = venue.order("s", "BUY", size, 9_998)
    venue.wait(life / 2)
    venue.order("s", "SELL", real, 10_000)
    venue.wait(life / 2)
    venue.cancel(bait)
    return bait


def test_a_large_bait_withdrawn_after_a_trade_on_the_other_side_is_spoofing():
    venue = market()
    bait = spoof(venue, 100)
    alerts, evidence = said(venue)
    (alert,) = alerts.to_dicts()
    assert (alert["rule"], alert["subject"], alert["band"]) == ("spoofing", "s", "MEDIUM")
    # a third each of 100 / 150 of the depth, of 1 - 3 s / 30 s, and of no move of the other side
    assert alert["score"] == round((100 / 150 + 0.9) / 3 * 1_000_000)
    assert alert["decided_by"].startswith("rules:")
    assert (alert["instrument"], alert["venue"]) == (ISIN, MIC)
    assert alert["amount"] == 100 * 9_998
    rows = evidence.to_dicts()
    assert [row["kind"] for row in rows] == ["ORDER", "TRADE", "CANCEL"]
    assert [row["order_id"] for row in rows][::2] == [bait, bait]
    assert (rows[0]["bid_size"], rows[0]["bid_size_after"]) == (50, 50)
    assert (rows[1]["bid_size"], rows[1]["bid_size_after"]) == (50, 45)
    assert alert["events"] == ";".join(row["event_id"] for row in rows)
    assert all(row["alert_id"] == alert["alert_id"] for row in rows)


def test_what_is_not_spoofing():
    small, slow, even, traded = market(), market(), market(), market()
    spoof(small, 8)
    spoof(slow, 100, life=40)
    spoof(even, 100, quoted=90)
    spoof(traded, 100, real=50)
    traded.order("s", "SELL", 40, 9_990)
    assert [rules(one) for one in (small, slow, even)] == [[], [], []]
    untouched = market()
    bait = untouched.order("s", "BUY", 100, 9_998)
    untouched.wait(2)
    untouched.cancel(bait)
    assert rules(untouched) == []


def test_an_episode_is_one_alert_and_the_next_one_another():
    venue = market()
    spoof(venue, 100)
    venue.wait(30)
    spoof(venue, 100)
    venue.wait(700)
    spoof(venue, 100)
    alerts, _ = said(venue)
    assert alerts["rule"].to_list() == ["spoofing", "spoofing"]
    assert (alerts["time"][1] - alerts["time"][0]) // SECOND == 736


def layers(prices, cancel=True):
    venue = market()
    orders = [venue.order("s", "SELL", 40, 10_010 + 2 * step) for step in prices]
    venue.wait(5)
    venue.order("s", "BUY", 10, 10_010)
    venue.wait(5)
    for name in orders if cancel else ():
        venue.cancel(name)
    return venue


def test_orders_at_three_prices_withdrawn_after_a_trade_are_layering():
    alerts, evidence = said(layers((1, 2, 3)))
    alert = alerts.filter(pl.col("rule") == "layering").to_dicts()[0]
    assert alert["measured"].startswith("3 orders at 3 prices at one moment, 70.6 % of the visible")
    # 120 pieces of its own against 50 of others
    kinds = evidence.filter(pl.col("alert_id") == alert["alert_id"])["kind"].to_list()
    assert sorted(kinds) == ["CANCEL"] * 3 + ["ORDER"] * 3 + ["TRADE"]


def test_two_prices_or_orders_that_stay_are_no_layering():
    assert "layering" not in rules(layers((1, 2)))
    assert "layering" not in rules(layers((1, 2, 3), cancel=False))


def groups(*owners):
    rows = [
        {"owner": one, "group": "g", "offset": place, "appended": 0}
        for place, one in enumerate(owners)
    ]
    return {"owner.links": pl.DataFrame(rows)}


def traded(buyer, seller, times=1, apart=0.5):
    venue = market()
    for _ in range(times):
        venue.order(seller, "SELL", 7, 10_005)
        venue.wait(apart)
        venue.order(buyer, "BUY", 7, 10_005)
        venue.wait(20)
    return venue


def test_one_owner_on_both_sides_is_a_wash_trade():
    (alert,) = said(traded("w", "w"))[0].to_dicts()
    assert (alert["rule"], alert["band"], alert["subject"]) == ("wash-trade", "HIGH", "w")


def test_owners_of_one_group_are_a_wash_trade_and_others_are_not():
    (alert,) = said(traded("w", "v"), groups("w", "v"))[0].to_dicts()
    assert (alert["rule"], alert["band"]) == ("wash-trade", "MEDIUM")
    assert rules(traded("w", "v"), groups("w", "other")) == []


def test_matched_orders_need_three_alike_in_time():
    assert rules(traded("w", "v", times=3)) == ["matched-orders"]
    assert rules(traded("w", "v", times=2)) == []
    assert rules(traded("w", "v", times=4, apart=1.0)) == []


def ring(back):
    venue = market()
    for _ in range(2):
        for seller, buyer in (("a", "b"), ("b", "c"), ("c", back)):
            venue.order(seller, "SELL", 9, 10_005)
            venue.wait(30)
            venue.order(buyer, "BUY", 9, 10_005)
            venue.wait(20)
    venue.wait(700)
    venue.order("maker", "BUY", 1, 9_000)
    return venue


def test_a_ring_of_flat_owners_is_found_and_a_chain_is_not():
    book = RuleBook.model_validate({"painting_the_tape": {"enabled": False}})
    (alert,) = said(ring("a"), book=book)[0].to_dicts()
    assert (alert["rule"], alert["subject"], alert["event_count"]) == ("wash-ring", "a", 6)
    assert alert["measured"] == "6 trades, 54 pieces, among a, b, c in 1 h"
    assert rules(ring("d")) == []


def push(exit_size, wait, steps=6):
    """Takes one ask after the other, 0.1 % apart, then sells to one who follows."""
    venue = Venue()
    for step in range(8):
        venue.order("maker", "SELL", 5, 10_000 + 10 * step)
    venue.wait(10)
    for step in range(steps):
        venue.order("r", "BUY", 5, 10_000 + 10 * step)
        venue.wait(wait)
    venue.order("follower", "BUY", 60, 10_045)
    venue.wait(1)
    if exit_size:
        venue.order("r", "SELL", exit_size, 10_045)
    return venue


def test_pushing_the_price_and_trading_out_is_ramping_or_if_fast_ignition():
    assert rules(push(20, wait=10)) == ["ramping"]
    assert rules(push(20, wait=0.5)) == ["momentum-ignition"]


def test_a_push_without_an_exit_or_with_few_orders_is_neither():
    assert rules(push(0, wait=10)) == []
    assert rules(push(10, wait=10)) == []
    assert rules(push(20, wait=10, steps=4)) == []


def test_a_flood_of_messages_is_quote_stuffing():
    venue = market()
    for _ in range(70):
        name = venue.order("q", "BUY", 5, 9_900)
        venue.wait(0.1)
        venue.cancel(name)
    alerts, _ = said(venue)
    (alert,) = alerts.to_dicts()
    # the sixtieth cancel is the first at which 120 messages and 80 % are reached
    assert (alert["rule"], alert["time"]) == ("quote-stuffing", START + 126 * SECOND)
    calm = market()
    for _ in range(70):
        name = calm.order("q", "BUY", 5, 9_900)
        calm.wait(2)
        calm.cancel(name)
    assert rules(calm) == []


def test_smoking_needs_three_times_a_day():
    def smoke(times, wait):
        venue = market(spread=40)
        for _ in range(times):
            name = venue.order("k", "SELL", 5, 10_010)
            venue.wait(5)
            venue.replace(name, 5, 10_030)
            venue.wait(wait)
            venue.order("slow", "BUY", 5, 10_030)
            venue.wait(60)
        return venue

    assert rules(smoke(3, 0.05)) == ["smoking"]
    assert rules(smoke(2, 0.05)) == []
    assert rules(smoke(3, 0.2)) == []


def ahead(client_size, close=True, gap=20):
    client = {"client": "213800MBWEIJDM5CU638", "capacity": "AOTC"}
    venue = market()
    venue.order("own", "BUY", 10, 10_010)
    venue.wait(gap)
    venue.order("big", "BUY", client_size, 10_008, **client)
    venue.wait(30)
    if close:
        venue.order("own", "SELL", 10, 10_008)
    return venue


def test_front_running_is_own_trades_ahead_of_a_larger_client_order_that_are_closed():
    assert rules(ahead(100)) == ["front-running"]
    assert rules(ahead(40)) == []
    assert rules(ahead(100, close=False)) == []
    assert rules(ahead(100, gap=80)) == []


def near_close(share, move, **more):
    """Trades of one owner from 09:10 on, the close in this test, until the book closes."""
    venue = Venue()
    venue.order("a", "SELL", 100, 10_000)
    venue.order("b", "BUY", 100, 10_000)
    venue.wait(600)
    for step in range(4):
        price = 10_000 + move * step
        for buyer, size in (("close", share), (f"b{step}", 200 - share)):
            venue.order("a", "SELL", size, price)
            venue.wait(5)
            venue.order(buyer, "BUY", size, price, **(more if buyer == "close" else {}))
    left = venue.order("b", "BUY", 5, 9_000)
    venue.phase("CLOSED")
    del left
    return venue


def test_marking_the_close_needs_a_share_and_a_move():
    close = {"close_s": 9 * 3_600 + 600}
    assert rules(near_close(100, 20), **close) == ["marking-the-close"]
    assert rules(near_close(20, 20), **close) == []
    assert rules(near_close(100, 2), **close) == []


def test_painting_the_tape_is_few_owners_that_feign_activity_or_a_move_among_themselves():
    def paint(prices, wait=20):
        venue = market()
        for number, price in enumerate(prices):
            seller, buyer = ("p", "q") if number % 2 else ("q", "p")
            venue.order(seller, "SELL", 6, 10_000 + price)
            venue.wait(5)
            venue.order(buyer, "BUY", 6, 10_000 + price)
            venue.wait(wait)
        venue.wait(700)
        venue.order("maker", "BUY", 1, 9_000)
        return venue

    assert rules(paint(range(1, 9))) == ["painting-the-tape"]
    assert rules(paint([5] * 8)) == ["painting-the-tape"]
    assert rules(paint([5, 6] * 4)) == []
    # four of them in any ten minutes
    assert rules(paint(range(1, 9), wait=145)) == []
