"""Surveillance of order books over the log of order events: rules, features, scores, alerts.

Events count in log order. What is said at an event depends on the log up to it, so it is the same
however the log is cut. Links of owners and instruments apply from their place in the log on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import polars as pl

from schemas.step import Batch, Clock, Outputs, State, TableSpec
from udfs.abuse import decide, episodes, intake, memory, recall, rulebook, scored, telling
from udfs.abuse.facts import Facts
from udfs.abuse.features import Array, Scorer, Unscored
from udfs.abuse.gather import facts
from udfs.abuse.rulebook import RuleBook
from udfs.abuse.rules.rule import Hit, View
from udfs.abuse.windows import SECOND, SLACK

VERSION = telling.VERSION
EVENTS, OWNERS, INSTRUMENTS = telling.EVENTS, "owner.links", "instrument.links"
CONTROLS = (OWNERS, INSTRUMENTS)
ALERTS, EVIDENCE, CHALLENGER = "alerts", "alerts.evidence", "abuse.challenger"
DRIFT, REFUSED, EPISODES = "abuse.drift", "abuse.refused", "episodes"
RESULTS = (ALERTS, EVIDENCE, CHALLENGER, DRIFT, REFUSED, EPISODES)
TABLES: dict[str, TableSpec] = {
    **memory.TABLES,
    **decide.TABLES,
    **rulebook.TABLES,
    **episodes.TABLES,
}


class Watcher(Protocol):
    """Compares what a model sees with what it was trained on.

    Attributes:
        tables: State it keeps.
    """

    tables: Mapping[str, TableSpec]

    def __call__(
        self, state: State, rows: pl.DataFrame, scores: Array, shard: int
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Records ModelDrift of the days that are over, and Alert of those that drifted."""


@dataclass(frozen=True)
class AbuseStep:
    """The step contract: order events and links in; alerts, evidence, episodes and refusals out.

    Attributes:
        book: Parameters of the rules.
        scorer: The model that decides.
        challenger: A model whose alerts go beside.
        watcher: Looks for drift.
        close_s: Time of the day, UTC, from which trades count as near the close, seconds.
    """

    book: RuleBook = field(default_factory=RuleBook)
    scorer: Scorer = field(default_factory=Unscored)
    challenger: Scorer | None = None
    watcher: Watcher | None = None
    close_s: int = 16 * 3_600 + 900

    def __call__(self, state: State, batch: Batch, clock: Clock) -> Outputs:
        """What the events of the batch show."""
        found: dict[str, list[pl.DataFrame]] = {}
        for part in _stretches(state, batch):
            for topic, frame in self.decide(state, part, clock.shard).items():
                if frame.height:
                    found.setdefault(topic, []).append(frame)
        return {topic: pl.concat(frames) for topic, frames in found.items()}

    def decide(self, state: State, events: pl.DataFrame, shard: int) -> Outputs:
        """The same for events during which no link changes and no order's id is used again."""
        taken = intake.take(state, events)
        out: Outputs = {}
        if taken.refused.height:
            out[REFUSED] = telling.refusals(taken.refused, shard)
        if taken.frame.height:
            view = self.view(state, taken)
            out |= self._judged(state, view, shard)
            forget(state, view.facts)
        if taken.rest.height:
            for topic, frame in self.decide(state, taken.rest, shard).items():
                out[topic] = pl.concat([out[topic], frame]) if topic in out else frame
        return out

    def features(self, state: State, batch: Batch) -> pl.DataFrame:
        """The orders that end in a batch, not judged: scored.ROW and FEATURES; to train on."""
        found = []
        for part in _stretches(state, batch):
            rest = part
            while rest.height:
                taken = intake.take(state, rest)
                rest = taken.rest
                if taken.frame.height:
                    view = self.view(state, taken)
                    found.append(view.scored.drop("row"))
                    forget(state, view.facts)
        return pl.concat(found) if found else pl.DataFrame()

    def view(self, state: State, taken: intake.Taken) -> View:
        """Take events in; what is known at each, and the orders that ended with their features."""
        close = self.close_s * SECOND
        seen = facts(state, taken, close)
        rows = scored.rows(state, seen, close)
        recall.remember(state, seen, close)
        return View(state, seen, rows, close)

    def _judged(self, state: State, view: View, shard: int) -> Outputs:
        values = scored.matrix(view.scored)
        scores = self.scorer.score(values)
        ruled = decide.ruled(view, self.book)
        hits = [*ruled, *_unruled(ruled, decide.modelled(view, scores, self.scorer))]
        told = decide.raised(state, view, hits, scores, self.scorer, self.book)
        out: Outputs = {EPISODES: episodes.found(state, view, shard)}
        if told:
            out[ALERTS] = telling.alerts(told, shard)
            out[EVIDENCE] = telling.evidence(told, shard)
        if self.challenger is not None:
            beside = self.challenger.score(values)
            hits = decide.modelled(view, beside, self.challenger)
            other = decide.raised(
                state, view, hits, beside, self.challenger, self.book, f"{CHALLENGER}|"
            )
            if other:
                out[CHALLENGER] = telling.alerts(other, shard)
        if self.watcher is not None:
            out[DRIFT], warned = self.watcher(state, view.scored, scores, shard)
            if warned.height:
                out[ALERTS] = pl.concat([out[ALERTS], warned]) if ALERTS in out else warned
        return {topic: frame for topic, frame in out.items() if frame.height}


def _unruled(
    ruled: Sequence[tuple[str, Hit]], modelled: Sequence[tuple[str, Hit]]
) -> list[tuple[str, Hit]]:
    """The model's hits at orders of which no rule says anything."""
    rows = {hit.row for _, hit in ruled}
    return [one for one in modelled if one[1].row not in rows]


def forget(state: State, seen: Facts) -> None:
    """Drop what nothing after the batch can ask for; the batch has been judged."""
    newest = int(seen.now["time"].max(initial=0))
    for window in (*memory.PAIR_WINDOWS.values(), *memory.BOOK_WINDOWS.values()):
        window.forget(state, newest)
    recall.forget(state, newest)
    state["abuse.counterparties"].expire("day", newest // memory.DAY - 1)
    state[memory.PAIRS].expire("idle", newest - memory.FORGOTTEN - SLACK)
    state[decide.SAID].expire("until", newest - 3_600 * SECOND)


def _stretches(state: State, batch: Batch) -> Iterator[pl.DataFrame]:
    """Events between one link and the next; state is told of a link when its place comes.

    A record's place is (append time, topic, offset), and order.events comes after instrument.links
    and before owner.links.
    """
    events = intake.keyed(batch[EVENTS]) if EVENTS in batch else None
    links = [
        (int(row["appended"]), topic, row)
        for topic in CONTROLS
        if topic in batch
        for row in batch[topic].iter_rows(named=True)
    ]
    links.sort(key=lambda link: (link[0], link[1], link[2]["offset"]))
    done = 0
    times = events["appended"].to_numpy() if events is not None else np.empty(0, np.int64)
    for appended, topic, row in links:
        upto = int(np.searchsorted(times, appended, "right" if topic > EVENTS else "left"))
        if events is not None and upto > done:
            yield events[done:upto]
            done = upto
        if topic == OWNERS:
            state["abuse.groups"].upsert(
                pl.DataFrame({"owner": [row["owner"]], "group": [row["group"]]})
            )
        else:
            episodes.link(state, row)
    if events is not None and done < events.height:
        yield events[done:]
