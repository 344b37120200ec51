"""Single orders of the many: limit orders that come and go, takers, momentum, the informed."""

from collections.abc import Callable

import numpy as np

from connectors.generators.feed import SECOND
from deploy.exchange.pit import Pit, pieces
from deploy.exchange.venue import Venue, other
from deploy.exchange.world import Held, Script, Truth

_FAST = Truth("honest", "fast")
_BIG = Truth("honest", "large")
_AHEAD = 120 * SECOND
"""How far ahead the informed know."""


def limit(pit: Pit, place: int) -> None:
    """A limit order near the touch that is cancelled after a while, from a second to an hour."""
    venue, rng = pit.venues[place], pit.rng
    side = "BUY" if rng.random() < 0.5 + 0.1 * venue.lean() else "SELL"
    behind = int(rng.exponential(2.5))
    top = venue.top
    if top.bid and top.ask and top.ask - top.bid > venue.tick and rng.random() < 0.4:
        behind = -1
    drawn = rng.random()
    big = drawn < 0.04
    quantity = pieces(rng, venue.size * (5.0 if big else 1.0))
    shown = 0 if drawn > 0.985 else None
    held = venue.enter(
        pit.world.person(), side, quantity, venue.behind(side, behind + (2 if big else 0)),
        *((_BIG,) if big else ()), shown=shown,
    )  # fmt: skip
    if rng.random() < 0.9:
        _leave(pit, venue, held, 20.0 * float(np.exp(1.8 * rng.standard_normal())))


def fast(pit: Pit, place: int) -> None:
    """An order of a fast trader: it stands for some milliseconds to some seconds."""
    venue, rng = pit.venues[place], pit.rng
    side = "BUY" if rng.random() < 0.5 else "SELL"
    price = venue.behind(side, int(rng.exponential(1.5)))
    big = rng.random() < 0.05
    quantity = pieces(rng, venue.size * (4.0 if big else 0.7))
    held = venue.enter(pit.world.person(), side, quantity, price, _FAST)
    _leave(pit, venue, held, 0.5 * float(np.exp(1.2 * rng.standard_normal())))


def take(pit: Pit, place: int) -> None:
    """An order that trades at once, more often with the side that presses."""
    venue, rng = pit.venues[place], pit.rng
    aggress(pit, venue, "BUY" if rng.random() < 0.5 + 0.3 * venue.lean() else "SELL")


def momentum(pit: Pit, place: int) -> None:
    """An order with the trend of the last minutes."""
    venue = pit.venues[place]
    rising = venue.mid() >= pit.slow[place]
    aggress(pit, venue, "BUY" if rising else "SELL")


def informed(pit: Pit, place: int) -> None:
    """Buys what will be worth more, sells what will be worth less; else it waits with a limit."""
    venue, rng = pit.venues[place], pit.rng
    worth = venue.belief.at(pit.world.now + _AHEAD)
    top = venue.top
    if top.ask and worth > top.ask + venue.tick:
        aggress(pit, venue, "BUY")
    elif top.bid and worth < top.bid - venue.tick:
        aggress(pit, venue, "SELL")
    else:
        side = "BUY" if worth > venue.mid() else "SELL"
        held = venue.enter(pit.world.person(), side, pieces(rng, venue.size), venue.behind(side, 0))
        _leave(pit, venue, held, 60.0 * float(np.exp(rng.standard_normal())))


def stop(pit: Pit, place: int) -> None:
    """A stop order some ticks beyond the touch."""
    venue, rng = pit.venues[place], pit.rng
    side = "BUY" if rng.random() < 0.5 else "SELL"
    trigger = venue.behind(other(side), 3 + int(rng.random() * 8))
    limited = rng.random() < 0.5
    slack = 2 * venue.tick if side == "BUY" else -2 * venue.tick
    price = max(venue.tick, trigger + slack) if limited else 0
    kind = "STOP_LIMIT" if limited else "STOP"
    quantity = pieces(rng, venue.size)
    venue.enter(pit.world.person(), side, quantity, price, kind=kind, stop=trigger)


def aggress(pit: Pit, venue: Venue, side: str, size: float = 0.6) -> None:
    """A marketable order of somebody: at any price, at the touch or a tick beyond it."""
    rng = pit.rng
    quantity = pieces(rng, venue.size * size)
    drawn = rng.random()
    if drawn < 0.3:
        venue.enter(pit.world.person(), side, quantity, force="IOC" if drawn < 0.15 else "DAY")
        return
    price = venue.behind(other(side), 0 if drawn < 0.8 else 1)
    force = "FOK" if drawn > 0.96 else "IOC" if drawn > 0.55 else "DAY"
    held = venue.enter(pit.world.person(), side, quantity, price, force=force)
    if held.remaining:
        _leave(pit, venue, held, 30.0 * float(np.exp(rng.standard_normal())))


def _leave(pit: Pit, venue: Venue, held: Held, seconds: float) -> None:
    """Cancel an order after a while, if it still stands and the market is open."""
    wait = min(max(int(seconds * SECOND), 2_000), 3_600 * SECOND)
    until = held.entered + wait
    if until < pit.closing and held.remaining:
        pit.world.start(until, _cancel(venue, held))


def _cancel(venue: Venue, held: Held) -> Script:
    venue.cancel(held)
    yield from ()


def react(pit: Pit, venue: Venue, side: str) -> Script:
    """Others see much on one side: makers move, and some trade ahead of it, here or elsewhere."""
    rng = pit.rng
    yield int(150_000 * float(np.exp(0.8 * rng.standard_normal())))
    for makers in pit.makers:
        for maker in makers:
            if rng.random() < 0.6:
                maker.peg()
    places = [(venue, 1), *venue.linked]
    for _ in range(3):
        if rng.random() > 0.45 or pit.reserve <= 0:
            return
        pit.reserve -= 1
        where, direction = places[int(rng.random() * len(places))]
        aggress(pit, where, side if direction > 0 else other(side))
        yield int(400_000 * float(np.exp(0.7 * rng.standard_normal())))


def refill(pit: Pit, venue: Venue) -> Script:
    """Little is left on a side: market makers quote again."""
    rng = pit.rng
    yield int(250_000 * float(np.exp(0.8 * rng.standard_normal())))
    venue.refilling = False
    for maker in pit.makers[pit.venues.index(venue)]:
        maker.peg()
        for _ in range(2):
            if pit.reserve > 0 and rng.random() < 0.7:
                pit.reserve -= 1
                maker.quote()


ACTS: dict[str, tuple[Callable[[Pit, int], None], float]] = {
    "limit": (limit, 0.21),
    "fast": (fast, 0.09),
    "take": (take, 0.04),
    "momentum": (momentum, 0.015),
    "informed": (informed, 0.02),
    "stop": (stop, 0.006),
}
"""What they do, and the share of it; market makers do the rest."""
