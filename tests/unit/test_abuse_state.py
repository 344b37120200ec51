"""What the abuse job remembers ends in business time, and nobody sees by it that it ended."""

import numpy as np
import polars as pl

from connectors.state import ColumnTable
from schemas.step import Clock
from tests.abuse_made import DAY, SECOND, Venue, frame
from udfs.abuse.features import FEATURES
from udfs.abuse.memory import FORGOTTEN, PAIRS
from udfs.abuse.step import TABLES, AbuseStep

DAYS = FORGOTTEN // DAY


def trade(venue, buyer, seller):
    venue.order(seller, "SELL", 5, 10_000)
    venue.wait(5)
    venue.order(buyer, "BUY", 5, 10_000)
    venue.wait(5)


def folded(rows, ends):
    """Lengths of the tables after each part of a log, and the features of all orders."""
    state = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    events, step = frame(rows), AbuseStep()
    lengths, shown, begin = [], [], 0
    for end in ends:
        batch = {"order.events": events[begin:end]}
        shown.append(step.features({n: t for n, t in state.items()}, batch))
        lengths.append({name: len(table) for name, table in state.items()})
        begin = end
    return lengths, pl.concat(shown)


def test_owners_are_forgotten_who_have_nothing_open():
    venue = Venue()
    for number in range(10):
        trade(venue, f"b{number}", f"s{number}")
    venue.order("waits", "BUY", 1, 9_000)
    first = len(venue.rows)
    venue.wait((FORGOTTEN + 300 * SECOND) / SECOND)
    trade(venue, "late", "later")
    (then, after), _ = folded(venue.rows, [first, len(venue.rows)])
    assert then[PAIRS] == 21
    assert after[PAIRS] == 3  # late, later, and who waits


def test_rules_forget_as_well():
    state = {name: ColumnTable(spec) for name, spec in TABLES.items()}
    venue, step, begin = Venue(), AbuseStep(), 0
    for _ in range(3):
        venue.order("maker", "SELL", 50, 10_010)
        for step_up in range(3):
            venue.order("r", "BUY", 2, 10_010 + step_up)
            name = venue.order("k", "SELL", 2, 10_005)
            venue.replace(name, 2, 10_009)
            venue.cancel(name)
        venue.wait((FORGOTTEN + 300 * SECOND) / SECOND)
    trade(venue, "late", "later")
    trade(venue, "later", "late")
    events = frame(venue.rows)
    for end in range(1, events.height + 1):
        step(state, {"order.events": events[begin:end]}, Clock(end, 0))
        begin = end
    left = {name: len(table) for name, table in state.items() if len(table)}
    for name in ("abuse.runs.ramping", "abuse.runs.momentum-ignition", "abuse.smoking"):
        assert left.get(name, 0) <= 2, name
    assert left["abuse.trades"] == 4


def test_a_trade_longer_ago_is_none_whether_its_owner_is_forgotten_or_not():
    """An owner with an open order stays, one without goes: both have no last trade any more."""

    def again(days, waits):
        venue = Venue()
        trade(venue, "a", "b")
        if waits:
            venue.order("a", "BUY", 1, 9_000)
        venue.wait(days * 86_400)
        name = venue.order("a", "BUY", 5, 9_990)
        venue.wait(1)
        venue.cancel(name)
        return venue

    place = list(FEATURES).index("since_same_s")
    for waits in (False, True):
        for days, known in ((DAYS - 1, True), (DAYS + 1, False)):
            venue = again(days, waits)
            n = len(venue.rows)
            for ends in ([n], range(1, n + 1)):
                _, shown = folded(venue.rows, ends)
                last = shown.select(*FEATURES).to_numpy()[-1, place]
                assert np.isnan(last) != known
