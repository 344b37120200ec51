"""A market maker: quotes both sides at several levels and follows the price; most is cancelled."""

from deploy.exchange.parties import Party
from deploy.exchange.venue import Venue
from deploy.exchange.world import Held, Truth

_PRESSURE = 3.0
"""Ticks by which a maker moves when all that is shown is on one side."""


class Maker:
    """One market maker at one venue.

    Attributes:
        pegs: It re-prices what stands instead of cancelling it and entering anew.
    """

    __slots__ = ("_half", "_held", "_party", "_size", "_truth", "_venue", "pegs")

    def __init__(
        self, venue: Venue, party: Party, levels: int, half: float, size: int, pegs: bool
    ) -> None:
        """Quote at so many levels a side, the best one `half` ticks from what it is held worth."""
        self._venue, self._party, self._half, self._size = venue, party, half, size
        self._held: dict[tuple[str, int], Held | None] = {
            (side, level): None for level in range(levels) for side in ("BUY", "SELL")
        }
        self.pegs = pegs
        self._truth = Truth("pegged-repricing" if pegs else "market-maker")

    @property
    def slots(self) -> int:
        """How many orders it has when all of its quotes stand."""
        return len(self._held)

    def quote(self) -> None:
        """Enter one order: where a quote is missing, or where it is farthest from its price."""
        venue, tick = self._venue, self._venue.tick
        worst, slot = -1, ("BUY", 0)
        for place, held in self._held.items():
            price = self._target(place)
            open_ = held is not None and held.remaining
            off = abs(held.price - price) // tick if held is not None and open_ else 99
            if off > worst:
                worst, slot = off, place
        held = self._held[slot]
        if held is not None and held.remaining:
            venue.cancel(held)
        self.peg()
        rng = venue.world.rng
        quantity = max(10, int(self._size * (0.5 + rng.random())) // 10 * 10)
        self._held[slot] = venue.enter(
            self._party, slot[0], quantity, self._target(slot), self._truth
        )

    def peg(self) -> None:
        """Bring quotes that stand too far out, or too close, to where they belong."""
        venue, tick = self._venue, self._venue.tick
        for place, held in self._held.items():
            if held is None or not held.remaining:
                continue
            price = self._target(place)
            off = (
                (held.price - price) // tick if place[0] == "BUY" else (price - held.price) // tick
            )
            if off >= 1 or (self.pegs and off <= -2):
                if self.pegs:
                    venue.replace(held, price)
                else:
                    venue.cancel(held)

    def _target(self, place: tuple[str, int]) -> int:
        """Where a quote belongs; never through the other side."""
        side, level = place
        venue, tick = self._venue, self._venue.tick
        worth = venue.belief.at(venue.world.now) / tick + _PRESSURE * venue.lean()
        away = self._half + level
        top = venue.top
        if side == "BUY":
            price = int(worth - away) * tick
            return max(tick, min(price, top.ask - tick) if top.ask else price)
        price = (int(worth + away) + 1) * tick
        return max(price, top.bid + tick) if top.bid else price
