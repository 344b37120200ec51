"""Schemes that begin with cash: amounts in base cents, T = 10,000.00.

Each meets the definition of its rule for certain: with a distance to each limit that conversion and
whole notes do not use up. What lies in between is drawn.
"""

import numpy as np
import polars as pl

from connectors.generators.aml.stage import FAR, HOUR, SUBJECT, Laid, Stage, T
from connectors.generators.aml.units import TRANSFER, WIRE, moves
from connectors.generators.arrays import Ints
from connectors.generators.feed import DAY

_WINDOWS = (1, 3, 5, 10)
_EXACT: Ints = np.array([T, T - 1, 995_000, 990_000, 950_000, 800_000])
"""Deposits in dollars that stand on the limits, the first on T itself."""


def structuring_near(stage: Stage) -> Laid:
    """3 to 7 cash-ins of 0.8 T to T within 1, 3, 5 or 10 days, at one to three branches."""
    (who,) = stage.covered(1)
    n, days = stage.between(3, 7), _WINDOWS[stage.between(0, 3)]
    at = stage.visits(who, n, days, even=stage.rng.random() < 0.4)
    area = stage.rng.choice(stage.areas_of(who, stage.between(1, 3)), n)
    dollars = stage.rng.random() < 0.3
    cents = stage.rng.choice(_EXACT, n) if dollars else stage.many(n, 820_000, 995_000)
    return Laid({who: SUBJECT}, [stage.cash_in(who, at, cents, area, dollars=dollars)])


def structuring_spread(stage: Stage) -> Laid:
    """2 to 5 days of cash-ins of 0.84 T to 0.97 T each, in one to three parts, within 10 days."""
    (who,) = stage.covered(1)
    used = min(stage.between(2, 5), stage.days)
    days = min(stage.between(used, 10), stage.days)
    first = stage.between(0, stage.days - days)
    chosen = np.sort(stage.rng.choice(days, used, replace=False))
    visits, amounts = [], []
    for day in chosen.tolist():
        n = stage.between(2, 3)
        visits.append(stage.start + (first + day) * DAY + stage.opening(who, n))
        amounts.append(stage.split(stage.between(845_000, 970_000), n))
    at, cents = np.concatenate(visits), np.concatenate(amounts)
    area = stage.rng.choice(stage.areas_of(who, stage.between(1, 3)), len(at))
    return Laid({who: SUBJECT}, [stage.cash_in(who, at, cents, area)])


def micro_structuring(stage: Stage) -> Laid:
    """20 to 40 cash-ins of 0.06 T to 0.28 T within 10 days."""
    (who,) = stage.covered(1)
    n = stage.between(20, 40)
    at = stage.visits(who, n, 10)
    area = stage.rng.choice(stage.areas_of(who, stage.between(1, 2)), n)
    cents = stage.many(n, 60_000, 280_000)
    return Laid({who: SUBJECT}, [stage.cash_in(who, at, cents, area)])


def smurfing(stage: Stage) -> Laid:
    """4 to 9 people pay 0.3 T to 0.94 T each in for one, some in two parts, within 1 or 3 days."""
    people = stage.between(4, 9)
    who, *depositors = stage.covered(1 + people)
    twice = stage.rng.choice(depositors, stage.between(0, 2), replace=False).tolist()
    visitors = stage.rng.permutation([*depositors, *twice])
    each = dict(zip(depositors, stage.many(people, 300_000, 940_000).tolist(), strict=True))
    cents = np.array([each[d] // (1 + (d in twice)) for d in visitors.tolist()])
    at = stage.visits(who, len(visitors), stage.between(0, 1) * 2 + 1)
    area = stage.rng.choice(stage.areas_of(who, stage.between(1, 3)), len(visitors))
    roles = {who: SUBJECT} | dict.fromkeys(depositors, "depositor")
    return Laid(roles, [stage.cash_in(who, at, cents, area, payer=visitors)])


def consolidation(stage: Stage) -> Laid:
    """Cash-ins below 3,000 into 3 or 4 accounts of one owner, merged into one, and wired abroad."""
    who, bank = stage.silent(), stage.bank
    accounts = stage.between(3, 4)
    n = accounts * stage.between(3, 6)
    at = stage.visits(who, n, stage.between(3, 6), after=3)
    account = bank.first_account[who] + 1 + np.arange(n) % accounts
    area = stage.rng.choice(stage.areas_of(who, 2), n)
    paid = stage.cash_in(who, at, stage.many(n, 90_000, 285_000), area, account=account)
    totals = paid.group_by("creditor_account").agg(pl.col("amount").sum()).sort("creditor_account")
    merging = stage.moments(accounts, int(at[-1]) + 2 * HOUR, 20 * HOUR)
    merged = moves(
        bank,
        at=merging,
        debtor=who,
        creditor=who,
        channel=TRANSFER,
        amount=totals["amount"].to_numpy(),
        debtor_account=totals["creditor_account"].to_numpy(),
    )
    sent = stage.share(totals, 0.9, 0.99)
    wires = stage.between(1, 2)
    wired = moves(
        bank,
        at=stage.moments(wires, int(merging[-1]) + HOUR, 20 * HOUR),
        debtor=who,
        creditor=stage.outside(FAR),
        channel=WIRE,
        amount=stage.split(sent, wires),
    )
    return Laid({who: SUBJECT}, [paid, merged, wired])


def funnel_account(stage: Stage) -> Laid:
    """A young account gets cash of 4 to 8 people in 3 or 4 other areas, emptied in another."""
    who, people = stage.silent(), stage.between(4, 8)
    depositors = stage.covered(people)
    *areas, last = stage.areas_of(who, stage.between(4, 5), other=True).tolist()
    visits = people + stage.between(0, 4)
    payer = np.array(depositors)[np.arange(visits) % people]
    at = stage.visits(who, visits, 2, after=2)
    area = np.array(areas)[np.arange(visits) % len(areas)]
    paid = stage.cash_in(who, at, stage.many(visits, 300_000, 940_000), area, payer=payer)
    drawn = stage.share(paid, 0.86, 0.98)
    n = -(-visits * 940_000 // 900_000)
    leaving = stage.moments(n, int(at[-1]) + 2 * HOUR, 18 * HOUR)
    out = stage.cash_out(who, leaving, stage.split(drawn, n), np.full(n, last))
    roles = {who: SUBJECT} | dict.fromkeys(depositors, "depositor")
    opened = int(at[0]) - stage.between(10, 50) * DAY
    return Laid(roles, [paid, out], opened={who: opened})
