"""Smoking: an attractive order, made worse just before slower orders come for it.

Definition: an order that alone is the best price of its side is moved away, and less than 100 ms
later another owner takes from that side; at least so many times a day by an owner in a book, and at
least half of the times it moved such an order away. Orders under a market making agreement do not
count: they have to follow the price.
Source: Delegated Regulation (EU) 2016/522, Annex II, section 1, 5(f).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import ColumnKind, State, TableSpec
from udfs.abuse.features import Array
from udfs.abuse.intake import REME
from udfs.abuse.memory import DAY, OWNERS
from udfs.abuse.rules.rule import BOOK, WHOLE, Hit, Piece, RuleParams, View
from udfs.abuse.windows import SLACK

TABLE, SHOWN = "abuse.smoking", "abuse.smoking.shown"
_INTS = ("at", "booked", "pair", "time", "side", "price", "quantity", "offset")
_SHOWN: dict[str, ColumnKind] = {
    **dict.fromkeys(_INTS, "int"),
    "event_id": "str",
    "order_id": "str",
    **dict.fromkeys(BOOK, "int"),
}


class Params(RuleParams):
    """What can be chosen.

    Attributes:
        within_ms: The order is moved so long before another comes, milliseconds.
        times: Least times a day.
        share_ppm: Least share of the times it moved such an order away.
    """

    within_ms: Annotated[int, Field(ge=1, le=60_000)] = 100
    times: Annotated[int, Field(ge=1, le=1_000)] = 3
    share_ppm: Annotated[int, Field(ge=0, le=WHOLE)] = 500_000


@dataclass(frozen=True)
class _Smoke:
    """An order that was moved away."""

    at: int
    booked: int
    pair: int
    piece: Piece

    def row(self) -> tuple[int | str, ...]:
        piece = self.piece
        told = (piece.time, piece.side, piece.price, piece.quantity, piece.offset)
        return (self.at, self.booked, self.pair, *told, piece.event_id, piece.order_id, *piece.book)


class Smoking:
    """The rule; see the module. State: times of each owner in a book, orders just moved away."""

    name = "smoking"
    version = "2"
    tables: Mapping[str, TableSpec] = {
        TABLE: TableSpec({"pair": "int", "day": "int", "times": "int", "moves": "int"}, "pair"),
        SHOWN: TableSpec(_SHOWN),
    }

    def __call__(self, view: View, params: Params) -> list[Hit]:
        """Hits at the takes that come too late."""
        now = view.facts.now
        moved, takes = _moved(view), (now["traded"] == 1) & (now["passive"] == 0)
        recent = _recent(view.state)
        if not moved.any() and not recent:
            return []
        held = _held(view.state, now["pair"][moved], recent)
        found: list[Hit] = []
        for row in np.flatnonzero(moved | takes).tolist():
            at, pair, book = (int(now[name][row]) for name in ("at", "pair", "booked"))
            if moved[row]:
                day, times, moves = held[pair]
                same = day == at // DAY
                held[pair] = (at // DAY, times if same else 0, 1 + (moves if same else 0))
                recent.append(_Smoke(at, book, pair, view.piece(row)))
                continue
            side = 1 - int(now["side"][row])
            came = [one for one in recent if _comes(one, at, pair, book, side, params)]
            for one in came:
                recent.remove(one)
                day, times, moves = held[one.pair]
                held[one.pair] = (day, times + 1, moves)
                if times + 1 >= params.times and (times + 1) * WHOLE >= params.share_ppm * moves:
                    found.append(_hit(view, params, row, one, times + 1))
        newest = int(now["at"].max())
        kept = [one.row() for one in recent if one.at > newest - SLACK - params.within_ms * 1_000]
        if kept:
            view.state[SHOWN].append(pl.DataFrame(kept, schema=list(_SHOWN), orient="row"))
        rows = [(pair, *one) for pair, one in held.items()]
        schema = ["pair", "day", "times", "moves"]
        view.state[TABLE].upsert(pl.DataFrame(rows, schema=schema, orient="row"))
        return found


def _moved(view: View) -> Array:
    """Events by which an order that alone was the best price of its side is moved away."""
    now = view.facts.now
    buys = now["side"] == 0
    best, after = (
        np.where(buys, now[f"bid{part}"], now[f"ask{part}"]) for part in ("", "_after")
    )  # fmt: skip
    alone = (now["limit_before"] == best) & (after != best) & (best > 0)
    away = np.where(buys, now["change"] < 0, now["change"] > 0)
    free = view.facts.entry["provider"] == 0
    return np.asarray((now["code"] == REME) & alone & away & free)


def _recent(state: State) -> list[_Smoke]:
    """Orders that were moved away not long ago; they are taken out of the table."""
    out = []
    for row in state[SHOWN].due(None, "at", 2**62).iter_rows(named=True):
        book = tuple(row[name] for name in BOOK)
        piece = _piece(row, book)
        out.append(_Smoke(row["at"], row["booked"], row["pair"], piece))
    return out


def _piece(row: Mapping[str, Any], book: tuple[int, ...]) -> Piece:
    fields = ("time", "event_id", "order_id", "side", "price", "quantity", "offset")
    return Piece("ORDER", **{name: row[name] for name in fields}, book=book)


def _held(state: State, pairs: Array, recent: list[_Smoke]) -> dict[int, tuple[int, int, int]]:
    wanted = np.unique([*pairs.tolist(), *(one.pair for one in recent)])
    known = state[TABLE].lookup(pl.Series("pair", wanted, dtype=pl.Int64))
    return {pair: tuple(rest) for pair, *rest in known.drop("known").rows()}


def _comes(smoke: _Smoke, at: int, pair: int, book: int, side: int, params: Params) -> bool:
    """Whether a take comes for an order just moved away."""
    near = at - smoke.at < params.within_ms * 1_000
    return near and smoke.booked == book and smoke.piece.side == side and smoke.pair != pair


def _hit(view: View, params: Params, row: int, smoke: _Smoke, times: int) -> Hit:
    now = view.facts.now
    owner = view.state[OWNERS].lookup(pl.Series("pair", [smoke.pair]))["owner"][0]
    return Hit(
        row,
        "MEDIUM",
        min(WHOLE, 400_000 + 100_000 * times),
        f"{times} times on this day the best price was moved away within {params.within_ms} ms "
        "before another owner came for it",
        f"{params.times} times",
        "Attractive orders were revised to worse terms just before slower orders arrived",
        [smoke.piece, view.piece(row)],
        smoke.piece.quantity,
        int(now["last_price"][row]),
        owner,
    )


RULE = Smoking()
