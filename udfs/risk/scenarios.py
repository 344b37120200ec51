"""What a book gains or loses in each scenario: positions times price changes, exact.

Changes are whole numbers of one fine unit of the base currency for a position of 1, held in
float64. As long as sum |quantity| * largest |change| is below 2^53, every sum on the way is exact,
so that BLAS, its threads and the order of positions change no bit, and a vector that was updated
trade by trade equals one that was rebuilt. The bound is checked, not assumed.

Changes lie instrument by instrument in memory, shape (instruments, scenarios): a trade touches one
contiguous row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from udfs.risk.whole import EXACT, Floats, Ints, whole

_LIMIT = float(EXACT - 2**24)
"""Bounds are sums in floating point themselves, off by less than 2^24 for a million instruments."""


@dataclass(frozen=True)
class ScenarioSet:
    """Price changes by instrument and scenario.

    Attributes:
        instruments: Names, in the order of the rows.
        changes: Shape (instruments, scenarios): whole numbers; 0 where `gaps` counts one.
        gaps: Shape (instruments,): scenarios in which the instrument's change is not known.
    """

    instruments: tuple[str, ...]
    changes: Floats
    gaps: Ints

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row by instrument."""
        return {name: row for row, name in enumerate(self.instruments)}

    @cached_property
    def largest(self) -> Floats:
        """Largest |change| of each instrument, at least 1."""
        high = self.changes.max(axis=1, initial=1.0)
        low = self.changes.min(axis=1, initial=-1.0)
        largest: Floats = np.maximum(high, -low)
        return largest

    @cached_property
    def digest(self) -> str:
        """SHA-256 of instruments, changes and gaps, in hexadecimal."""
        state = sha256()
        state.update(repr((self.instruments, self.changes.shape)).encode())
        for row in self.changes:
            state.update(row.astype("<i8").tobytes())
        state.update(np.ascontiguousarray(self.gaps, dtype="<i8").tobytes())
        return state.hexdigest()


@dataclass(frozen=True)
class Vector:
    """A book's P&L by scenario.

    Attributes:
        pnl: Shape (scenarios,): whole numbers of the set's unit.
        quantities: Shape (instruments,): the positions behind it.
        unknown: Instruments of the book that the set does not know; they are not in `pnl`.
        incomplete: Why it is not to be relied on; empty if it is.
    """

    pnl: Floats
    quantities: Ints
    unknown: tuple[str, ...]
    incomplete: tuple[str, ...]


class Placed(NamedTuple):
    """Positions in the order of a scenario set, and the instruments it does not know."""

    quantities: Ints
    unknown: tuple[str, ...]


def relative_changes(history: ArrayLike, now: ArrayLike) -> Floats:
    """Price changes if today's price moved as it did on each past day: v_now (v_i / v_{i-1} - 1).

    Hull, Risk Management and Financial Institutions, 5th ed., chapter 13. For prices.

    Args:
        history: Shape (days, instruments), oldest first.
        now: Shape (instruments,).

    Returns:
        Shape (instruments, days - 1), not rounded; NaN where a price is not above 0 and finite.
    """
    then, today = _positive(history), _positive(now)
    changes: Floats = today * (then[1:] / then[:-1] - 1)
    return np.ascontiguousarray(changes.T)


def additive_changes(history: ArrayLike, now: ArrayLike) -> Floats:
    """Changes as they were on each past day, v_i - v_{i-1}: for rates and spreads.

    Returns:
        Shape (instruments, days - 1); NaN where a value is not finite, today's among them.
    """
    then, today = (np.asarray(part, dtype=np.float64) for part in (history, now))
    changes = np.where(np.isfinite(today), np.diff(then, axis=0), np.nan)
    return np.ascontiguousarray(np.where(np.isfinite(changes), changes, np.nan).T)


def scenario_set(
    instruments: Sequence[str], changes: ArrayLike, per_unit: ArrayLike = 1.0
) -> ScenarioSet:
    """A scenario set in whole units.

    Args:
        instruments: Names, all different.
        changes: Shape (instruments, scenarios): price changes of a position of 1.
        per_unit: Shape () or (instruments,): what turns them into the set's unit: multiplier times
            rate of exchange times powers of ten.

    Raises:
        OverflowError: A change is 2^53 units or more.
        ValueError: Names repeat, or their number is not that of the rows.
    """
    given = np.asarray(changes, dtype=np.float64)
    if len(set(instruments)) != len(instruments) or len(instruments) != given.shape[0]:
        raise ValueError("a scenario set has one row an instrument, each named once")
    units, gaps = np.empty(given.shape), np.zeros(given.shape[0], dtype=np.int64)
    factors = np.broadcast_to(np.asarray(per_unit, dtype=np.float64), gaps.shape)
    for row, factor in enumerate(factors.tolist()):  # by row: sets can fill half of the memory
        values = given[row] * factor
        known = np.isfinite(values)
        units[row] = whole(np.where(known, values, 0.0))
        gaps[row] = values.size - int(known.sum())
    return ScenarioSet(tuple(instruments), units, gaps)


