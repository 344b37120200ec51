"""A place where an instrument is traded: agents enter, replace and cancel, and see the book."""

from collections.abc import Callable

from deploy.exchange.listing import Terms
from deploy.exchange.parties import Party
from deploy.exchange.value import Belief
from deploy.exchange.world import HONEST, Held, Truth, World
from udfs.matching.book import Book
from udfs.matching.messages import CONTINUOUS, Command, Control, Event, Top

_PLAIN = "NONE"
_NOTICED = 2_000_000
"""Microseconds within which what is shown adds up."""
_THIN = 3
"""A side that shows less than so many median orders is thin."""


class Venue:
    """One book with those who trade in it.

    Attributes:
        terms: The instrument.
        mic: The venue.
        belief: What the instrument is held worth, shared by its venues.
        size: Median pieces of an order.
        heavy: Visible pieces of an order that others react to.
        top: What the book shows now.
    """

    def __init__(self, world: World, terms: Terms, mic: str, belief: Belief) -> None:
        """Open an empty book."""
        self.world, self.terms, self.mic, self.belief = world, terms, mic, belief
        self.size, self.tick = terms.size, terms.tick
        self.heavy = 4 * terms.size
        self.book = Book(terms.isin, mic, terms.tick, terms.price_scale, terms.currency)
        self.top = Top(0, 0, 0, 0, 0, 0)
        self.react: Callable[[Venue, str], None] | None = None
        """Called with the side when much is shown at once."""
        self.thin: Callable[[Venue], None] | None = None
        """Called when little is shown on a side."""
        self.refilling = False
        """Whether somebody is already about to mend that."""
        self.linked: list[tuple[Venue, int]] = []
        """Places whose price goes with this one (1) or against it (-1)."""
        self._news = {"BUY": (0, 0), "SELL": (0, 0)}

    def control(self, control: Control) -> None:
        """The venue sets something."""
        self._learn(self.book.control(control))

    def enter(
        self,
        party: Party,
        side: str,
        quantity: int,
        price: int = 0,
        truth: Truth = HONEST,
        *,
        force: str = "DAY",
        shown: int | None = None,
        kind: str = "",
        stop: int = 0,
        parent: str = "",
        prevent: str = _PLAIN,
    ) -> Held:
        """A new order; without a price a market order. `shown` None: all of it."""
        world = self.world
        world.entered += 1
        number = f"{world.prefix}{len(world.commands):07d}"
        terms = self.terms
        order = Command(
            "C" + number, world.moment(), terms.isin, self.mic, "NEW", "N" + number, side,
            kind or ("LIMIT" if price else "MARKET"), force, price, stop, quantity,
            quantity if shown is None else shown, terms.price_scale, terms.currency,
            party.member, party.client, party.owner, party.trader, party.executor,
            party.capacity, party.liquidity_provision, parent, prevent,
        )  # fmt: skip
        held = world.held[order.order_id] = Held(order, truth)
        self._send(order)
        if held.remaining and price:
            self._shown(side, min(held.remaining, order.display_quantity))
        return held

    def _shown(self, side: str, pieces: int) -> None:
        """Others notice if much is shown on one side within a few seconds."""
        since, so_far = self._news[side]
        now = self.world.now
        if now - since > _NOTICED:
            since, so_far = now, 0
        so_far += pieces
        if so_far >= self.heavy and self.react is not None:
            self.react(self, side)
            so_far = 0
        self._news[side] = since, so_far

    def cancel(self, held: Held) -> None:
        """Take an order out, if it is still there."""
        if held.remaining:
            self._send(self._again(held, "CANCEL", held.price, held.quantity))

    def replace(self, held: Held, price: int, quantity: int | None = None) -> None:
        """Give an order another price or quantity, if it is still there."""
        if held.remaining:
            quantity = held.quantity if quantity is None else quantity
            if price != held.price or quantity != held.quantity:
                self._send(self._again(held, "REPLACE", price, quantity))

    def _again(self, held: Held, action: str, price: int, quantity: int) -> Command:
        order = held.order
        shown = order.display_quantity
        return order._replace(
            command_id=f"C{self.world.prefix}{len(self.world.commands):07d}",
            time=self.world.moment(),
            action=action,
            price=price,
            quantity=quantity,
            display_quantity=quantity if shown == order.quantity else min(shown, quantity),
        )

    def _send(self, order: Command) -> None:
        self.world.commands.append(order)
        self._learn(self.book.apply(order))

    def _learn(self, events: list[Event]) -> None:
        """What came of a message: everybody learns of his own orders."""
        if not events:
            return
        world = self.world
        held = world.held
        for event in events:
            own = held[event.entry.order_id]
            own.remaining, own.last = event.remaining, event.time
            own.price, own.quantity = event.price, event.quantity
            own.filled += event.last_quantity
            if event.last_quantity and not event.passive and event.phase == CONTINUOUS:
                signed = event.last_quantity
                self.belief.traded(event.time, signed if own.order.side == "BUY" else -signed)
        world.events += events
        self.top = top = events[-1].after
        thin = min(top.bid_depth, top.ask_depth) < _THIN * self.size
        if thin and not self.refilling and self.thin and events[-1].phase == CONTINUOUS:
            self.refilling = True
            self.thin(self)

    def mid(self) -> float:
        """The middle of the best prices; the belief if a side is empty."""
        if self.top.bid and self.top.ask:
            return (self.top.bid + self.top.ask) / 2.0
        return self.belief.at(self.world.now)

    def pressure(self) -> float:
        """How much more is shown by buyers than by sellers, -1 to 1."""
        bid, ask = self.top.bid_depth, self.top.ask_depth
        return (bid - ask) / (bid + ask) if bid + ask else 0.0

    def lean(self) -> float:
        """The pressure here and, a little less, at places that are linked."""
        total, weight = self.pressure(), 1.0
        for venue, direction in self.linked:
            total += 0.6 * direction * venue.pressure()
            weight += 0.6
        return total / weight

    def step(self, price: float) -> int:
        """The price nearest to it that is on a tick."""
        return max(1, round(price / self.tick)) * self.tick

    def touch(self, side: str) -> int:
        """The best price of a side; a tick from the middle if there is none."""
        best = self.top.bid if side == "BUY" else self.top.ask
        return best or self.step(self.mid() + (-self.tick if side == "BUY" else self.tick))

    def behind(self, side: str, ticks: int) -> int:
        """The price so many ticks behind the touch of a side."""
        away = ticks * self.tick
        return max(self.tick, self.touch(side) + (-away if side == "BUY" else away))


def other(side: str) -> str:
    """The other side."""
    return "SELL" if side == "BUY" else "BUY"
