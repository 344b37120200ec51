"""A ring: very many people who structure, several collectors, one sink."""

import numpy as np

from connectors.generators.aml.stage import HOUR, SUBJECT, Laid, Stage
from connectors.generators.aml.units import TRANSFER, moves
from connectors.generators.feed import DAY

_FOR_ONE = 30
"""Depositors for one collector."""


def collectors(depositors: int) -> int:
    """How many collectors a ring of so many depositors has."""
    return -(-depositors // _FOR_ONE)


def ring(stage: Stage, depositors: int) -> Laid:
    """Cash in, on to a collector, on to the sink.

    Each depositor pays in 3 to 5 times 0.84 T to 0.97 T within 3 days and sends 90 % to 98 % of it
    to a collector a day later at most; each collector sends 90 % to 98 % of what came to the sink,
    in two parts, once all has come. From the first cash to the last transfer it is under 6 days.
    """
    sink, *gather = stage.covered(1 + collectors(depositors))
    people = stage.covered(depositors)
    roles = {sink: "sink"} | dict.fromkeys(gather, "collector") | dict.fromkeys(people, SUBJECT)
    paid, begin = [], stage.between(0, max(0, stage.days - 7))
    for number, collector in enumerate(gather):
        came = last = 0
        first = begin + stage.between(0, 1)
        for who in people[number * _FOR_ONE : (number + 1) * _FOR_ONE]:
            n = stage.between(3, 5)
            day = np.sort(stage.many(n, 0, 2))
            at = (
                stage.start
                + first * DAY
                + np.sort(day * DAY + stage.rng.permutation(stage.opening(who, n)))
            )
            area = stage.rng.choice(stage.areas_of(who, 2), n)
            cash = stage.cash_in(who, at, stage.many(n, 845_000, 970_000), area)
            sent = np.array([stage.share(cash, 0.9, 0.98)])
            on = at[-1:] + stage.many(1, HOUR, 18 * HOUR)
            moved = moves(
                stage.bank, at=on, debtor=who, creditor=collector, channel=TRANSFER, amount=sent
            )
            paid += [cash, moved]
            currency = moved["currency"].to_numpy()
            came += int(stage.bank.rates.base(sent, currency)[0])
            last = max(last, int(on[0]))
        total = int(came * stage.rng.uniform(0.9, 0.98))
        at = stage.moments(2, last + HOUR, 10 * HOUR)
        paid.append(stage.transfers(at, collector, sink, stage.split(total, 2)))
    return Laid(roles, paid)
