"""Smoking: an attractive order, made worse just before slower orders come for it.

Definition: an order that alone is the best price of its side is moved away, and less than 100 ms
later another owner takes from that side; at least so many times a day by an owner in a book, and at
least half of the times it moved such an order away. Orders under a market making agreement do not
count: they have to follow the price.
Source: Delegated Regulation (EU) 2016/522, Annex II, section 1, 5(f).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import ColumnKind, State, TableSpec
from udfs.abuse.features import Array
from udfs.abuse.intake import REME
from udfs.abuse.memory import DAY
from udfs.abuse.rules.rule import BOOK, WHOLE, Hit, Piece, RuleParams, View
from udfs.abuse.windows import SLACK

TABLE, SHOWN = "abuse.smoking", "abuse.smoking.shown"
_PIECE = ("time", "event_id", "order_id", "side", "price", "quantity", "offset")
_TEXTS = ("owner", "event_id", "order_id")
_SHOWN: dict[str, ColumnKind] = {
    **dict.fromkeys(("at", "booked", "pair", "owner", *_PIECE, *BOOK), "int"),
    **dict.fromkeys(_TEXTS, "str"),
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
    owner: str
    piece: Piece

    def row(self) -> tuple[int | str, ...]:
        told = (getattr(self.piece, name) for name in _PIECE)
        return (self.at, self.booked, self.pair, self.owner, *told, *self.piece.book)


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
            shown = recent.setdefault(book, [])
            if moved[row]:
                day, times, moves = held[pair]
                same = day == at // DAY
                held[pair] = (at // DAY, times if same else 0, 1 + (moves if same else 0))
                owner = view.strings["owner"][row]
                shown.append(_Smoke(at, book, pair, owner, view.piece(row)))
            elif shown:
                side, since = 1 - int(now["side"][row]), at - params.within_ms * 1_000
                shown[:] = [one for one in shown if one.at > since]
                for one in [s for s in shown if s.piece.side == side and s.pair != pair]:
                    shown.remove(one)
                    found += _came(view, params, row, one, held)
        _keep(view, params, recent)
        rows = [(pair, *one) for pair, one in held.items()]
        schema = ["pair", "day", "times", "moves"]
        view.state[TABLE].upsert(pl.DataFrame(rows, schema=schema, orient="row"))
        oldest = int(now["time"].max()) - SLACK - params.within_ms * 1_000
        view.state[TABLE].expire("day", oldest // DAY)
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


def _recent(state: State) -> dict[int, list[_Smoke]]:
    """Orders that were moved away not long ago, by book; they are taken out of the table."""
    found: dict[int, list[_Smoke]] = {}
    for row in state[SHOWN].due(None, "at", 2**62).iter_rows(named=True):
        told = {name: row[name] for name in _PIECE}
        piece = Piece("ORDER", **told, book=tuple(row[name] for name in BOOK))
        one = _Smoke(row["at"], row["booked"], row["pair"], row["owner"], piece)
        found.setdefault(one.booked, []).append(one)
    return found


def _keep(view: View, params: Params, recent: Mapping[int, list[_Smoke]]) -> None:
    """Remember those for which somebody may still come."""
    since = int(view.facts.now["at"].max()) - SLACK - params.within_ms * 1_000
    kept = [one.row() for shown in recent.values() for one in shown if one.at > since]
    if kept:
        view.state[SHOWN].append(pl.DataFrame(kept, schema=list(_SHOWN), orient="row"))


def _held(
    state: State, pairs: Array, recent: Mapping[int, list[_Smoke]]
) -> dict[int, tuple[int, int, int]]:
    wanted = {*pairs.tolist(), *(one.pair for shown in recent.values() for one in shown)}
    known = state[TABLE].lookup(pl.Series("pair", sorted(wanted), dtype=pl.Int64))
    return {pair: (day, times, moves) for pair, day, times, moves in known.drop("known").rows()}


def _came(
    view: View, params: Params, row: int, smoke: _Smoke, held: dict[int, tuple[int, int, int]]
) -> list[Hit]:
    """Count a take that came too late; the hit if there are enough."""
    day, times, moves = held[smoke.pair]
    held[smoke.pair] = (day, times + 1, moves)
    enough = times + 1 >= params.times and (times + 1) * WHOLE >= params.share_ppm * moves
    return [_hit(view, params, row, smoke, times + 1)] if enough else []


def _hit(view: View, params: Params, row: int, smoke: _Smoke, times: int) -> Hit:
    now = view.facts.now
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
        smoke.owner,
    )


RULE = Smoking()
