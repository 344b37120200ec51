"""From outcomes to alerts: cool-down, snooze, amendments.

One memory a rule and subject. Within the cool-down after an alert a further outcome says nothing
new and is folded into it, unless it reaches a higher band or a late event meets the rule: then the
alert is amended, and the amendment names the first version, which stays as it is. A late event
amends at the moment at which it counts, not again with each outcome that rests on it later.

The cool-down runs from the first version; an amendment does not prolong it. A snoozed outcome
leaves no trace: the first one after the snooze is judged as if it had not been.

State: the newest alert of each rule and subject until its cool-down ends, snoozes until they end.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
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
    state: State,
    outcomes: Mapping[str, tuple[pl.DataFrame, int]],
    late: pl.DataFrame,
    actions: pl.DataFrame,
    slot: str,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The alerts to be raised of all rules' outcomes, and those that were folded or snoozed.

    Args:
        state: Has the tables of this module, those of a slot under `slot` + name.
        outcomes: By rule, columns udfs.aml.rule.OUTCOME in the order of business time, and the
            cool-down in seconds.
        late: Columns subject and at: whose late events count at which moments of this call.
        actions: Actions on alerts of this call (at, subject, rule, kind, until), in order of time;
            those of earlier calls were taken in by `snooze`.
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
    new = late.unique().with_columns(new=pl.lit(value=True))
    found = found.join(new, on=["subject", "at"], how="left", maintain_order="left")
    found = found.with_columns(late=pl.col("late") & pl.col("new").fill_null(value=False))
    memory = _remembered(state[slot + MEMORY], found["key"])
    told = pl.DataFrame(
        list(_judged(found, memory, _asleep(state[SNOOZES], found), _asked(actions))),
        schema=_SAID,
        orient="row",
    )
    _remember(state[slot + MEMORY], memory)
    found = pl.concat([found, told], how="horizontal")
    return found.filter(pl.col("alert_id") != ""), found.filter(pl.col("alert_id") == "")


def _judged(
    found: pl.DataFrame,
    memory: dict[str, _Open],
    asleep: dict[str, int],
    asked: Sequence[tuple[int, str, int]],
) -> Iterator[tuple[str, str, str]]:
    """Of each outcome alert_id, corrects and why it raises nothing; the memory follows."""
    taken = 0
    texts = found["events"].list.join(";")
    columns = ("key", "rule", "subject", "at", "band", "calm", "late")
    for number, row in enumerate(found.select(columns).iter_rows()):
        key, rule, subject, at, name, calm, late = row
        while taken < len(asked) and asked[taken][0] <= at:
            asleep[asked[taken][1]] = asked[taken][2]
            taken += 1
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


def _asked(actions: pl.DataFrame) -> list[tuple[int, str, int]]:
    """From when on which snooze lasts until when, 0 if it is over; in the order of `actions`."""
    rule = pl.when(pl.col("rule") == "").then(pl.lit(_ANY)).otherwise("rule")
    return (
        actions.filter(pl.col("kind").is_in(["SNOOZE", "WAKE"]))
        .select(
            "at",
            key=pl.format("{}|{}", rule, "subject"),
            until=pl.when(pl.col("kind") == "SNOOZE").then("until").otherwise(0),
        )
        .rows()
    )


def snooze(state: State, actions: pl.DataFrame) -> None:
    """Take in actions that put a subject to sleep or wake it, in order of time.

    A snooze of one rule and a snooze of all stand side by side; waking one leaves the other. A
    later action replaces an earlier one of the same kind of snooze, also by an earlier end.
    """
    newest = {key: until for _, key, until in _asked(actions)}
    if newest:
        state[SNOOZES].upsert(pl.DataFrame({"key": list(newest), "until": list(newest.values())}))


def forget(state: State, slots: tuple[str, ...], until: int) -> None:
    """Drop what says nothing of events after `until`, microseconds UTC: no result changes by it."""
    first = until + 1
    for slot in slots:
        state[slot + MEMORY].expire("calm_at", first + 1)
    state[SNOOZES].expire("until", first + 1)
