"""Limits and margin terms in force, what they are used up by, and what margin is called.

State: the records of each limit and of each book's margin terms that are in force or are still to
come, and the status that a limit was last told with. Of records for the same time the later one in
the log counts. A record that is faulty changes nothing and is named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt

import polars as pl

from schemas.step import State, TableSpec
from udfs.risk import limits, margin
from udfs.risk.limits import Status
from udfs.risk.measure_parameters import MOST_RECORDS
from udfs.risk.parameters import MARGIN_DAYS, REPORTING
from udfs.risk.whole import PPM

LIMITS, STATUS, TERMS = "limits.records", "limits.status", "margin.records"
TABLES = {
    LIMITS: TableSpec(
        key="record",
        columns={
            "record": "str",
            "limit_id": "str",
            "scope": "str",
            "name": "str",
            "measure": "str",
            "soft": "int",
            "hard": "int",
            "revoked": "bool",
            "effective_from": "int",
            "sequence": "int",
        },
    ),
    STATUS: TableSpec(key="limit_id", columns={"limit_id": "str", "status": "int"}),
    TERMS: TableSpec(
        key="record",
        columns={
            "record": "str",
            "book": "str",
            "collateral": "int",
            "haircut_ppm": "int",
            "threshold": "int",
            "minimum_transfer": "int",
            "rounding": "int",
            "effective_from": "int",
            "sequence": "int",
        },
    ),
}
FIRM = "firm"
_OF = {LIMITS: "limit_id", TERMS: "book"}
_STATUSES = {int(one): one.name for one in Status}
_MEASURES: Mapping[str, pl.Expr] = {
    "VAR": pl.col("var"),
    "ES": pl.col("es_975"),
    "GROSS": pl.col("gross"),
    "NET": pl.col("net").abs(),
}


@dataclass(frozen=True)
class Refused:
    """A control record that changes nothing, and why."""

    record: str
    reason: str


def take_limits(state: State, records: pl.DataFrame) -> list[Refused]:
    """Put limits into state.

    Args:
        state: Tables of TABLES.
        records: Columns of the record RiskLimit, and `offset`.
    """
    rows = records.rename({"time": "effective_from", "record_id": "id"}).drop("sequence")
    rows = rows.rename({"offset": "sequence"})
    wrong = limits.faulty(rows).select("id", "reason")
    other = rows.filter((pl.col("scope") == "FIRM") != (pl.col("name") == FIRM))
    other = other.select("id", reason=pl.lit("firm is the name of the firm alone"))
    return _taken(state, LIMITS, rows, pl.concat([wrong, other]))


def take_terms(state: State, records: pl.DataFrame) -> list[Refused]:
    """Put margin terms into state.

    Args:
        state: Tables of TABLES.
        records: Columns of the record MarginTerms, and `offset`.
    """
    rows = records.rename({"time": "effective_from", "record_id": "id"}).drop("sequence")
    rows = rows.rename({"offset": "sequence"})
    negative = pl.min_horizontal("collateral", "haircut_ppm", "threshold", "minimum_transfer") < 0
    reason = (
        pl.when(negative)
        .then(pl.lit("negative"))
        .when(pl.col("haircut_ppm") > PPM)
        .then(pl.lit("haircut above 1,000,000 ppm"))
        .when(pl.col("rounding") < 1)
        .then(pl.lit("rounding below 1"))
    )
    wrong = rows.select("id", reason=reason).filter(pl.col("reason").is_not_null())
    return _taken(state, TERMS, rows, wrong)


def limit_measures(scope: str, risk: pl.DataFrame, pnl: pl.DataFrame) -> pl.DataFrame:
    """What limits are about, as `limits.used` takes it: scope, name, measure, value, complete.

    VAR is at 99 %, ES the fractional one at 97.5 %, LOSS the fall of `day`, GROSS and NET are
    exposures, NET in absolute value.

    Args:
        scope: BOOK or FIRM.
        risk: Rows of `measures.measure`; those without a scenario set measure nothing.
        pnl: Columns name, day, complete.
    """
    measured = risk.filter(pl.col("scenario_set") != "")
    parts = [
        measured.select(name="group", measure=pl.lit(what), value=value, complete="complete")
        for what, value in _MEASURES.items()
    ]
    loss = pl.max_horizontal(-pl.col("day"), 0)
    parts.append(pnl.select("name", measure=pl.lit("LOSS"), value=loss, complete="complete"))
    return pl.concat(parts).select(pl.lit(scope).alias("scope"), pl.all())


def limits_used(
    state: State,
    measured: pl.DataFrame,
    at: int,
    *,
    scope: str,
    names: Sequence[str],
    everything: bool = False,
) -> pl.DataFrame:
    """The limits whose status has changed since they were last told, or all that are in force.

    Args:
        state: Tables of TABLES.
        measured: As of `limit_measures`.
        at: Business time, microseconds UTC.
        scope: BOOK or FIRM: which limits.
        names: Of what limits are told: a book that nobody here has heard of is another shard's.
        everything: At a valuation point: tell all.

    Returns:
        limit_id, scope, name, measure, value, soft, hard, use_ppm, status, before and complete as
        in the record LimitUse, ordered by limit_id.
    """
    _prune(state, LIMITS, at)
    known = pl.Series(list(names), dtype=pl.String).implode()
    now = limits.in_force(state[LIMITS].frame(), at)
    now = now.filter((pl.col("scope") == scope) & pl.col("name").is_in(known))
    used = limits.used(now, measured)
    told = state[STATUS].frame()
    if everything:
        was = told.select("limit_id", status_before="status")
        out = used.join(was, on="limit_id", how="left", maintain_order="left")
        out = out.with_columns(pl.col("status_before").fill_null(int(Status.WITHIN)))
    else:
        out = limits.changed(told, used)
    _remember(state, told, used)
    return out.select(
        *("limit_id", "scope", "name", "measure"),
        pl.col("value").fill_null(0),
        *("soft", "hard"),
        pl.col("use_ppm").fill_null(0),
        pl.col("status").replace_strict(_STATUSES, return_dtype=pl.String),
        pl.col("status_before").replace_strict(_STATUSES, return_dtype=pl.String).alias("before"),
        "complete",
    )


def margin_calls(state: State, risk: pl.DataFrame, pnl: pl.DataFrame, at: int) -> pl.DataFrame:
    """What books with margin terms must post or get back.

    Initial margin: fractional ES at 97.5 % of a day, times the root of MARGIN_DAYS, rounded up;
    never below zero. Variation margin: the fall of `total` since the end of the day before.

    Args:
        state: Tables of TABLES.
        risk: Rows of `measures.measure`.
        pnl: Columns name, total, base (total at the end of the day before), complete.
        at: Business time, microseconds UTC.

    Returns:
        book, currency and the amounts of the record MarginCall, ordered by book.
    """
    _prune(state, TERMS, at)
    now = state[TERMS].frame().filter(pl.col("effective_from") <= at)
    now = now.sort("effective_from", "sequence").unique("book", keep="last")
    sure = pl.col("complete").alias("sure")
    sums = pnl.select("total", "base", "complete", book="name")
    rows = now.join(sums, on="book").join(
        risk.select(sure, book="group", es="es_975"), on="book", how="left"
    )
    rows = rows.sort("book").with_columns(
        pl.col("sure").fill_null(value=False) & pl.col("complete"), pl.col("es").fill_null(0)
    )
    initial = pl.Series([root_of_days(es) for es in rows["es"].to_list()], dtype=pl.Int64)
    variation = margin.variation_margin(rows["base"].to_numpy(), rows["total"].to_numpy())
    collateral = margin.collateral_value(
        rows["collateral"].to_numpy(), rows["haircut_ppm"].to_numpy()
    )
    found = margin.calls(
        initial.to_numpy(),
        variation,
        collateral,
        minimum_transfer=rows["minimum_transfer"].to_numpy(),
        rounding=rows["rounding"].to_numpy(),
        threshold=rows["threshold"].to_numpy(),
        complete=rows["sure"].to_numpy(),
    )
    return rows.select(
        "book",
        currency=pl.lit(REPORTING),
        initial=initial,
        variation=pl.Series(variation),
        collateral=pl.Series(collateral),
        required=pl.Series(found.required),
        deficit=pl.Series(found.deficit),
        call=pl.Series(found.call),
        returned=pl.Series(found.returned),
        uncalled=pl.Series(found.uncalled),
        complete="sure",
    )


def root_of_days(es: int) -> int:
    """ES of a day times the square root of MARGIN_DAYS, rounded up, exact; 0 for a gain."""
    return isqrt(MARGIN_DAYS * es * es - 1) + 1 if es > 0 else 0


def _taken(state: State, table: str, rows: pl.DataFrame, wrong: pl.DataFrame) -> list[Refused]:
    """Store the rows that are not wrong, as many as there is room for."""
    rows = rows.with_columns(record=pl.format("{}|{}", _OF[table], "sequence")).sort("sequence")
    good = rows.filter(~pl.col("id").is_in(wrong["id"].implode()))
    room = max(MOST_RECORDS - len(state[table]), 0)
    state[table].upsert(good[:room].select(*TABLES[table].columns))
    full = good[room:].select("id", reason=pl.lit(f"{MOST_RECORDS} records are here already"))
    refused = pl.concat([wrong, full]).unique("id", keep="first").sort("id")
    return [Refused(*row) for row in refused.rows()]


def _prune(state: State, table: str, at: int) -> None:
    """Drop the records that a later one has replaced."""
    of = _OF[table]
    rows = state[table].frame().filter(pl.col("effective_from") <= at)
    order = rows.sort("effective_from", "sequence")
    gone = order.filter(pl.col(of).is_duplicated() & ~pl.col(of).is_last_distinct())
    if gone.height:
        state[table].upsert(gone.select("record", sequence=pl.lit(-1, dtype=pl.Int64)))
        state[table].expire("sequence", 0)


def _remember(state: State, told: pl.DataFrame, used: pl.DataFrame) -> None:
    """The status of the limits in force; that of others is forgotten."""
    over = told.join(used, on="limit_id", how="anti").select("limit_id", status=pl.lit(-1))
    moved = used.select("limit_id", "status").join(told, on=["limit_id", "status"], how="anti")
    if over.height:
        state[STATUS].upsert(over.cast({"status": pl.Int64}))
        state[STATUS].expire("status", 0)
    if moved.height:
        state[STATUS].upsert(moved)
