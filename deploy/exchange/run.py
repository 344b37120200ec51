"""A floor from its first day to its last: phases, honest business, hard negatives and schemes."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from connectors.generators.draw import choose, stream
from deploy.exchange.abuse.case import Case
from deploy.exchange.calendar import MINUTE, Session, busy_times
from deploy.exchange.honest.auctions import closing, opening
from deploy.exchange.honest.crowd import ACTS, limit, react, refill
from deploy.exchange.honest.maker import Maker
from deploy.exchange.honest.programmes import PROGRAMMES
from deploy.exchange.listing import Floor
from deploy.exchange.parties import Parties
from deploy.exchange.pit import Pit
from deploy.exchange.schemes import Planned
from deploy.exchange.value import Belief, day_path
from deploy.exchange.venue import Venue
from deploy.exchange.world import Script, World
from udfs.matching.messages import Control

_AUCTIONS, _REACTIONS = 0.03, 0.06
"""Shares of a day's honest orders."""
_LATER = 0.7
"""Share of the last day after which nothing is left to chance, so that counts agree."""
_LARGE = 0.015
"""Floors of at least this weight have more market makers and levels."""


class FloorRun:
    """One floor under simulation."""

    def __init__(
        self, seed: int, floor: Floor, parties: Parties, controls: Sequence[Control],
        days: Sequence[int], session: Session, schemes: Sequence[Planned],
    ) -> None:  # fmt: skip
        """Take the floor, the venues' messages, midnights of the days, and what is planted."""
        self._rng = rng = stream(seed, "exchange floor", floor.number)
        self._floor, self._session, self._days = floor, session, days
        self._controls, self._schemes = list(controls), schemes
        self.world = World(rng, parties, f"{seed}-{floor.number:02d}", days[0])
        beliefs: dict[str, Belief] = {}
        for terms, _ in floor.places:
            belief = Belief(terms.price, terms.tick, terms.size, terms.direction)
            beliefs.setdefault(terms.isin, belief)
        venues = [Venue(self.world, t, mic, beliefs[t.isin]) for t, mic in floor.places]
        self._beliefs = list(beliefs.values())
        makers = [self._makers(venue, n) for n, venue in enumerate(venues)]
        self.pit = Pit(self.world, venues, makers)
        self.pit.slow = [float(terms.price) for terms, _ in floor.places]
        for venue, (terms, _) in zip(venues, floor.places, strict=True):
            venue.react, venue.thin = self._react, self._refill
            venue.linked = [
                (there, terms.direction * theirs.direction)
                for there, (theirs, _) in zip(venues, floor.places, strict=True)
                if there is not venue
            ]

    def run(self, orders: int) -> World:
        """All days; `orders` in all, schemes and hard negatives included."""
        last = len(self._days) - 1
        for n, midnight in enumerate(self._days):
            target = round(orders * (n + 1) / (last + 1))
            self._open(midnight, target - self.world.entered - self._planted(n))
            for one in self._schemes:
                if one.day == n:
                    at = self.pit.opened + int(one.share * self._session.length)
                    self.world.start(at, one.practice.script(self.pit, one.case), True)
            if n == last:
                self._last_hours(target)
            self.world.run(self.pit.closing)
            self._close(self._days[min(n + 1, last)] + self._session.opened)
        return self.world

    def _last_hours(self, target: int) -> None:
        """Let the rest of the last day have as many orders as are missing, and no more."""
        world, pit = self.world, self.pit
        calls = self._calls * len(pit.venues)
        for begin, end in pairwise((_LATER, 0.8, 0.9, 0.96, 0.995)):
            world.run(pit.opened + int(begin * self._session.length))
            missing = max(0, target - self._certain())
            part = (end - begin) / (1.0 - begin)
            pit.reserve = int(0.25 * missing * part)
            until = pit.opened + int(end * self._session.length)
            self._act(int(missing * part) - pit.reserve, until)
        world.run(pit.closing - MINUTE // 30)
        world.rest(pit.closed, 0)
        for _ in range(target - calls - world.entered):
            limit(pit, 0)

    def _planted(self, day: int) -> int:
        """Orders that schemes which have begun by a day may still enter."""
        return sum(one.case.left for one in self._schemes if one.day <= day)

    def _certain(self) -> int:
        """Orders there will be at the end of the last day if everybody does what is planned."""
        pending = sum(case.left for case in self._cases) + self._left
        calls = self._calls * len(self.pit.venues)
        return self.world.entered + pending + self._planted(len(self._days)) + calls

    def _open(self, midnight: int, honest: int) -> None:
        """A day begins: the opening call and its auction; the day's business is arranged."""
        world, pit, session = self.world, self.pit, self._session
        pit.opened, pit.closing = midnight + session.opened, midnight + session.closing
        pit.closed = midnight + session.closed
        honest = max(0, honest)
        self._cases: list[Case] = []
        news = self._arrange(honest)
        path = day_path(self._rng, self._floor.places[0][0].volatility, session.length, news)
        for belief in self._beliefs:
            belief.begin(pit.opened, path)
        self._calls = round(honest * _AUCTIONS / 2 / len(pit.venues))
        pit.reserve = round(honest * _REACTIONS)
        self._obey(midnight + session.call)
        for place in range(len(pit.venues)):
            world.start(world.now + MINUTE, opening(pit, place, self._calls, world.now))
        world.run(pit.opened)
        self._obey(pit.opened)
        quotes = [maker for makers in pit.makers for maker in makers for _ in range(maker.slots)]
        world.start(world.now + 1, self._quotes(quotes))
        planned = sum(case.budget for case in self._cases)
        acts = honest - planned - 2 * self._calls * len(pit.venues) - pit.reserve - len(quotes)
        for venue in pit.venues:
            venue.refilling = False
        self._left = 0
        self._act(acts, pit.closing)

    def _close(self, again: int) -> None:
        """The closing call, its auction and the end; schemes that are not over go on later."""
        world, pit = self.world, self.pit
        world.rest(again + 5 * MINUTE, 60 * MINUTE)
        self._obey(pit.closing)
        for place in range(len(pit.venues)):
            world.start(world.now + 1_000, closing(pit, place, self._calls, world.now))
        world.run(pit.closed)
        self._obey(pit.closed)

    def _obey(self, time: int) -> None:
        """What the venues say up to a moment holds from now on."""
        self.world.now = max(self.world.now, time)
        while self._controls and self._controls[0].time <= time:
            control = self._controls.pop(0)
            for venue in self.pit.venues:
                if venue.mic == control.mic:
                    venue.control(control)

    def _arrange(self, honest: int) -> list[tuple[int, float]]:
        """Arrange a day's hard negatives; moments of news after the opening, and their jumps."""
        rng, world, jumps = self._rng, self.world, []
        for name, one in PROGRAMMES.items():
            left = honest * one.share * float(rng.exponential())
            while left >= 1.0:
                low, high = one.orders
                budget = int(low * (high / low) ** rng.random() + 0.5)
                if left < budget and rng.random() > left / budget:
                    break
                left -= budget
                at = int((0.002 + (one.latest - 0.002) * rng.random()) * self._session.length)
                party = world.fund() if one.fund else world.person()
                case = Case(name, "", budget, one.ranges, [party], rng, abusive=False)
                self._cases.append(case)
                world.start(self.pit.opened + at, one.script(self.pit, case))
                if name == "news-burst":
                    jumps.append((at, float(rng.choice([-1, 1]) * (0.003 + 0.012 * rng.random()))))
        return jumps

    def _act(self, acts: int, until: int) -> None:
        """Honest acts between now and a moment; each enters one order."""
        if acts <= 0:
            return
        self._left += acts
        begin = self.world.now + 1_000
        times = busy_times(self._rng, acts, begin, max(1, until - begin - 1_000_000))
        shares = [share for _, share in ACTS.values()]
        kinds = choose(self._rng, np.array([*shares, 1.0 - sum(shares)]), acts)
        self.world.start(int(times[0]), self._acts(times.tolist(), kinds.tolist()))

    def _acts(self, times: list[int], kinds: list[int]) -> Script:
        acts, pit, world = [act for act, _ in ACTS.values()], self.pit, self.world
        for time, kind in zip(times, kinds, strict=True):
            if time > world.now:
                yield time - world.now
            self._left -= 1
            place = pit.any_venue()
            if kind < len(acts):
                acts[kind](pit, place)
            else:
                makers = pit.makers[place]
                makers[int(len(makers) * pit.rng.random())].quote()
            pit.slow[place] += 0.05 * (pit.venues[place].mid() - pit.slow[place])

    def _quotes(self, makers: Sequence[Maker]) -> Script:
        for maker in makers:
            maker.quote()
            yield int(self._rng.exponential(20_000.0))

    def _makers(self, venue: Venue, place: int) -> list[Maker]:
        rng, houses = self._rng, self.world.parties.makers
        large = self._floor.weight >= _LARGE and not place
        chosen = rng.choice(len(houses), 4 if large else 2, replace=False)
        return [
            Maker(
                venue,
                houses[int(house)],
                levels=4 if large else 3,
                half=1.4 + 0.8 * n + 0.5 * rng.random(),
                size=int(venue.size * (1.0 + rng.random())),
                pegs=bool(rng.random() < 0.5),
            )
            for n, house in enumerate(chosen)
        ]

    def _react(self, venue: Venue, side: str) -> None:
        self.world.start(self.world.now + 1_000, react(self.pit, venue, side))

    def _refill(self, venue: Venue) -> None:
        self.world.start(self.world.now + 1_000, refill(self.pit, venue))
