"""Each order type in continuous trading, results computed by hand."""

import pytest

from tests.exchange_log import Venue, told


def test_better_price_first_then_earlier_time():
    venue = Venue()
    venue.sell(102, 5, order_id="late-best")
    venue.sell(103, 5, order_id="worse")
    venue.sell(102, 5, order_id="later-best")
    events = venue.buy(103, 12, order_id="taker")
    assert told(events) == [
        ("taker", "NEWO", "", 12),
        ("late-best", "FILL", "", 0, 102, 5),
        ("taker", "PARF", "", 7, 102, 5),
        ("later-best", "FILL", "", 0, 102, 5),
        ("taker", "PARF", "", 2, 102, 5),
        ("worse", "PARF", "", 3, 103, 2),
        ("taker", "FILL", "", 0, 103, 2),
    ]
    assert [event.passive for event in events] == [False, True, False, True, False, True, False]


def test_what_is_left_of_a_limit_order_rests_with_its_last_trade():
    venue = Venue()
    venue.sell(100, 4)
    events = venue.buy(101, 10, order_id="taker")
    last = events[-1]
    assert (last.event, last.remaining, last.displayed) == ("PARF", 6, 6)
    assert last.before == (0, 0, 100, 4, 0, 4)
    assert last.after == (101, 6, 0, 0, 6, 0)
    assert venue.shown("BUY") == [("taker", 101, 6)]


def test_book_before_and_after_and_level_of_an_entry():
    venue = Venue()
    venue.buy(100, 5)
    venue.buy(99, 7)
    (event,) = venue.buy(97, 20)
    assert event.level == 2
    assert event.before == (100, 5, 0, 0, 12, 0)
    assert event.after == (100, 5, 0, 0, 32, 0)


def test_a_market_order_takes_what_there_is_and_ends():
    venue = Venue()
    venue.sell(100, 4, order_id="a")
    assert told(venue.buy(0, 10, kind="MARKET", order_id="m")) == [
        ("m", "NEWO", "", 10),
        ("a", "FILL", "", 0, 100, 4),
        ("m", "PARF", "", 6, 100, 4),
        ("m", "CAMO", "NOT_FILLED", 0),
    ]
    assert venue.said[-1].removed == 6


def test_immediate_or_cancel_does_not_rest():
    venue = Venue()
    venue.sell(100, 4, order_id="a")
    venue.sell(101, 4, order_id="b")
    events = venue.buy(100, 6, time_in_force="IOC", order_id="i")
    assert told(events)[-1] == ("i", "CAMO", "NOT_FILLED", 0)
    assert venue.shown("BUY") == []
    assert venue.shown("SELL") == [("b", 101, 4)]


@pytest.mark.parametrize(
    ("pieces", "own", "traded"),
    [
        (8, "NONE", 8),
        (9, "NONE", 0),
        (8, "CANCEL_RESTING", 0),  # 4 of the 8 are its own
        (4, "CANCEL_RESTING", 4),
        (4, "CANCEL_INCOMING", 0),  # its own is the first it meets
    ],
)
def test_fill_or_kill_is_all_or_nothing(pieces, own, traded):
    venue = Venue()
    venue.sell(100, 4, owner="me")
    venue.sell(101, 4, display_quantity=1)  # the reserve of an iceberg counts
    events = venue.buy(101, pieces, time_in_force="FOK", owner="me", self_trade=own, order_id="fok")
    assert sum(event.last_quantity for event in events if event.passive) == traded
    if not traded:
        assert told(events)[1:] == [("fok", "CAMO", "NOT_FILLED", 0)]


def test_an_iceberg_shows_a_part_at_a_time_and_goes_to_the_back():
    venue = Venue()
    venue.sell(100, 10, display_quantity=3, order_id="ice")
    venue.sell(100, 4, order_id="plain")
    assert venue.book.top.ask_size == 7
    events = venue.buy(100, 5, order_id="taker")
    assert told(events)[1:] == [
        ("ice", "PARF", "", 7, 100, 3),
        ("taker", "PARF", "", 2, 100, 3),
        ("plain", "PARF", "", 2, 100, 2),
        ("taker", "FILL", "", 0, 100, 2),
    ]
    assert events[1].displayed == 3
    assert events[1].priority > events[3].priority
    assert venue.shown("SELL") == [("plain", 100, 2), ("ice", 100, 3)]
    venue.buy(100, 6)  # 2 of plain, 3 of the iceberg, and 1 of its next part
    assert venue.shown("SELL") == [("ice", 100, 2)]
    venue.buy(100, 3)
    assert venue.shown("SELL") == []


def test_hidden_orders_are_served_after_shown_ones_and_before_a_worse_price():
    venue = Venue()
    venue.sell(100, 5, display_quantity=0, order_id="hidden")
    venue.sell(100, 5, order_id="shown")
    venue.sell(101, 5, order_id="worse")
    assert venue.book.top[2:4] == (100, 5)
    found = [event.entry.order_id for event in venue.buy(101, 15) if event.passive]
    assert found == ["shown", "hidden", "worse"]


def test_a_hidden_order_alone_is_not_in_what_is_shown_and_trades():
    venue = Venue()
    venue.sell(100, 5, display_quantity=0)
    assert venue.book.top == (0, 0, 0, 0, 0, 0)
    assert told(venue.buy(100, 5))[-1][-2:] == (100, 5)


