"""Honest trading that looks like abuse: slices of large orders, icebergs, rebalancing, news."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connectors.generators.feed import SECOND
from deploy.exchange.abuse.case import Case, a_side, clear
from deploy.exchange.calendar import MINUTE
from deploy.exchange.pit import Pit, pieces
from deploy.exchange.venue import other
from deploy.exchange.world import Script, World


def vwap(pit: Pit, case: Case) -> Script:
    """Slices of a client's order over hours: each waits at the touch, then crosses."""
    venue, rng, side = pit.venues[0], case.rng, a_side(case.rng)
    parent, gap = _parent(pit.world), case.wait("gap")
    while case.left:
        quantity = pieces(rng, venue.size * 0.8, 0.3)
        held = case.enter(venue, side, quantity, venue.behind(side, 0), "slice", parent=parent)
        yield int(gap * (0.6 + 0.8 * rng.random()))
        if held.remaining and case.left:
            left = held.remaining
            venue.cancel(held)
            price = venue.touch(other(side))
            case.enter(venue, side, left, price, "slice", parent=parent, force="IOC")
        yield int(gap * rng.random())


def children(pit: Pit, case: Case) -> Script:
    """Children of one order on several levels of one side: what waits in vain crosses."""
    venue, rng, side = pit.venues[pit.any_venue()], case.rng, a_side(case.rng)
    parent = _parent(pit.world)
    while case.left:
        count = min(max(1, case.left - 1), int(rng.integers(3, 7)))
        size, first = venue.size * (0.8 + 2.2 * rng.random()), int(rng.integers(-1, 3))
        orders = []
        for level in range(count):
            price = venue.behind(side, first + level)
            orders.append(
                case.enter(venue, side, pieces(rng, size, 0.2), price, "child", parent=parent)
            )
            yield int(rng.exponential(50_000.0)) + 300
        yield case.wait("life")
        left = sum(held.remaining for held in orders)
        clear(pit, venue, orders)
        if case.left and left:
            price = venue.touch(other(side))
            quantity = max(1, left // 3)
            case.enter(venue, side, quantity, price, "child", parent=parent, force="IOC")
        yield int(rng.exponential(120.0 * SECOND))


def iceberg(pit: Pit, case: Case) -> Script:
    """Large orders that show a little at a time."""
    venue, rng, side = pit.venues[0], case.rng, a_side(case.rng)
    while case.left:
        total = pieces(rng, 12.0 * venue.size)
        shown = max(1, min(total, pieces(rng, 0.7 * venue.size, 0.3)))
        price = venue.behind(side, int(rng.integers(0, 2)))
        held = case.enter(venue, side, total, price, "parent", shown=shown)
        for _ in range(12):
            yield case.wait("life")
            if not held.remaining:
                break
            venue.replace(held, venue.behind(side, int(rng.integers(0, 2))))
        venue.cancel(held)


def rebalance(pit: Pit, case: Case) -> Script:
    """An index fund that trades into the close: slices of the last minutes, and at the auction."""
    venue, rng, side = pit.venues[0], case.rng, a_side(case.rng)
    parent, big = _parent(pit.world), 2.0 + 8.0 * rng.random()
    begin = pit.closing - int(case.draw("before") * SECOND)
    yield max(1, begin - pit.world.now)
    at_close = max(1, case.left // 2)
    for _ in range(at_close):
        case.enter(
            venue, side, pieces(rng, big * venue.size), 0, "at-close", parent=parent,
            force="AT_CLOSE",
        )  # fmt: skip
        yield int(rng.exponential(2.0 * SECOND)) + 1_000
    while case.left:
        quantity = pieces(rng, 1.5 * venue.size)
        price = venue.touch(other(side))
        case.enter(venue, side, quantity, price, "slice", parent=parent, force="IOC")
        yield max(1, (pit.closing - pit.world.now) // (case.left + 1))


def news(pit: Pit, case: Case) -> Script:
    """News: within seconds quotes are pulled, and many trade to one side, and try to."""
    venue, rng = pit.venues[0], case.rng
    side = "BUY" if venue.belief.at(pit.world.now + 10 * SECOND) > venue.mid() else "SELL"
    gap = case.wait("gap")
    while case.left:
        case.people = [pit.world.person()]
        quantity = pieces(rng, 1.3 * venue.size)
        if rng.random() < 0.5:
            case.enter(venue, side, quantity, venue.touch(other(side)), "taker", force="IOC")
        else:
            held = case.enter(
                venue, side, quantity, venue.behind(side, int(rng.integers(4))), "quote"
            )
            yield int(rng.exponential(gap))
            venue.cancel(held)
        if rng.random() < 0.3:
            for maker in pit.makers[0]:
                maker.peg()
        yield int(rng.exponential(gap)) + 500


def prevented(pit: Pit, case: Case) -> Script:
    """Two algorithms of one fund meet: the venue cancels what rests."""
    venue, rng, side = pit.venues[0], case.rng, a_side(case.rng)
    one = case.people[0]
    two = one._replace(trader=one.trader + "2", executor=one.executor + "2")
    while case.left >= 2:
        resting = case.enter(
            venue, side, pieces(rng, venue.size), venue.behind(side, 0), "resting",
            prevent="CANCEL_RESTING",
        )  # fmt: skip
        yield case.wait("wait")
        case.enter(
            venue, other(side), pieces(rng, venue.size), venue.touch(side), "incoming", two,
            force="IOC", prevent="CANCEL_RESTING",
        )  # fmt: skip
        yield case.wait("wait")
        venue.cancel(resting)
        yield int(rng.exponential(20.0 * MINUTE))


def day_trades(pit: Pit, case: Case) -> Script:
    """Somebody who buys and sells the same thing through the day and often changes his mind."""
    venue, rng = pit.venues[pit.any_venue()], case.rng
    side = a_side(rng)
    while case.left:
        size = pieces(rng, venue.size * (4.0 if rng.random() < 0.3 else 1.0))
        held = case.enter(venue, side, size, venue.behind(side, int(rng.integers(0, 5))), "quote")
        yield case.wait("life")
        if held.remaining and rng.random() < 0.7:
            venue.cancel(held)
        if case.left and rng.random() < 0.5:
            quantity, price = pieces(rng, venue.size), venue.touch(side)
            case.enter(venue, other(side), quantity, price, "trade", force="IOC")
        side = other(side)
        yield case.wait("pause")


def _parent(world: World) -> str:
    return f"P{world.prefix}{len(world.commands):07d}"


@dataclass(frozen=True)
class Programme:
    """One of these: its script, its share of the honest orders, orders of one, and parameters."""

    script: Callable[[Pit, Case], Script]
    share: float
    orders: tuple[int, int]
    ranges: Mapping[str, tuple[float, float]]
    fund: bool = True
    latest: float = 0.8


PROGRAMMES: Mapping[str, Programme] = {
    "vwap-slices": Programme(vwap, 0.03, (8, 40), {"gap": (10.0, 240.0)}),
    "child-orders": Programme(children, 0.025, (6, 40), {"life": (2.0, 300.0)}),
    "iceberg": Programme(iceberg, 0.01, (1, 4), {"life": (20.0, 400.0)}),
    "index-rebalance": Programme(rebalance, 0.012, (6, 24), {"before": (60.0, 900.0)}),
    "news-burst": Programme(news, 0.012, (20, 80), {"gap": (0.02, 0.5)}),
    "self-trade-prevention": Programme(prevented, 0.005, (2, 10), {"wait": (0.02, 4.0)}),
    "day-trader": Programme(
        day_trades, 0.03, (6, 40), {"life": (0.3, 60.0), "pause": (1.0, 300.0)}, fund=False
    ),
}
"""What looks like abuse and is none, by the name that labels have."""
