"""Schemes in how money flows through one account: amounts in base cents.

Their members do nothing else, so that no salary or shopping comes between what goes in and what
goes out. Where a rule compares with what is usual for the customer, the scheme brings the usual
along as cover.
"""

import numpy as np

from connectors.generators.aml.money import USD
from connectors.generators.aml.people import RISKY
from connectors.generators.aml.stage import HOUR, SUBJECT, Laid, Stage
from connectors.generators.aml.units import TRANSFER, WIRE, moves
from connectors.generators.areas import LATITUDE, LONGITUDE
from connectors.generators.arrays import Floats, Ints
from connectors.generators.feed import DAY, SECOND

_MINUTE = 60 * SECOND
_YEAR = 365 * DAY
_SLEEP_DAYS = 182
DORMANT_DAYS = _SLEEP_DAYS + 18
"""Days of a world in which somebody can sleep long enough."""
_APART_KM = 1_500.0
_HISTORY_DAYS = 80
_MONTH = 30 * DAY


def pass_through(stage: Stage) -> Laid:
    """6,000 to 90,000 come in, and 93 % to 99.5 % leave again; all of it within 23 hours."""
    who, bank = stage.silent(), stage.bank
    came, left = stage.between(1, 3), stage.between(1, 3)
    first, _ = stage.begin(23 * HOUR)
    at = stage.moments(came, first, 2 * HOUR)
    each = stage.many(came, 600_000, 3_000_000)
    into = stage.transfers(at, stage.outside(), who, each)
    sent = stage.share(into, 0.93, 0.995)
    held = stage.between(10 * _MINUTE, 16 * HOUR)
    out = moves(
        bank,
        at=stage.moments(left, int(at[-1]) + held, 4 * HOUR),
        debtor=who,
        creditor=stage.outside(),
        channel=WIRE,
        amount=stage.split(sent, left),
    )
    return Laid({who: SUBJECT}, [into, out])


def dormant(stage: Stage) -> Laid:
    """Nothing for 182 days, then 9,000 to 60,000 in and 80 % to 99 % of it out within 6 days.

    Three of four members are seen before the sleep; the account of the others is years old, but no
    posting of theirs is.
    """
    who, cover = stage.silent(), []
    if stage.rng.random() < 0.75:
        at = stage.moments(8, stage.start + HOUR, 9 * DAY)
        area = np.full(8, stage.bank.area[who])
        cover.append(stage.shopping(who, at, stage.many(8, 1_000, 6_000), area))
    room = (stage.days - DORMANT_DAYS) * DAY
    first = stage.start + (10 + _SLEEP_DAYS) * DAY + stage.between(0, room)
    came, left, half = stage.between(1, 3), stage.between(1, 3), 3 * DAY
    total = stage.between(900_000, 6_000_000)
    into = stage.transfers(
        stage.moments(came, first, half), stage.outside(), who, stage.split(total, came)
    )
    sent = stage.share(into, 0.8, 0.99)
    out = moves(
        stage.bank,
        at=stage.moments(left, first + half + HOUR, half - HOUR),
        debtor=who,
        creditor=stage.outside(),
        channel=WIRE,
        amount=stage.split(sent, left),
    )
    opened = stage.start - stage.between(2 * _YEAR, 9 * _YEAR)
    return Laid({who: SUBJECT}, [into, out], cover, {who: opened})


def velocity(stage: Stage) -> Laid:
    """60 to 110 transfers of 200 to 900 within 50 minutes."""
    who, n = stage.silent(), stage.between(60, 110)
    first, _ = stage.begin(HOUR)
    at = first + np.sort(stage.many(n, 0, 50 * _MINUTE))
    creditor = np.array([stage.outside() for _ in range(12)])[stage.many(n, 0, 11)]
    return Laid(
        {who: SUBJECT},
        [
            moves(
                stage.bank,
                at=at,
                debtor=who,
                creditor=creditor,
                channel=TRANSFER,
                cents=stage.many(n, 20_000, 90_000),
            )
        ],
    )


def round_amounts(stage: Stage) -> Laid:
    """6 to 12 transfers of whole thousands, and one odd one for each five, within 25 days."""
    who, n = stage.silent(), stage.between(6, 12)
    odd = n // 5
    first, span = stage.begin(25 * DAY)
    at = stage.moments(n + odd, first, span)
    cents = np.concatenate(
        [stage.many(n, 1, 9) * 100_000, stage.many(odd, 1_000, 5_000) * 100 + 37]
    )
    creditor = np.array([stage.outside() for _ in range(3)])[stage.many(n + odd, 0, 2)]
    return Laid(
        {who: SUBJECT},
        [
            moves(
                stage.bank,
                at=at,
                debtor=who,
                creditor=creditor,
                channel=np.where(stage.rng.random(n + odd) < 0.4, WIRE, TRANSFER),
                cents=stage.rng.permutation(cents),
                currency=USD,
            )
        ],
    )


