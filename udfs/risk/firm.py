"""P&L, risk and limits of the firm, from what the shards of the risk job say of their books.

All of it is in the partition of shard 0; the other shards do nothing. State: quantities by book and
instrument, the newest marks, the last P&L of each book, points that not all books have told, the
scenario set in force, the firm's limits. Snapshots are of slices; what is said of valuation points
and of ends of days is the same under any cut of the log (udfs.risk.firm_points).
"""

from dataclasses import dataclass
from functools import partial

import polars as pl

from schemas.step import MIN_TIME, Batch, Clock, Outputs, State
from udfs.risk import (
    actions,
    controls,
    firm_points,
    listed,
    market,
    measures,
    news,
    refusals,
    scenario_state,
)
from udfs.risk.book_risk import priced_marks
from udfs.risk.controls import FIRM
from udfs.risk.firm_points import BOOKS, SUMS, Summed
from udfs.risk.firm_tables import COUNTS, POSITIONS, TABLES
from udfs.risk.parameters import REPORTING
from udfs.risk.risk_telling import Behind, limit_uses, risk_measures
from udfs.risk.scenario_ready import ready
from udfs.risk.telling import inputs, joined
from udfs.shape import as_record

VERSION = "firm/1"
"""Changes when the results of the same positions, P&L, marks and controls do."""
HELD, PNL, MARKS = "positions", "pnl", "marks"
ACTIONS = "corporate.actions"
FEEDS = (HELD, PNL, MARKS, refusals.SCENARIOS, refusals.LIMITS, ACTIONS)
RESULTS = ("firm.pnl", "firm.var", "firm.limits", refusals.TOPIC)

__all__ = ["FEEDS", "RESULTS", "TABLES", "VERSION", "FirmStep"]


@dataclass(frozen=True)
class FirmStep:
    """The step contract: positions, P&L, marks and controls in; the firm's numbers out."""

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """What the firm gained and can lose after this slice."""
        if clock.shard != 0:
            return {}
        if MARKS in batch:
            market.take(state, batch[MARKS], clock.slice_end)
        if HELD in batch:
            _take_positions(state, batch[HELD])
        refused = refusals.take_controls(state, batch, "FIRM", clock, VERSION)
        now = max(clock.watermarks.get(MARKS, MIN_TIME), 0)
        announced, _ = actions.take(state, batch.get(ACTIONS), now)
        read = inputs(batch)
        pnl, points = _pnl(state, batch, clock, now, read)
        out = {"firm.pnl": pnl, refusals.TOPIC: joined("Refusal", refused)}
        _count(state, "points", points)
        due = news.due(
            clock.slice_end, bool(batch), now, partial(_value, state), partial(_set, state)
        )
        if due and len(state[BOOKS]):
            out |= _measured(state, clock, now, read, announced)
        return {name: frame for name, frame in out.items() if frame.height}


def _take_positions(state: State, positions: pl.DataFrame) -> None:
    """Put what books hold into state; the last record of each counts."""
    rows = positions.sort("offset").unique(["book", "isin"], keep="last", maintain_order=True)
    rows = rows.with_columns(held=pl.format("{}|{}", "book", "isin"))
    state[POSITIONS].upsert(rows.select("held", "book", "isin", "quantity", kept=1))
    flat = rows.filter(pl.col("quantity") == 0)
    if flat.height:
        state[POSITIONS].upsert(flat.select("held", kept=pl.lit(0, dtype=pl.Int64)))
        state[POSITIONS].expire("kept", 1)
    offsets = positions["offset"].to_numpy()
    if not _value(state, "positions"):
        _set(state, "first", int(offsets.min()))
    _set(state, "last", int(offsets.max()))
    _count(state, "positions", positions.height)


