"""Calls, auctions, halts and the end of the day, results computed by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchange_log import Venue, told
from udfs.matching.auction import uncrossing


@pytest.mark.parametrize(
    ("bids", "asks", "market", "reference", "expected"),
    [
        # most volume: at 101 30 trade, at 100 and 102 20
        ([(102, 20), (101, 10)], [(100, 20), (101, 10)], (0, 0), 0, (101, 30, 0)),
        # as much at 100 and 101, least left at 101: 10 against 40
        ([(101, 30), (100, 30)], [(99, 20), (101, 0)], (0, 0), 0, (101, 20, 10)),
        # surplus to buy at all of them: the highest
        ([(102, 30)], [(100, 20)], (0, 0), 90, (102, 20, 10)),
        # surplus to sell at all of them: the lowest
        ([(102, 20)], [(100, 30)], (0, 0), 110, (100, 20, -10)),
        # no surplus: the nearest to the reference, itself a candidate
        ([(104, 20)], [(100, 20)], (0, 0), 101, (101, 20, 0)),
        ([(104, 20)], [(100, 20)], (0, 0), 99, (100, 20, 0)),
        ([(104, 20)], [(100, 20)], (0, 0), 200, (104, 20, 0)),
        # without a reference the nearest to the middle, of two as near the lower
        ([(104, 20)], [(100, 20)], (0, 0), 0, (100, 20, 0)),
        # orders at any price
        ([], [(100, 20)], (30, 0), 0, (100, 20, 10)),
        ([], [], (30, 10), 95, (95, 10, 20)),
        ([], [], (30, 10), 0, None),
        # nothing meets
        ([(99, 5)], [(100, 5)], (0, 0), 99, None),
    ],
)
def test_auction_price(bids, asks, market, reference, expected):
    assert uncrossing(bids, asks, market, reference) == expected


def test_a_reference_off_tick_is_no_price():
    assert uncrossing([(105, 20)], [(100, 20)], (0, 0), 102, tick=5) == (100, 20, 0)


orders = st.lists(st.tuples(st.integers(90, 110), st.integers(1, 50)), max_size=12)


@settings(max_examples=200, deadline=None)
@given(orders, orders, st.tuples(st.integers(0, 60), st.integers(0, 60)), st.integers(88, 112))
def test_no_price_at_all_trades_more_and_none_as_much_with_less_left(bids, asks, market, reference):
    def at(price):
        buy = market[0] + sum(q for p, q in bids if p >= price)
        sell = market[1] + sum(q for p, q in asks if p <= price)
        return min(buy, sell), -abs(buy - sell)

    found = uncrossing(bids, asks, market, reference)
    best = max(at(price) for price in range(80, 121))
    assert (found is None) == (best[0] == 0)
    if found is not None:
        assert (found.volume, -abs(found.surplus)) == at(found.price)
        # with a reference among the limits nothing off them is better
        assert at(found.price)[0] == best[0]
        limits = [p for p, _ in (*bids, *asks)]
        assert at(found.price) >= max(at(price) for price in (*limits, reference))


def test_an_opening_auction():
    venue = Venue("OPENING_CALL")
    venue.buy(0, 5, kind="MARKET", order_id="m")
    venue.buy(102, 10, order_id="b1")
    venue.buy(101, 10, order_id="b2")
    venue.sell(100, 12, order_id="s1")
    venue.sell(101, 8, time_in_force="AT_OPEN", order_id="s2")
    assert venue.book.top == (102, 10, 100, 12, 20, 20)  # a call may be crossed
    # at 101: 25 to buy, 20 to sell; at 102 15 and 20; at 100 25 and 12
    events = venue.phase("CONTINUOUS")
    assert told(events) == [
        ("m", "FILL", "", 0, 101, 5),
        ("s1", "PARF", "", 7, 101, 5),
        ("b1", "PARF", "", 3, 101, 7),
        ("s1", "FILL", "", 0, 101, 7),
        ("b1", "FILL", "", 0, 101, 3),
        ("s2", "PARF", "", 5, 101, 3),
        ("b2", "PARF", "", 5, 101, 5),
        ("s2", "FILL", "", 0, 101, 5),
    ]
    assert {event.phase for event in events} == {"OPENING_CALL"}
    assert not any(event.passive for event in events)
    assert (venue.book.reference, venue.book.last) == (101, 101)
    assert venue.book.top == (101, 5, 0, 0, 5, 0)


def test_what_the_opening_leaves_of_orders_for_it_ends():
    venue = Venue("OPENING_CALL")
    venue.buy(100, 10, time_in_force="AT_OPEN", order_id="a")
    venue.buy(0, 10, kind="MARKET", order_id="m")
    venue.buy(100, 10, order_id="day")
    assert told(venue.phase("CONTINUOUS")) == [
        ("a", "EXPI", "", 0),
        ("m", "CAMO", "NOT_FILLED", 0),
    ]
    assert venue.shown("BUY") == [("day", 100, 10)]


def test_orders_for_the_close_wait_and_the_end_of_the_day_ends_all():
    venue = Venue()
    venue.buy(100, 10, time_in_force="AT_CLOSE", order_id="c")
    venue.buy(99, 10, order_id="day")
    venue.buy(0, 1, kind="STOP", stop_price=150, order_id="stop")
    assert venue.book.top == (99, 10, 0, 0, 10, 0)
    events = venue.phase("CLOSING_CALL")
    assert told(events) == [("c", "CHMO", "", 10)]
    assert events[0].displayed == 10
    venue.sell(98, 4, order_id="s")
    # at 98, 99 and 100 4 trade; least is left at 100: 6 against 16
    assert told(venue.phase("CLOSED")) == [
        ("c", "PARF", "", 6, 100, 4),
        ("s", "FILL", "", 0, 100, 4),
        ("day", "EXPI", "", 0),
        ("stop", "EXPI", "", 0),
        ("c", "EXPI", "", 0),
    ]
    assert {e.phase for e in venue.said if e.event == "EXPI"} == {"CLOSED"}
    assert venue.buy(100, 1)[0].cause == "CLOSED"


def test_orders_for_the_close_stand_behind_those_that_are_there():
    venue = Venue()
    venue.buy(100, 10, time_in_force="AT_CLOSE", order_id="c")
    venue.buy(100, 10, order_id="day")
    venue.phase("CLOSING_CALL")
    assert [name for name, _, _ in venue.shown("BUY")] == ["day", "c"]
    assert venue.book.orders["c"].priority > venue.book.orders["day"].priority


def test_immediate_orders_are_refused_in_a_call():
    venue = Venue("CLOSING_CALL")
    assert venue.buy(100, 1, time_in_force="IOC")[0].cause == "PHASE"
    assert venue.buy(100, 1, time_in_force="FOK")[0].cause == "PHASE"


def halting():
    """A book whose reference is 100 and whose band is 2 per cent; a halt takes 50 us."""
    venue = Venue()
    venue.control("BANDS", band_ppm=20_000, halt_us=50, reference_price=100)
    venue.sell(102, 5, order_id="in")
    venue.sell(103, 5, order_id="out")
    return venue


def test_a_trade_beyond_the_band_halts_the_book():
    venue = halting()
    events = venue.buy(104, 8, order_id="t")
    assert told(events) == [
        ("t", "NEWO", "", 8),
        ("in", "FILL", "", 0, 102, 5),
        ("t", "PARF", "", 3, 102, 5),
        ("t", "CHMO", "HALT", 3),
    ]
    assert (venue.book.phase, events[-1].phase) == ("HALTED", "HALTED")
    assert venue.sell(103, 1, order_id="more")[0].after == (104, 3, 103, 6, 3, 6)


def test_the_first_message_after_a_halt_ends_it_with_an_auction():
    venue = halting()
    venue.buy(104, 8, order_id="t")
    began = venue.book.now
    assert told(venue.buy(90, 1, time=began + 49, order_id="early")) == [("early", "NEWO", "", 1)]
    events = venue.buy(91, 1, time=began + 50, order_id="next")
    # 103 and 104 trade 3 and leave 2 to sell: the lowest of them
    assert told(events) == [
        ("t", "FILL", "", 0, 103, 3),
        ("out", "PARF", "", 2, 103, 3),
        ("next", "NEWO", "", 1),
    ]
    assert (venue.book.phase, venue.book.reference) == ("CONTINUOUS", 103)
    assert venue.sell(91, 1)[-1].event == "CHMO"  # 91 is beyond the band around 103


@pytest.mark.parametrize("more", [{"kind": "MARKET"}, {"price": 104, "time_in_force": "IOC"}])
def test_what_cannot_rest_ends_with_the_halt(more):
    venue = halting()
    given = {"price": 0, "order_id": "t"} | more
    assert told(venue.buy(quantity=8, **given))[-1] == ("t", "CAMO", "HALT", 0)


def test_fill_or_kill_does_not_reach_beyond_the_band():
    venue = halting()
    assert told(venue.buy(104, 8, time_in_force="FOK", order_id="t")) == [
        ("t", "NEWO", "", 8),
        ("t", "CAMO", "NOT_FILLED", 0),
    ]
    assert venue.book.phase == "CONTINUOUS"


def test_stops_wait_for_the_end_of_a_halt():
    venue = halting()
    venue.buy(0, 1, kind="STOP", stop_price=102, order_id="stop")
    venue.buy(104, 8)
    assert "stop" in venue.book.orders
    events = venue.phase("CONTINUOUS")
    assert ("stop", "TRIG", "", 1) in told(events)


def test_a_halt_by_the_venue_ends_only_by_the_venue():
    venue = Venue()
    venue.phase("HALTED")
    assert told(venue.buy(100, 5, time=10**9, order_id="b")) == [("b", "NEWO", "", 5)]
    assert told(venue.sell(100, 5, time=2 * 10**9, order_id="s")) == [("s", "NEWO", "", 5)]
    assert [e.last_quantity for e in venue.phase("CONTINUOUS")] == [5, 5]


def test_self_trades_are_not_prevented_in_auctions():
    venue = Venue("OPENING_CALL")
    venue.buy(100, 5, owner="me", self_trade="CANCEL_BOTH")
    venue.sell(100, 5, owner="me", self_trade="CANCEL_BOTH")
    assert [e.event for e in venue.phase("CONTINUOUS")] == ["FILL", "FILL"]


def test_an_iceberg_takes_part_in_an_auction_with_all_its_pieces():
    venue = Venue("OPENING_CALL")
    venue.sell(100, 10, display_quantity=2, order_id="ice")
    venue.buy(100, 9)
    assert [e.last_quantity for e in venue.phase("CONTINUOUS")] == [9, 9]
    assert venue.shown("SELL") == [("ice", 100, 1)]
