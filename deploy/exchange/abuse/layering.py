"""Layering: orders on several price levels, re-priced with the market, against a trade opposite."""

from connectors.generators.feed import SECOND
from deploy.exchange.abuse.case import Case, a_side, clear, two_sided
from deploy.exchange.pit import Pit, pieces
from deploy.exchange.venue import Venue, other
from deploy.exchange.world import Held, Script

SEEN = {
    "levels": (3, 6),
    "first": (2, 4),
    "share": (0.25, 1.0),
    "life": (2.0, 45.0),
    "look": (0.2, 2.0),
    "reals": (1, 3),
    "pause": (10.0, 400.0),
}
"""Levels, ticks of the first one behind the touch, pieces of all against what the side shows,
seconds they stand, seconds between two looks at the market, trades opposite, seconds between two
rounds."""
UNSEEN = {
    "levels": (4, 9),
    "first": (3, 7),
    "share": (0.2, 1.6),
    "life": (20.0, 180.0),
    "look": (0.5, 6.0),
    "reals": (1, 4),
    "pause": (60.0, 1_500.0),
}


def layering(pit: Pit, case: Case) -> Script:
    """Rounds of layers and trades, on and off, until the orders are used up."""
    venue = pit.venues[pit.any_venue()]
    levels, first, side = case.count("levels"), case.count("first"), a_side(case.rng)
    steady = case.rng.random() < 0.6
    while case.left >= 4:
        yield from two_sided(pit, venue)
        yield from _round(pit, case, venue, side, min(levels, case.left - 1), first)
        if not steady:
            side = other(side)
        yield case.wait("pause")


def _round(pit: Pit, case: Case, venue: Venue, side: str, levels: int, first: int) -> Script:
    rng, world = case.rng, pit.world
    shown = venue.top.bid_depth if side == "BUY" else venue.top.ask_depth
    each = max(case.draw("share") * shown / levels, 0.5 * venue.size)
    layers = []
    for level in range(levels):
        price = venue.behind(side, first + level)
        layers.append(case.enter(venue, side, pieces(rng, each, 0.1), price, "layer"))
        yield int(rng.exponential(30_000.0)) + 300
    end = world.now + case.wait("life")
    reals = min(case.count("reals"), case.left)
    real: Held | None = None
    while world.now < end:
        if (real is None or not real.remaining) and reals:
            reals -= 1
            real = _trade(case, venue, other(side))
        yield min(case.wait("look"), max(1, end - world.now))
        _follow(venue, layers, side, first)
    if real is not None and real.remaining and case.left and rng.random() < 0.6:
        venue.cancel(real)
        touch = venue.touch(side)
        case.enter(venue, other(side), pieces(rng, venue.size), touch, "real", force="IOC")
    yield int(rng.exponential(0.1 * SECOND)) + 2_000
    clear(pit, venue, layers)
    if real is not None and real.remaining:
        yield int(rng.exponential(SECOND)) + 1_000
        venue.cancel(real)


def _trade(case: Case, venue: Venue, side: str) -> Held:
    """An order that is meant: at the touch or a tick better, now and then through the spread."""
    rng = case.rng
    quantity = pieces(rng, venue.size)
    if rng.random() < 0.25:
        return case.enter(venue, side, quantity, venue.touch(other(side)), "real", force="IOC")
    wide = venue.top.ask - venue.top.bid > venue.tick
    return case.enter(
        venue, side, quantity, venue.behind(side, -int(wide and rng.random() < 0.5)), "real"
    )


def _follow(venue: Venue, layers: list[Held], side: str, first: int) -> None:
    """Move the layers with the touch, so that they stay out of reach."""
    best = venue.behind(side, first)
    standing = [held for held in layers if held.remaining]
    if standing and abs(standing[0].price - best) >= venue.tick:
        away = -venue.tick if side == "BUY" else venue.tick
        for level, held in enumerate(standing):
            venue.replace(held, max(venue.tick, best + level * away))
