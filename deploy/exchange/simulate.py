"""Simulate an exchange: orders, what a book makes of them, and the truth about each of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from deploy.exchange.calendar import FIRST_DAY, Session, trading_days
from deploy.exchange.listing import SECOND_VENUE, Listing
from deploy.exchange.mix import Mix, mix_of
from deploy.exchange.parties import Parties
from deploy.exchange.run import FloorRun
from deploy.exchange.schemes import Planned, planned
from deploy.exchange.tape import Tape, control_frame, link_frame, numbered
from udfs.matching.messages import Control

BAND_PPM, HALT_US = 100_000, 300_000_000
COLLAR_PPM, MOST_PIECES = 200_000, 10_000_000
"""What the venues set at the start: bands and halts, limits of all."""


@dataclass(frozen=True)
class Simulated:
    """What a simulation gives; frames have the columns of the records, in order of time.

    Each is numbered as by one producer on one partition; what goes to Kafka is numbered anew when
    it is sent. Events and executions are as the job `matching` would write them, in one shard,
    but for the offset of the message they come from, which is 0.

    Attributes:
        orders: Order, the messages that members send.
        controls: VenueControl.
        instruments: Instrument.
        owner_links: OwnerLink.
        instrument_links: InstrumentLink.
        labels: AbuseLabel, one of each order.
        events: OrderEvent.
        executions: Execution.
    """

    orders: pl.DataFrame
    controls: pl.DataFrame
    instruments: pl.DataFrame
    owner_links: pl.DataFrame
    instrument_links: pl.DataFrame
    labels: pl.DataFrame
    events: pl.DataFrame
    executions: pl.DataFrame


def simulate(
    seed: int,
    mix: str | Mix = "default",
    days: int = 3,
    orders: int | None = None,
    first: date = FIRST_DAY,
    events: bool = True,
) -> Simulated:
    """A few days at a seeded exchange; the same arguments give the same frames.

    Args:
        seed: What everything depends on.
        mix: What is planted, or the name of it.
        days: Business days.
        orders: Orders in all; as the mix says if left out.
        first: The first day.
        events: Whether events and executions are wanted; else their frames are empty.

    Raises:
        ValueError: There is no such mix, or so many days are not simulated.
    """
    found = (mix_of(mix) if isinstance(mix, str) else mix).of(orders)
    session, midnights = Session(), trading_days(first, days)
    start = midnights[0]
    listing = Listing.of(seed, start)
    parties = Parties.of(seed, found.pool)
    schemes = planned(seed, found, listing.floors, days, parties)
    mics = sorted({mic for floor in listing.floors for _, mic in floor.places} | {SECOND_VENUE})
    controls = _controls(seed, mics, midnights, session)
    tape, share, done = Tape(events), 0.0, 0
    owed: Counter[str] = Counter()
    for floor in reversed(listing.floors):
        share += floor.weight
        own = [one for one in schemes if one.floor == floor.number]
        _hand_on(owed, own, last=floor is listing.floors[0])
        run = FloorRun(seed, floor, parties, controls, midnights, session, own)
        target = round(found.orders * min(share, 1.0)) - done
        world = run.run(target)
        done += world.entered
        for one in own:
            owed[one.case.practice] += one.case.left
        tape.add(world, {terms.isin: terms for terms, _ in floor.places})
    return Simulated(
        orders=tape.orders(),
        controls=numbered([control_frame(controls)], "VenueControl"),
        instruments=numbered([listing.instruments], "Instrument"),
        owner_links=numbered([link_frame(seed, parties.groups, start)], "OwnerLink"),
        instrument_links=numbered([listing.links], "InstrumentLink"),
        labels=tape.labels(),
        events=tape.events(),
        executions=tape.executions(),
    )


def _hand_on(owed: Counter[str], schemes: Sequence[Planned], last: bool) -> None:
    """Let schemes enter what those of other floors had no time for: half as much again at most."""
    for one in schemes:
        case = one.case
        more = owed[case.practice] if last else min(owed[case.practice], case.budget // 2)
        case.budget += more
        owed[case.practice] -= more


def _controls(
    seed: int, mics: Sequence[str], midnights: Sequence[int], session: Session
) -> list[Control]:
    """Bands and limits at the start, then the phases of each day, in order of time."""
    found = []
    for mic in mics:
        empty = Control("", midnights[0], mic, "", "", "NONE", "*", 0, 0, 0, 0, 0, 0)
        found.append(empty._replace(kind="BANDS", band_ppm=BAND_PPM, halt_us=HALT_US))
        found.append(empty._replace(kind="LIMITS", max_quantity=MOST_PIECES, collar_ppm=COLLAR_PPM))
        for midnight in midnights:
            for phase, at in (
                ("OPENING_CALL", session.call),
                ("CONTINUOUS", session.opened),
                ("CLOSING_CALL", session.closing),
                ("CLOSED", session.closed),
            ):
                found.append(empty._replace(kind="PHASE", phase=phase, time=midnight + at))
    found.sort(key=lambda one: (one.time, one.mic))
    return [one._replace(control_id=f"V{seed}-{n:05d}") for n, one in enumerate(found)]
