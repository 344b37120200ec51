"""Improper matched orders and painting the tape: trades that are agreed on, for others to see."""

from deploy.exchange.abuse.case import Case, a_side
from deploy.exchange.abuse.wash import trade
from deploy.exchange.pit import Pit, pieces
from deploy.exchange.venue import other
from deploy.exchange.world import Script

MATCHED_SEEN = {"size": (1.0, 6.0), "delay": (0.002, 0.9), "pause": (10.0, 600.0)}
"""Pieces against the median order, seconds between the two orders, seconds between trades."""
MATCHED_UNSEEN = {"size": (0.5, 12.0), "delay": (0.5, 4.0), "pause": (120.0, 1_800.0)}
PAINTING_SEEN = {"size": (0.2, 1.5), "delay": (0.005, 0.8), "pause": (8.0, 70.0)}
PAINTING_UNSEEN = {"size": (0.1, 3.0), "delay": (0.3, 2.0), "pause": (20.0, 110.0)}


def matched(pit: Pit, case: Case) -> Script:
    """Two owners trade with each other, there and back, until both are where they were."""
    venue, (one, two) = pit.venues[pit.any_venue()], case.people[:2]
    side = a_side(case.rng)
    while case.left >= 4:
        quantity = pieces(case.rng, case.draw("size") * venue.size)
        for way in (side, other(side)):
            yield from trade(pit, case, venue, one, two, quantity, way)
            yield case.wait("pause")


def painting(pit: Pit, case: Case) -> Script:
    """A few owners pass a small holding round at prices that go one way, within minutes."""
    venue, owners = pit.venues[0], list(case.people)
    quantity = pieces(case.rng, case.draw("size") * venue.size)
    side, turn = a_side(case.rng), 0
    while case.left >= 2:
        giver, taker = owners[turn % len(owners)], owners[(turn + 1) % len(owners)]
        price = venue.behind(side, -1) if _wide(venue.top.bid, venue.top.ask, venue.tick) else 0
        yield from trade(pit, case, venue, giver, taker, quantity, side, price)
        turn += 1
        yield case.wait("pause")


def _wide(bid: int, ask: int, tick: int) -> bool:
    return bool(bid and ask) and ask - bid > tick
