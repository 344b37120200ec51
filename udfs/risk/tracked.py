"""The tail of a P&L vector after a small change, without looking at all scenarios again.

The worst scenarios of the vector are kept in order. A change adds at least `low` to every
scenario, so that whatever lies beyond the first m of them is at least the m-th worst P&L plus `low`
afterwards. If k of these m are not above that, the new tail lies among them: m is doubled until it
does. The numbers are those of `tails.historical` over the whole vector, bit for bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

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


def tail_after(of: Tracked, scenarios: ScenarioSet, change: Mapping[int, int]) -> Tail:
    """The tail once exposures in some rows have changed.

    Args:
        of: The vector before.
        scenarios: The set it was made with.
        change: Change of quantity by row.

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
        return historical(vector(scenarios, held).pnl, of.tail_ppm)
    low = -added
    m = min(2 * k, of.order.size)
    while k:
        pnl = of.worst[:m].copy()
        for row, amount in rows.items():
            pnl += amount * scenarios.changes[row][of.order[:m]]
        found = np.partition(pnl, k - 1)[:k]
        if m == size or found[k - 1] <= of.worst[m - 1] + low:
            return _tail(found, of.tail, of.tail_ppm, size)
        if m == of.order.size:
            break
        m = min(2 * m, of.order.size)
    return _whole(of, scenarios, change)


def _whole(of: Tracked, scenarios: ScenarioSet, change: Mapping[int, int]) -> Tail:
    """The tail from all scenarios, no sum of which can leave what is exact."""
    pnl = of.book.pnl.copy()
    for row, amount in change.items():
        pnl += float(amount) * scenarios.changes[row]
    return historical(pnl, of.tail_ppm)


def _tail(worst: Floats, like: Tail, tail_ppm: int, size: int) -> Tail:
    """VaR and ES from the k worst, the last of which is the VaR; as in `tails.historical`."""
    k = worst.size
    var = -int(worst[k - 1])
    whole = worst.astype(np.int64)
    small = k * int(np.abs(whole).max()) < 2**62
    total = -int(whole.sum()) if small else -sum(whole.tolist())
    beyond = total * PPM - (k * PPM - size * tail_ppm) * var
    return Tail(
        var=var,
        es_inclusive=divided(total, k),
        es_fractional=divided(beyond, size * tail_ppm),
        rank=k,
        tail_sum=total,
        scenarios=size,
        unusable=0,
        incomplete=like.incomplete,
    )
