"""Value at risk, limits and margin calls of the books of a shard, once positions are valued.

Measures are taken at each full second of log time, limits with them, margin at valuation points:
each with the positions and marks of the slice that says so.
"""

from collections.abc import Mapping

import polars as pl

from schemas.step import Clock, Outputs, State, TableSpec
from udfs.risk import controls, measures, scenario_state
from udfs.risk.listed import Terms
from udfs.risk.market import Prices
from udfs.risk.risk_telling import Behind, limit_uses, margin_calls, risk_measures
from udfs.risk.scenario_ready import ready

TABLES: Mapping[str, TableSpec] = {**scenario_state.TABLES, **controls.TABLES}


def priced_marks(known: Terms, prices: Prices) -> pl.DataFrame:
    """Marks as measures take them: at the prices and rates that positions are valued at."""
    return known.frame.with_columns(
        bid=pl.Series(prices.price),
        ask=pl.Series(prices.price),
        quality=pl.Series(prices.quality),
        rate=pl.Series(prices.rate),
    )


def measured(
    state: State,
    clock: Clock,
    held: pl.DataFrame,
    marks: pl.DataFrame,
    books: pl.DataFrame,
    point: int | None,
    behind: Behind,
    read: str,
) -> Outputs:
    """Records of risk, limits and margin of the books.

    Args:
        state: Tables of TABLES.
        clock: That of the batch; its watermark is the business time of fills and marks.
        held: Columns group (book), isin, quantity.
        marks: As of `priced_marks`.
        books: Columns name, day, total, base (total at the end of the day before), complete.
        point: The last valuation point that was decided in this slice, if any: margin is called
            and all limits are told.
        behind: What the results rest on.
        read: What was read in the slice.
    """
    now = max(clock.watermark, 0)
    names = books["name"].to_list()
    built = ready(state, marks, "book", now)
    if built is None:
        risk = measures.unmeasured(names, scenario_state.why_none(state))
    else:
        risk = measures.measure(measures.exposures(held, marks, built, now, names), built)
    used = controls.limits_used(
        state,
        controls.limit_measures("BOOK", risk, books),
        now,
        scope="BOOK",
        names=names,
        everything=point is not None,
    )
    out = {
        "var": risk_measures(risk, "BOOK", clock, behind, read),
        "limits.used": limit_uses(used, clock, behind),
    }
    if point is not None:
        calls = controls.margin_calls(state, risk, books, now)
        out["margin.calls"] = margin_calls(calls, point, clock, behind)
    return out
