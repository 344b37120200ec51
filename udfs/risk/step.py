"""Positions, P&L and risk of books over a log of fills, marks and control records.

Fills count in log order, marks by their business time. What a slice says is a snapshot; what is
said at a valuation point, at the end of a day, and in corrections is the same under any cut of the
log (udfs.risk.points). State: udfs.risk.book_state.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from schemas.step import MIN_TIME, Batch, Clock, Outputs, State
from udfs.risk import (
    actions,
    book_risk,
    book_state,
    books,
    days,
    folding,
    listed,
    market,
    news,
    points,
    refusals,
    telling,
)
from udfs.risk.book_state import set_value, value_of
from udfs.risk.integers import Ints
from udfs.risk.kept import FRAMES, Kept
from udfs.risk.listed import Terms
from udfs.risk.market import Prices
from udfs.risk.parameters import SECOND_MS
from udfs.risk.risk_telling import Behind
from udfs.risk.worth import Worth, by_book, valued

VERSION = telling.VERSION
TABLES = {**book_state.TABLES, **book_risk.TABLES}
FILLS, MARKS, ACTIONS = "fills", "marks", "corporate.actions"
CONTROLS = (refusals.SCENARIOS, refusals.LIMITS, refusals.MARGIN, ACTIONS)
POSITIONS, PNL, CORRECTIONS = "positions", "pnl", "pnl.corrections"
RESULTS = (POSITIONS, PNL, CORRECTIONS, "var", "limits.used", "margin.calls", refusals.TOPIC)
SLICE, POINT, DAY = "SLICE", "POINT", "DAY"


_RATES = Kept(lambda table: dict(table.frame().select("currency", "rate").rows()))


@dataclass(frozen=True)
class View:
    """What a slice ends with: all that risk measures, limits and margin need.

    Attributes:
        names: Of the books, by number.
        held: Positions as the table `holdings` has them.
        known: The instruments.
        prices: What a unit of each is worth.
        worth: What the positions are worth, aligned with `held`.
        books: Sums by book, in order of number, as BookPnl has them, with `base`, the total of the
            end of the day before.
        points: Valuation points that were decided in this slice: records BookPnl of kind POINT.
        due: Measures are: a full second of log time ends with it, and there was news.
        inputs: What was read in the slice.
    """

    names: list[str]
    held: pl.DataFrame
    known: Terms
    prices: Prices
    worth: Worth
    books: pl.DataFrame
    points: pl.DataFrame
    due: bool
    inputs: str

    @property
    def exposed(self) -> pl.DataFrame:
        """What is held: group (the book), isin and quantity of every open position."""
        rows = self.held.filter(pl.col("quantity") != 0)
        isin = self.known.frame["isin"][rows["instrument"].to_numpy()]
        names = pl.Series([self.names[book] for book in rows["book"].to_list()], dtype=pl.String)
        return pl.DataFrame({"group": names, "isin": isin, "quantity": rows["quantity"]})

    @property
    def marks(self) -> pl.DataFrame:
        """The table of marks by number, with price, rate and quality as positions are valued."""
        return self.known.frame.with_columns(
            price=pl.Series(self.prices.price),
            rate=pl.Series(self.prices.rate),
            quality=pl.Series(self.prices.quality),
        )


@dataclass(frozen=True)
class RiskStep:
    """The step contract: fills, marks and controls in; positions, P&L and risk out."""

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """What books hold, gained and can lose after this slice."""
        watermark = min(clock.watermarks.get(topic, MIN_TIME) for topic in (FILLS, MARKS))
        clock = Clock(clock.slice_end, _now(clock), clock.watermarks, clock.shard)
        quoted = None
        if MARKS in batch:
            quoted = market.take(state, batch[MARKS], clock.slice_end)
        filling = clock.watermarks.get(FILLS, MIN_TIME)
        announced, late = actions.take(state, batch.get(ACTIONS), filling)
        known = listed.terms(state, announced)
        filled, lost = books.take(state, batch.get(FILLS), known, filling)
        refused = _refused(state, batch, clock, late, lost)
        first = points.first_of(batch[FILLS]) if FILLS in batch else None
        told = points.advance(state, quoted, filled, known, watermark, first)
        put = partial(set_value, state)
        due = news.due(clock.slice_end, bool(batch), clock.watermark, partial(value_of, state), put)
        if not batch and filled.is_empty() and told.nothing and not due:
            return {}
        names = books.names_of(state, "books")
        final = _final(told, known, names, clock)
        view = _view(state, batch, clock, known, names, final[POINT], due)
        out = {
            POSITIONS: _positions(state, clock, view, filled),
            PNL: telling.joined(
                "BookPnl", [final[POINT], final[DAY], _snapshot(state, batch, clock, view, filled)]
            ),
            CORRECTIONS: final[CORRECTIONS],
            refusals.TOPIC: refused,
        }
        return out | _measured(state, clock, view)


def _now(clock: Clock) -> int:
    """Business time: how far fills and marks are, the other feed alone if one has not begun."""
    begun = [clock.watermarks.get(topic, MIN_TIME) for topic in (FILLS, MARKS)]
    return max(min((time for time in begun if time != MIN_TIME), default=0), 0)


def _refused(
    state: State, batch: Batch, clock: Clock, late: pl.DataFrame, lost: pl.DataFrame
) -> pl.DataFrame:
    """Take scenarios, limits and margin terms in; records of those of no use, and of others.

    Args:
        state: The tables of the shard.
        batch: What came in.
        clock: The clock of the batch.
        late: Corporate actions that came too late.
        lost: Fills that can never be used, with their reason.
    """
    told = refusals.take_controls(state, batch, "BOOK", clock, VERSION)
    if late.height:
        rows = late.with_columns(record_id="action_id")
        too_late = ((record, actions.TOO_LATE) for record in rows["record_id"])
        told.append(refusals.refusals(ACTIONS, rows, "isin", too_late, clock, VERSION))
    if lost.height:
        rows = lost.with_columns(record_id="fill_id", time="trade_time")
        why = zip(rows["record_id"], rows["reason"], strict=True)
        told.append(refusals.refusals(FILLS, rows, "book", why, clock, VERSION))
    return telling.joined("Refusal", told)


def _measured(state: State, clock: Clock, view: View) -> Outputs:
    """Risk of the books at full seconds; limits then and at points; margin calls at points."""
    decided = int(view.points["time"].to_numpy().max()) if view.points.height else None
    if not view.names or (decided is None and not view.due):
        return {}
    complete = (pl.col("stale") == 0) & (pl.col("unvalued") == 0)
    sums = view.books.with_columns(complete=complete, name=pl.Series(view.names))
    first, last = int(sums["first"].to_numpy().min()), int(sums["last"].to_numpy().max())
    behind = Behind(FILLS, clock.shard, first, last, VERSION)
    marks = book_risk.priced_marks(view.known, view.prices)
    out = book_risk.measured(state, clock, view.exposed, marks, sums, decided, behind, view.inputs)
    return out if view.due else {k: v for k, v in out.items() if k != "var"}


def _final(
    told: points.Told, known: Terms, names: list[str], clock: Clock
) -> dict[str, pl.DataFrame]:
    """What is final, as records: points, ends of days, corrections."""
    out = {}
    for kind, frames in ((POINT, told.points), (DAY, told.days)):
        rows = [telling.pnl(frame, kind, names, clock) for frame in frames if frame.height]
        out[kind] = telling.joined("BookPnl", rows)
    rows = [telling.corrections(frame, known, names, clock) for frame in told.corrections]
    out[CORRECTIONS] = telling.joined("PnlCorrection", rows)
    return out


def _view(
    state: State,
    batch: Batch,
    clock: Clock,
    known: Terms,
    names: list[str],
    decided: pl.DataFrame,
    due: bool,
) -> View:
    """Every position valued at the newest marks."""
    now = clock.watermark
    prices = market.prices(known, known.frame, now, clock.watermarks.get(FILLS, MIN_TIME))
    held = FRAMES.of(state["holdings"])
    worth = valued(held, known, prices)
    rows = points.with_unusable(by_book(held, worth, len(names)), points.unusable(state, None))
    base = pl.Series("base", days.bases(state, len(names)))
    rows = rows.with_columns(
        base=base,
        day=pl.col("total") - base,
        point=pl.lit(now),
        corrections=pl.lit(0),
        too_late=pl.lit(value_of(state, points.TOO_LATE)),
    )
    read = telling.inputs(batch)
    return View(names, held, known, prices, worth, rows, decided, due, read)


def _snapshot(
    state: State, batch: Batch, clock: Clock, view: View, filled: pl.DataFrame
) -> pl.DataFrame:
    """P&L of the books whose fills, marks or rates changed."""
    touched = np.zeros(len(view.names), dtype=np.bool_)
    touched[filled["book"].to_numpy()] = True
    if FILLS in batch:
        numbers = books.numbers_of(state, "books")
        touched[[numbers[name] for name in set(batch[FILLS]["book"].to_list())]] = True
    changed = view.known.frame["changed"].to_numpy() == clock.slice_end
    moved = _rated(state, view.prices)
    if moved:
        found = [name in moved for name in view.known.listed.currencies]
        changed = changed | np.array(found)[view.known.listed.currency]
    book, instrument = (view.held[name].to_numpy() for name in ("book", "instrument"))
    worth = view.worth
    used = (view.held["quantity"].to_numpy() != 0) | (worth.realised != 0) | (worth.fees != 0)
    touched[book[used & changed[instrument]]] = True
    rows = view.books[np.flatnonzero(touched)]
    return telling.pnl(rows, SLICE, view.names, clock, view.inputs)


def _rated(state: State, prices: Prices) -> set[str]:
    """The currencies whose rate is another than in the slice before."""
    old = _RATES.of(state["rates"])
    moved = [(name, *new) for name, new in prices.rates.items() if old.get(name) != new[0]]
    if moved:
        columns = ("currency", "rate", "time")
        state["rates"].upsert(pl.DataFrame(moved, schema=list(columns), orient="row"))
        _RATES.forget(state["rates"])
    return {name for name, _, _ in moved}


def _positions(state: State, clock: Clock, view: View, filled: pl.DataFrame) -> pl.DataFrame:
    """Positions whose quantity changed; at a full second also open ones that have a new mark."""
    position = view.held["position"].to_numpy()
    chosen = np.isin(position, filled["position"].to_numpy())
    if view.due:
        since = clock.slice_end - SECOND_MS
        moved = view.known.frame["changed"].to_numpy() > since
        opened = view.held["quantity"].to_numpy() != 0
        chosen |= opened & moved[view.held["instrument"].to_numpy()]
    at: Ints = np.flatnonzero(chosen)
    if not at.size:
        return telling.none("Position")
    cost = folding.cost_fifo(state, folding.LIVE, position[at])
    return telling.positions(view.held, view.worth, at, cost, view.known, view.names, clock)
