"""What a trade would add to the risk of a book, before it is accepted.

Exact: VaR(book and trade) - VaR(book), both over the same scenarios.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from udfs.risk.exposures import Exposures, exposures
from udfs.risk.measures import tail_columns
from udfs.risk.parameters import TAIL_975_PPM, TAIL_PPM
from udfs.risk.scenario_sets import BuiltSet
from udfs.risk.scenarios import vector
from udfs.risk.tails import Tail, historical
from udfs.risk.tracked import Tracked, tail_of, tracked, worst_after


@dataclass(frozen=True)
class Base:
    """A book made ready for questions: its tail at 99 %, within the one at 97.5 %."""

    group: str
    tail: Tail
    wide: Tracked
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class WhatIf:
    """Measures of a book before and after a trade, in minor units.

    Attributes:
        before: var, es_inclusive, es_fractional, var_975, es_975 and what they rest on.
        after: The same with the trade.
        change: after - before of the amounts: incremental VaR and ES.
        incomplete: Why this is not to be relied on; empty if it is.
    """

    before: Mapping[str, int]
    after: Mapping[str, int]
    change: Mapping[str, int]
    incomplete: tuple[str, ...]


def base(of: Exposures, built: BuiltSet, group: str) -> Base:
    """A book made ready for questions.

    Args:
        of: Exposures in the rows of the set.
        built: The set.
        group: Which book.

    Raises:
        OverflowError: The vector cannot be computed exactly.
    """
    place = of.groups.index(group)
    book = vector(built.scenarios, of.matrix[place])
    wide = tracked(book, built.scenarios, TAIL_975_PPM)
    return Base(group, historical(book.pnl, TAIL_PPM), wide, of.reasons[place])


def trade_exposures(
    trade: pl.DataFrame, marks: pl.DataFrame, built: BuiltSet, watermark: int
) -> tuple[dict[int, int], tuple[str, ...]]:
    """What a trade, or several, would change by row of the set, and what of it has no exposure.

    Each trade is rounded by itself, as it would be if the book held nothing else of the instrument.

    Args:
        trade: Columns isin and quantity (signed).
        marks: As for `exposures`.
        built: The set.
        watermark: Business time, microseconds UTC.
    """
    held = trade.select(group=pl.lit("trade"), isin="isin", quantity="quantity")
    found = exposures(held, marks, built, watermark, ["trade"])
    changed = {row: int(found.matrix[0, row]) for row in found.matrix[0].nonzero()[0].tolist()}
    return changed, found.reasons[0]


def what_if(
    book: Base, built: BuiltSet, change: Mapping[int, int], lacking: tuple[str, ...] = ()
) -> WhatIf:
    """Measures before and after a change of exposures.

    Args:
        book: As it is.
        built: The set it was made ready with.
        change: Change of exposure by row (`trade_exposures`).
        lacking: What of the trade has no exposure.

    Raises:
        OverflowError: The vector cannot be computed exactly.
    """
    before = tail_columns(book.tail, book.wide.tail)
    worst = worst_after(book.wide, built.scenarios, change)
    tail = tail_of(worst, book.tail, TAIL_PPM)
    wide = tail_of(worst, book.wide.tail, TAIL_975_PPM)
    after = tail_columns(tail, wide)
    amounts = ("var", "es_inclusive", "es_fractional", "var_975", "es_975")
    reasons = (*book.reasons, *lacking, *tail.incomplete, *wide.incomplete)
    return WhatIf(
        before=before,
        after=after,
        change={name: after[name] - before[name] for name in amounts},
        incomplete=tuple(dict.fromkeys(reasons)),
    )
