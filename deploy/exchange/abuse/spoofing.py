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
    """Rounds of bait and trade until the orders are used up."""
    venue = pit.venues[pit.any_venue()]
    ratio, baits, life = case.draw("ratio"), case.count("baits"), case.draw("life")
    crosses, steady = case.rng.random() < 0.35, case.rng.random() < 0.5
    bait_side = a_side(case.rng)
    while case.left >= 2:
        yield from two_sided(pit, venue)
        count = min(baits, case.left - 1)
        yield from _round(pit, case, venue, bait_side, count, ratio, life, crosses)
        if not steady:
            bait_side = other(bait_side)
        yield case.wait("pause")


def _round(
    pit: Pit, case: Case, venue: Venue, bait_side: str, count: int, ratio: float, life: float,
    crosses: bool,
) -> Script:  # fmt: skip
    rng, real_side = case.rng, other(bait_side)
    real: Held | None = None
    quantity = pieces(rng, venue.size)
    if not crosses:
        ahead = venue.top.ask - venue.top.bid > venue.tick and rng.random() < 0.5
        real = case.enter(venue, real_side, quantity, venue.behind(real_side, -ahead), "real")
        yield int(rng.exponential(0.3 * SECOND)) + 5_000
    baits = []
    for _ in range(count):
        price = venue.behind(bait_side, case.count("distance"))
        baits.append(
            case.enter(venue, bait_side, pieces(rng, ratio * venue.size, 0.2), price, "bait")
        )
        yield int(rng.exponential(20_000.0)) + 200
    end = pit.world.now + int(life * SECOND * (0.7 + 0.6 * rng.random()))
    while pit.world.now < end and (real is None or real.remaining):
        yield min(100_000, max(1, end - pit.world.now))
    if crosses:
        touch = venue.touch(bait_side)
        real = case.enter(venue, real_side, quantity, touch, "real", force="IOC")
    yield case.wait("notice")
    clear(pit, venue, baits)
    if real is not None and real.remaining:
        yield int(rng.exponential(0.5 * SECOND)) + 1_000
        venue.cancel(real)