def test_stops_are_triggered_by_the_last_price():
    venue = Venue()
    venue.sell(100, 1)
    venue.sell(103, 2, order_id="high")
    venue.sell(104, 5, order_id="higher")
    venue.buy(0, 2, kind="STOP", stop_price=100, order_id="s1")
    venue.buy(103, 4, kind="STOP_LIMIT", stop_price=103, order_id="s2")
    assert venue.book.top.bid == 0
    events = venue.buy(100, 1, order_id="t")
    assert told(events) == [
        ("t", "NEWO", "", 1),
        ("o2", "FILL", "", 0, 100, 1),
        ("t", "FILL", "", 0, 100, 1),
        ("s1", "TRIG", "", 2),
        ("high", "FILL", "", 0, 103, 2),
        ("s1", "FILL", "", 0, 103, 2),
        ("s2", "TRIG", "", 4),
    ]
    assert venue.shown("BUY") == [("s2", 103, 4)]


def test_a_stop_that_is_reached_already_is_triggered_at_once():
    venue = Venue()
    venue.buy(100, 3)
    venue.sell(100, 1)
    assert told(venue.sell(0, 2, kind="STOP", stop_price=100, order_id="s"))[:2] == [
        ("s", "NEWO", "", 2),
        ("s", "TRIG", "", 2),
    ]


def test_a_smaller_order_keeps_its_place_and_another_price_or_more_pieces_do_not():
    venue = Venue()
    for name in ("a", "b", "c"):
        venue.buy(100, 10, order_id=name)
    (event,) = venue.replace("a", 100, 6)
    assert (event.event, event.removed, event.remaining) == ("REME", 4, 6)
    assert venue.shown("BUY") == [("a", 100, 6), ("b", 100, 10), ("c", 100, 10)]
    venue.replace("a", 100, 7)
    assert venue.shown("BUY") == [("b", 100, 10), ("c", 100, 10), ("a", 100, 7)]
    venue.replace("b", 99, 10)
    venue.replace("b", 100, 10)
    assert [name for name, _, _ in venue.shown("BUY")] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("shown", "order"),
    [
        (4, ["ice", "other"]),  # as much or less is shown: it keeps its place
        (3, ["ice", "other"]),
        (5, ["other", "ice"]),
        (0, ["other", "ice"]),  # hidden
    ],
)
def test_an_iceberg_that_is_to_show_more_or_nothing_loses_its_place(shown, order):
    venue = Venue()
    venue.buy(100, 10, display_quantity=4, order_id="ice")
    venue.buy(100, 10, order_id="other")
    venue.replace("ice", 100, 10, display_quantity=shown)
    found = venue.shown("BUY")
    assert [name for name, _, _ in found] == order
    assert dict((name, size) for name, _, size in found)["ice"] == shown


def test_a_replacement_that_meets_others_trades():
    venue = Venue()
    venue.sell(105, 5, order_id="ask")
    venue.buy(100, 8, order_id="bid")
    assert told(venue.replace("bid", 105, 8)) == [
        ("bid", "REME", "", 8),
        ("ask", "FILL", "", 0, 105, 5),
        ("bid", "PARF", "", 3, 105, 5),
    ]
    (event,) = venue.replace("bid", 105, 6)  # filled pieces are part of the 6
    assert (event.quantity, event.remaining, event.removed) == (6, 1, 2)


def test_cancel():
    venue = Venue()
    venue.buy(100, 8, order_id="bid")
    (event,) = venue.cancel("bid")
    assert (event.event, event.removed, event.displayed, event.remaining) == ("CAME", 8, 0, 0)
    assert (event.before.bid, event.after.bid) == (100, 0)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("NONE", [("me", "FILL", "", 0, 100, 3), ("t", "PARF", "", 2, 100, 3)]),
        ("CANCEL_RESTING", [("me", "CAMO", "SELF_TRADE", 0)]),
        ("CANCEL_INCOMING", [("t", "CAMO", "SELF_TRADE", 0)]),
        ("CANCEL_BOTH", [("me", "CAMO", "SELF_TRADE", 0), ("t", "CAMO", "SELF_TRADE", 0)]),
    ],
)
def test_self_trade_prevention(mode, expected):
    venue = Venue()
    venue.sell(100, 3, owner="x", order_id="me")
    venue.sell(100, 2, owner="y", order_id="other")
    events = venue.buy(100, 5, owner="x", order_id="t", self_trade=mode)
    rest = [("other", "FILL", "", 0, 100, 2)]
    rest.append(("t", "FILL", "", 0, 100, 2) if mode == "NONE" else ("t", "PARF", "", 3, 100, 2))
    goes_on = mode in ("NONE", "CANCEL_RESTING")
    assert told(events)[1:] == expected + (rest if goes_on else [])
    assert venue.shown("BUY") == ([("t", 100, 3)] if mode == "CANCEL_RESTING" else [])


def test_an_order_that_comes_to_rest_after_its_own_was_cancelled_says_so():
    venue = Venue()
    venue.sell(100, 3, owner="x", order_id="me")
    events = venue.buy(100, 5, owner="x", order_id="t", self_trade="CANCEL_RESTING")
    assert told(events)[1:] == [("me", "CAMO", "SELF_TRADE", 0), ("t", "CHMO", "RESTS", 5)]
    assert events[-1].displayed == 5
