"""Why a book gained what it did: the market, the trades, the passing of time, and the rest.

Each part is a difference of two valuations N(time, market, positions), 0 the beginning of the
period and 1 its end. Source: the P&L and P&L explain analytics of ORE (Open Source Risk Engine),
which value the old positions in the new market at the old time (hypothetical) and in the old market
at the new time (theta).
"""

from dataclasses import dataclass

import numpy.typing as npt

from udfs.risk.integers import Ints, ints, plus, product


@dataclass(frozen=True)
class Explained:
    """Parts of a period's P&L, all in one unit; int64 of one shape.

    clean == hypothetical + theta + trade_change + unexplained, exactly.

    Attributes:
        dirty: N(1,1,1) - N(0,0,0), without any cash.
        clean: dirty and the cash received: the P&L.
        hypothetical: N(0,1,0) - N(0,0,0): the old positions in the new market.
        theta: N(1,0,0) - N(0,0,0) and the cash that the old positions paid: time alone.
        trade_change: N(1,1,1) - N(1,1,0) and the cash paid for it: what dealing brought.
        unexplained: What is left: how market and time act together, N(1,1,0) - N(0,1,0) - N(1,0,0)
            + N(0,0,0).
    """

    dirty: Ints
    clean: Ints
    hypothetical: Ints
    theta: Ints
    trade_change: Ints
    unexplained: Ints


def explain(
    n000: npt.ArrayLike,
    n010: npt.ArrayLike,
    n100: npt.ArrayLike,
    n110: npt.ArrayLike,
    n111: npt.ArrayLike,
    *,
    flows: npt.ArrayLike = 0,
    trade_cash: npt.ArrayLike = 0,
) -> Explained:
    """The parts of P&L from five valuations; the digits are time, market and positions.

    Args:
        n000: The old positions in the old market at the old time; whole numbers, like all.
        n010: The old positions in the new market at the old time.
        n100: The old positions in the old market at the new time.
        n110: The old positions in the new market at the new time.
        n111: The new positions in the new market at the new time.
        flows: Cash that the old positions paid in the period (coupons, dividends); received is
            positive.
        trade_cash: Cash that the period's trades moved; paid is negative. With 0, trade change is
            the bare difference of two valuations.

    Raises:
        OverflowError: A part reaches 2^62.
    """
    start = -ints(n000)
    dirty = plus(n111, start)
    clean = plus(dirty, flows, trade_cash)
    hypothetical = plus(n010, start)
    theta = plus(n100, start, flows)
    trade_change = plus(n111, -ints(n110), trade_cash)
    rest = plus(clean, -hypothetical, -theta, -trade_change)
    return Explained(dirty, clean, hypothetical, theta, trade_change, rest)


def explain_linear(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    mark_before: npt.ArrayLike,
    mark_after: npt.ArrayLike,
    multiplier: npt.ArrayLike = 1,
    *,
    flows: npt.ArrayLike = 0,
    trade_cash: npt.ArrayLike = 0,
) -> Explained:
    """`explain` for what is worth units * multiplier * mark whatever the time: shares, futures, FX.

    Theta is the flows, and nothing is unexplained.

    Args:
        before: Signed units at the beginning, shape (positions,).
        after: Signed units at the end.
        mark_before: Price units at the beginning.
        mark_after: Price units at the end.
        multiplier: Units of the underlying a contract stands for.
        flows: As in `explain`, in value units.
        trade_cash: As in `explain`: minus the sum of units * multiplier * price over the fills.
    """
    start = product(before, multiplier, mark_before)
    moved = product(before, multiplier, mark_after)
    end = product(after, multiplier, mark_after)
    return explain(start, moved, start, moved, end, flows=flows, trade_cash=trade_cash)
