"""Why a book's risk is what it is, and what a trade would add: computed as the job does."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from deploy.errors import UserError
from deploy.proofs.sources import Source
from deploy.reports.form import at
from deploy.risk import stand
from udfs.risk import attribution
from udfs.risk.controls import limit_measures
from udfs.risk.exposures import Exposures, exposures
from udfs.risk.limits import Status, used
from udfs.risk.measure_parameters import MINOR, RATE_UNIT
from udfs.risk.measures import components, measure, minor
from udfs.risk.parameters import DAY_US, TAIL_PPM
from udfs.risk.scenario_sets import BuiltSet
from udfs.risk.scenarios import vector
from udfs.risk.whatif import base, trade_exposures, what_if
from udfs.risk.whole import divided

_MEASURED = ("var", "es_inclusive", "es_fractional", "var_975", "es_975", "gross", "net")
_WORST = 3
"""Instruments that are named with a scenario."""


def explain(
    source: Source, partitions: Iterable[int], name: str, as_of: int = stand.EVER, top: int = 10
) -> dict[str, Any]:
    """Components of VaR and ES, the scenarios of the tail, and where the day's P&L came from.

    Amounts are minor units of the reporting currency; components add up to the measures.

    Raises:
        UserError: The book has no position, or there are no scenarios.
    """
    partitions = list(partitions)
    of = stand.book(source, partitions, name, as_of)
    found = exposures(of.held, of.marks, of.built, of.time, [name])
    row = measure(found, of.built).row(0, named=True)
    parts = components(found, of.built, name)
    since = of.time // DAY_US * DAY_US
    return {
        "book": name,
        "time": at(of.time),
        "scenario_set": of.built.label,
        "measures": {key: row[key] for key in _MEASURED},
        "complete": row["complete"],
        "incomplete": row["incomplete"],
        "components": parts.to_dicts(),
        "scenarios": _worst(found, of.built, name, top),
        "since": at(since),
        "pnl": pnl_parts(source, partitions, name, since, of.time),
    }


def _worst(of: Exposures, built: BuiltSet, name: str, top: int) -> list[dict[str, Any]]:
    """The worst scenarios, worst first, with the rows that lose most in each."""
    scenarios = built.scenarios
    book = vector(scenarios, of.matrix[of.groups.index(name)])
    parts = attribution.components(book, scenarios, TAIL_PPM)
    rows = []
    for rank, scenario in enumerate(parts.scenarios[:top], start=1):
        each = book.quantities * scenarios.changes[:, scenario]
        order = each.argsort(kind="stable")[:_WORST]
        rows.append(
            {
                "rank": rank,
                "scenario": scenario,
                "pnl": -minor(-int(book.pnl[scenario])),
                "worst": [
                    {"row": scenarios.instruments[i], "pnl": -minor(-int(each[i]))}
                    for i in order.tolist()
                    if each[i] < 0
                ],
            }
        )
    return rows


def pnl_parts(
    source: Source, partitions: Iterable[int], name: str, since: int, until: int
) -> list[dict[str, Any]]:
    """A book's P&L between two times by instrument: prices, rates, and trades with the rest.

    price    what the positions at the beginning gained by the marks' change, at the later rate
    fx       what their worth at the beginning gained by the rate's change
    trades   the rest: dealing since then, and what was realised before at another rate

    They add up exactly. Largest in size first; minor units of the reporting currency.
    """
    of, keys = pl.col("book") == name, ["book", "isin"]
    partitions = list(partitions)
    before, after = (
        stand.latest(source, "positions", partitions, keys, time, of) for time in (since, until)
    )
    then = before.select("isin", "quantity", "price", "pnl")
    both = after.select("isin", "quantity", "price", "pnl").join(
        then, on="isin", how="full", suffix="_then", coalesce=True
    )
    marks = [stand.marks(source, time) for time in (until, since)]
    terms = marks[0].select("isin", "multiplier", "price_scale", "rate")
    old = marks[1].select("isin", rate_then="rate")
    table = both.join(terms, on="isin", how="left").join(old, on="isin", how="left")
    table = table.fill_null(0).sort("isin")
    parts = [_part(row) for row in table.iter_rows(named=True)]
    return sorted(parts, key=lambda part: (-abs(part["total"]), part["isin"]))


def _part(row: dict[str, Any]) -> dict[str, Any]:
    """One instrument's parts; a price or rate that is missing at either time moves nothing."""
    unit = RATE_UNIT * 10 ** int(row["price_scale"])
    units = row["quantity_then"] * row["multiplier"] * MINOR
    marked = row["price"] > 0 and row["price_then"] > 0
    rated = row["rate"] > 0 and row["rate_then"] > 0
    moved = row["price"] - row["price_then"] if marked else 0
    turned = row["rate"] - row["rate_then"] if rated else 0
    price = divided(units * moved * row["rate"], unit)
    fx = divided(units * row["price_then"] * turned, unit)
    total = row["pnl"] - row["pnl_then"]
    told = {"isin": row["isin"], "total": total, "price": price, "fx": fx}
    return told | {"trades": total - price - fx}


