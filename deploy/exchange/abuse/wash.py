"""Wash trades: both sides belong together, and nobody's position changes."""

from collections.abc import Sequence

from connectors.generators.feed import SECOND
from deploy.exchange.abuse.case import Case, a_side, two_sided
from deploy.exchange.parties import Party
from deploy.exchange.pit import Pit, pieces
from deploy.exchange.venue import Venue, other
from deploy.exchange.world import Script

SEEN = {
    "size": (0.5, 5.0),
    "delay": (0.003, 0.8),
    "pause": (5.0, 600.0),
    "hop": (5.0, 900.0),
    "ring": (3, 5),
}
"""Pieces against the median order, seconds between the two orders of a trade, seconds between two
trades, seconds between two trades of a ring, owners of a ring."""
UNSEEN = {
    "size": (0.3, 9.0),
    "delay": (0.3, 3.0),
    "pause": (60.0, 2_400.0),
    "hop": (300.0, 3_600.0),
    "ring": (4, 7),
}


def self_trades(pit: Pit, case: Case) -> Script:
    """One owner on both sides, through one or two traders, sometimes through two members."""
    venue, rng = pit.venues[pit.any_venue()], case.rng
    one, helper = case.people[0], case.people[1]
    if rng.random() < 0.6:
        two = one._replace(trader=helper.trader, executor=helper.executor)
    else:
        two = one
    if rng.random() < 0.3:
        two = two._replace(member=helper.member, client=helper.member)
    yield from _back_and_forth(pit, case, venue, (one, two))


def linked_trades(pit: Pit, case: Case) -> Script:
    """Two owners of a group that is told to belong together."""
    yield from _back_and_forth(pit, case, pit.venues[pit.any_venue()], case.people[:2])


def ring_trades(pit: Pit, case: Case) -> Script:
    """Three or more owners hand a position round until it is back where it was."""
    venue, rng = pit.venues[0], case.rng
    owners = list(case.people)
    while case.left >= 2:
        quantity = pieces(rng, case.draw("size") * venue.size)
        for place, giver in enumerate(owners):
            if case.left < 2:
                return
            taker = owners[(place + 1) % len(owners)]
            yield from trade(pit, case, venue, giver, taker, quantity, "SELL")
            yield case.wait("hop")


def _back_and_forth(pit: Pit, case: Case, venue: Venue, pair: Sequence[Party]) -> Script:
    side = a_side(case.rng)
    quantity = pieces(case.rng, case.draw("size") * venue.size)
    while case.left >= 2:
        yield from trade(pit, case, venue, pair[0], pair[1], quantity, side)
        side = other(side)
        if case.rng.random() < 0.3:
            quantity = pieces(case.rng, case.draw("size") * venue.size)
        yield case.wait("pause")


def trade(
    pit: Pit, case: Case, venue: Venue, first: Party, second: Party, quantity: int, side: str,
    price: int = 0,
) -> Script:  # fmt: skip
    """One rests within the spread, the other takes it soon after.

    Where no price lies within the spread it waits for one, at most some tens of seconds, and then
    joins the touch: others may then be served before.
    """
    rng = case.rng
    yield from two_sided(pit, venue)
    for _ in range(8):
        if venue.top.ask - venue.top.bid > venue.tick:
            break
        yield int(rng.exponential(4.0 * SECOND)) + 1_000
    top = venue.top
    inside = max(1, (top.ask - top.bid) // venue.tick) if top.bid and top.ask else 1
    steps = int(rng.integers(1, inside)) if inside > 1 else 0
    at = price or venue.behind(side, -steps)
    rests = case.enter(venue, side, quantity, at, "first", first)
    yield case.wait("delay")
    near = (
        max(1, round(quantity * (1.0 + 0.01 * (rng.random() - 0.5))))
        if rng.random() < 0.3
        else quantity
    )
    case.enter(venue, other(side), near, at, "second", second, force="IOC")
    if rests.remaining:
        yield int(rng.exponential(0.5 * SECOND)) + 1_000
        venue.cancel(rests)
