"""Spoofing: large orders away from the touch, a trade on the other side, and they are withdrawn."""

from connectors.generators.feed import SECOND
from deploy.exchange.abuse.case import Case, a_side, clear, two_sided
from deploy.exchange.pit import Pit, pieces
from deploy.exchange.venue import Venue, other
from deploy.exchange.world import Held, Script

SEEN = {
    "ratio": (2.5, 8.0),
    "baits": (1, 3),
    "distance": (1, 8),
    "life": (0.4, 4.5),
    "notice": (0.005, 0.3),
    "pause": (3.0, 240.0),
}
"""Size against the median order, orders, ticks behind the touch, seconds they stand, seconds until
the spoofer sees his trade, seconds between two rounds."""
UNSEEN = {
    "ratio": (1.8, 14.0),
    "baits": (1, 4),
    "distance": (3, 12),
    "life": (3.0, 20.0),
    "notice": (0.05, 1.0),
    "pause": (30.0, 900.0),
}


def spoofing(pit: Pit, case: Case) -> Script:
    """Rounds of bait and trade at one venue until the orders are used up."""
    venue = pit.venues[pit.any_venue()]
    yield from rounds(pit, case, venue, venue, 1)


def rounds(pit: Pit, case: Case, baited: Venue, traded: Venue, direction: int) -> Script:
    """Rounds of bait at one place and trade at another, or at the same.

    `direction` is 1 if the two prices rise together, -1 if one falls when the other rises.
    """
    ratio, baits, life = case.draw("ratio"), case.count("baits"), case.draw("life")
    crosses, steady = case.rng.random() < 0.35, case.rng.random() < 0.5
    side = a_side(case.rng)
    while case.left >= 2:
        yield from two_sided(pit, baited)
        yield from two_sided(pit, traded)
        real_side = other(side) if direction > 0 else side
        real: Held | None = None
        if not crosses:
            real = _waits(case, traded, real_side)
            yield int(case.rng.exponential(0.3 * SECOND)) + 5_000
        orders: list[Held] = []
        for _ in range(min(baits, case.left - crosses)):
            price = baited.behind(side, case.count("distance"))
            quantity = pieces(case.rng, ratio * baited.size, 0.2)
            orders.append(case.enter(baited, side, quantity, price, "bait"))
            yield int(case.rng.exponential(20_000.0)) + 200
        yield from _stand(pit, case, real, life)
        vain = real is not None and real.remaining and case.left and case.rng.random() < 0.4
        if real is not None and vain:
            traded.cancel(real)
        if crosses or vain:
            price = traded.touch(other(real_side))
            quantity = pieces(case.rng, traded.size)
            case.enter(traded, real_side, quantity, price, "real", force="IOC")
        yield case.wait("notice")
        clear(pit, baited, orders)
        if real is not None and real.remaining:
            yield int(case.rng.exponential(0.5 * SECOND)) + 1_000
            traded.cancel(real)
        if not steady:
            side = other(side)
        yield case.wait("pause")


def _waits(case: Case, venue: Venue, side: str) -> Held:
    """The order that is meant, at the touch or a tick better."""
    better = venue.top.ask - venue.top.bid > venue.tick and case.rng.random() < 0.5
    quantity = pieces(case.rng, venue.size)
    return case.enter(venue, side, quantity, venue.behind(side, -int(better)), "real")


def _stand(pit: Pit, case: Case, real: Held | None, life: float) -> Script:
    """Wait until what is meant is traded, at most for the life of the bait."""
    end = pit.world.now + int(life * SECOND * (0.7 + 0.6 * case.rng.random()))
    while pit.world.now < end and (real is None or real.remaining):
        yield min(100_000, max(1, end - pit.world.now))
