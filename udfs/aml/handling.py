"""From outcomes to alerts: cool-down, snooze, amendments.

One memory a rule and subject. Within the cool-down after an alert a further outcome says nothing
new and is folded into it, unless it reaches a higher band or rests on a late event: then the alert
is amended, and the amendment names the first version, which stays as it is. The cool-down runs from
the first version; an amendment does not prolong it. A snoozed outcome leaves no trace: the first
one after the snooze is judged as if it had not been.

State: the newest alert of each rule and subject until its cool-down ends, snoozes until they end.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from schemas.step import State, Table, TableSpec

SECOND = 1_000_000
MEMORY = "aml.alerts"
SNOOZES = "aml.snoozes"
TABLES = {
    MEMORY: TableSpec(
        {"key": "str", "first_id": "str", "band": "int", "calm_at": "int", "version": "int"},
        "key",
    ),
    SNOOZES: TableSpec({"key": "str", "until": "int"}, "key"),
}
_COLUMNS = list(TABLES[MEMORY].columns)
_BANDS = ("", "LOW", "MEDIUM", "HIGH", "REVIEW", "REPORT")
_ANY = "*"
_SAID = {"alert_id": pl.String, "corrects": pl.String, "why": pl.String}


@dataclass(slots=True)
class _Open:
    """The newest alert of a rule and subject: `band` is the highest so far."""

    first_id: str
    band: int
    calm_at: int
    version: int
    changed: bool = False


def handled(
    state: State, outcomes: Mapping[str, tuple[pl.DataFrame, int]], slot: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The alerts to be raised of all rules' outcomes, and those that were folded or snoozed.

    Args:
        state: Has the tables of this module, those of a slot under `slot` + name.
        outcomes: By rule, columns udfs.aml.rule.OUTCOME in the order of business time, and the
            cool-down in seconds.
        slot: Prefix of the tables: a shadow rule set has a memory of its own.

    Returns:
        Columns OUTCOME with rule, alert_id, corrects, in the order (at, rule, subject); and the
        same without id, with `why`, of those that raise nothing.
    """
    frames = [
        frame.with_columns(rule=pl.lit(rule), calm=pl.lit(cool_down_s * SECOND, pl.Int64))
        for rule, (frame, cool_down_s) in outcomes.items()
        if frame.height
    ]
    if not frames:
        return pl.DataFrame(), pl.DataFrame()
    found = pl.concat(frames).sort("at", "rule", "subject", maintain_order=True)
    found = found.with_columns(key=pl.format("{}|{}", "rule", "subject"))
    memory = _remembered(state[slot + MEMORY], found["key"])
    told = pl.DataFrame(
        list(_judged(found, memory, _asleep(state[SNOOZES], found))), schema=_SAID, orient="row"
    )
    _remember(state[slot + MEMORY], memory)
    found = pl.concat([found, told], how="horizontal")
    return found.filter(pl.col("alert_id") != ""), found.filter(pl.col("alert_id") == "")


def _judged(
    found: pl.DataFrame, memory: dict[str, _Open], asleep: Mapping[str, int]
) -> Iterator[tuple[str, str, str]]:
    """Of each outcome alert_id, corrects and why it raises nothing; the memory follows."""
    texts = found["events"].list.join(";")
    columns = ("key", "rule", "subject", "at", "band", "calm", "late")
    for number, row in enumerate(found.select(columns).iter_rows()):
        key, rule, subject, at, name, calm, late = row
        band, last = _BANDS.index(name), memory[key]
        again = last.first_id != "" and at < last.calm_at
        if at < max(asleep.get(key, 0), asleep.get(f"{_ANY}|{subject}", 0)):
            yield "", "", "snoozed"
        elif again and band <= last.band and not late:
            yield "", "", "folded"
        elif again:
            last.band, last.version, last.changed = max(band, last.band), last.version + 1, True
            yield f"{last.first_id}.{last.version}", last.first_id, ""
        else:
            alert_id = _alert_id(f"{rule}|{subject}|{at}|{texts[number]}|1", rule)
            memory[key] = _Open(alert_id, band, at + calm, version=1, changed=True)
            yield alert_id, "", ""


def _alert_id(text: str, rule: str) -> str:
    """Derived from rule, subject, business time and the events named; nothing else counts."""
    return f"{rule}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def _remembered(table: Table, keys: pl.Series) -> dict[str, _Open]:
    rows = table.lookup(keys.unique(maintain_order=True))
    return {
        key: _Open(first_id, band, calm_at, version)
        for key, first_id, band, calm_at, version in rows.select(_COLUMNS).iter_rows()
    }


def _remember(table: Table, memory: Mapping[str, _Open]) -> None:
    changed = [
        (key, one.first_id, one.band, one.calm_at, one.version)
        for key, one in memory.items()
        if one.changed
    ]
    if changed:
        table.upsert(pl.DataFrame(changed, schema=_COLUMNS, orient="row"))


def _asleep(table: Table, found: pl.DataFrame) -> dict[str, int]:
    """Until when a rule and subject, or all rules of a subject (`*`), are asleep."""
    if not len(table):
        return {}
    anything = found.select(pl.format(_ANY + "|{}", "subject")).to_series()
    wanted = pl.concat([found["key"], anything]).unique().rename("key")
    rows = table.lookup(wanted).select("key", "until").iter_rows()
    return {key: until for key, until in rows if until}


def snooze(state: State, actions: pl.DataFrame) -> None:
    """Take in actions that put a subject to sleep or wake it, in order of time.

    A snooze of one rule and a snooze of all stand side by side; waking one leaves the other. A
    later action replaces an earlier one of the same kind of snooze, also by an earlier end.
    """
    asked = actions.filter(pl.col("kind").is_in(["SNOOZE", "WAKE"]))
    if asked.is_empty():
        return
    rule = pl.when(pl.col("rule") == "").then(pl.lit(_ANY)).otherwise("rule")
    rows = asked.select(
        key=pl.format("{}|{}", rule, "subject"),
        until=pl.when(pl.col("kind") == "SNOOZE").then("until").otherwise(0),
    )
    state[SNOOZES].upsert(rows.unique("key", keep="last", maintain_order=True))


def forget(state: State, slots: tuple[str, ...], until: int) -> None:
    """Drop what says nothing of events after `until`, microseconds UTC: no result changes by it."""
    first = until + 1
    for slot in slots:
        state[slot + MEMORY].expire("calm_at", first + 1)
    state[SNOOZES].expire("until", first + 1)
