"""One batch of screening: the lists in force, and what is found stretch by stretch of the log."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from schemas.step import Batch, State
from udfs.screening import known
from udfs.screening.alerts import alert
from udfs.screening.config import VERSION, Config
from udfs.screening.events import (
    ACTIONS,
    CUSTOMERS,
    LISTS,
    POSTINGS,
    Action,
    Event,
    actions,
    paid,
    remembered,
    renamed,
)
from udfs.screening.known import NEVER, Known, Pair
from udfs.screening.names import normalise
from udfs.screening.screener import Hit
from udfs.screening.versions import Content, Refused, Version, Versions

_Found = tuple[Version, Hit, Pair]
_SINCE = ("unscreened", "unreadable_postings", "excepted_postings")
"""Counted over postings from one run of a list of parties to the next."""
_COUNTED = ("known", "screened", "unreadable", "hits", "raised", "repeated", "excepted")


class Work:
    """What a batch has found so far: alerts and runs as rows, in log order."""

    def __init__(self, state: State, config: Config, shard: int) -> None:
        """Begin with the lists that `state` has in force."""
        self.state = state
        self.config = config
        self.shard = shard
        self.versions = Versions(state, config.threshold)
        self.alerts: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self._load()

    def stretch(self, batch: Batch, start: int, end: int) -> None:
        """Screen the names appended in [start, end), milliseconds; no list changes there."""
        inside = (pl.col("appended") >= start) & (pl.col("appended") < end)
        parts = {topic: frame.filter(inside) for topic, frame in batch.items() if topic != LISTS}
        names = paid(parts.get(POSTINGS))
        since: Counter[str] = Counter()
        if self._lists:
            since["unreadable_postings"] = self._unreadable(names)
        else:
            since["unscreened"] = names.height
        changed = renamed(self.state["screening.customers"], parts.get(CUSTOMERS))
        found = self._hits(pl.concat([changed, names]))
        since["excepted_postings"] = self._judge(found, parts)
        self._count(since)

    def _judge(self, found: list[tuple[Event, list[_Found]]], parts: Batch) -> int:
        """Decide on hits and actions in log order; how many hits in payments were excepted."""
        said = actions(parts.get(ACTIONS), self.config.exception_us)
        if not found and not said:
            return 0
        noted = Known(self.state)
        noted.load(
            [(pair, event.customer) for event, hits in found for *_, pair in hits],
            [action.pair for action in said],
        )
        excepted = 0
        items: list[tuple[Event, list[_Found]] | Action] = [*found, *said]
        for item in sorted(items, key=lambda i: i.place if isinstance(i, Action) else i[0].place):
            if isinstance(item, Action):
                noted.act(item.pair, item.until, item.user, item.reason)
            else:
                counts = self._decide(*item, noted)
                excepted += 0 if item[0].customer else counts["excepted"]
        noted.save()
        return excepted

    def effect(self, version: Version, at: int) -> None:
        """Put a version in force, and screen every customer known against it."""
        before = self.versions.enforce(version)
        self._load()
        content = self.versions.content(version)
        counts: Counter[str] = Counter()
        if content.screener is not None:
            known.forget(self.state, version.list, content.ids)
            counts = self._rescreen(version, content, at)
            counts |= self._counted()
        self._run(version, at, before, "", content.entries, counts)

    def refused(self, refused: Refused, at: int) -> None:
        """Tell that a version is not put in force."""
        self._run(refused.version, at, "", refused.reason, 0, Counter())

    def _load(self) -> None:
        in_force = [(one, self.versions.content(one)) for one in self.versions.in_force()]
        self._lists = [(one, content) for one, content in in_force if content.screener is not None]
        self._exceptions = [content.exceptions for _, content in in_force]

    def _hits(self, events: pl.DataFrame) -> list[tuple[Event, list[_Found]]]:
        """The events whose names are like listed ones; each distinct name is looked at once."""
        found: dict[str, list[tuple[Version, Hit]]] = {}
        if self._lists:
            for name in events["name"].unique().to_list():
                hits = [hit for listed in self._lists for hit in self._on(*listed, name)]
                if hits:
                    found[name] = hits
        return self._paired(events, found)

    def _on(self, version: Version, content: Content, name: str) -> list[tuple[Version, Hit]]:
        hits = content.screener.hits(name) if content.screener is not None else None
        good = [h for h in hits or () if h.score.value >= self.config.limit(h.entry.category)]
        return [(version, hit) for hit in good[: self.config.most]]

    def _unreadable(self, names: pl.DataFrame) -> int:
        """How many of the names in postings hold nothing that can be compared."""
        screener = next(content.screener for _, content in self._lists)
        times = names.group_by("name").len().rows()
        return sum(n for name, n in times if screener is None or screener.hits(name) is None)

    def _paired(
        self, events: pl.DataFrame, found: Mapping[str, Sequence[tuple[Version, Hit]]]
    ) -> list[tuple[Event, list[_Found]]]:
        if not found:
            return []
        paired = []
        for row in events.filter(pl.col("name").is_in(sorted(found))).to_dicts():
            event = Event(**row)
            name = normalise(event.name).digest
            hits = [
                (on, hit, Pair(event.subject, on.list, hit.entry.id, name, hit.entry.digest))
                for on, hit in found[event.name]
            ]
            paired.append((event, hits))
        return paired

    def _decide(self, event: Event, found: Sequence[_Found], noted: Known) -> Counter[str]:
        """Raise what is neither excepted nor raised already; how many of each there were."""
        counts: Counter[str] = Counter(hits=len(found))
        for version, hit, pair in found:
            sanction = hit.entry.category == "SANCTION"
            quiet = event.customer or not sanction
            if noted.excepted(pair, event.at) or self._excepted(pair, event.at):
                counts["excepted"] += 1
            elif quiet and noted.repeated(pair, event.customer, event.at):
                counts["repeated"] += 1
            else:
                counts["raised"] += 1
                limit = self.config.limit(hit.entry.category)
                self.alerts.append(alert(event, hit, pair, version, limit, self.shard))
                if quiet:
                    ends = NEVER if event.customer else event.at + self.config.pep_again_us
                    noted.raise_(pair, event.customer, ends)
        return counts

    def _excepted(self, pair: Pair, at: int) -> bool:
        told = (table.get((pair.listed, pair.name)) for table in self._exceptions)
        return any(row is not None and at < row.until for row in told)

    def _rescreen(self, version: Version, content: Content, at: int) -> Counter[str]:
        """Every customer known against one list; how many, and what was found."""
        owners = self.state["screening.customers"].frame()
        counts: Counter[str] = Counter(known=owners.height)
        found: dict[str, list[tuple[Version, Hit]]] = {}
        for name, times in owners.group_by("name").len().rows():
            if content.screener is None or content.screener.hits(name) is None:
                counts["unreadable"] += times
                continue
            counts["screened"] += times
            if hits := self._on(version, content, name):
                found[name] = hits
        paired = self._paired(remembered(owners, at), found)
        noted = Known(self.state)
        noted.load([(pair, True) for _, pairs in paired for *_, pair in pairs])
        for event, pairs in paired:
            counts += self._decide(event, pairs, noted)
        noted.save()
        return counts

    def _count(self, counts: Counter[str]) -> None:
        rows = {name: count for name, count in counts.items() if count}
        if rows:
            what = pl.DataFrame({"what": list(rows), "count": list(rows.values())})
            self.state["screening.counts"].add(what)

    def _counted(self) -> Counter[str]:
        """What was counted since the run before; the count begins again."""
        table = self.state["screening.counts"]
        found = table.lookup(pl.Series("what", _SINCE)).filter("known")
        if found.height:
            table.upsert(found.select("what", count=pl.lit(0, pl.Int64)))
        return Counter(dict(found.select("what", "count").rows()))

    def _run(
        self, of: Version, at: int, before: str, reason: str, entries: int, counts: Counter[str]
    ) -> None:
        self.runs.append(
            {
                "run_id": f"{of.list}|{of.epoch}|{of.hash[:12]}|{self.shard}|{of.last_offset}",
                "time": at,
                "list": of.list,
                "kind": of.kind,
                "epoch": of.epoch,
                "hash": of.hash,
                "replaced": before,
                "outcome": "REFUSED" if reason else "IN_FORCE",
                "reason": reason,
                "entries": entries,
                **{name: counts[name] for name in (*_COUNTED, *_SINCE)},
                "source_topic": LISTS,
                "source_partition": self.shard,
                "first_offset": of.first_offset,
                "last_offset": of.last_offset,
                "version": VERSION,
            }
        )
