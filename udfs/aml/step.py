"""Transaction monitoring over a log of postings: the rules of the set in force, exactly in time.

Postings, customer changes, rule sets and actions on alerts are held until the business watermark
of all four feeds has passed, then taken in the order of business time. So each rule sees the same
events in the same order however the log is cut, and a rule set has one exact place in the stream.
A late event counts at its place in the log and is marked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import polars as pl

from schemas.step import MIN_TIME, Batch, Clock, Outputs, State, Table, TableSpec, effective_time
from udfs.aml import handling, typologies
from udfs.aml.catalogue import PARAMS, RULES
from udfs.aml.customers import CUSTOMERS, TABLE, changes_of, factor, known_as_of, learn
from udfs.aml.rule import (
    CASH,
    CASH_KEPT,
    CASH_TABLE,
    EVENTS,
    FLOWS,
    FLOWS_KEPT,
    FLOWS_TABLE,
    Moment,
    RuleParams,
)
from udfs.aml.ruleset import DEFAULT, RuleSet, canonical, digest, parse, to_base
from udfs.shape import as_record

VERSION = "aml/1"
"""Changes when the results of the same input do."""
LIVE, SHADOW = "", "shadow."
_TOPICS = {LIVE: "alerts", SHADOW: "alerts.shadow"}

_POSTING = TableSpec(
    {
        "at": "int",
        "posting_id": "str",
        "owner": "str",
        "account": "str",
        "direction": "str",
        "channel": "str",
        "amount": "int",
        "scale": "int",
        "currency": "str",
        "counterparty": "str",
        "counterparty_name": "str",
        "counterparty_account": "str",
        "counterparty_country": "str",
        "country": "str",
        "area": "str",
        "latitude": "int",
        "longitude": "int",
        "card_present": "bool",
        "late": "bool",
        "offset": "int",
    }
)
_CHANGE = TableSpec({"at": "int", **CUSTOMERS[TABLE].columns})
_SET = TableSpec({"at": "int", "epoch": "int", "mode": "str", "body": "str"})
_ACTION = TableSpec({"at": "int", "subject": "str", "rule": "str", "kind": "str", "until": "int"})
_OWN = {name: spec for rule in RULES.values() for name, spec in rule.tables.items()}
_OWN |= {handling.MEMORY: handling.TABLES[handling.MEMORY]} | typologies.TABLES
"""What each slot has of its own: a shadow set must not disturb the live one."""
TABLES: dict[str, TableSpec] = {
    "aml.due": _POSTING,
    "aml.changes": _CHANGE,
    "aml.coming": _SET,
    "aml.actions": _ACTION,
    "aml.sets": TableSpec({"slot": "str", "epoch": "int", "body": "str"}, "slot"),
    "aml.clock": TableSpec({"key": "str", "until": "int"}, "key"),
    CASH_TABLE: CASH,
    FLOWS_TABLE: FLOWS,
    **CUSTOMERS,
    handling.SNOOZES: handling.TABLES[handling.SNOOZES],
    **{slot + name: spec for slot in (LIVE, SHADOW) for name, spec in _OWN.items()},
}


class Slot(Mapping[str, Table]):
    """The state as a rule of one slot sees it: its own tables, and the shared history."""

    def __init__(self, state: State, slot: str) -> None:
        """Names of own tables are looked up under the slot's prefix."""
        self._state = state
        self._slot = slot

    def __getitem__(self, name: str) -> Table:
        """A table by the name a rule gives it."""
        return self._state[self._slot + name if name in _OWN else name]

    def __iter__(self) -> Iterator[str]:
        """All names a rule may use."""
        return iter([*_OWN, CASH_TABLE, FLOWS_TABLE])

    def __len__(self) -> int:
        """Number of those."""
        return len(_OWN) + 2


