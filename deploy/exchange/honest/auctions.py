"""Orders for the opening and the closing auction; many of them are cancelled when it is over."""

from connectors.generators.feed import SECOND
from deploy.exchange.pit import Pit, pieces
from deploy.exchange.world import Script, Truth

_TRUTH = Truth("auction-uncrossing")


def opening(pit: Pit, place: int, orders: int, begin: int) -> Script:
    """Orders of the opening call, around what it is held worth."""
    yield from _gather(pit, place, orders, begin, pit.opened, "AT_OPEN")


def closing(pit: Pit, place: int, orders: int, begin: int) -> Script:
    """Orders of the closing call."""
    yield from _gather(pit, place, orders, begin, pit.closed, "AT_CLOSE")


def _gather(pit: Pit, place: int, orders: int, begin: int, end: int, force: str) -> Script:
    venue, rng, world = pit.venues[place], pit.rng, pit.world
    worth = venue.belief.at(end)
    for number in range(orders):
        side = "BUY" if rng.random() < 0.5 else "SELL"
        away = float(rng.normal(1.0, 4.0)) * venue.tick
        price = venue.step(worth - away if side == "BUY" else worth + away)
        drawn = rng.random()
        quantity = pieces(rng, 1.5 * venue.size)
        if drawn < 0.15:
            venue.enter(world.person(), side, quantity, 0, _TRUTH, force=force)
        else:
            stands = drawn < 0.6 or force == "AT_CLOSE"
            held = venue.enter(
                world.person(), side, quantity, price, _TRUTH, force=force if stands else "DAY"
            )
            if not stands:
                after = end + int(rng.exponential(3.0 * SECOND)) + 100_000
                world.start(after, _withdraw(pit, place, held.id))
        gap = max(1, (end - world.now - SECOND) // (orders - number))
        yield int(gap * (0.5 + 0.99 * rng.random())) + 1


def _withdraw(pit: Pit, place: int, order: str) -> Script:
    """Cancel what the auction left of an order."""
    pit.venues[place].cancel(pit.world.held[order])
    yield from ()
