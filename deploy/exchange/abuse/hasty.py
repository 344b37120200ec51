"""Quote stuffing and smoking: orders that are there to be withdrawn or made worse at once."""

from connectors.generators.feed import SECOND
from deploy.exchange.abuse.case import Case, a_side, two_sided
from deploy.exchange.honest.crowd import aggress
from deploy.exchange.pit import Pit, pieces
from deploy.exchange.venue import Venue, other
from deploy.exchange.world import Script

STUFFING_SEEN = {"burst": (60, 250), "gap": (0.0004, 0.004), "pause": (20.0, 600.0)}
"""Orders of a burst, seconds between two of them, seconds between two bursts."""
STUFFING_UNSEEN = {"burst": (30, 120), "gap": (0.002, 0.02), "pause": (60.0, 1_800.0)}
SMOKING_SEEN = {"show": (0.1, 3.0), "ahead": (0.015, 0.09), "worse": (1, 4), "pause": (10.0, 400.0)}
"""Seconds the attractive order stands, seconds by which it is changed before somebody takes it,
ticks by which it is worse then, seconds between two rounds."""
SMOKING_UNSEEN = {
    "show": (1.0, 10.0), "ahead": (0.005, 0.1), "worse": (1, 6), "pause": (60.0, 1_500.0),
}  # fmt: skip


def stuffing(pit: Pit, case: Case) -> Script:
    """Bursts of orders that are withdrawn within milliseconds."""
    venue, rng = pit.venues[pit.any_venue()], case.rng
    while case.left:
        yield from two_sided(pit, venue)
        gap = case.draw("gap") * SECOND
        standing = []
        for _ in range(min(case.left, case.count("burst"))):
            side = a_side(rng)
            price = venue.behind(side, int(rng.integers(1, 9)))
            standing.append(case.enter(venue, side, pieces(rng, 0.3 * venue.size), price, "flood"))
            yield int(rng.exponential(gap)) + 50
            if len(standing) > 4:
                venue.cancel(standing.pop(0))
        for held in standing:
            venue.cancel(held)
        yield case.wait("pause")


def smoking(pit: Pit, case: Case) -> Script:
    """A better price than others is shown, and made worse just before somebody comes for it."""
    venue, rng, side = pit.venues[pit.any_venue()], case.rng, a_side(case.rng)
    while case.left:
        yield from two_sided(pit, venue)
        for _ in range(8):
            if venue.top.ask - venue.top.bid > venue.tick:
                break
            yield int(rng.exponential(4.0 * SECOND)) + 1_000
        wide = venue.top.ask - venue.top.bid > venue.tick
        size = pieces(rng, 1.5 * venue.size)
        held = case.enter(venue, side, size, venue.behind(side, -int(wide)), "smoke")
        yield case.wait("show")
        away = -venue.tick if side == "BUY" else venue.tick
        venue.replace(held, max(venue.tick, held.price + case.count("worse") * away))
        yield case.wait("ahead")
        _come(pit, venue, other(side))
        yield int(rng.exponential(2.0 * SECOND)) + 10_000
        venue.cancel(held)
        yield case.wait("pause")


def _come(pit: Pit, venue: Venue, side: str) -> None:
    """Somebody slower takes what he has seen a moment before."""
    if pit.reserve > 0:
        pit.reserve -= 1
        aggress(pit, venue, side, 8.0)