@dataclass
class _Found:
    """Alerts of each topic so far in this call."""

    frames: dict[str, list[pl.DataFrame]] = field(default_factory=dict)

    def add(self, topic: str, frame: pl.DataFrame) -> None:
        if frame.height:
            self.frames.setdefault(topic, []).append(frame)

    def outputs(self) -> Outputs:
        return {topic: pl.concat(frames) for topic, frames in self.frames.items()}


@dataclass(frozen=True)
class AmlStep:
    """The step contract: postings and what is known about them in, alerts and transfers out."""

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """Decide on everything that lies before the business watermark."""
        until = clock.watermark - 1 if clock.watermark != MIN_TIME else MIN_TIME
        postings = _due(state, batch, "postings", until)
        changes = _due(state, batch, "customers", until)
        sets = _due(state, batch, "rules", until).sort("at", "epoch")
        actions = _due(state, batch, "alert.actions", until)
        if not (postings.height or changes.height or sets.height or actions.height):
            return {}
        since = state["aml.clock"].lookup(pl.Series("key", ["aml"]))["until"][0]
        events = known_as_of(state, changes.sort("at"), postings)
        learn(state, changes.sort("at"))
        found = _Found()
        for part in _stretches(events, sets, actions, since, until):
            _switch(state, part.sets)
            handling.snooze(state, part.actions)
            if part.events.height:
                moment = Moment(clock.shard, part.since, part.until)
                _decide(state, part.events, moment, found)
        state["aml.clock"].upsert(pl.DataFrame({"key": ["aml"], "until": [until]}))
        state[CASH_TABLE].expire("at", until - CASH_KEPT)
        state[FLOWS_TABLE].expire("at", until - FLOWS_KEPT)
        return found.outputs()


@dataclass(frozen=True)
class _Stretch:
    """Events between two changes of what decides, and the changes before them."""

    events: pl.DataFrame
    sets: pl.DataFrame
    actions: pl.DataFrame
    since: int
    until: int


def _due(state: State, batch: Batch, topic: str, until: int) -> pl.DataFrame:
    """What comes due of a feed, held back or new; `at` is when it counts."""
    table, time = _HELD[topic]
    frame = batch.get(topic)
    if frame is not None:
        frame = frame.with_columns(at=effective_time(time))
        frame = changes_of(frame) if topic == "customers" else frame
        frame = frame.select(
            pl.col(name).cast(_TYPES[kind]) for name, kind in TABLES[table].columns.items()
        )
    return state[table].due(frame, "at", until)


def _stretches(
    events: pl.DataFrame, sets: pl.DataFrame, actions: pl.DataFrame, since: int, until: int
) -> Iterator[_Stretch]:
    """Cut the events where a rule set or an action begins to count; from its moment on it does."""
    cuts = sorted({*sets["at"].to_list(), *actions["at"].to_list()})
    begins, last = [since + 1, *cuts], since
    for number, begin in enumerate(begins):
        end = (begins[number + 1] - 1) if number + 1 < len(begins) else until
        inside = pl.col("at").is_between(begin if number else MIN_TIME, end)
        now = pl.col("at") == (begin if number else MIN_TIME)
        yield _Stretch(events.filter(inside), sets.filter(now), actions.filter(now), last, end)
        last = end


def _switch(state: State, sets: pl.DataFrame) -> None:
    """Put rule sets in force: only one of a greater epoch replaces the one there."""
    for row in sets.iter_rows(named=True):
        slot = LIVE if row["mode"] == "LIVE" else SHADOW
        key = pl.Series("slot", ["live" if slot == LIVE else "shadow"])
        if row["epoch"] > state["aml.sets"].lookup(key)["epoch"][0]:
            body = "" if row["mode"] == "SHADOW_END" else row["body"]
            if slot == SHADOW:
                _begin_shadow(state)
            state["aml.sets"].upsert(
                pl.DataFrame({"slot": key, "epoch": row["epoch"], "body": body})
            )


