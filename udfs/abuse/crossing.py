"""Manipulation over several books: pressure in one, the trade in another.

An episode of pressure and an episode of trades of one owner, or of owners of one group, belong
together if the trades fell into the time of the pressure, or at most `after_s` later, and were on
the side that gains by it: the other side of the same instrument at another venue, or of one that
rises with it; the same side of one that falls when it rises. Episodes of all shards come together
here in any order; whichever comes second raises the alert.
Source: Delegated Regulation (EU) 2016/522, Annex II, section 1, 4: inter-trading venue and
cross-product manipulation.

State: episodes of the last half hour of business time, links, alerts of the last hour.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import polars as pl
from pydantic import Field

from schemas.step import MIN_TIME, Batch, Clock, Outputs, State, TableSpec
from udfs.abuse import telling
from udfs.abuse.rules.rule import WHOLE, Hit, Kind, Piece, RuleParams, Whole, per_cent
from udfs.abuse.windows import SECOND

VERSION = "crossing/1"
EPISODES, LINKS, ALERTS, EVIDENCE = "episodes", "instrument.links", "alerts", "alerts.evidence"
KEPT = 1_800 * SECOND
HELD, TOGETHER, SAID, CLOCK = (
    f"crossing.{name}" for name in ("episodes", "links", "said", "clock")
)
_TEXT = ("episode_id", "isin", "mic", "owner", "group", "kind", "side", "events", "currency")
_INTS = (
    *("time", "quantity", "notional", "share_ppm", "moved", "first_time", "last_time"),
    *("price_scale", "offset"),
)
TABLES: Mapping[str, TableSpec] = {
    HELD: TableSpec({**dict.fromkeys(_TEXT, "str"), **dict.fromkeys(_INTS, "int")}),
    TOGETHER: TableSpec({"name": "str", "direction": "int"}, "name"),
    SAID: TableSpec({"name": "str", "until": "int"}, "name"),
    CLOCK: TableSpec({"name": "str", "newest": "int"}, "name"),
}
RULE_VERSION = "1"


class Params(RuleParams):
    """What can be chosen.

    Attributes:
        after_s: The trade may be so long after the pressure ended, seconds.
        times: Least notional of the pressure against that of the trades; millionths.
    """

    after_s: Annotated[int, Field(ge=0, le=600)] = 1
    times: Whole = WHOLE


@dataclass(frozen=True)
class CrossingStep:
    """The step contract: episodes and links in; alerts and evidence out."""

    params: Params = field(default_factory=Params)

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """Alerts of the episodes that belong together from this batch on."""
        rows = [
            (int(row["appended"]), topic, int(row["offset"]), row)
            for topic in (EPISODES, LINKS)
            if topic in batch
            for row in batch[topic].iter_rows(named=True)
        ]
        if not rows:
            return {}
        newest = int(state[CLOCK].lookup(pl.Series("name", ["all"]))["newest"][0])
        memory = _Memory.of(state)
        found = []
        for _, topic, _, row in sorted(rows, key=lambda one: one[:3]):
            if topic == LINKS:
                memory.links[_pair(row["isin"], row["other"])] = row["direction"]
                continue
            newest = max(newest, row["time"])
            found += memory.met({name: row[name] for name in (*_TEXT, *_INTS)}, newest, self.params)
        memory.save(state, newest)
        if not found:
            return {}
        return {
            ALERTS: telling.alerts(found, clock.shard, EPISODES, VERSION),
            EVIDENCE: telling.evidence(found, clock.shard, EPISODES, VERSION),
        }


def digest(params: Params) -> str:
    """SHA-256 of the parameters and the rule's version, hex."""
    return hashlib.sha256(f"{RULE_VERSION}\n{params.model_dump_json()}".encode()).hexdigest()


