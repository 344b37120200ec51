"""VaR and expected shortfall once more, by sorting fractions: slow, exact, sharing no code."""

from fractions import Fraction
from math import floor


def tail(pnl, weights, share):
    """VaR, and the mean loss over exactly the worst `share`, of weighted scenarios.

    Each scenario is cut into a slice as wide as its weight; the worst slices up to `share` make the
    tail.
    """
    total = sum(weights)
    left, loss_sum, var = Fraction(share), Fraction(0), None
    for loss, weight in sorted(
        ((-p, Fraction(w, total)) for p, w in zip(pnl, weights, strict=True) if w), reverse=True
    ):
        width = min(weight, left)
        if width <= 0:
            break
        var = loss
        loss_sum += width * loss
        left -= width
    return var, rounded(loss_sum / Fraction(share))


def mean_of_worst(pnl, share):
    """The mean of the smallest number of worst losses that makes up `share` of the scenarios."""
    losses = sorted((-p for p in pnl), reverse=True)
    count = next(k for k in range(1, len(losses) + 1) if Fraction(k, len(losses)) >= share)
    return rounded(Fraction(sum(losses[:count]), count))


def book(quantities, changes):
    """P&L of a book by scenario; `changes` by instrument, then scenario."""
    return [
        sum(q * row[scenario] for q, row in zip(quantities, changes, strict=True))
        for scenario in range(len(changes[0]))
    ]


def rounded(value):
    """To the nearest whole number, halves up."""
    return floor(value + Fraction(1, 2))