def _begin_shadow(state: State) -> None:
    """A shadow starts with what the live set remembers, so that both have the same history."""
    for name, spec in _OWN.items():
        shadow = state[SHADOW + name]
        shadow.clear()
        (shadow.append if spec.key is None else shadow.upsert)(state[name].frame())


def _decide(state: State, events: pl.DataFrame, moment: Moment, found: _Found) -> None:
    """Let both slots' rules see the events; remember the events first."""
    bodies = dict(state["aml.sets"].frame().select("slot", "body").iter_rows())
    live = _parsed(bodies.get("live") or DEFAULT_BODY)
    priced = _priced(events, live)
    state[CASH_TABLE].append(priced.filter(pl.col("channel") == "CASH").select(*CASH.columns))
    state[FLOWS_TABLE].append(priced.select(*FLOWS.columns))
    for slot, body in ((LIVE, bodies.get("live") or DEFAULT_BODY), (SHADOW, bodies.get("shadow"))):
        if body:
            rules = _parsed(body)
            shown = priced if rules is live else _priced(events, rules)
            raised = _ruled(state, slot, shown, moment, rules)
            if raised.height:
                records = handling.alerts(
                    raised, f"rules:{digest(body)}", VERSION, "1", moment.shard, "postings"
                )
                found.add(_TOPICS[slot], records)
    found.add("transfers", _transfers(priced, live, moment.shard))


def _ruled(
    state: State, slot: str, events: pl.DataFrame, moment: Moment, rules: RuleSet
) -> pl.DataFrame:
    """The alerts of one slot, raised by rules and typologies."""
    view = Slot(state, slot)
    shown = events.select(*EVENTS)
    outcomes: dict[str, tuple[pl.DataFrame, RuleParams]] = {}
    for name, params in rules.rules.items():
        if params.enabled:
            outcomes[name] = (RULES[name](view, shown, moment, params), params)
    frames = {name: frame for name, (frame, _) in outcomes.items() if frame.height}
    weighed = typologies.weighed(state, frames, rules.typologies, slot)
    for name, frame in weighed.items():
        outcomes[name] = (frame, typologies.PARAMS)
    raised, _ = handling.handled(state, outcomes, slot)
    return raised


def _priced(events: pl.DataFrame, rules: RuleSet) -> pl.DataFrame:
    """Events with their amount in the base currency and the owner's share of money limits."""
    return events.with_columns(
        base=to_base("amount", "scale", "currency", rules.rates), factor=factor(rules.factors)
    )


def _transfers(events: pl.DataFrame, rules: RuleSet, shard: int) -> pl.DataFrame:
    """The debits above the floor as edges between parties."""
    edges = events.filter(
        (pl.col("direction") == "DEBIT")
        & pl.col("channel").is_in(["TRANSFER", "WIRE"])
        & (pl.col("base") >= rules.transfer_floor)
        & (pl.col("owner") != pl.col("counterparty"))
    )
    ours = pl.col("counterparty") != ""
    return as_record(
        edges.with_columns(
            transfer_id="posting_id",
            time="at",
            source="owner",
            target=pl.when(ours).then("counterparty").otherwise("counterparty_account"),
            source_account="account",
            target_account="counterparty_account",
            amount="base",
            currency=pl.lit(rules.base),
            scale=pl.lit(2),
            source_topic=pl.lit("postings"),
            source_partition=pl.lit(shard),
            source_offset="offset",
            version=pl.lit(VERSION),
        ),
        "Transfer",
    )


DEFAULT_BODY = canonical(DEFAULT)


@cache
def _parsed(body: str) -> RuleSet:
    return parse(body, PARAMS)


_HELD = {
    "postings": ("aml.due", "time"),
    "customers": ("aml.changes", "time"),
    "rules": ("aml.coming", "effective_time"),
    "alert.actions": ("aml.actions", "time"),
}
_TYPES = {"int": pl.Int64, "str": pl.String, "bool": pl.Boolean}
