"""Front running: own orders just ahead of a large order of a client of the same member.

Definition: the member or one of its own people traded (own account, or no client of another name;
not under a market making agreement, not a slice of a client's order); within `ahead_s` a client's
order of the same member on the same side came that was at least `times` as large; and within
`out_s` the owner closed at least `closed_ppm` of it.
Source: Delegated Regulation (EU) 2016/522, Annex II; MAR 596/2014, Article 7(1)(d).
"""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import polars as pl
from pydantic import Field

from schemas.step import TableSpec
from udfs.abuse.intake import NEWO
from udfs.abuse.memory import KEPT
from udfs.abuse.rules.rule import WHOLE, Hit, RuleParams, Share, View, Whole, among, trade_piece
from udfs.abuse.windows import SECOND

AHEAD, OPEN = "abuse.ahead", "abuse.ahead.open"
_AHEAD = ("n", "at", "booked", "side", "pair", "size")
Ahead = tuple[int, ...]
"""An own trade: number of the event, time, owner in the book, pieces."""
_OPEN = ("pair", "side", "size", "closed", "since", "at", "client_size", "n")


class Params(RuleParams):
    """What can be chosen.

    Attributes:
        ahead_s: Longest time from the own trade to the client's order, seconds.
        times: Least size of the client's order against the own trades; millionths.
        out_s: Longest time from the client's order to the exit, seconds.
        closed_ppm: Least pieces closed against those traded ahead.
    """

    ahead_s: Annotated[int, Field(ge=1, le=3_600)] = 60
    times: Whole = 5 * WHOLE
    out_s: Annotated[int, Field(ge=1, le=3_600)] = 600
    closed_ppm: Share = 800_000


class FrontRunning:
    """The rule; see the module. State: own trades of the last minutes, and those to be closed."""

    name = "front-running"
    version = "2"
    tables: Mapping[str, TableSpec] = {
        AHEAD: TableSpec({"member": "str", **dict.fromkeys(_AHEAD, "int")}),
        OPEN: TableSpec(dict.fromkeys(_OPEN, "int"), "pair"),
    }

    def __call__(self, view: View, params: Params) -> list[Hit]:
        """Hits at the trades by which enough is closed."""
        now, frame = view.facts.now, view.facts.frame
        entry = view.facts.entry
        house = ((frame["capacity"] == "DEAL") | (frame["client"] == frame["member"])).to_numpy()
        own = house & (now["traded"] == 1) & (entry["provider"] == 0) & (entry["slice"] == 0)
        _remember(view, np.flatnonzero(own))
        client = ~house & (now["code"] == NEWO) & (now["quantity"] > 1)
        rows = np.flatnonzero(own | client)
        found: list[Hit] = []
        opened = view.state[OPEN]
        runs = {one["pair"]: one for one in opened.frame().rows(named=True)}
        past = _ahead(view) if client.any() else {}
        touched = set()
        for row in rows.tolist():
            pair, side = int(now["pair"][row]), int(now["side"][row])
            if client[row]:
                key = (int(now["booked"][row]), view.strings["member"][row], side)
                touched |= _open(view, params, row, past.get(key, []), runs)
            elif pair in runs and side != runs[pair]["side"]:
                hit = _closed(view, params, row, runs[pair])
                touched.add(pair)
                if hit is not None:
                    found.append(hit)
        if touched:
            opened.upsert(pl.DataFrame([runs[pair] for pair in sorted(touched)]))
        newest = int(now["time"].max())
        view.state[AHEAD].expire("at", newest - (params.ahead_s + 120) * SECOND)
        opened.expire("at", newest - (params.out_s + 120) * SECOND)
        return found


def _remember(view: View, rows: np.ndarray[Any, np.dtype[Any]]) -> None:
    now = view.facts.now
    if len(rows):
        columns = {name: now[name][rows] for name in _AHEAD if name != "size"}
        members = view.facts.frame["member"][rows]
        view.state[AHEAD].append(
            pl.DataFrame({"member": members, **columns, "size": now["last_quantity"][rows]})
        )


def _ahead(view: View) -> dict[tuple[int, str, int], list[Ahead]]:
    """Own trades of the last minutes by book, member and side, in log order."""
    found: dict[tuple[int, str, int], list[Ahead]] = {}
    names = ("booked", "member", "side", "n", "at", "pair", "size")
    for booked, member, side, *rest in view.state[AHEAD].frame().select(names).rows():
        found.setdefault((booked, member, side), []).append(tuple(rest))
    return found


def _open(
    view: View, params: Params, row: int, ahead: list[Ahead], runs: dict[int, dict[str, int]]
) -> set[int]:
    """Owners that traded ahead of a client's order, to be watched."""
    now = view.facts.now
    n, at, size, mine = (int(now[name][row]) for name in ("n", "at", "quantity", "pair"))
    since = at - params.ahead_s * SECOND
    summed: dict[int, tuple[int, int]] = {}
    for number, time, pair, pieces in ahead:
        if number <= n and time >= since and pair != mine:
            traded, first = summed.get(pair, (0, number))
            summed[pair] = (traded + pieces, first)
    begun: set[int] = set()
    for pair, (traded, first) in summed.items():
        held = runs.get(pair)
        live = held is not None and held["closed"] < held["size"]
        if live and at - held["at"] <= params.out_s * SECOND:  # type: ignore[index]
            continue
        if size * WHOLE >= params.times * traded:
            side = int(now["side"][row])
            one = (pair, side, traded, 0, first, at, size, n)
            runs[pair] = dict(zip(_OPEN, one, strict=True))
            begun.add(pair)
    return begun


def _closed(view: View, params: Params, row: int, run: dict[str, int]) -> Hit | None:
    """Take a trade on the other side off what was traded ahead; the hit if enough is closed."""
    now = view.facts.now
    if int(now["at"][row]) - run["at"] > params.out_s * SECOND or run["closed"] >= run["size"]:
        return None
    was = run["closed"]
    run["closed"] += int(now["last_quantity"][row])
    enough = params.closed_ppm * run["size"]
    if was * WHOLE >= enough or run["closed"] * WHOLE < enough:
        return None
    since = int(now["at"][row]) - KEPT
    there = among(view.trades(np.array([run["pair"]])), int(now["n"][row]), since)
    there = there.filter(pl.col("n") >= run["since"])
    return Hit(
        row,
        "MEDIUM",
        700_000,
        f"{run['size']} pieces traded on own account ahead of a client's order of "
        f"{run['client_size']} on the same side, {run['closed']} closed after it",
        f"{params.ahead_s} s ahead, a client's order {params.times / WHOLE:g} times as large, "
        f"closed within {params.out_s} s",
        "Own trades just ahead of a large order of a client of the same member were closed after",
        [trade_piece(one) for one in there.iter_rows(named=True)],
        run["size"],
        int(now["last_price"][row]),
    )


RULE = FrontRunning()
