"""Schemes of several people: shapes in the graph of transfers, within 4 days (gather-scatter 9).

    shape            sizes drawn (transfers)      span in days
    fan-in           5 to 16, mostly 8            2.5 to 3.9
    fan-out          5 to 16, mostly 7            2.5 to 3.9
    gather-scatter   8 to 28, mostly 14           5 to 8.4
    scatter-gather   8 to 32, mostly 14           2.5 to 3.9
    cycle            3 to 10, mostly 4            1 to 3.9
    bipartite        6 to 15                      0.5 to 1.9
    stack            8 to 30                      2 to 3.9
    random           5 to 10, mostly 5            1 to 3.8

Sizes and spans are those of a public labelled world, where they are large enough for a shape to be
told from ordinary business. Transfers are of 5,000 to 30,000 dollars, 3,300 or more where a hub
scatters, in the payer's currency.
"""

from itertools import pairwise

import numpy as np

from connectors.generators.aml.stage import HOUR, Laid, Stage
from connectors.generators.arrays import Ints
from connectors.generators.feed import DAY

_LEAST, _MOST = 500_000, 3_000_000
_SETS = ((2, 3), (3, 2), (2, 4), (3, 3), (4, 3), (3, 4), (5, 3), (3, 5))
_STACKS = (
    (2, 2, 2),
    (2, 2, 3),
    (2, 3, 2),
    (2, 2, 2, 2),
    (3, 3, 2),
    (3, 3, 3),
    (3, 4, 3),
    (3, 5, 3),
)
_FEE = 0.03


def fan_in(stage: Stage) -> Laid:
    """Several sources pay one hub."""
    n = _size(stage, 8, 5, 16)
    hub, *sources = stage.covered(1 + n)
    paid = stage.transfers(_within(stage, n, 2.5, 3.9), np.array(sources), hub, _amounts(stage, n))
    return Laid({hub: "hub"} | dict.fromkeys(sources, "source"), [paid])


def fan_out(stage: Stage) -> Laid:
    """One hub pays several targets."""
    n = _size(stage, 7, 5, 16)
    hub, *targets = stage.covered(1 + n)
    paid = stage.transfers(_within(stage, n, 2.5, 3.9), hub, np.array(targets), _amounts(stage, n))
    return Laid({hub: "hub"} | dict.fromkeys(targets, "target"), [paid])


def gather_scatter(stage: Stage) -> Laid:
    """A hub is paid by several sources, and then pays on to several targets."""
    came = _size(stage, 7, 4, 14)
    went = min(2 * came, _size(stage, 7, 4, 14))
    hub, *others = stage.covered(1 + came + went)
    sources, targets = others[:came], others[came:]
    at = _within(stage, came + went, 5.0, 8.4)
    cents = stage.many(came, 3 * _LEAST, _MOST)
    into = stage.transfers(at[:came], np.array(sources), hub, cents)
    kept = int(cents.sum() * stage.rng.uniform(0.88, 0.98))
    out = stage.transfers(at[came:], hub, np.array(targets), stage.split(kept, went))
    roles = dict.fromkeys(sources, "source") | dict.fromkeys(targets, "target")
    return Laid({hub: "hub"} | roles, [into, out])


def scatter_gather(stage: Stage) -> Laid:
    """A source pays several middlemen, each of whom then pays on to the same target."""
    n = _size(stage, 7, 4, 16)
    source, target, *middle = stage.covered(2 + n)
    first, span = stage.begin(int(stage.rng.uniform(2.5, 3.9) * DAY))
    came = stage.moments(n, first, span // 2)
    went = came + stage.many(n, span // 20, span * 2 // 5)
    cents = _amounts(stage, n)
    kept = np.rint(cents * stage.rng.uniform(0.93, 0.99, n)).astype(np.int64)
    into = stage.transfers(came, source, np.array(middle), cents)
    out = stage.transfers(went, np.array(middle), target, kept)
    roles = {source: "source", target: "target"} | dict.fromkeys(middle, "middleman")
    return Laid(roles, [into, out])


def cycle(stage: Stage) -> Laid:
    """Money that comes back over several hops; a fee of up to 3 % is kept at each."""
    n = min(10, 2 + int(stage.rng.geometric(0.45)))
    ring = stage.covered(n)
    return _chain(stage, [*ring, ring[0]], stage.rng.uniform(1.0, 3.9))


def random_walk(stage: Stage) -> Laid:
    """Money that moves on and on, and does not come back."""
    n = min(10, 4 + int(stage.rng.geometric(0.6)))
    return _chain(stage, stage.covered(n + 1), stage.rng.uniform(1.0, 3.8))


def bipartite(stage: Stage) -> Laid:
    """Each of some senders pays each of some receivers."""
    return _layers(stage, _SETS[stage.between(0, len(_SETS) - 1)], 0.5, 1.9)


def stack(stage: Stage) -> Laid:
    """Layers of senders and receivers one after the other."""
    return _layers(stage, _STACKS[stage.between(0, len(_STACKS) - 1)], 2.0, 3.9)


def _chain(stage: Stage, way: list[int], days: float) -> Laid:
    hops = len(way) - 1
    first, span = stage.begin(int(days * DAY))
    at = first + np.arange(hops) * (span // hops) + stage.many(hops, 0, span // hops - HOUR // 4)
    falls = stage.rng.uniform(0.002, _FEE, hops)
    cents = np.rint(stage.between(1_000_000, _MOST) * np.cumprod(1.0 - falls)).astype(np.int64)
    paid = stage.transfers(at, np.array(way[:-1]), np.array(way[1:]), cents)
    return Laid(dict.fromkeys(way, "hop"), [paid])


def _layers(stage: Stage, sizes: tuple[int, ...], least: float, most: float) -> Laid:
    """Layers of members, each of whom pays all of the next layer, one layer after the other."""
    people = [stage.covered(n) for n in sizes]
    pairs = [n * m for n, m in pairwise(sizes)]
    at = np.split(_within(stage, sum(pairs), least, most), np.cumsum(pairs)[:-1])
    paid = []
    for moment, (senders, receivers) in zip(at, pairwise(people), strict=True):
        order = stage.rng.permutation(len(moment))
        debtor = np.repeat(senders, len(receivers))[order]
        creditor = np.tile(receivers, len(senders))[order]
        paid.append(stage.transfers(moment, debtor, creditor, _amounts(stage, len(moment))))
    names = ["source", *["middleman"] * (len(sizes) - 2), "target"]
    roles = {who: name for layer, name in zip(people, names, strict=True) for who in layer}
    return Laid(roles, paid)


def _size(stage: Stage, median: float, least: int, most: int) -> int:
    return int(np.clip(np.rint(median * np.exp(0.35 * stage.rng.standard_normal())), least, most))


def _within(stage: Stage, n: int, least: float, most: float) -> Ints:
    """So many moments within a span of days that is drawn."""
    first, span = stage.begin(int(stage.rng.uniform(least, most) * DAY))
    return stage.moments(n, first, span)


def _amounts(stage: Stage, n: int) -> Ints:
    return stage.many(n, _LEAST, _MOST)
