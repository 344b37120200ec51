"""Typologies: outcomes of several rules on one customer, weighed into one score.

score = sum over rules of weight x score of the rule's last outcome, of those within the window
(t - window, t], each product rounded down to parts per million; at most the whole. Two thresholds,
review and report, which count as reached when met exactly. Weights and thresholds are the rule
set's; there is no official number for them.

What is folded or snoozed later weighs all the same: a typology is about what the rules found. Its
alert rests on the events of every outcome that was weighed: those of the rule that spoke last come
last, each rule's in order of time, each event once, the first 1,000.

State: the last outcome of each rule and customer, with at most 1,000 events, for a year.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import polars as pl

from schemas.step import State, Table, TableSpec
from udfs.aml.rule import LISTED, OUTCOME, WHOLE
from udfs.aml.ruleset import Typology

SECOND = 1_000_000
COOL_DOWN_S = 86_400
"""A typology reached again within a day is no new alert unless its band is higher."""
LONGEST = 31_536_000 * SECOND
"""No window of a typology is longer, microseconds (udfs.aml.ruleset.Typology)."""
SEEN = "aml.seen"
TABLES = {
    SEEN: TableSpec(
        {
            "key": "str",
            "at": "int",
            "score": "int",
            "amount": "int",
            "account": "str",
            "events": "str",
            "event_count": "int",
            "first_time": "int",
            "first_offset": "int",
            "last_offset": "int",
        },
        "key",
    )
}
PREFIX = "typology-"


class _Seen(NamedTuple):
    """A rule's last outcome on a customer; fields as the columns of the table after its key."""

    at: int
    score: int
    amount: int
    account: str
    events: str
    event_count: int
    first_time: int
    first_offset: int
    last_offset: int


class _Part(NamedTuple):
    """What one rule gives to a typology's score, parts per million."""

    rule: str
    share: int
    seen: _Seen


def weighed(
    state: State,
    found: Mapping[str, pl.DataFrame],
    typologies: Mapping[str, Typology],
    slot: str,
) -> dict[str, pl.DataFrame]:
    """Outcomes of the typologies (columns OUTCOME), by `typology-NAME`, from those of the rules.

    Args:
        state: Has the table of this module under `slot` + name.
        found: Outcomes by rule, columns OUTCOME in order of time.
        typologies: By name; only rules that one of them weighs are remembered.
        slot: Prefix of the table.
    """
    rules = sorted({rule for one in typologies.values() for rule in one.weights})
    frames = [
        frame.with_columns(rule=pl.lit(rule)) for rule, frame in found.items() if rule in rules
    ]
    if not frames:
        return {}
    spoken = pl.concat(frames).sort("at", "rule", "subject", maintain_order=True)
    spoken = spoken.with_columns(events=pl.col("events").list.head(LISTED).list.join(";"))
    seen = _remembered(state[slot + SEEN], spoken["subject"].unique(maintain_order=True), rules)
    changed: dict[str, _Seen] = {}
    said: dict[str, list[tuple[object, ...]]] = {}
    columns = ("rule", "subject", "last_time", "late", *_Seen._fields)
    for rule, subject, last_time, late, *rest in spoken.select(columns).iter_rows():
        key = f"{rule}|{subject}"
        seen[key] = changed[key] = _Seen(*rest)
        for name, typology in typologies.items():
            if rule in typology.weights:
                parts = list(_parts(seen, typology, subject, seen[key].at))
                score = min(WHOLE, sum(part.share for part in parts))
                if score >= typology.review:
                    outcome = _outcome(parts, typology, score)
                    said.setdefault(PREFIX + name, []).append(
                        (seen[key].at, subject, *outcome[:-2], last_time, *outcome[-2:], late)
                    )
    _remember(state[slot + SEEN], changed)
    return {name: _frame(rows) for name, rows in said.items()}


def _parts(seen: Mapping[str, _Seen], typology: Typology, subject: str, at: int) -> Iterator[_Part]:
    """The rules' last outcomes on a subject in (at - window, at], by name of the rule."""
    since = at - typology.window_s * SECOND
    for rule, weight in sorted(typology.weights.items()):
        one = seen.get(f"{rule}|{subject}")
        if one is not None and one.at > since:
            yield _Part(rule, weight * one.score // WHOLE, one)


def _outcome(parts: Sequence[_Part], typology: Typology, score: int) -> tuple[object, ...]:
    """What a typology says: columns OUTCOME without at, subject, last_time and late.

    The amount is the greatest of the rules': the same money may be behind several of them. Events
    that a rule no longer lists are counted as many as they are, in each rule by itself.
    """
    events, count = _union([seen for _, _, seen in sorted(parts, key=lambda one: one.seen.at)])
    accounts = {part.seen.account for part in parts}
    return (
        accounts.pop() if len(accounts) == 1 else "",
        "REPORT" if score >= typology.report else "REVIEW",
        score,
        max(part.seen.amount for part in parts),
        f"score {score} of {WHOLE}",
        f"review {typology.review}, report {typology.report}",
        "weighed: " + ", ".join(f"{part.rule} {part.share}" for part in parts),
        events,
        count,
        min(part.seen.first_time for part in parts),
        min(part.seen.first_offset for part in parts),
        max(part.seen.last_offset for part in parts),
    )


def _union(outcomes: Sequence[_Seen]) -> tuple[str, int]:
    """The events behind outcomes, each once, the first LISTED as text; and how many they are."""
    if len(outcomes) == 1:
        return outcomes[0].events, outcomes[0].event_count
    listed = [one.events.split(";") if one.events else [] for one in outcomes]
    union = list(dict.fromkeys(chain.from_iterable(listed)))
    unlisted = sum(one.event_count - len(part) for one, part in zip(outcomes, listed, strict=True))
    return ";".join(union[:LISTED]), len(union) + unlisted


def _frame(rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    """Outcomes as columns; their events come as text."""
    frame = pl.DataFrame(rows, schema={**OUTCOME, "events": pl.String()}, orient="row")
    return frame.with_columns(
        events=pl.col("events").str.split(";").list.filter(pl.element() != "")
    )


def _remembered(table: Table, subjects: pl.Series, rules: Sequence[str]) -> dict[str, _Seen]:
    keys = pl.Series("key", [f"{rule}|{subject}" for subject in subjects for rule in rules])
    rows = table.lookup(keys).filter("known").select("key", *_Seen._fields).iter_rows()
    return {key: _Seen(*rest) for key, *rest in rows}


def _remember(table: Table, changed: Mapping[str, _Seen]) -> None:
    if changed:
        rows = [(key, *one) for key, one in changed.items()]
        table.upsert(pl.DataFrame(rows, schema=list(TABLES[SEEN].columns), orient="row"))


def forget(state: State, slots: Sequence[str], until: int) -> None:
    """Drop outcomes that no typology can weigh with events after `until`, microseconds UTC."""
    for slot in slots:
        state[slot + SEEN].expire("at", until + 2 - LONGEST)
