"""Ramping and momentum ignition: to push the price by taking, and then to trade out of it.

Definition of a run: takes of one owner in a book on one side, order after order at a better price
for the other side each time, with at most `gap_s` between them; one in between that moves nothing
neither counts nor ends it. It counts once it has so many orders and the price went so far. The rule
is met when the owner then trades on the other side at least `exit_ppm` of the run's pieces, within
`exit_s`, on average at a better price than that at which the run began: what it had before, or took
first, gains by the push.
A run of at most `fast_s` is momentum ignition, a longer one ramping.
Sources: Delegated Regulation (EU) 2016/522, Annex II, section 1, 5(b) advancing the bid, 5(d)
momentum ignition.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import TableSpec
from udfs.abuse.features import Array
from udfs.abuse.memory import KEPT
from udfs.abuse.rules.rule import WHOLE, Hit, RuleParams, Share, View, Whole, among, trade_piece
from udfs.abuse.windows import SECOND, SLACK

_COLUMNS = (
    *("side", "orders", "size", "value", "first", "last", "begun", "at", "begun_n", "exit_size"),
    *("exit_value", "n"),
)


class Params(RuleParams):
    """What can be chosen.

    Attributes:
        orders: Least orders of a run.
        move_ppm: Least move of the price from the run's first trade to its last.
        gap_s: Longest time between two orders of a run, seconds.
        exit_s: Longest time from the run's end to the exit, seconds.
        exit_ppm: Least pieces of the exit against those of the run.
        fast_s: A run of at most so long is momentum ignition, seconds; a longer one is ramping.
    """

    orders: Annotated[int, Field(ge=2, le=1_000)]
    move_ppm: Share
    gap_s: Annotated[int, Field(ge=1, le=3_600)]
    exit_s: Annotated[int, Field(ge=1, le=3_600)]
    exit_ppm: Whole = 500_000
    fast_s: Annotated[int, Field(ge=0, le=3_600)] = 5


class RampingParams(Params):
    """Defaults of ramping."""

    orders: Annotated[int, Field(ge=2, le=1_000)] = 5
    move_ppm: Share = 3_000
    gap_s: Annotated[int, Field(ge=1, le=3_600)] = 300
    exit_s: Annotated[int, Field(ge=1, le=3_600)] = 1_800


class IgnitionParams(Params):
    """Defaults of momentum ignition."""

    orders: Annotated[int, Field(ge=2, le=1_000)] = 3
    move_ppm: Share = 1_500
    gap_s: Annotated[int, Field(ge=1, le=3_600)] = 5
    exit_s: Annotated[int, Field(ge=1, le=3_600)] = 300


@dataclass(frozen=True)
class Runs:
    """The rule for one speed; see the module. State: the run of each owner in a book."""

    name: str
    fast: bool
    version: str = "2"

    @property
    def table(self) -> str:
        """Where runs are kept."""
        return f"abuse.runs.{self.name}"

    @property
    def tables(self) -> Mapping[str, TableSpec]:
        """Layout of it."""
        columns = {"pair": "int", "order": "str"} | dict.fromkeys(_COLUMNS, "int")
        return {self.table: TableSpec(columns, "pair")}  # type: ignore[arg-type]

    def __call__(self, view: View, params: Params) -> list[Hit]:
        """Hits at the trades by which the exit is large enough."""
        rows = view.facts.sides.rows
        now = view.facts.now
        relevant = self._relevant(view, rows)
        rows = rows[relevant]
        if not len(rows):
            return []
        table = view.state[self.table]
        known = table.lookup(pl.Series("pair", np.unique(now["pair"][rows])))
        runs: dict[int, dict[str, Any]] = {
            one["pair"]: one for one in known.drop("known").rows(named=True)
        }
        found = []
        names = ("pair", "side", "at", "n", "last_price", "last_quantity", "passive")
        values = zip(*(now[name][rows].tolist() for name in names), strict=True)
        orders = view.strings["order_id"]
        for row, value in zip(rows.tolist(), values, strict=True):
            run = runs[value[0]]
            if _moved(run, orders[row], value, params):
                hit = self._judged(view, params, row, run)
                if hit is not None:
                    found.append(hit)
                    runs[value[0]] = {"pair": value[0], "order": "", **dict.fromkeys(_COLUMNS, 0)}
        table.upsert(pl.DataFrame(list(runs.values()), schema=known.drop("known").schema))
        length = max(params.gap_s, params.exit_s) * SECOND
        table.expire("at", int(now["time"].max()) - length - SLACK)
        return found

    def _relevant(self, view: View, rows: Array) -> Array:
        """Takes, and trades of owners that have a run."""
        now = view.facts.now
        takes = now["passive"][rows] == 0
        held = view.state[self.table].lookup(pl.Series("pair", now["pair"][rows]))
        begun = np.isin(now["pair"][rows], now["pair"][rows[takes]])
        return np.asarray(takes | begun | (held["orders"].to_numpy() > 0))

    def _judged(self, view: View, params: Params, row: int, run: Mapping[str, Any]) -> Hit | None:
        """The hit, if the run and the exit are enough."""
        fast = run["at"] - run["begun"] <= params.fast_s * SECOND
        move = abs(run["last"] - run["first"]) * WHOLE
        enough = run["exit_size"] * WHOLE >= params.exit_ppm * run["size"]
        if fast != self.fast or run["orders"] < params.orders or not enough:
            return None
        if move < params.move_ppm * abs(run["first"]):
            return None
        gain = run["exit_value"] - run["first"] * run["exit_size"]
        if gain * (1 - 2 * run["side"]) <= 0:
            return None
        there = view.trades(np.array([run["pair"]]))
        since = max(run["begun"] - 1, int(view.facts.now["at"][row]) - KEPT)
        there = among(there, run["n"], since).filter(pl.col("n") >= run["begun_n"])
        took, other = ("bought", "sold") if run["side"] == 0 else ("sold", "bought")
        share = move / WHOLE / max(abs(run["first"]), 1)
        return Hit(
            row,
            "HIGH" if run["exit_size"] >= run["size"] else "MEDIUM",
            min(WHOLE, 600_000 + 20_000 * run["orders"]),
            f"{run['orders']} orders {took} {run['size']} pieces in "
            f"{(run['at'] - run['begun']) / SECOND:g} s, price moved {100 * share:.2f} %; then "
            f"{run['exit_size']} {other}",
            f"{params.orders} orders, {params.move_ppm / 10_000:g} %, exit of "
            f"{params.exit_ppm / 10_000:g} % within {params.exit_s} s",
            "The price was pushed by one owner's takes, who then traded out of it",
            [trade_piece(one) for one in there.iter_rows(named=True)],
            run["size"],
            run["last"],
        )


def _moved(run: dict[str, Any], order: str, value: tuple[int, ...], params: Params) -> bool:
    """Take a trade into the owner's run; whether it is part of an exit."""
    _, side, at, n, price, size, passive = value
    sign = 1 - 2 * side
    if run["orders"] and side != run["side"] and at - run["at"] <= params.exit_s * SECOND:
        if run["orders"] >= params.orders:
            run["exit_size"] += size
            run["exit_value"] += size * price
            run["n"] = n
            return True
        if passive:
            return False
    if passive:
        return False
    same = run["orders"] and side == run["side"] and not run["exit_size"]
    if same and order == run["order"]:
        run["size"] += size
        run["value"] += size * price
        run["last"], run["at"] = price, at
        return False
    near = same and at - run["at"] <= params.gap_s * SECOND
    if near and (price - run["first"]) * sign >= 0:
        run["orders"] += (price - run["last"]) * sign > 0
        run["size"] += size
        run["value"] += size * price
        run.update(last=price, at=at, order=order)
        return False
    run.update(
        side=side, orders=1, size=size, value=size * price, first=price, last=price, begun=at,
        at=at, begun_n=n, exit_size=0, exit_value=0, n=n, order=order,
    )  # fmt: skip
    return False


RAMPING = Runs("ramping", fast=False)
IGNITION = Runs("momentum-ignition", fast=True)
