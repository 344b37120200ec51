"""Transaction monitoring over a log of postings: the rules of the set in force, exactly in time.

Postings, customer changes, rule sets and actions on alerts are held until the business watermark
of all four feeds has passed, then taken in the order of business time. So each rule sees the same
events in the same order however the log is cut, and a rule set has one exact place in the stream.
A late event counts at its place in the log and is marked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import polars as pl

from schemas.step import MIN_TIME, Batch, Clock, Outputs, State, TableSpec
from udfs.aml import handling, records, slots, typologies
from udfs.aml.catalogue import REVISED, RULES
from udfs.aml.customers import CUSTOMERS, factor, known_as_of, learn
from udfs.aml.flow_owners import OWNERS, OWNERS_TABLE, numbered
from udfs.aml.held import HELD, due
from udfs.aml.rule import (
    CASH,
    CASH_KEPT,
    CASH_TABLE,
    EVENTS,
    FLOWS,
    FLOWS_KEPT,
    FLOWS_TABLE,
    Moment,
)
from udfs.aml.ruleset import RuleSet, digest, to_base
from udfs.aml.slots import LIVE, SHADOW, VERSION, Remembered, Slot
from udfs.shape import as_record

_TOPICS = {LIVE: "alerts", SHADOW: "alerts.shadow"}
TABLES: dict[str, TableSpec] = {
    "aml.clock": TableSpec({"key": "str", "until": "int"}, "key"),
    CASH_TABLE: CASH,
    FLOWS_TABLE: FLOWS,
    OWNERS_TABLE: OWNERS,
    **HELD,
    **CUSTOMERS,
    **slots.TABLES,
}


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
    """The step contract: postings and what is known about them in, alerts and transfers out.

    Attributes:
        keys: The public keys (Ed25519, 32 bytes) whose rule sets count.
    """

    keys: tuple[bytes, ...] = ()

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """Decide on everything that lies before the business watermark."""
        until = clock.watermark - 1 if clock.watermark != MIN_TIME else MIN_TIME
        postings = due(state, batch, "postings", until)
        changes = due(state, batch, "customers", until)
        sets = due(state, batch, "rules", until)
        actions = due(state, batch, "alert.actions", until)
        if not (postings.height or changes.height or sets.height or actions.height):
            return {}
        events = numbered(state, known_as_of(state, changes, postings))
        events = events.with_columns(own=pl.col("counterparty") == pl.col("owner"))
        learn(state, changes)
        found = _Found()
        for part in _stretches(events, sets, actions, until):
            found.add("alerts", slots.switch(state, part.sets, self.keys, clock.shard))
            if part.events.height:
                _decide(state, part, _moment(state, clock.shard, part.until), found)
            handling.snooze(state, part.actions)
        _forget(state, until)
        return found.outputs()


def _moment(state: State, shard: int, until: int) -> Moment:
    """The business time from the last call of the rules on; it is remembered."""
    since = state["aml.clock"].lookup(pl.Series("key", ["aml"]))["until"][0]
    state["aml.clock"].upsert(pl.DataFrame({"key": ["aml"], "until": [until]}))
    return Moment(shard, since, until)


def _forget(state: State, until: int) -> None:
    """Drop what no event after `until` can ask for.

    Postings are kept for as long as a rule, when it is called next, may have to take them off: that
    is counted from its last call.
    """
    called = state["aml.clock"].lookup(pl.Series("key", ["aml"]))["until"][0]
    state[CASH_TABLE].expire("at", called - CASH_KEPT)
    state[FLOWS_TABLE].expire("at", called - FLOWS_KEPT)
    handling.forget(state, (LIVE, SHADOW), until)
    typologies.forget(state, (LIVE, SHADOW), until)


@dataclass(frozen=True)
class _Stretch:
    """Events and actions up to `until` under one rule set, and the sets that come before them."""

    sets: pl.DataFrame
    events: pl.DataFrame
    actions: pl.DataFrame
    until: int


def _stretches(
    events: pl.DataFrame, sets: pl.DataFrame, actions: pl.DataFrame, until: int
) -> Iterator[_Stretch]:
    """Cut events and actions where a rule set begins to count; from its moment on it does."""
    for begin, after in pairwise([MIN_TIME, *sets["at"].unique().sort(), until + 1]):
        inside = pl.col("at").is_between(begin, after, closed="left")
        begun, due_now, done = (one.filter(inside) for one in (sets, events, actions))
        yield _Stretch(begun, due_now, done, after - 1)


def _decide(state: State, part: _Stretch, moment: Moment, found: _Found) -> None:
    """Let the rules of every slot see the events; the events are remembered first."""
    bodies = slots.in_force(state)
    live = slots.parsed(bodies[LIVE])
    priced = _priced(part.events, live)
    state[CASH_TABLE].append(priced.filter(pl.col("channel") == "CASH").select(*CASH.columns))
    state[FLOWS_TABLE].append(priced.select(*FLOWS.columns))
    cash = Remembered(state[CASH_TABLE])
    for slot, body in bodies.items():
        rules = slots.parsed(body)
        shown = priced if slot == LIVE else _priced(part.events, rules)
        raised = _ruled(state, Slot(state, slot, cash), slot, shown, part.actions, moment, rules)
        if raised.height:
            decided_by = f"rules:{digest(body)}"
            found.add(
                _TOPICS[slot],
                records.alerts(raised, decided_by, REVISED, VERSION, moment.shard),
            )
    found.add("transfers", _transfers(priced, live, moment.shard))


def _ruled(
    state: State,
    view: Slot,
    slot: str,
    events: pl.DataFrame,
    actions: pl.DataFrame,
    moment: Moment,
    rules: RuleSet,
) -> pl.DataFrame:
    """The alerts of one slot, raised by rules and typologies."""
    shown = events.select(*EVENTS)
    outcomes: dict[str, tuple[pl.DataFrame, int]] = {}
    for name, params in rules.rules.items():
        if params.enabled:
            said = RULES[name](view, shown, moment, params)
            outcomes[name] = (_at_events(said, shown), params.cool_down_s)
    frames = {name: frame for name, (frame, _) in outcomes.items() if frame.height}
    weighed = typologies.weighed(state, frames, rules.typologies, slot)
    for name, frame in weighed.items():
        outcomes[name] = (frame, typologies.COOL_DOWN_S)
    late = events.filter("late").select("at", subject="owner").select("subject", "at")
    raised, _ = handling.handled(state, outcomes, late, actions, slot)
    return raised


def _at_events(said: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Outcomes at the events that brought them about.

    A rule that judges a day when it is over dates what it says at the end of that day, but is first
    called for an event after it. In between lie actions and cool-downs that other cuts of the log
    have taken in already, so the outcome counts at that event.
    """
    if said.is_empty():
        return said
    times = events["at"].to_numpy()
    at = np.searchsorted(times, said["at"].to_numpy()).clip(max=len(times) - 1)
    return said.with_columns(at=pl.Series(times[at]))


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
