"""What late fills and marks change in the P&L of positions at points that were final.

Of each point of the last HORIZON_US the state holds marks and positions as they are known, later
rows replacing earlier ones. What came late is put into them in log order, one after the other, and
every position whose P&L moves is told with the old number and the new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from schemas.step import State
from udfs.risk import market
from udfs.risk.book_state import up
from udfs.risk.integers import Ints
from udfs.risk.kept import FRAMES
from udfs.risk.listed import QUOTE, Terms
from udfs.risk.market import Prices
from udfs.risk.marks import Quality
from udfs.risk.parameters import HORIZON_US, POINT_US
from udfs.risk.worth import Worth, valued

CORRECTION = {
    "position": pl.Int64,
    "book": pl.Int64,
    "instrument": pl.Int64,
    "point": pl.Int64,
    "cause": pl.String,
    "cause_id": pl.String,
    "before": pl.Int64,
    "after": pl.Int64,
    "topic": pl.String,
    "offset": pl.Int64,
    "order": pl.Int64,
}
_NUMBERS = ("quantity", "cash", "fees", "pnl")


def remember(
    state: State, quote: pl.DataFrame, held: pl.DataFrame, worth: Worth, point: int
) -> None:
    """Keep what is known at a point: every mark, every position and its P&L."""
    at = pl.lit(point, pl.Int64)
    state["points"].append(pl.DataFrame({"point": [point]}))
    instrument = pl.int_range(quote.height, dtype=pl.Int64)
    state["point_marks"].append(quote.with_columns(point=at, instrument=instrument))
    state["point_positions"].append(
        held.select(
            "position",
            "quantity",
            "fees",
            point=at,
            cash=pl.col("realised") - pl.col("cost"),
            pnl=pl.Series(worth.pnl - worth.fees),
        )
    )


def forget(state: State, watermark: int) -> None:
    """Drop points that nothing can correct any more."""
    for table in ("points", "point_marks", "point_positions"):
        state[table].expire("point", watermark - HORIZON_US)


def corrections(
    state: State, fills: pl.DataFrame, marks: pl.DataFrame, known: Terms
) -> tuple[pl.DataFrame, int]:
    """Correct the points before which fills and marks should have come.

    Args:
        state: The tables of the shard; what is known of the points is corrected.
        fills: Rows of `unsettled`, late ones among them.
        marks: Rows of `late_marks`.
        known: The instruments.

    Returns:
        Rows of CORRECTION, by point and then in log order, and how many of the fills and marks
        should have counted at points that are older than HORIZON_US.
    """
    decided = state["points"].frame()["point"].sort().to_numpy()
    items: list[dict[str, Any]] = []
    ignored = 0
    for topic, rows in (("fills", fills), ("marks", marks)):
        rows = rows.filter(
            pl.col("since") < pl.Series(up(rows["watermark"].to_numpy(), POINT_US))
        ) if rows.height else rows  # fmt: skip
        for item in rows.iter_rows(named=True):
            items.append(item | {"topic": topic})
            ignored += item["since"] < item["watermark"] - HORIZON_US
    items.sort(key=lambda item: (item["appended"], item["topic"], item["offset"]))
    items = [item | {"order": order} for order, item in enumerate(items)]
    found: list[tuple[Any, ...]] = []
    for point in decided.tolist() if items else []:
        some = [item for item in items if _concerns(item, point)]
        if some:
            found += _correct(state, point, some, known)
    return pl.DataFrame(found, schema=CORRECTION, orient="row"), ignored


def _concerns(item: dict[str, Any], point: int) -> bool:
    """Whether a fill or mark should have counted at a point, and came after it and in time."""
    return bool(item["since"] <= point < item["watermark"] <= point + HORIZON_US)


@dataclass
class _Scene:
    """What is known of a point; arrays by position and by instrument."""

    point: int
    known: Terms
    book: Ints
    instrument: Ints
    numbers: dict[str, Ints]
    quote: pl.DataFrame
    prices: Prices

    def contribution(self, chosen: Ints) -> Ints:
        """P&L less fees of some positions, minor units."""
        zero = np.zeros(chosen.size, np.int64)
        held = pl.DataFrame(
            {
                "instrument": self.instrument[chosen],
                "quantity": self.numbers["quantity"][chosen],
                "cost": zero,
                "realised": self.numbers["cash"][chosen],
                "realised_fifo": zero,
                "fees": self.numbers["fees"][chosen],
            }
        )
        worth = valued(held, self.known, self.prices)
        return worth.pnl - worth.fees


def _scene(state: State, point: int, known: Terms) -> _Scene:
    held = FRAMES.of(state["holdings"])
    position = held["position"].to_numpy()
    size = int(position.max()) + 1 if position.size else 0
    book, instrument = np.full(size, -1, np.int64), np.zeros(size, np.int64)
    book[position], instrument[position] = held["book"].to_numpy(), held["instrument"].to_numpy()
    rows = state["point_positions"].between("point", point - 1, point)
    numbers = {}
    for name in _NUMBERS:
        numbers[name] = np.zeros(size, np.int64)
        numbers[name][rows["position"].to_numpy()] = rows[name].to_numpy()
    marks = state["point_marks"].between("point", point - 1, point)
    quote = market.by_number(marks, known.scale.size, "instrument")
    prices = market.prices(known, quote, point, point + 1)
    return _Scene(point, known, book, instrument, numbers, quote, prices)


def _correct(
    state: State, point: int, items: Sequence[dict[str, Any]], known: Terms
) -> list[tuple[Any, ...]]:
    """Put late fills and marks into one point; what that changes."""
    scene = _scene(state, point, known)
    found: list[tuple[Any, ...]] = []
    moved: set[int] = set()
    requoted: set[int] = set()
    chosen: Ints | None
    for item in items:
        if item["topic"] == "fills":
            chosen = _fill(scene, item)
            moved.update(chosen.tolist())
        else:
            chosen = _mark(scene, item)
            requoted.update([item["number"]] if chosen is not None else [])
        if chosen is None or not chosen.size:
            continue
        after = scene.contribution(chosen)
        before = scene.numbers["pnl"][chosen].copy()
        scene.numbers["pnl"][chosen] = after
        cause = _cause(item)
        for i in np.flatnonzero(before != after).tolist():
            at = int(chosen[i])
            moved.add(at)
            place = (at, int(scene.book[at]), int(scene.instrument[at]), point)
            found.append((*place, *cause, int(before[i]), int(after[i]), *_place(item)))
    _keep(state, scene, moved, requoted)
    return found


def _cause(item: dict[str, Any]) -> tuple[str, str]:
    if item["topic"] == "fills":
        return "LATE_FILL", item["fill_id"]
    return "LATE_MARK", item["mark_id"]


def _place(item: dict[str, Any]) -> tuple[str, int, int]:
    return item["topic"], item["offset"], item["order"]


def _fill(scene: _Scene, item: dict[str, Any]) -> Ints:
    at = item["position"]
    numbers = scene.numbers
    multiplier = int(scene.known.multiplier[item["instrument"]])
    numbers["quantity"][at] += item["units"]
    numbers["cash"][at] -= item["units"] * item["price"] * multiplier
    numbers["fees"][at] += item["fee"]
    return np.array([at], dtype=np.int64)


def _mark(scene: _Scene, item: dict[str, Any]) -> Ints | None:
    """Positions that a late mark concerns; None if a newer mark was known."""
    at = item["number"]
    time = int(scene.quote["time"][at])
    if not (item["time"] > time or (item["time"] == time and not item["late"])):
        return None
    if item["quality"] >= Quality.MISSING:
        return None
    before = scene.prices
    row = pl.int_range(scene.quote.height) == at
    scene.quote = scene.quote.with_columns(
        pl.when(row).then(pl.lit(item[name], pl.Int64)).otherwise(name).alias(name)
        for name in QUOTE
    )
    scene.prices = market.prices(scene.known, scene.quote, scene.point, scene.point + 1)
    now = scene.prices
    changed = (before.price != now.price) | (before.rate != now.rate)
    changed |= (before.quality >= Quality.MISSING) != (now.quality >= Quality.MISSING)
    there = scene.book >= 0
    return np.flatnonzero(there & changed[scene.instrument])


def _keep(state: State, scene: _Scene, moved: set[int], requoted: set[int]) -> None:
    """Put back what changed in a point."""
    at = pl.lit(scene.point, pl.Int64)
    if moved:
        chosen = np.array(sorted(moved), dtype=np.int64)
        rows = {name: column[chosen] for name, column in scene.numbers.items()}
        state["point_positions"].append(
            pl.DataFrame(rows | {"position": chosen}).with_columns(point=at)
        )
    if requoted:
        chosen = np.array(sorted(requoted), dtype=np.int64)
        state["point_marks"].append(
            scene.quote[chosen].with_columns(point=at, instrument=pl.Series(chosen))
        )