def placed(scenarios: ScenarioSet, positions: Mapping[str, int]) -> Placed:
    """Positions as a vector in the order of the set; those it has no row for are named, sorted."""
    quantities = np.zeros(len(scenarios.instruments), dtype=np.int64)
    unknown = []
    for name, quantity in positions.items():
        row = scenarios.rows.get(name)
        if row is not None:
            quantities[row] += quantity
        elif quantity:
            unknown.append(name)
    return Placed(quantities, tuple(sorted(unknown)))


def vector(scenarios: ScenarioSet, quantities: ArrayLike, unknown: Sequence[str] = ()) -> Vector:
    """The P&L of a book in every scenario.

    Args:
        scenarios: The set.
        quantities: Shape (instruments,): whole signed positions.
        unknown: Instruments of the book that the set does not know (`placed`).

    Raises:
        OverflowError: Sums might not be exact: sum |quantity| * largest |change| is 2^53 or more.
    """
    held = _bounded(scenarios, np.asarray(quantities, dtype=np.int64))
    return Vector(
        pnl=held.astype(np.float64) @ scenarios.changes + 0.0,
        quantities=held,
        unknown=tuple(unknown),
        incomplete=_incomplete(scenarios, held, unknown),
    )


def vectors(scenarios: ScenarioSet, quantities: ArrayLike) -> Floats:
    """The P&L of several books at once, shape (books, scenarios), in one product of matrices.

    Args:
        scenarios: The set.
        quantities: Shape (books, instruments).

    Raises:
        OverflowError: Sums of a book might not be exact.
    """
    held = _bounded(scenarios, np.asarray(quantities, dtype=np.int64))
    pnl: Floats = held.astype(np.float64) @ scenarios.changes + 0.0
    return pnl


def traded(book: Vector, scenarios: ScenarioSet, trade: Mapping[int, int]) -> Vector:
    """The book after its positions in some rows changed, without adding up the others again.

    Args:
        book: The book before.
        scenarios: The set it was made with.
        trade: Change of quantity by row.

    Raises:
        OverflowError: Sums might not be exact.
    """
    change = np.zeros(book.quantities.size, dtype=np.int64)
    for row, quantity in trade.items():
        change[row] += quantity
    held = _bounded(scenarios, book.quantities + change)
    if _bound(scenarios, book.quantities) + _bound(scenarios, change) >= _LIMIT:
        return vector(scenarios, held, book.unknown)  # on the way a sum might not be exact
    pnl = book.pnl.copy()
    for row in np.flatnonzero(change).tolist():
        pnl += float(change[row]) * scenarios.changes[row]
    return Vector(pnl + 0.0, held, book.unknown, _incomplete(scenarios, held, book.unknown))


def _bound(scenarios: ScenarioSet, quantities: Ints) -> Floats:
    """The most that |P&L| and any part of its sum can be in a scenario, of one or several books."""
    bound: Floats = np.abs(quantities).astype(np.float64) @ scenarios.largest
    return bound


def _bounded(scenarios: ScenarioSet, quantities: Ints) -> Ints:
    """The quantities, if no sum of their P&L can leave what float64 holds exactly."""
    if (_bound(scenarios, quantities) >= _LIMIT).any():
        raise OverflowError("a scenario P&L may reach 2^53 units: take a coarser unit")
    return quantities


def _incomplete(
    scenarios: ScenarioSet, quantities: Ints, unknown: Sequence[str]
) -> tuple[str, ...]:
    """What a vector of these positions lacks, in words."""
    reasons = [f"not in the scenario set: {name}" for name in unknown]
    for row in np.flatnonzero((scenarios.gaps > 0) & (quantities != 0)).tolist():
        name, gaps = scenarios.instruments[row], int(scenarios.gaps[row])
        reasons.append(f"{name}: no change in {gaps} of {scenarios.changes.shape[1]} scenarios")
    return tuple(reasons)


def _positive(values: ArrayLike) -> Floats:
    """The values, NaN where one is not above 0 and finite."""
    given = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(given) & (given > 0), given, np.nan)
