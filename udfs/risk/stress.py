"""What named shifts of the market would cost: equities down a tenth, rates up a point.

A stress is a scenario with a name. It shifts the factors whose names fit a pattern, relatively or
by an amount; prices after it come from a full revaluation or from sensitivities, and the P&L of a
book from the same exact product as every other scenario (`scenarios`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import ArrayLike

from udfs.risk.scenarios import ScenarioSet, Vector, scenario_set
from udfs.risk.whole import PPM, Floats

Reprice = Callable[[Floats], Floats]
"""From levels of factors, shape (n, factors), to prices, shape (n, instruments)."""


@dataclass(frozen=True)
class Shift:
    """A shift of the factors whose names fit `pattern` (`*` and `?` as in file names).

    The level becomes level * (1 + relative_ppm / 10^6) + amount, `amount` in the factor's own unit.
    """

    pattern: str
    relative_ppm: int = 0
    amount: float = 0.0


@dataclass(frozen=True)
class Stress:
    """Shifts under a name; where several fit a factor they are applied in this order."""

    name: str
    shifts: tuple[Shift, ...]


@dataclass(frozen=True)
class Shifted:
    """Levels after stresses.

    Attributes:
        levels: Shape (stresses, factors); NaN where the level was not finite.
        unmatched: For each stress the patterns that no factor fits.
    """

    levels: Floats
    unmatched: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Outcome:
    """What a stress would do to a book, in the unit of its scenario set; a loss is negative.

    Attributes:
        name: Of the stress.
        pnl: The book's gain.
        parts: Shape (instruments,): by position; they add up to `pnl`.
        incomplete: Why it is not to be relied on; empty if it is.
    """

    name: str
    pnl: int
    parts: tuple[int, ...]
    incomplete: tuple[str, ...]


def parallel(
    equity: str = "equity/*",
    rate: str = "rate/*",
    currency: str = "fx/*",
    volatility: str = "volatility/*",
) -> tuple[Stress, ...]:
    """One class of factors at a time, up and down: a set to begin with, its sizes to be changed.

    Equities 10 %, rates 100 basis points (as 0.01), currencies 6 %, volatilities 20 % of their
    level: of the kind that the Derivatives Policy Group asked for (Framework for Voluntary
    Oversight, 1995).

    Args:
        equity: Pattern of equity prices.
        rate: Pattern of interest rates, as fractions of 1.
        currency: Pattern of rates of exchange.
        volatility: Pattern of volatilities.
    """
    moves = (
        ("equities {} 10 %", Shift(equity, 100_000)),
        ("rates {} 100 bp", Shift(rate, amount=0.01)),
        ("currencies {} 6 %", Shift(currency, 60_000)),
        ("volatilities {} 20 %", Shift(volatility, 200_000)),
    )
    return tuple(
        Stress(name.format(word), (Shift(up.pattern, sign * up.relative_ppm, sign * up.amount),))
        for name, up in moves
        for word, sign in (("up", 1), ("down", -1))
    )


def shifted(factors: Sequence[str], levels: ArrayLike, stresses: Sequence[Stress]) -> Shifted:
    """The levels of factors after each stress.

    Args:
        factors: Names.
        levels: Shape (factors,): today's.
        stresses: What to apply.
    """
    today = np.asarray(levels, dtype=np.float64)
    today = np.where(np.isfinite(today), today, np.nan)
    after = np.tile(today, (len(stresses), 1))
    unmatched = []
    for row, stress in zip(after, stresses, strict=True):
        missed = []
        for shift in stress.shifts:
            fits = np.array([fnmatchcase(name, shift.pattern) for name in factors], dtype=np.bool_)
            row[fits] = row[fits] * (1 + shift.relative_ppm / PPM) + shift.amount
            if not fits.any():
                missed.append(shift.pattern)
        unmatched.append(tuple(missed))
    return Shifted(after, tuple(unmatched))


def revalued(
    instruments: Sequence[str],
    levels: ArrayLike,
    after: Shifted,
    reprice: Reprice,
    per_unit: ArrayLike = 1.0,
) -> ScenarioSet:
    """Stresses as a scenario set, by full revaluation.

    Args:
        instruments: Names.
        levels: Shape (factors,): today's.
        after: Levels after the stresses (`shifted`).
        reprice: Prices from levels. A price that is not finite is a gap of its instrument.
        per_unit: What turns price changes into the set's unit (`scenario_set`).
    """
    today = reprice(np.asarray(levels, dtype=np.float64)[None, :])
    return scenario_set(instruments, (reprice(after.levels) - today).T, per_unit)


def by_sensitivity(
    instruments: Sequence[str],
    levels: ArrayLike,
    after: Shifted,
    deltas: ArrayLike,
    gammas: ArrayLike = 0.0,
    per_unit: ArrayLike = 1.0,
) -> ScenarioSet:
    """Stresses as a scenario set, by delta x + gamma x^2 / 2 for each factor's change x.

    Args:
        instruments: Names.
        levels: Shape (factors,): today's.
        after: Levels after the stresses (`shifted`).
        deltas: Shape (instruments, factors): price by level.
        gammas: The same shape, or 0: the second derivative, without cross terms.
        per_unit: As for `scenario_set`.
    """
    slope = np.asarray(deltas, dtype=np.float64)
    bend = np.broadcast_to(np.asarray(gammas, dtype=np.float64), slope.shape)
    moves = (after.levels - np.asarray(levels, dtype=np.float64)).T
    used = (slope != 0) | (bend != 0)
    known = np.isfinite(moves)
    moved = np.where(known, moves, 0.0)
    changes = slope @ moved + bend @ moved**2 / 2
    lost = used.astype(np.float64) @ (~known).astype(np.float64) > 0
    return scenario_set(instruments, np.where(lost, np.nan, changes), per_unit)


def outcomes(
    book: Vector, scenarios: ScenarioSet, stresses: Sequence[Stress], after: Shifted
) -> list[Outcome]:
    """What each stress would do to a book, worst first; of equal ones in the order given.

    Args:
        book: The book's vector over the set of stresses (`scenarios.vector`).
        scenarios: That set (`revalued`, `by_sensitivity`).
        stresses: Their names, in the order of the set.
        after: As returned by `shifted` for them.
    """
    held = book.quantities.tolist()
    found = []
    for column, (stress, missed) in enumerate(zip(stresses, after.unmatched, strict=True)):
        changes = scenarios.changes[:, column].tolist()
        found.append(
            Outcome(
                name=stress.name,
                pnl=int(book.pnl[column]),
                parts=tuple(q * int(c) for q, c in zip(held, changes, strict=True)),
                incomplete=(*(f"no factor fits {p}" for p in missed), *book.incomplete),
            )
        )
    return sorted(found, key=lambda outcome: outcome.pnl)
