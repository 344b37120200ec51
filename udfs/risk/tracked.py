"""The tail of a P&L vector after a small change, without looking at all scenarios again.

The worst scenarios of the vector are kept in order. A change adds at least `low` to every
scenario, so that whatever lies beyond the first m of them is at least the m-th worst P&L plus `low`
afterwards. If k of these m are not above that, the new tail lies among them: m is doubled until it
does. The numbers are those of `tails.historical` over the whole vector, bit for bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from udfs.risk.scenarios import ScenarioSet, Vector, vector
from udfs.risk.tails import Tail, historical, rank_of
from udfs.risk.whole import EXACT, PPM, Floats, Ints, divided

KEPT = 8
"""So many times the tail are kept in order."""
_LIMIT = float(EXACT - 2**24)  # as in udfs.risk.scenarios


@dataclass(frozen=True)
class Tracked:
    """A P&L vector, its tail, and its worst scenarios in order.

    Attributes:
        book: The vector.
        tail: Its VaR and ES.
        tail_ppm: The tail.
        order: The worst scenarios, worst first.
        worst: Their P&L, ascending.
        bound: The most that |P&L| and any part of its sum can be.
    """

    book: Vector
    tail: Tail
    tail_ppm: int
    order: Ints
    worst: Floats
    bound: float


def tracked(book: Vector, scenarios: ScenarioSet, tail_ppm: int) -> Tracked:
    """The vector made ready for changes.

    Args:
        book: All of whose scenarios are finite.
        scenarios: The set it was made with.
        tail_ppm: 1 - confidence in parts per million.
    """
    size = book.pnl.size
    kept = min(size, KEPT * rank_of(size, tail_ppm))
    order = np.arange(size) if kept == size else np.argpartition(book.pnl, kept - 1)[:kept]
    order = order[np.lexsort((order, book.pnl[order]))]
    bound = float(np.abs(book.quantities).astype(np.float64) @ scenarios.largest)
    tail = historical(book.pnl, tail_ppm)
    return Tracked(book, tail, tail_ppm, order, book.pnl[order], bound)


def worst_after(of: Tracked, scenarios: ScenarioSet, change: Mapping[int, int]) -> Floats:
    """The P&L of the scenarios of the tail once exposures in some rows have changed.

    Args:
        of: The vector before.
        scenarios: The set it was made with.
        change: Change of quantity by row.

    Returns:
        Shape (rank,): in any order, but the last one is the largest: VaR's.

    Raises:
        OverflowError: Sums might not be exact.
    """
    size, k = of.book.pnl.size, of.tail.rank
    rows = {row: float(amount) for row, amount in change.items() if amount}
    added = sum(abs(amount) * float(scenarios.largest[row]) for row, amount in rows.items())
    if of.bound + added >= _LIMIT:
        held = of.book.quantities.copy()
        for row, whole in change.items():
            held[row] += whole
        return _worst(vector(scenarios, held).pnl, k)
    m = min(2 * k, of.order.size)
    while k:
        pnl = of.worst[:m].copy()
        for row, amount in rows.items():
            pnl += amount * scenarios.changes[row][of.order[:m]]
        found = _worst(pnl, k)
        if m == size or found[k - 1] <= of.worst[m - 1] - added:
            return found
        if m == of.order.size:
            break
        m = min(2 * m, of.order.size)
    pnl = of.book.pnl.copy()
    for row, amount in rows.items():
        pnl += amount * scenarios.changes[row]
    return _worst(pnl, k)


def tail_of(worst: Floats, like: Tail, tail_ppm: int) -> Tail:
    """VaR and ES from the worst P&L of a vector, as `tails.historical` has them.

    Args:
        worst: At least as many of the worst as the tail has.
        like: The tail of another vector over the same scenarios.
        tail_ppm: The tail.
    """
    k, size = like.rank, like.scenarios
    if k == 0:
        return like
    whole = _worst(worst, k).astype(np.int64)
    small = k * int(np.abs(whole).max()) < 2**62
    var, total = -int(whole[-1]), -int(whole.sum()) if small else -sum(whole.tolist())
    beyond = total * PPM - (k * PPM - size * tail_ppm) * var
    return replace(
        like,
        var=var,
        es_inclusive=divided(total, k),
        es_fractional=divided(beyond, size * tail_ppm),
        tail_sum=total,
    )


def _worst(pnl: Floats, k: int) -> Floats:
    """The k smallest, the largest of them last."""
    if k == 0 or k == pnl.size:
        return np.sort(pnl)[:k]
    return np.partition(pnl, k - 1)[:k]
