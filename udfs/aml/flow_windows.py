"""Sums of an owner over a window (t - W, t], exact at each event and kept from call to call.

State of a window: one row an owner with the sums at the last call's end, and one row that says for
which length and up to when they hold. A call adds what arrived and takes off what has left, so its
cost follows the events of the call and those that are W older, not what is remembered. Sums of
another length, or that miss a stretch of time, are made anew from the remembered postings.
Sums are in the base currency by the rates of the live rule set at the time of the posting.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.step import ColumnKind, State, TableSpec
from udfs.aml.flow_groups import Added, Array, Sums, by_code, dense, running, total
from udfs.aml.rule import FLOWS_KEPT, FLOWS_TABLE, Moment

Measure = Callable[[pl.DataFrame], Sums]
"""What is summed: from rows with `columns` of the window, whole numbers by name."""
_ALL = 2**62


@dataclass(frozen=True)
class Moved:
    """A window that has moved over the events of a call.

    Attributes:
        added: What the events add.
        before: By owner, the sums when the call began.
        codes: By row that leaves, the place of its owner; only owners that have events.
        leaves: By row that leaves, when it does.
        leaving: By row that leaves, what it takes off.
    """

    added: Added
    before: Sums
    codes: Array
    leaves: Array
    leaving: Sums

    def most(self, name: str) -> Array:
        """By owner, a sum that none in this call exceeds: nothing has left."""
        return np.asarray(self.before[name] + self.added.totals[name])

    def exact(self, chosen: Array) -> tuple[Array, Sums]:
        """The events of the owners that `chosen` marks, and the sums in the window at each.

        What is exactly W old at an event has left. Events at one instant count in their order.
        """
        events, values = self.added.events, self.added.values
        arrived = np.flatnonzero(chosen[events.codes])
        left = np.flatnonzero(chosen[self.codes])
        codes = np.concatenate([self.codes[left], events.codes[arrived]])
        times = np.concatenate([self.leaves[left], events.at[arrived]])
        order = np.argsort(times, kind="stable")
        order = order[by_code(codes[order])]
        change = {
            name: np.concatenate([-self.leaving[name][left], values[name][arrived]])[order]
            for name in values
        }
        at_events = np.empty(len(codes), dtype=np.int64)
        at_events[order] = np.arange(len(codes))
        at_events = at_events[len(left) :]
        sums = running(codes[order], change, self.before)
        return arrived, {name: column[at_events] for name, column in sums.items()}


@dataclass(frozen=True)
class Windows:
    """The windows of a rule.

    Attributes:
        rule: Name of the rule.
        slots: So many windows at most.
        names: What is summed.
        measure: How, from rows with `columns`; never negative.
        columns: Columns of aml.flows that `measure` needs.
    """

    rule: str
    slots: int
    names: Sequence[str]
    measure: Measure
    columns: Sequence[str] = ("direction", "base", "own")

    @property
    def tables(self) -> Mapping[str, TableSpec]:
        """Sums a window, and what they hold."""
        spans = TableSpec({"slot": "int", "length": "int", "until": "int"}, "slot")
        sums = {self._sums(slot): by_owner(self.names) for slot in range(self.slots)}
        return {self._spans: spans, **sums}

    def move(
        self, state: State, added: Added, moment: Moment, lengths: Sequence[int]
    ) -> list[Moved]:
        """Take the sums of windows so long from moment.since to moment.until."""
        slots = pl.Series("slot", range(len(lengths)), dtype=pl.Int64)
        spans = state[self._spans].lookup(slots)
        begins = []
        for slot, length in enumerate(lengths):
            known, held, until = (spans[name][slot] for name in ("known", "length", "until"))
            if known and held == length and _nothing_since(state, until, moment.since, length):
                begins.append(until)
            else:
                self._make(state, slot, moment.since, length)
                begins.append(moment.since)
        held = {"slot": slots, "length": lengths, "until": [moment.until] * len(lengths)}
        state[self._spans].upsert(pl.DataFrame(held))
        return [
            self._move(state, slot, added, begin, moment.until, length)
            for slot, (begin, length) in enumerate(zip(begins, lengths, strict=True))
        ]

    def _move(
        self, state: State, slot: int, added: Added, begin: int, until: int, length: int
    ) -> Moved:
        rows = self._rows(state, ("at",), begin - length, until - length)
        leaving, numbers = self.measure(rows), rows["owner_number"].to_numpy()
        events = added.events
        owners, codes = dense(np.concatenate([events.owners, numbers]))
        here, codes = codes[: len(events)], codes[len(events) :]
        change = {name: -total(codes, leaving[name], len(owners)) for name in self.names}
        for name in self.names:
            change[name][here] += added.totals[name]
        after = state[self._sums(slot)].add(_by_owner(owners, change))
        before = {n: after[n].to_numpy()[here] - change[n][here] for n in self.names}
        place = np.full(len(owners), -1)
        place[here] = np.arange(len(events))
        place = place[codes]
        kept = place >= 0
        return Moved(
            added,
            before,
            place[kept],
            rows["at"].to_numpy()[kept] + length,
            {name: leaving[name][kept] for name in self.names},
        )

    def _make(self, state: State, slot: int, since: int, length: int) -> None:
        """Make the sums anew, up to `since`."""
        state[self._sums(slot)].expire(self.names[0], _ALL)
        rows = self._rows(state, (), since - length, since)
        owners, codes = dense(rows["owner_number"].to_numpy())
        values = self.measure(rows)
        sums = {name: total(codes, values[name], len(owners)) for name in self.names}
        state[self._sums(slot)].upsert(_by_owner(owners, sums))

    def _rows(self, state: State, more: Sequence[str], low: int, high: int) -> pl.DataFrame:
        columns = (*more, "owner_number", *self.columns)
        return state[FLOWS_TABLE].between("at", low, high, columns)

    def _sums(self, slot: int) -> str:
        return f"aml.{self.rule}.sums_{slot}"

    @property
    def _spans(self) -> str:
        return f"aml.{self.rule}.spans"


def as_remembered(state: State, events: pl.DataFrame, moment: Moment) -> pl.DataFrame:
    """The events of a call with `base` as it was remembered.

    A rule set in the shadow may have rates of its own, but what leaves a window is remembered by
    the rates of the live one: a sum only comes back to nothing if both are taken alike.
    """
    base = state[FLOWS_TABLE].between("at", moment.since, moment.until, ("base",))["base"]
    if len(base) != events.height:
        return events
    return events.clone().replace_column(events.get_column_index("base"), base)


def _nothing_since(state: State, until: int, since: int, length: int) -> bool:
    """Whether sums that hold up to `until` hold up to `since`, but for what leaves meanwhile."""
    return 0 <= since - until <= FLOWS_KEPT - length and not missed(state, until, since)


def missed(state: State, until: int, since: int) -> bool:
    """Whether postings are remembered between the end of the last call and the start of this one.

    That is so after a rule was switched off for a while; a call may be left out where nothing was
    posted.
    """
    return until < since and state[FLOWS_TABLE].between("at", until, since, ("at",)).height > 0


def by_owner(names: Sequence[str]) -> TableSpec:
    """Layout of a table with whole numbers by owner."""
    columns: dict[str, ColumnKind] = {"owner_number": "int"}
    return TableSpec(columns | {name: "int" for name in names}, "owner_number")


def _by_owner(owners: Array, sums: Sums) -> pl.DataFrame:
    return pl.DataFrame({"owner_number": owners, **sums})
