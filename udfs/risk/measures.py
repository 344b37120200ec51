"""Value at risk and expected shortfall of books and of the firm, from exposures and scenarios.

P&L vectors are exposures times ppm, whole millionths of the reporting currency, exact in float64
(udfs.risk.scenarios). Where a sum might not be exact, exposures are rounded to thousands, and to
millions, of the currency: the number says so and is not complete.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from udfs.risk import attribution
from udfs.risk.exposures import Exposures, exposures
from udfs.risk.measure_parameters import MINOR
from udfs.risk.parameters import TAIL_975_PPM, TAIL_PPM
from udfs.risk.scenario_sets import BuiltSet
from udfs.risk.scenarios import Vector, vector, vectors
from udfs.risk.tails import Tail, historical
from udfs.risk.whole import EXACT, PPM, Floats, Ints, adding_up, divided

__all__ = ["Exposures", "components", "exposures", "measure", "pnl_vectors", "unmeasured"]

MICRO = PPM // MINOR
"""Units of a P&L vector in a minor unit."""
COARSER = (1, 1_000, 1_000_000)
_LIMIT = float(EXACT - 2**24)  # as in udfs.risk.scenarios

SCHEMA = {
    "group": pl.String,
    "tail_ppm": pl.Int64,
    "var": pl.Int64,
    "es_inclusive": pl.Int64,
    "es_fractional": pl.Int64,
    "var_975": pl.Int64,
    "es_975": pl.Int64,
    "scenarios": pl.Int64,
    "rank": pl.Int64,
    "gross": pl.Int64,
    "net": pl.Int64,
    "positions": pl.Int64,
    "missing": pl.Int64,
    "complete": pl.Boolean,
    "incomplete": pl.String,
    "scenario_set": pl.String,
    "decided_by": pl.String,
}


@dataclass(frozen=True)
class PnlVectors:
    """P&L of groups by scenario.

    Attributes:
        pnl: Shape (groups, scenarios): whole units of the reporting currency / 10^6 * `coarse`.
        matrix: Shape (groups, rows): the exposures behind it, in units of `coarse`.
        coarse: Shape (groups,): 1, or what exposures were rounded to; 0 where that did not do.
    """

    pnl: Floats
    matrix: Ints
    coarse: Ints


def pnl_vectors(of: Exposures, built: BuiltSet) -> PnlVectors:
    """The P&L of all groups in one product of matrices.

    Args:
        of: Exposures in the rows of the set.
        built: The set.
    """
    largest = built.scenarios.largest
    exact = np.asarray(of.matrix, dtype=np.int64)
    matrix, coarse = np.zeros_like(exact), np.zeros(len(of.groups), dtype=np.int64)
    for unit in COARSER:
        rounded = np.rint(exact / unit).astype(np.int64) if unit > 1 else exact
        fits = (np.abs(rounded).astype(np.float64) @ largest < _LIMIT) & (coarse == 0)
        matrix[fits], coarse[fits] = rounded[fits], unit
    return PnlVectors(vectors(built.scenarios, matrix), matrix, coarse)


def measure(of: Exposures, built: BuiltSet, found: PnlVectors | None = None) -> pl.DataFrame:
    """VaR and both ES at 99 %, VaR and fractional ES at 97.5 %, one row a group.

    Args:
        of: Exposures in the rows of the set.
        built: The set.
        found: The P&L vectors, where they are known already.

    Returns:
        Columns of SCHEMA, those of the record RiskMeasure that are about the group: amounts in
        minor units, rounded halves up; ordered by group.
    """
    known = pnl_vectors(of, built) if found is None else found
    rows = []
    for place, group in enumerate(of.groups):
        coarse = int(known.coarse[place])
        tails = [historical(known.pnl[place], tail) for tail in (TAIL_PPM, TAIL_975_PPM)]
        reasons = [*of.reasons[place], *dict.fromkeys(r for t in tails for r in t.incomplete)]
        if coarse == 0:
            reasons.append("exposures too large to compute with: no number is given")
        elif coarse > 1:
            reasons.append(f"exposures rounded to {coarse:,} of the currency")
        rows.append(
            {"group": group}
            | tail_columns(tails[0], tails[1], coarse)
            | _sizes(of, place)
            | {
                "complete": not reasons,
                "incomplete": "; ".join(reasons),
                "scenario_set": built.label,
                "decided_by": f"scenarios:{built.digest}",
            }
        )
    return pl.DataFrame(rows, schema=SCHEMA)


def unmeasured(groups: Sequence[str], why: str) -> pl.DataFrame:
    """Rows as of `measure` where there is no set to measure with: no number, not complete."""
    empty = {name: 0 for name, kind in SCHEMA.items() if kind == pl.Int64}
    empty["tail_ppm"] = TAIL_PPM
    said = {"complete": False, "incomplete": why, "scenario_set": "", "decided_by": ""}
    rows = [{"group": group} | empty | said for group in sorted(groups)]
    return pl.DataFrame(rows, schema=SCHEMA)


def tail_columns(tail: Tail, wide: Tail, coarse: int = 1) -> dict[str, int]:
    """The numbers of two tails, at 99 and at 97.5 %, in minor units."""
    return {
        "tail_ppm": TAIL_PPM,
        "var": minor(tail.var, coarse),
        "es_inclusive": minor(tail.es_inclusive, coarse),
        "es_fractional": minor(tail.es_fractional, coarse),
        "var_975": minor(wide.var, coarse),
        "es_975": minor(wide.es_fractional, coarse),
        "scenarios": tail.scenarios,
        "rank": tail.rank,
    }


def minor(amount: int | None, coarse: int = 1) -> int:
    """An amount of a P&L vector in minor units, halves up; 0 without one."""
    return 0 if amount is None else divided(amount * coarse, MICRO)


def components(of: Exposures, built: BuiltSet, group: str) -> pl.DataFrame:
    """Which rows of the set make the VaR and the inclusive ES of a group.

    Args:
        of: Exposures in the rows of the set.
        built: The set.
        group: Which one.

    Returns:
        A row for each of the set's with an exposure: row, exposure (whole units), es and var in
        minor units. They add up to the rounded numbers of the group. Largest part of ES first.

    Raises:
        OverflowError: The vector cannot be computed exactly.
    """
    place = of.groups.index(group)
    book: Vector = vector(built.scenarios, of.matrix[place])
    parts = attribution.components(book, built.scenarios, TAIL_PPM)
    return (
        pl.DataFrame(
            {
                "row": list(built.scenarios.instruments),
                "exposure": of.matrix[place],
                "es": adding_up(parts.es, MICRO),
                "var": adding_up(parts.var, MICRO),
            },
            schema={"row": pl.String, "exposure": pl.Int64, "es": pl.Int64, "var": pl.Int64},
        )
        .filter(pl.col("exposure") != 0)
        .sort("es", "row", descending=[True, False])
    )


def _sizes(of: Exposures, place: int) -> dict[str, int]:
    names = ("gross", "net", "positions", "missing")
    return {name: int(getattr(of, name)[place]) for name in names}
