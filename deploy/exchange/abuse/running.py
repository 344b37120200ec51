"""Front running: an order of one's own ahead of a client's large one."""

from connectors.generators.feed import SECOND
from deploy.exchange.abuse.case import Case, a_side, two_sided
from deploy.exchange.pit import Pit, pieces
from deploy.exchange.venue import other
from deploy.exchange.world import Script, Truth

SEEN = {"ahead": (1.0, 50.0), "share": (0.04, 0.2), "client": (8.0, 25.0), "after": (1.0, 90.0)}
"""Seconds before the client's order, pieces against it, its pieces against the median order,
seconds until the way out."""
UNSEEN = {"ahead": (0.3, 60.0), "share": (0.02, 0.2), "client": (5.0, 40.0), "after": (30.0, 600.0)}
CLIENT = Truth("honest", "client")


def front_running(pit: Pit, case: Case) -> Script:
    """The member's own man buys, the client buys, the man sells: again and again."""
    venue, rng, client = pit.venues[0], case.rng, pit.world.fund()
    person = case.people[0]._replace(member=client.member, client=client.member)
    while case.left >= 2:
        yield from two_sided(pit, venue)
        side = a_side(rng)
        total = pieces(rng, case.draw("client") * venue.size)
        own = max(1, int(total * case.draw("share")))
        front = case.enter(
            venue, side, own, venue.behind(other(side), 1), "front", person, force="IOC"
        )
        yield case.wait("ahead")
        yield from two_sided(pit, venue)
        parts = int(rng.integers(1, 4))
        for _ in range(parts):
            pit.reserve -= 1
            price = venue.behind(other(side), int(rng.integers(1, 4)))
            venue.enter(client, side, max(1, total // parts), price, CLIENT, force="IOC")
            yield int(rng.exponential(2.0 * SECOND)) + 1_000
        yield case.wait("after")
        yield from two_sided(pit, venue)
        back = max(1, front.filled)
        case.enter(venue, other(side), back, venue.behind(side, 1), "close", person, force="IOC")
        yield int(rng.exponential(900.0 * SECOND))
