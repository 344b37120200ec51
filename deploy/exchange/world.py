"""The clock of a simulation, and what it leaves behind: messages, events, and orders with truth."""

import heapq
from collections.abc import Generator
from typing import NamedTuple

import numpy as np

from deploy.exchange.parties import Parties, Party
from udfs.matching.messages import Command, Event

Script = Generator[int, None, None]
"""What somebody does: it acts, and yields for how many microseconds it waits."""


class Truth(NamedTuple):
    """An order's part in what goes on, as in record AbuseLabel."""

    practice: str
    role: str = "none"
    scheme: str = ""
    abusive: bool = False


HONEST = Truth("honest")


class Held:
    """An order as the one who sent it knows it; prices in price units, times in microseconds UTC.

    Attributes:
        remaining: Pieces still open; 0 when the order is over.
        filled: Pieces traded.
        last: Time of its last event.
    """

    __slots__ = (
        "entered", "filled", "last", "order", "price", "quantity", "remaining", "truth",
    )  # fmt: skip

    def __init__(self, order: Command, truth: Truth) -> None:
        """Begin with the message that enters it."""
        self.order, self.truth, self.filled = order, truth, 0
        self.price, self.quantity = order.price, order.quantity
        self.entered = self.last = order.time
        self.remaining = 0

    @property
    def id(self) -> str:
        """Order id, unique at the venue."""
        return self.order.order_id


class World:
    """Time, people and the tape of one floor; times in microseconds UTC.

    Attributes:
        now: The moment, later than all that has happened.
        entered: Orders entered so far.
        commands, events: Everything sent and everything that came of it, in order.
        held: All orders by id.
    """

    def __init__(self, rng: np.random.Generator, parties: Parties, prefix: str, now: int) -> None:
        """Begin at `now`; ids start with `prefix`."""
        self.rng, self.parties, self.prefix, self.now = rng, parties, prefix, now
        self.commands: list[Command] = []
        self.events: list[Event] = []
        self.held: dict[str, Held] = {}
        self.entered = 0
        self._waiting: list[tuple[int, int, Script, bool]] = []
        self._number = 0

    def start(self, time: int, script: Script, stays: bool = False) -> None:
        """Let a script begin at a moment; it `stays` if it goes on the next day."""
        self._number += 1
        heapq.heappush(self._waiting, (time, self._number, script, stays))

    def run(self, until: int) -> None:
        """Let everybody act until a moment."""
        waiting = self._waiting
        while waiting and waiting[0][0] < until:
            time, _, script, stays = heapq.heappop(waiting)
            self.now = max(self.now + 1, time)
            wait = next(script, None)
            if wait is not None:
                self.start(self.now + wait, script, stays)
        self.now = max(self.now + 1, until)

    def rest(self, again: int, within: int) -> None:
        """End what does not stay; what does goes on after `again`, somewhere `within` that."""
        left = sorted(self._waiting, key=lambda one: one[1])
        self._waiting = []
        for _, _, script, stays in left:
            if stays:
                self.start(again + int(self.rng.random() * within), script, True)
            else:
                script.close()

    def moment(self) -> int:
        """The next moment at which a message can arrive: some microseconds on."""
        self.now += int(self.rng.random() * 40.0) + 3
        return self.now

    def person(self) -> Party:
        """One of the public, the first ones more often."""
        public = self.parties.public
        return public[int(len(public) * self.rng.random() ** 1.7)]

    def fund(self) -> Party:
        """An institution."""
        return self.parties.funds[int(self.rng.integers(len(self.parties.funds)))]