def _pnl(state: State, batch: Batch, clock: Clock, now: int, read: str) -> tuple[pl.DataFrame, int]:
    """Records of points, ends of days and of the slice; how many points there were."""
    books = batch.get(PNL, pl.DataFrame(schema=_PNL)).sort("offset")
    watermark = clock.watermarks.get(PNL, MIN_TIME)
    summed = firm_points.advance(state, books, watermark)
    out = [_of_point(one, clock) for one in summed]
    latest = books.filter(kind="SLICE").unique("name", keep="last", maintain_order=True)
    if books.height:
        heard = books.select(book=pl.col("name").unique(maintain_order=True))
        state[BOOKS].upsert(heard)
    if latest.height:
        state[BOOKS].upsert(latest.select(*SUMS, "complete", book="name"))
        sums = state[BOOKS].frame()
        row = {name: int(sums[name].sum()) for name in SUMS} | {
            "complete": bool(sums["complete"].all()),
            "time": now,
            "slice_end": clock.slice_end * 1_000,
            "kind": "SLICE",
            "inputs": read,
            "too_late": 0,
            "first_offset": int(books["offset"][0]),
            "last_offset": int(books["offset"][-1]),
        }
        row["pnl_id"] = f"FIRM|{FIRM}|SLICE|{row['slice_end']}"
        out.append(_record(row, clock))
    return (pl.concat(out) if out else pl.DataFrame()), len(summed)


_PNL = {
    "kind": pl.String,
    "name": pl.String,
    "time": pl.Int64,
    "complete": pl.Boolean,
    "offset": pl.Int64,
    "watermark": pl.Int64,
    **dict.fromkeys(SUMS, pl.Int64),
}


def _of_point(one: Summed, clock: Clock) -> pl.DataFrame:
    """The record of a point, or of the end of a day: nothing in it is of the slice."""
    row = one.sums | {
        "complete": one.complete and not one.sums["stale"] and not one.sums["unvalued"],
        "time": one.point,
        "slice_end": one.point,
        "kind": one.kind,
        "inputs": "",
        "too_late": one.too_late,
        "first_offset": one.first,
        "last_offset": one.last,
        "pnl_id": f"FIRM|{FIRM}|{one.kind}|{one.point}|{one.told}|{one.last}",
    }
    return _record(row, clock)


def _record(row: dict[str, object], clock: Clock) -> pl.DataFrame:
    common = {
        "scope": "FIRM",
        "name": FIRM,
        "currency": REPORTING,
        "source_topic": PNL,
        "source_partition": clock.shard,
        "version": VERSION,
    }
    return as_record(pl.DataFrame([row | common]), "BookPnl")


def _measured(state: State, clock: Clock, now: int, read: str, announced: pl.DataFrame) -> Outputs:
    """Risk of the firm, and where its limits stand."""
    known = listed.terms(state, announced)
    applied = clock.watermarks.get(HELD, MIN_TIME)
    marks = priced_marks(known, market.prices(known, known.frame, now, applied))
    built = ready(state, marks, "firm", now)
    if built is None:
        rows = measures.unmeasured([FIRM], scenario_state.why_none(state))
    else:
        held = state[POSITIONS].frame().select("isin", "quantity", group=pl.lit(FIRM))
        rows = measures.measure(measures.exposures(held, marks, built, now, [FIRM]), built)
    behind = Behind(HELD, clock.shard, _value(state, "first"), _value(state, "last"), VERSION)
    at = Clock(clock.slice_end, now, clock.watermarks, clock.shard)
    books = state[BOOKS].frame()
    day = pl.DataFrame(
        {"name": [FIRM], "day": [books["day"].sum()], "complete": [books["complete"].all()]}
    )
    used = controls.limits_used(
        state,
        controls.limit_measures("FIRM", rows, day),
        now,
        scope="FIRM",
        names=[FIRM],
        everything=_value(state, "points") > 0,
    )
    _set(state, "points", 0)
    return {
        "firm.var": risk_measures(rows, "FIRM", at, behind, read),
        "firm.limits": limit_uses(used, at, behind),
    }


def _value(state: State, what: str) -> int:
    return int(state[COUNTS].lookup(pl.Series("what", [what]))["value"][0])


def _set(state: State, what: str, value: int) -> None:
    state[COUNTS].upsert(pl.DataFrame({"what": [what], "value": [value]}))


def _count(state: State, what: str, more: int) -> None:
    if more:
        _set(state, what, _value(state, what) + more)
