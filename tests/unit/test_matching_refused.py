"""What a book does not follow, and what it checks before a trade."""

import pytest

from tests.exchange_log import Venue, command, told
from udfs.matching.over import REMEMBERED_US


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"quantity": 0}, "BAD_QUANTITY"),
        ({"display_quantity": 11}, "BAD_QUANTITY"),
        ({"quantity": 10_001, "display_quantity": 10}, "BAD_QUANTITY"),
        ({"price": 0}, "BAD_PRICE"),
        ({"price": -5}, "BAD_PRICE"),
        ({"price": 103}, "OFF_TICK"),
        ({"price": 100, "kind": "MARKET"}, "BAD_PRICE"),
        ({"stop_price": 100}, "BAD_PRICE"),
        ({"kind": "STOP_LIMIT", "stop_price": 101}, "OFF_TICK"),
        ({"time_in_force": "AT_OPEN"}, "PHASE"),
        ({"time_in_force": "AT_CLOSE", "kind": "STOP", "price": 0, "stop_price": 5}, "BAD_KIND"),
    ],
)
def test_an_unsound_new_order_is_told_as_refused(more, reason):
    venue = Venue(tick=5)
    given = {"price": 100, "quantity": 10} | more
    (event,) = venue.buy(**given)
    assert (event.event, event.cause, event.remaining) == ("REMO", reason, 0)
    assert venue.refused == reason
    assert not venue.book.orders


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"order_id": "o2"}, "DUPLICATE_ORDER"),
        ({"order_id": "o3"}, "DUPLICATE_ORDER"),  # over
        ({"currency": "USD"}, "OTHER_UNIT"),
        ({"price_scale": 3}, "OTHER_UNIT"),
    ],
)
def test_what_cannot_be_told_of_an_order_is_no_event(more, reason):
    venue = Venue()
    venue.buy(100, 10)
    venue.buy(100, 10)
    venue.cancel("o3")
    assert venue.buy(100, 10, **more) == []
    assert venue.refused == reason


def test_the_id_of_an_order_that_is_over_is_free_again_later():
    venue = Venue()
    venue.buy(100, 10, order_id="x")
    venue.cancel("x", time=10)
    assert venue.buy(100, 10, order_id="x", time=10 + REMEMBERED_US) == []
    (event,) = venue.buy(100, 10, order_id="x", time=11 + REMEMBERED_US)
    assert event.event == "NEWO"


@pytest.mark.parametrize(
    ("act", "more", "reason"),
    [
        ("cancel", {"order_id": "nobody"}, "UNKNOWN_ORDER"),
        ("cancel", {"order_id": "over"}, "ORDER_OVER"),
        ("cancel", {"owner": "another"}, "NOT_THE_ORDER"),
        ("cancel", {"side": "SELL"}, "NOT_THE_ORDER"),
        ("cancel", {"time": 1}, "TIME_BACKWARDS"),
        ("replace", {"price": 101}, "OFF_TICK"),
        ("replace", {"quantity": 4}, "BAD_QUANTITY"),  # 4 are filled
        ("replace", {"currency": "USD"}, "OTHER_UNIT"),
        ("replace", {"order_id": "over"}, "ORDER_OVER"),
        ("replace", {"stop_price": 95}, "BAD_PRICE"),
    ],
)
def test_what_is_refused_of_an_order_changes_nothing(act, more, reason):
    venue = Venue(tick=5)
    venue.sell(100, 4, order_id="over")
    venue.buy(100, 10, order_id="mine")
    before = venue.shown("BUY"), venue.book.top
    given = {"order_id": "mine"} | more
    if act == "replace":
        given = {"price": 95, "quantity": 10, "display_quantity": 1} | given
    assert getattr(venue, act)(**given) == []
    assert venue.refused == reason
    assert (venue.shown("BUY"), venue.book.top) == before


def test_a_refused_message_does_not_move_the_time_of_its_order():
    venue = Venue()
    venue.buy(100, 10, order_id="mine")
    venue.replace("mine", 100, 0, time=500)
    assert venue.refused == "BAD_QUANTITY"
    assert venue.cancel("mine", time=499)[0].time == 500  # the venue's clock does not go back


@pytest.mark.parametrize(
    ("limit", "order", "reason"),
    [
        ({"max_quantity": 9}, (100, 10), "LIMIT_QUANTITY"),
        ({"max_quantity": 10}, (100, 10), ""),
        ({"max_notional": 999}, (100, 10), "LIMIT_NOTIONAL"),
        ({"max_notional": 1_000}, (100, 10), ""),
        ({"collar_ppm": 50_000}, (105, 10), ""),  # the last price is 100
        ({"collar_ppm": 49_999}, (105, 10), "COLLAR"),
        ({"collar_ppm": 1}, (50, 10), ""),  # a low bid harms nobody
        ({"max_quantity": 9, "scope": "another"}, (100, 10), ""),
        ({"max_quantity": 9, "scope": "me"}, (100, 10), "LIMIT_QUANTITY"),
    ],
)
def test_limits_before_a_trade(limit, order, reason):
    venue = Venue()
    venue.sell(100, 1)
    venue.buy(100, 1)
    venue.control("LIMITS", **limit)
    (event,) = venue.buy(*order, owner="me")
    assert event.event == ("REMO" if reason else "NEWO")
    assert venue.refused == reason


def test_a_market_order_is_worth_its_pieces_at_the_last_price():
    venue = Venue()
    venue.sell(100, 1)
    venue.buy(100, 1)
    venue.control("LIMITS", max_notional=999)
    assert venue.buy(0, 10, kind="MARKET")[0].cause == "LIMIT_NOTIONAL"


def test_a_replacement_beyond_a_limit_changes_nothing():
    venue = Venue()
    venue.buy(100, 5, order_id="mine")
    venue.control("LIMITS", max_quantity=8)
    assert venue.replace("mine", 100, 9) == []
    assert (venue.refused, venue.shown("BUY")) == ("LIMIT_QUANTITY", [("mine", 100, 5)])


def test_the_kill_switch_ends_all_orders_of_a_scope_until_its_release():
    venue = Venue()
    venue.buy(100, 5, owner="bad", order_id="a")
    venue.buy(100, 5, owner="good", order_id="b")
    venue.sell(0, 5, owner="bad", kind="STOP", stop_price=50, order_id="c")
    assert told(venue.control("KILL", scope="bad")) == [
        ("a", "CAMO", "KILL", 0),
        ("c", "CAMO", "KILL", 0),
    ]
    assert venue.buy(100, 5, owner="bad")[0].cause == "KILL"
    assert venue.buy(100, 5, owner="good")[0].event == "NEWO"
    venue.control("RELEASE", scope="bad")
    assert venue.buy(100, 5, owner="bad")[0].event == "NEWO"


def test_other_terms_of_the_instrument_end_orders_in_the_old_unit():
    venue = Venue()
    venue.buy(100, 5, order_id="a")
    assert venue.book.set_terms("r", 99, 5, 2, "EUR") == []  # another tick only
    assert venue.buy(101, 5)[0].cause == "OFF_TICK"
    events = venue.book.set_terms("r2", 100, 5, 2, "USD")
    assert told(events) == [("a", "CAMO", "TERMS", 0)]
    number = venue.next()
    assert venue.book.apply(command(number, "BUY", 100, 5, currency="USD"))[0].event == "NEWO"
