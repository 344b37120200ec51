"""The matching step: the same under any cut and restart; its feeds give the books again."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import record
from tests.exchange_log import ISIN, OTHER, command, control, fold, terms
from tests.naive.logs import cuts
from tests.unit.test_matching_properties import message, whole_days
from udfs.matching import rebuild
from udfs.matching.memory import BOOKS, ENDED, ORDERS, TABLES
from udfs.matching.over import REMEMBERED_US

SETTINGS = (
    ("LIMITS", {"scope": "owner-1", "max_quantity": 8}),
    ("LIMITS", {"scope": "*", "collar_ppm": 40_000, "isin": ISIN}),
    ("KILL", {"scope": "owner-2"}),
    ("RELEASE", {"scope": "owner-2", "isin": ISIN}),
    ("BANDS", {"band_ppm": 20_000, "halt_us": 4}),
)
logs = st.tuples(
    whole_days,
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(SETTINGS)), max_size=4),
    st.lists(st.booleans(), min_size=60, max_size=60),
)


def log(made):
    """A market of two instruments at one venue, the second of which nobody knows at first."""
    days, settings, other = made
    out = [terms(), control(0, phase="OPENING_CALL")]
    out.append(control(0, "BANDS", band_ppm=30_000, halt_us=3, reference_price=100))
    entries = []
    for number, (asked, phase, tif) in enumerate(days, 1):
        if phase is not None:
            out.append(control(number, phase=phase))
        out += [
            control(number, kind, **more)._replace(control_id=f"s{number}.{i}")
            for i, (at, (kind, more)) in enumerate(settings)
            if at == number
        ]
        if number == 6:
            out.append(terms(OTHER))
        found = message(number, entries, asked, tif)
        if other[number % 60] and found.action == "NEW":
            found = entries[-1] = found._replace(isin=OTHER)
        out.append(found)
    return out


def same(one, other):
    """Whether two runs said the same and remember the same."""
    assert one[0].keys() == other[0].keys()
    for topic, frame in one[0].items():
        assert frame.equals(other[0][topic]), topic
    for name in (BOOKS, ORDERS, ENDED):
        assert one[1][name].frame().equals(other[1][name].frame()), name


@settings(max_examples=30, deadline=None)
@given(logs, st.data())
def test_any_cut_and_any_restart_give_the_same_records(made, data):
    messages = log(made)
    whole = fold(messages)
    ends = data.draw(cuts(len(messages)))
    same(fold(messages, ends), whole)
    same(fold(messages, ends, restarts=True), whole)


def told(out, topic, name):
    return out.get(topic, pl.DataFrame(schema=record(name).columns))


@settings(max_examples=30, deadline=None)
@given(logs)
def test_books_again_from_what_was_published(made):
    out, state = fold(log(made))
    events = told(out, "order.events", "OrderEvent")
    again = rebuild.resting(events)
    live = state[ORDERS].frame().with_columns(isin=pl.col("as_isin"), mic=pl.col("as_mic"))
    live = live.with_columns(order_id=pl.col("as_order_id"), side=pl.col("as_side"))
    live = live.sort("isin", "mic", "side", "priority")
    names = ["isin", "mic", "order_id", "side", "place", "price", "stop_price", "quantity"]
    names += ["remaining", "displayed", "priority", "entry_time"]
    assert again.select(names).equals(live.select(names))
    levels = rebuild.levels(again)
    assert levels.equals(rebuild.levels_told(told(out, "depth", "DepthChange")))
    shown = rebuild.best_told(told(out, "best", "BestPrices"))
    shown = shown.filter((pl.col("bid") > 0) | (pl.col("ask") > 0))
    assert rebuild.best(levels).equals(shown)


@settings(max_examples=30, deadline=None)
@given(logs)
def test_every_order_is_told_of_or_refused_and_ids_are_unique(made):
    messages = log(made)
    out, _ = fold(messages)
    events = told(out, "order.events", "OrderEvent")
    refused = told(out, "orders.refused", "Refusal")
    executions = told(out, "executions", "Execution")
    asked = [m for m in messages if hasattr(m, "command_id")]
    offsets = set(events.filter(pl.col("source_topic") == "orders")["first_offset"].to_list())
    offsets |= set(refused["first_offset"].to_list())
    assert offsets == set(range(len(asked)))
    ids = {"order.events": "event_id", "executions": "execution_id", "depth": "change_id",
           "best": "change_id", "orders.refused": "refusal_id"}  # fmt: skip
    for topic, name in ids.items():
        assert topic not in out or out[topic][name].is_unique().all()
    bought = events.filter((pl.col("last_quantity") > 0) & (pl.col("side") == "BUY"))
    assert bought["execution_id"].to_list() == executions["execution_id"].to_list()
    assert bought["last_quantity"].to_list() == executions["quantity"].to_list()


def test_records_of_a_trade():
    messages = [
        terms(),
        control(1, phase="CONTINUOUS"),
        command(2, "SELL", 101, 30, display_quantity=10),
        command(3, "BUY", 102, 10),
    ]
    out, _ = fold(messages)
    (trade,) = out["executions"].to_dicts()
    wanted = {"price": 101, "quantity": 10, "aggressor": "BUY", "phase": "CONTINUOUS",
              "buy_order": "o3", "sell_owner": "owner-2", "bid": 0, "ask": 101, "ask_size": 10,
              "source_topic": "orders", "first_offset": 1, "time": 3}  # fmt: skip
    assert {name: trade[name] for name in wanted} == wanted
    taker = out["order.events"].to_dicts()[-1]
    wanted = {"counter_order": "o2", "counter_owner": "owner-2", "depth": 0,
              "opposite_depth": 10, "ask_after": 101, "ask_size_after": 10, "tick": 1}  # fmt: skip
    assert {name: taker[name] for name in wanted} == wanted
    assert out["depth"].select("side", "price", "size", "orders").rows() == [
        ("SELL", 101, 10, 1),
        ("SELL", 101, 10, 1),
    ]
    assert out["best"].select("ask", "last_price", "phase").rows() == [
        (101, 0, "CONTINUOUS"),
        (101, 101, "CONTINUOUS"),
    ]


def test_refusals_have_a_reason_and_the_rest_goes_on():
    messages = [
        control(1, phase="CONTINUOUS"),
        command(2, "BUY", 100, 1),  # before the terms are known
        terms(tick=5),
        command(3, "BUY", 101, 1),
        command(4, "BUY", 100, 1, currency="USD"),
        command(5, "BUY", 100, 1, order_id="mine", owner="me"),
        command(6, "SELL", 100, 1, order_id="mine"),
        command(7, "BUY", 0, 0, action="CANCEL", order_id="nobody"),
        command(4, "BUY", 0, 0, action="CANCEL", order_id="mine", owner="me"),
        control(9, phase="NONE"),
        command(10, "SELL", 100, 1),
        command(11, "BUY", 105, 2, action="REPLACE", order_id="mine", owner="me"),
    ]
    out, _ = fold(messages)
    assert out["orders.refused"].select("subject", "reason", "source_topic").rows() == [
        ("o2", "UNKNOWN_INSTRUMENT", "orders"),
        ("o3", "OFF_TICK", "orders"),
        ("o4", "OTHER_UNIT", "orders"),
        ("mine", "DUPLICATE_ORDER", "orders"),
        ("nobody", "UNKNOWN_ORDER", "orders"),
        ("mine", "TIME_BACKWARDS", "orders"),
        ("*", "NO_PHASE", "venue.controls"),
        ("mine", "ORDER_OVER", "orders"),
    ]
    assert out["executions"].height == 1


def test_venues_are_apart_and_controls_reach_the_books_they_name():
    messages = [
        terms(),
        terms(OTHER),
        control(1, phase="CONTINUOUS"),
        control(1, phase="CONTINUOUS", mic="XPAR"),
        command(2, "SELL", 100, 1),
        command(3, "BUY", 100, 1, mic="XPAR"),
        command(4, "BUY", 99, 1),
        command(5, "BUY", 99, 1, isin=OTHER),
        control(6, "KILL", isin=OTHER),
        control(7, phase="CLOSED", mic="XPAR"),
        command(8, "BUY", 99, 1, isin=OTHER),
        command(9, "BUY", 99, 1),
    ]
    out, state = fold(messages)
    ends = out["order.events"].filter(pl.col("event").is_in(["CAMO", "EXPI", "REMO"]))
    assert ends.select("order_id", "event", "cause", "mic").rows() == [
        ("o5", "CAMO", "KILL", "XETR"),
        ("o3", "EXPI", "", "XPAR"),
        ("o8", "REMO", "KILL", "XETR"),
    ]
    assert state[ORDERS].frame()["as_order_id"].to_list() == ["o2", "o4", "o9"]


def test_state_does_not_grow_with_orders_that_are_over():
    messages = [terms(), control(1, phase="CONTINUOUS")]
    for number in range(2, 200):
        at = number * REMEMBERED_US // 20
        order = command(number, "BUY", 100, 1)._replace(time=at)
        messages += [order, order._replace(action="CANCEL", command_id=f"x{number}")]
    _, state = fold(messages, list(range(0, len(messages), 7)))
    assert len(state[ORDERS]) == 0
    assert 20 <= len(state[ENDED]) <= 30
    assert set(state) == set(TABLES)


def test_a_restart_finds_an_iceberg_as_it_was_shown():
    messages = [
        terms(),
        control(1, phase="CONTINUOUS"),
        command(2, "SELL", 100, 10, display_quantity=4),
        command(3, "BUY", 100, 3),
        command(4, "SELL", 100, 5),
        command(5, "BUY", 100, 2),  # the 1 that is left of the part shown, then 1 of the other
    ]
    out, _ = fold(messages, [4], restarts=True)
    assert out["executions"].select("sell_order", "quantity").rows() == [
        ("o2", 3),
        ("o2", 1),
        ("o4", 1),
    ]


def test_a_restart_finds_what_the_venue_set_in_its_order():
    messages = [
        terms(),
        control(1, phase="CONTINUOUS"),
        command(2, "SELL", 100, 1),
        control(3, "KILL", scope="owner-6", isin=ISIN),
        control(4, "RELEASE", scope="owner-6"),
        control(5, "LIMITS", scope="*", max_quantity=5, isin=ISIN),
        control(5, "LIMITS", scope="*", max_quantity=9)._replace(control_id="wider"),
        command(6, "BUY", 99, 9),
        command(7, "BUY", 99, 10),
    ]
    for ends in ([], [7]):
        out, _ = fold(messages, ends, restarts=True)
        found = out["order.events"].filter(pl.col("time") > 5).select("order_id", "event", "cause")
        assert found.rows() == [("o6", "NEWO", ""), ("o7", "REMO", "LIMIT_QUANTITY")]