def time_of_day(stage: Stage) -> Laid:
    """170 purchases by day, then one or two transfers of 3,000 to 9,000 after two at night."""
    who, bank = stage.silent(), stage.bank
    day, before = _after_history(stage)
    home = np.full(170, bank.area[who])
    usual = stage.shopping(who, _by_day(stage, who, 170, before), stage.many(170, 800, 6_000), home)
    n = stage.between(1, 2)
    hour = np.array([stage.opening(who, 1, 2 + i, 1)[0] for i in range(n)])
    sent = moves(
        bank,
        at=stage.start + day * DAY + hour,
        debtor=who,
        creditor=stage.outside(),
        channel=TRANSFER,
        cents=stage.many(n, 300_000, 900_000),
    )
    return Laid({who: SUBJECT}, [sent], [usual])


def impossible_travel(stage: Stage) -> Laid:
    """A card at home, and 15 to 55 minutes later 1,500 km or more away; once or twice."""
    (who,) = stage.covered(1)
    home = int(stage.bank.area[who])
    far = stage.rng.choice(np.flatnonzero(_distance_km(home) >= _APART_KM))
    made = []
    for _ in range(stage.between(1, 2)):
        first = stage.visits(who, 1, 1)[0]
        at = np.array([first, first + stage.between(15 * _MINUTE, 55 * _MINUTE)])
        cents = stage.many(2, 2_000, 40_000)
        made.append(stage.shopping(who, at, cents, np.array([home, far])))
    return Laid({who: SUBJECT}, made)


def corridor(stage: Stage) -> Laid:
    """60 small transfers at home, then one or two wires of 6,000 to 40,000 into a risky country."""
    who, bank = stage.silent(), stage.bank
    day, before = _after_history(stage)
    at_home = np.array([stage.home(who)])
    friends = np.array([stage.outside(at_home) for _ in range(4)])
    usual = moves(
        bank,
        at=_by_day(stage, who, 60, before),
        debtor=who,
        creditor=friends[stage.many(60, 0, 3)],
        channel=TRANSFER,
        cents=stage.many(60, 2_000, 9_000),
    )
    n = stage.between(1, 2)
    wired = moves(
        bank,
        at=stage.start + day * DAY + stage.opening(who, n),
        debtor=who,
        creditor=stage.outside(RISKY),
        channel=WIRE,
        cents=stage.many(n, 600_000, 4_000_000),
    )
    return Laid({who: SUBJECT}, [wired], [usual])


def month_ends(start: int, days: int) -> Ints:
    """Days of a world at which a block of thirty days since 1970 ends, but the first and the last.

    A rule may know what is usual only up to the last of them.
    """
    day = np.arange(1, days - 1)
    ends: Ints = day[(start + day * DAY) % _MONTH == 0]
    return ends


def _after_history(stage: Stage) -> tuple[int, tuple[int, int]]:
    """A day, and the days before it, first and last, on which is done what is usual until then.

    No further block has ended between them: a rule that looks back 90 days still knows it all.
    """
    ends = month_ends(stage.start, stage.days)
    end = int(stage.rng.choice(ends)) if len(ends) else max(1, stage.days * 6 // 10)
    last = min(end + _MONTH // DAY, stage.days) - 1
    return stage.between(end, last), (max(0, end - _HISTORY_DAYS), end - 1)


def _by_day(stage: Stage, who: int, n: int, days: tuple[int, int]) -> Ints:
    """So many moments on days, first to last, from nine to five by the member's clock."""
    day = stage.many(n, *days)
    hour = stage.rng.permutation(stage.opening(who, n, 9, 8))
    return np.sort(stage.start + day * DAY + hour)


def _distance_km(area: int) -> Floats:
    """Great-circle distance of all areas from one, by the haversine formula, R = 6,371 km."""
    north, east = np.radians(LATITUDE / 1e6), np.radians(LONGITUDE / 1e6)
    half = np.sin((north - north[area]) / 2) ** 2
    half += np.cos(north) * np.cos(north[area]) * np.sin((east - east[area]) / 2) ** 2
    distance: Floats = 2 * 6_371.0 * np.arcsin(np.sqrt(half))
    return distance
