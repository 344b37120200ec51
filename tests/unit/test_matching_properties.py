"""The book under any messages: equal to a naive one, never crossed, nothing lost, replay equal."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchange_log import ISIN, MIC, command, control
from tests.naive import book as naive
from udfs.matching.book import Book
from udfs.matching.messages import BUY

PHASES = ("OPENING_CALL", "CONTINUOUS", "CONTINUOUS", "CLOSING_CALL", "HALTED", "CLOSED")
drawn = st.tuples(
    st.sampled_from(["NEW"] * 5 + ["REPLACE", "CANCEL"]),
    st.booleans(),
    st.integers(95, 105),
    st.integers(1, 12),
    st.sampled_from([None, None, None, 0, 1, 3]),  # pieces shown; None: all
    st.sampled_from(["LIMIT"] * 6 + ["MARKET", "STOP", "STOP_LIMIT"]),
    st.sampled_from(["DAY"] * 6 + ["IOC", "FOK"]),
    st.sampled_from(["NONE", "NONE", "CANCEL_RESTING", "CANCEL_INCOMING", "CANCEL_BOTH"]),
    st.integers(0, 3),  # owner
    st.integers(1, 12),  # how many orders ago the order asked about was entered
)
lists = st.lists(drawn, min_size=1, max_size=40)
auction_tifs = st.sampled_from(["", "", "", "AT_OPEN", "AT_CLOSE"])
whole_days = st.lists(st.tuples(drawn, st.sampled_from([None] * 5 + [*PHASES]), auction_tifs))


def message(number, entries, given, tif=""):
    """A sound message, or one about an order of before whatever has become of it."""
    action, buy, price, quantity, shown, kind, own, prevention, owner, ago = given
    side = "BUY" if buy else "SELL"
    limit = price if kind in ("LIMIT", "STOP_LIMIT") else 0
    stop = 0 if kind in ("LIMIT", "MARKET") else price + (1 if buy else -1)
    more = {"kind": kind, "time_in_force": tif or own, "stop_price": stop}
    more |= {"display_quantity": quantity if shown is None else min(shown, quantity)}
    more |= {"self_trade": prevention, "owner": f"owner-{owner}"}
    entry = entries[-ago] if 1 <= ago <= len(entries) else None
    if action == "NEW" or entry is None:
        found = command(number, side, limit, quantity, **more)
        entries.append(found)
        return found
    if action == "CANCEL":
        return entry._replace(command_id=f"c{number}", time=number, action=action)
    limit = price if entry.kind in ("LIMIT", "STOP_LIMIT") else 0
    return entry._replace(
        command_id=f"c{number}",
        time=number,
        action=action,
        price=limit,
        quantity=quantity,
        display_quantity=more["display_quantity"],
    )


def stream(lists):
    entries = []
    return [message(number, entries, asked) for number, asked in enumerate(lists, 1)]


def opened(phase="CONTINUOUS"):
    book = Book(ISIN, MIC)
    book.control(control(0, phase=phase))
    return book


def served(book, side):
    half = book.bids if side == BUY else book.asks
    return [(o.entry.order_id, o.price, o.displayed, o.remaining) for o in half.walk()]


@settings(max_examples=150, deadline=None)
@given(lists)
def test_equals_the_naive_book_trade_by_trade_and_order_by_order(drawn):
    book, other = opened(), naive.Book()
    trades = []
    for asked in stream(drawn):
        for event in book.apply(asked):
            if event.passive:
                rested, taker = event.entry.order_id, event.counter.order_id
                trades.append((taker, rested, event.last_price, event.last_quantity))
        if book.refused is None:
            other.do(asked)
        assert trades == other.trades
        assert served(book, "BUY") == other.served(True)
        assert served(book, "SELL") == other.served(False)


def run(days):
    """A book through phases, with bands; after every message book and events of it."""
    book, entries = opened("OPENING_CALL"), []
    book.control(control(0, "BANDS", band_ppm=30_000, halt_us=3, reference_price=100))
    for number, (asked, phase, tif) in enumerate(days, 1):
        if phase is not None:
            yield book, book.control(control(number, phase=phase))
        yield book, book.apply(message(number, entries, asked, tif))


def sums(book, side):
    """Best price, its size and depth of a side, from the orders alone."""
    shown = [o for o in book.orders.values() if o.entry.side == side and o.displayed]
    best = (max if side == BUY else min)((o.price for o in shown), default=0)
    return best, sum(o.displayed for o in shown if o.price == best), sum(o.displayed for o in shown)


@settings(max_examples=100, deadline=None)
@given(whole_days)
def test_never_crossed_and_what_is_told_is_what_stands(days):
    for book, events in run(days):
        if book.phase == "CONTINUOUS" and book.bids.ranks and book.asks.ranks:
            assert book.bids.best() < book.asks.best()
        bid, bid_size, bid_depth = sums(book, "BUY")
        ask, ask_size, ask_depth = sums(book, "SELL")
        assert book.top == (bid, bid_size, ask, ask_size, bid_depth, ask_depth)
        tops = [top for event in events for top in (event.before, event.after)]
        if tops:
            assert tops[-1] == book.top
        for level in (*book.bids.levels.values(), *book.asks.levels.values()):
            for queue in (level.shown, level.hidden):
                assert list(queue) == sorted(queue)
        if book.phase == "CLOSED":
            assert not book.orders


@settings(max_examples=100, deadline=None)
@given(whole_days)
def test_pieces_are_neither_lost_nor_made(days):
    traded, removed, last = {}, {}, {}
    standing = set()
    for book, events in run(days):
        standing = set(book.orders)
        pairs = [event for event in events if event.last_quantity]
        for one, two in zip(pairs[::2], pairs[1::2], strict=True):
            assert one.execution_id == two.execution_id
            assert {one.entry.side, two.entry.side} == {"BUY", "SELL"}
            assert (one.last_price, one.last_quantity) == (two.last_price, two.last_quantity)
            assert (one.counter, two.counter) == (two.entry, one.entry)
        for event in events:
            name, buy = event.entry.order_id, event.entry.side == BUY
            traded[name] = traded.get(name, 0) + event.last_quantity
            last[name] = event
            removed[name] = event.removed if event.remaining == 0 else 0
            assert event.remaining + traded[name] + removed[name] == event.quantity
            assert 0 <= event.displayed <= event.remaining
            if event.last_quantity and event.price:
                assert event.last_price <= event.price if buy else event.last_price >= event.price
    assert {name for name, event in last.items() if event.remaining} == standing


@settings(max_examples=40, deadline=None)
@given(whole_days)
def test_a_replay_gives_the_same_events(days):
    first = [event for _, events in run(days) for event in events]
    assert first == [event for _, events in run(days) for event in events]
    assert len({event.event_id for event in first}) == len(first)
    times = [event.time for event in first]
    assert times == sorted(times)
