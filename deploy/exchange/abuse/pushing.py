"""Ramping, marking the close, momentum ignition: trades that are meant to move the price."""

from collections.abc import Generator

from connectors.generators.feed import SECOND
from deploy.exchange.abuse.case import Case, a_side, two_sided
from deploy.exchange.honest.crowd import react
from deploy.exchange.pit import Pit, pieces
from deploy.exchange.venue import Venue, other
from deploy.exchange.world import Held, Script

RAMPING_SEEN = {"size": (1.0, 3.5), "gap": (1.0, 20.0), "times": (3.0, 5.0)}
"""Pieces against the median order, seconds between two pushes, pieces sold at the end against those
bought."""
RAMPING_UNSEEN = {"size": (0.6, 5.0), "gap": (15.0, 90.0), "times": (3.0, 8.0)}
CLOSE_SEEN = {"size": (1.0, 4.0), "auction": (4.0, 20.0), "before": (40.0, 700.0)}
"""Pieces against the median order, the same in the auction, seconds before the closing call."""
CLOSE_UNSEEN = {"size": (0.6, 6.0), "auction": (2.0, 30.0), "before": (20.0, 300.0)}
IGNITION_SEEN = {"size": (1.5, 4.0), "gap": (0.2, 4.0), "hold": (2.0, 40.0)}
"""Pieces against the median order, seconds between two orders that ignite, seconds until the way
out."""
IGNITION_UNSEEN = {"size": (1.0, 6.0), "gap": (1.0, 9.0), "hold": (20.0, 120.0)}


def ramping(pit: Pit, case: Case) -> Script:
    """Each order takes the best price away; then more is sold than was bought."""
    venue, side = pit.venues[pit.any_venue()], a_side(case.rng)
    size, bought = case.draw("size"), 0
    exits = max(2, case.budget // 5)
    while case.left > exits:
        bought += (yield from push(pit, case, venue, side, size)).filled
        yield case.wait("gap")
    left = int(bought * case.draw("times")) + venue.size
    while case.left:
        yield from two_sided(pit, venue)
        quantity = max(1, left // case.left)
        price = venue.behind(side, 6)
        case.enter(venue, other(side), quantity, price, "exit", force="IOC")
        left -= quantity
        yield case.wait("gap")


def closing(pit: Pit, case: Case) -> Script:
    """Orders of the last minutes and for the auction; next morning the way back."""
    venue, side = pit.venues[0], a_side(case.rng)
    size, auction = case.draw("size"), max(1, case.budget // 6)
    backs = max(1, case.budget // 5)
    begin = pit.closing - case.wait("before")
    yield max(1, begin - pit.world.now)
    bought = 0
    while case.left > auction + backs and pit.world.now < pit.closing - 8 * SECOND:
        bought += (yield from push(pit, case, venue, side, size)).filled
        yield max(1, (pit.closing - 5 * SECOND - pit.world.now) // max(1, case.left - backs))
    for _ in range(auction):
        price = venue.behind(other(side), 12)
        quantity = pieces(case.rng, case.draw("auction") * venue.size)
        held = case.enter(venue, side, quantity, price, "close", force="AT_CLOSE")
        bought += held.quantity
        yield int(case.rng.exponential(0.3 * SECOND)) + 1_000
    closed = pit.closing
    while pit.closing == closed:
        yield 60 * SECOND
    while case.left:
        yield from two_sided(pit, venue)
        quantity = max(1, bought // backs)
        case.enter(venue, other(side), quantity, venue.behind(side, 4), "reverse", force="IOC")
        yield int(case.rng.exponential(60.0 * SECOND))


def ignition(pit: Pit, case: Case) -> Script:
    """A position, a burst that starts a trend, followers, and the way out at the better price."""
    venue, side = pit.venues[pit.any_venue()], a_side(case.rng)
    size = case.draw("size")
    enters = exits = max(2, case.budget // 4)
    for _ in range(enters):
        yield from two_sided(pit, venue)
        quantity = pieces(case.rng, size * venue.size)
        case.enter(venue, side, quantity, venue.touch(other(side)), "position", force="IOC")
        yield int(case.rng.exponential(8.0 * SECOND))
    while case.left > exits:
        yield from push(pit, case, venue, side, size, "ignite")
        if case.rng.random() < 0.5:
            pit.world.start(pit.world.now + 50_000, react(pit, venue, side))
        yield case.wait("gap")
    yield case.wait("hold")
    while case.left:
        yield from two_sided(pit, venue)
        quantity = pieces(case.rng, 1.5 * size * venue.size)
        case.enter(venue, other(side), quantity, venue.behind(side, 2), "exit", force="IOC")
        yield case.wait("gap")


def push(
    pit: Pit, case: Case, venue: Venue, side: str, size: float, role: str = "push"
) -> Generator[int, None, Held]:
    """An order that takes what is at the best price and up to three ticks beyond."""
    yield from two_sided(pit, venue)
    top = venue.top
    there = top.ask_size if side == "BUY" else top.bid_size
    most = 2.5 * size * venue.size
    quantity = int(min(there + 1, most)) if case.rng.random() < 0.8 else 0
    quantity = max(quantity, pieces(case.rng, size * venue.size, 0.3))
    price = venue.behind(other(side), int(case.rng.integers(1, 4)))
    return case.enter(venue, side, quantity, price, role, force="IOC")
