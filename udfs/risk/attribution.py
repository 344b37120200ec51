"""What a trade would add to a tail, and which positions and scenarios a tail is made of."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.risk.scenarios import ScenarioSet, Vector, traded
from udfs.risk.tails import Tail, historical
from udfs.risk.whole import Ints, adding_up


@dataclass(frozen=True)
class WhatIf:
    """A book's tail before and after a trade; the trade's own VaR and ES are the differences."""

    before: Tail
    after: Tail
    incremental_var: int | None
    incremental_es: int | None
    incomplete: tuple[str, ...]


@dataclass(frozen=True)
class Components:
    """Who makes the tail.

    Attributes:
        tail: The book's VaR and ES.
        scenarios: The k tail scenarios, worst first; the last is VaR's.
        tail_sums: Shape (instruments,): loss of each position over them; sum: `tail.tail_sum`.
        es: Their means, rounded down or up so that they add up to `tail.es_inclusive`.
        var: Loss of each position in VaR's scenario; sum: `tail.var`.
        incomplete: Why this is not to be relied on; empty if it is.
    """

    tail: Tail
    scenarios: tuple[int, ...]
    tail_sums: tuple[int, ...]
    es: tuple[int, ...]
    var: tuple[int, ...]
    incomplete: tuple[str, ...]


def what_if(
    book: Vector,
    scenarios: ScenarioSet,
    trade: Mapping[int, int],
    tail_ppm: int = 10_000,
    before: Tail | None = None,
) -> WhatIf:
    """What a trade would add to VaR and inclusive ES: VaR(P + trade) - VaR(P), exact.

    Args:
        book: The book before.
        scenarios: The set it was made with.
        trade: Change of quantity by row.
        tail_ppm: 1 - confidence in parts per million.
        before: The book's tail, where it is known already.

    Raises:
        OverflowError: Sums might not be exact.
    """
    then = traded(book, scenarios, trade)
    now = historical(book.pnl, tail_ppm) if before is None else before
    after = historical(then.pnl, tail_ppm)
    return WhatIf(
        before=now,
        after=after,
        incremental_var=_difference(after.var, now.var),
        incremental_es=_difference(after.es_inclusive, now.es_inclusive),
        incomplete=(*then.incomplete, *after.incomplete),
    )


def tail_scenarios(pnl: ArrayLike, tail: Tail) -> Ints:
    """The scenarios that make the tail, worst first; of equal ones at VaR the first in the set."""
    values = np.asarray(pnl, dtype=np.float64)
    if tail.var is None:
        return np.zeros(0, dtype=np.int64)
    beyond = np.flatnonzero(values < -tail.var)
    at = np.flatnonzero(values == -tail.var)[: tail.rank - beyond.size]
    worst = beyond[np.argsort(values[beyond], kind="stable")]
    found: Ints = np.concatenate([worst, at]).astype(np.int64)
    return found


def components(book: Vector, scenarios: ScenarioSet, tail_ppm: int = 10_000) -> Components:
    """The part of each position in the book's ES (mean over the tail scenarios) and VaR.

    Both add up exactly, ES in its inclusive form. The parts of VaR come from one scenario and are
    as noisy as that.

    Raises:
        OverflowError: A sum over the tail leaves 64 bits.
    """
    tail = historical(book.pnl, tail_ppm)
    worst = tail_scenarios(book.pnl, tail)
    size = len(scenarios.instruments)
    reasons = (*book.incomplete, *tail.incomplete)
    if tail.es_inclusive is None:
        return Components(tail, (), (0,) * size, (0,) * size, (0,) * size, reasons)
    if int(scenarios.largest.max(initial=0.0)) * worst.size >= 2**63:
        raise OverflowError("changes add up to 2^63 or more over the tail: take a coarser unit")
    changes = scenarios.changes[:, worst].astype(np.int64)
    held = book.quantities.tolist()
    sums = [-q * c for q, c in zip(held, changes.sum(axis=1).tolist(), strict=True)]
    last = [-q * c for q, c in zip(held, changes[:, -1].tolist(), strict=True)]
    parts = adding_up(sums, tail.rank)
    return Components(tail, tuple(worst.tolist()), tuple(sums), tuple(parts), tuple(last), reasons)


def _difference(after: int | None, before: int | None) -> int | None:
    """The difference of two numbers that may be missing."""
    return None if after is None or before is None else after - before