@dataclass
class _Memory:
    """State as it is while a batch is taken in; `held` by who could have acted together."""

    held: dict[str, list[dict[str, Any]]]
    links: dict[str, int]
    said: dict[str, int]
    new: list[dict[str, Any]]

    @classmethod
    def of(cls, state: State) -> "_Memory":
        held: dict[str, list[dict[str, Any]]] = {}
        for row in state[HELD].frame().iter_rows(named=True):
            for who in _who(row):
                held.setdefault(who, []).append(row)
        links = dict(state[TOGETHER].frame().rows())
        return cls(held, links, dict(state[SAID].frame().rows()), [])

    def met(self, row: dict[str, Any], newest: int, params: Params) -> list[telling.Raised]:
        """Take an episode in; the alert if it completes a pair."""
        others = {
            one["episode_id"]: one
            for who in _who(row)
            for one in self.held.get(who, [])
            if one["time"] > newest - KEPT and one["kind"] != row["kind"]
        }
        for who in _who(row):
            self.held.setdefault(who, []).append(row)
        self.new.append(row)
        for other in others.values():
            pressure, trade = (row, other) if row["kind"] == "PRESSURE" else (other, row)
            rule = self._rule(pressure, trade, params)
            if not rule:
                continue
            name = f"{rule}|{pressure['owner']}|{pressure['isin']}|{trade['isin']}"
            if newest < self.said.get(name, MIN_TIME):
                return []
            self.said[name] = newest + params.cool_down_s * SECOND
            return [_raised(rule, pressure, trade, row, params)]
        return []

    def _rule(self, pressure: Mapping[str, Any], trade: Mapping[str, Any], params: Params) -> str:
        """What the two make together; "" if nothing."""
        begun, over = pressure["first_time"], pressure["last_time"] + params.after_s * SECOND
        if trade["last_time"] < begun or trade["first_time"] > over:
            return ""
        if pressure["notional"] * WHOLE < params.times * trade["notional"]:
            return ""
        same_side = pressure["side"] == trade["side"]
        if pressure["isin"] == trade["isin"]:
            return "" if pressure["mic"] == trade["mic"] or same_side else "cross-venue"
        direction = self.links.get(_pair(pressure["isin"], trade["isin"]), 0)
        gains = (direction > 0 and not same_side) or (direction < 0 and same_side)
        return "cross-product" if gains else ""

    def save(self, state: State, newest: int) -> None:
        """Write what changed; forget what is old."""
        if self.new:
            state[HELD].append(pl.DataFrame(self.new))
        state[HELD].expire("time", newest - KEPT + 1)
        kept = ((TOGETHER, self.links, "direction"), (SAID, self.said, "until"))
        for table, values, column in kept:
            if values:
                rows = {"name": list(values), column: list(values.values())}
                state[table].upsert(pl.DataFrame(rows))
        state[SAID].expire("until", newest)
        state[CLOCK].upsert(pl.DataFrame({"name": ["all"], "newest": [newest]}))


def _who(row: Mapping[str, Any]) -> list[str]:
    """Names under which others that act together are found."""
    return [f"owner {row['owner']}", *([f"group {row['group']}"] if row["group"] else [])]


def _pair(one: str, other: str) -> str:
    return "|".join(sorted((one, other)))


def _raised(
    rule: str,
    pressure: Mapping[str, Any],
    trade: Mapping[str, Any],
    last: Mapping[str, Any],
    params: Params,
) -> telling.Raised:
    moved = pressure["moved"] > 0
    share = pressure["share_ppm"] / WHOLE
    hit = Hit(
        0,
        "HIGH" if moved else "MEDIUM",
        900_000 if moved else 700_000,
        f"{pressure['quantity']} pieces of {pressure['isin']} withdrawn at {pressure['mic']}, "
        f"{per_cent(share)} of the visible depth; {trade['quantity']} pieces of {trade['isin']} "
        f"traded at {trade['mic']} meanwhile",
        f"another book, at most {params.after_s} s after, {params.times / WHOLE:g} times the trade",
        "Large orders were withdrawn in one book while their owner, or one of its group, traded in "
        "another on the side that gained",
        [_piece(pressure, "CANCEL"), _piece(trade, "TRADE")],
        pressure["quantity"],
        pressure["notional"] // max(pressure["quantity"], 1),
        trade["owner"],
    )
    event = {
        "event_id": f"{pressure['episode_id']}-{trade['episode_id']}",
        "owner": trade["owner"],
        "isin": pressure["isin"],
        "mic": pressure["mic"],
        "time": max(pressure["time"], trade["time"]),
        "currency": pressure["currency"],
        "price_scale": pressure["price_scale"],
        "offset": last["offset"],
    }
    return telling.Raised(hit, rule, RULE_VERSION, f"rules:{digest(params)}", event)


def _piece(row: Mapping[str, Any], kind: Kind) -> Piece:
    """The last event of an episode."""
    side, price = int(row["side"] == "SELL"), row["notional"] // max(row["quantity"], 1)
    event = row["events"].rpartition(";")[2]
    book = (0,) * 8
    return Piece(
        kind, row["last_time"], event, "", side, price, row["quantity"], row["offset"], book,
        row["isin"], row["mic"],
    )  # fmt: skip