def whatif(
    source: Source,
    partitions: Iterable[int],
    name: str,
    isin: str,
    quantity: int,
    price: int | None = None,
    as_of: int = stand.EVER,
) -> dict[str, Any]:
    """Measures and limits of a book before and after a trade.

    Args:
        source: The log.
        partitions: Of the topics.
        name: The book.
        isin: What is traded.
        quantity: Signed pieces; a sale is negative.
        price: Price units; with it, what the trade gains or loses at the mark counts for LOSS.
        as_of: Business time, microseconds UTC.

    Raises:
        UserError: The book or the instrument is not known, or there are no scenarios.
    """
    partitions = list(partitions)
    of = stand.book(source, partitions, name, as_of)
    mark = of.marks.filter(isin=isin)
    if mark.is_empty():
        raise UserError(f"{isin[:20]!r} has no mark; see: tidemark risk show")
    found = exposures(of.held, of.marks, of.built, of.time, [name])
    traded = pl.DataFrame({"isin": [isin], "quantity": [quantity]})
    change, lacking = trade_exposures(traded, of.marks, of.built, of.time)
    told = what_if(base(found, of.built, name), of.built, change, lacking)
    held = pl.concat([of.held, traded.with_columns(group=pl.lit(name)).select(of.held.columns)])
    after = exposures(held, of.marks, of.built, of.time, [name])
    only = (pl.col("name") == name) & (pl.col("kind") == "SLICE")
    pnl = stand.latest(source, "pnl", partitions, ["name"], of.time, only)
    now = _limits(source, of, name, found, pnl, 0)
    gain = 0 if price is None else _gain(mark.row(0, named=True), quantity, price)
    then = _limits(source, of, name, after, pnl, gain)
    was, will = ({"gross": int(e.gross[0]), "net": int(e.net[0])} for e in (found, after))
    amounts = tuple(told.change)
    first = {key: told.before[key] for key in amounts} | was
    second = {key: told.after[key] for key in amounts} | will
    return {
        "book": name,
        "time": at(of.time),
        "scenario_set": of.built.label,
        "trade": {"isin": isin, "quantity": quantity, "price": price, "gain": gain},
        "before": first,
        "after": second,
        "incremental": {key: second[key] - first[key] for key in second},
        "incomplete": list(told.incomplete),
        "limits": [
            {
                "limit_id": one["limit_id"],
                "measure": one["measure"],
                "hard": one["hard"],
                "before": one["value"],
                "status": Status(one["status"]).name,
                "after": other["value"],
                "status_after": Status(other["status"]).name,
            }
            for one, other in zip(now, then, strict=True)
        ],
        "accepted": all(other["status"] < Status.HARD for other in then),
    }


def _limits(
    source: Source, of: stand.Book, name: str, sizes: Exposures, pnl: pl.DataFrame, gain: int
) -> list[dict[str, Any]]:
    """The book's limits with their use; `gain` is added to the day's P&L."""
    day = pnl.select("name", "complete", day=pl.col("day") + gain)
    measured = limit_measures("BOOK", measure(sizes, of.built), day)
    return used(stand.limits(source, name, of.time), measured).to_dicts()


def _gain(mark: dict[str, Any], quantity: int, price: int) -> int:
    """What a trade at a price gains at the mid at once, minor units of the reporting currency."""
    units = 10 ** int(mark["price_scale"]) * RATE_UNIT * 2
    moved = mark["bid"] + mark["ask"] - 2 * price
    return divided(quantity * int(mark["multiplier"]) * moved * int(mark["rate"]) * MINOR, units)
