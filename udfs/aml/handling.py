"""From outcomes to alerts: cool-down, snooze, amendments.

One memory a rule and subject. Within the cool-down after an alert a further outcome says nothing
new and is folded into it, unless it reaches a higher band or rests on a late event: then the alert
is amended, and the amendment names the first version, which stays as it is.
"""

import hashlib
from collections.abc import Mapping, Sequence

import polars as pl

from schemas.step import State, TableSpec
from udfs.aml.rule import WHOLE
from udfs.shape import as_record

SECOND = 1_000_000
MEMORY = "aml.alerts"
SNOOZES = "aml.snoozes"
TABLES = {
    MEMORY: TableSpec(
        {
            "key": "str",
            "first_id": "str",
            "band": "int",
            "calm_at": "int",
            "version": "int",
        },
        "key",
    ),
    SNOOZES: TableSpec({"key": "str", "until": "int"}, "key"),
}
_BANDS = ("", "LOW", "MEDIUM", "HIGH", "REVIEW", "REPORT")
_ANY = "*"


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
        empty = pl.DataFrame()
        return empty, empty
    found = pl.concat(frames).sort("at", "rule", "subject", maintain_order=True)
    found = found.with_columns(key=pl.format("{}|{}", "rule", "subject"))
    keys = found["key"].unique(maintain_order=True)
    known = {row["key"]: row for row in state[slot + MEMORY].lookup(keys).iter_rows(named=True)}
    snoozed = _snoozes(state, found)
    said: list[dict[str, object]] = []
    for row in found.select(
        "key", "subject", "rule", "at", "band", "calm", "late", "last_time", "event_count", "events"
    ).iter_rows(named=True):
        said.append(_judged(row, known[row["key"]], snoozed))
    changed = [row for row in known.values() if row.pop("changed", False)]
    if changed:
        columns = list(TABLES[MEMORY].columns)
        state[slot + MEMORY].upsert(pl.DataFrame([{c: r[c] for c in columns} for r in changed]))
    told = pl.DataFrame(
        said, schema={"alert_id": pl.String, "corrects": pl.String, "why": pl.String}
    )
    found = pl.concat([found, told], how="horizontal")
    return found.filter(pl.col("alert_id") != ""), found.filter(pl.col("alert_id") == "")


def _judged(
    row: Mapping[str, object], memory: dict[str, object], snoozed: Mapping[str, int]
) -> dict[str, object]:
    """Whether this outcome is a new alert, an amendment, or nothing new; the memory follows."""
    at, band = int(row["at"]), _BANDS.index(str(row["band"]))  # type: ignore[call-overload]
    until = max(snoozed.get(f"{rule}|{row['subject']}", 0) for rule in (str(row["rule"]), _ANY))
    if at < until:
        return {"alert_id": "", "corrects": "", "why": "snoozed"}
    open_still = bool(memory["first_id"]) and at < int(memory["calm_at"])  # type: ignore[call-overload]
    if open_still and band <= int(memory["band"]) and not row["late"]:  # type: ignore[call-overload]
        return {"alert_id": "", "corrects": "", "why": "folded"}
    version = int(memory["version"]) + 1 if open_still else 1  # type: ignore[call-overload]
    first = str(memory["first_id"]) if open_still else ""
    alert_id = _alert_id(row, version) if not open_still else f"{first}.{version}"
    memory |= {
        "first_id": first or alert_id,
        "band": max(band, int(memory["band"])) if open_still else band,  # type: ignore[call-overload]
        "calm_at": int(memory["calm_at"]) if open_still else at + int(row["calm"]),  # type: ignore[call-overload]
        "version": version,
        "known": True,
        "changed": True,
    }
    return {"alert_id": alert_id, "corrects": first, "why": ""}


def _alert_id(row: Mapping[str, object], version: int) -> str:
    events = ";".join(row["events"])  # type: ignore[arg-type]
    text = f"{row['rule']}|{row['subject']}|{row['at']}|{events}|{version}"
    return f"{row['rule']}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def _snoozes(state: State, found: pl.DataFrame) -> dict[str, int]:
    wanted = pl.concat(
        [found["key"], found.select(pl.format(_ANY + "|{}", "subject")).to_series()]
    ).unique()
    asleep = state[SNOOZES].lookup(wanted.rename("key"))
    return {key: until for key, until in asleep.select("key", "until").iter_rows() if until}


def snooze(state: State, actions: pl.DataFrame) -> None:
    """Take in actions that put a subject to sleep or wake it, in order of time."""
    asked = actions.filter(pl.col("kind").is_in(["SNOOZE", "WAKE"]))
    if asked.is_empty():
        return
    rows = asked.select(
        key=pl.format(
            "{}|{}", pl.when(pl.col("rule") == "").then(pl.lit(_ANY)).otherwise("rule"), "subject"
        ),
        until=pl.when(pl.col("kind") == "SNOOZE").then("until").otherwise(0),
    )
    state[SNOOZES].upsert(rows.unique("key", keep="last", maintain_order=True))


def alerts(raised: pl.DataFrame, decided_by: str, version: str, shard: int) -> pl.DataFrame:
    """The records of raised outcomes."""
    return as_record(
        raised.with_columns(
            time=pl.col("at"),
            domain=pl.lit("AML"),
            rule_version=pl.lit("1"),
            decided_by=pl.lit(decided_by),
            subject_kind=pl.lit("CUSTOMER"),
            instrument=pl.lit(""),
            venue=pl.lit(""),
            currency=pl.lit("USD"),
            scale=pl.lit(2),
            events=pl.col("events").list.join(";"),
            source_topic=pl.lit("postings"),
            source_partition=pl.lit(shard),
            version=pl.lit(version),
        ),
        "Alert",
    )


def refusals(found: Sequence[Mapping[str, object]], version: str, shard: int) -> pl.DataFrame:
    """The records of rule sets that do not count: at, name, epoch, hash, offset and why."""
    if not found:
        return pl.DataFrame()
    rows = pl.DataFrame(list(found))
    return as_record(
        rows.with_columns(
            alert_id=pl.format("rule-set-{}-{}-{}", "name", "epoch", "offset"),
            time="at",
            domain=pl.lit("AML"),
            rule=pl.lit("rule-set-refused"),
            rule_version=pl.lit("1"),
            decided_by=pl.lit(""),
            subject="name",
            subject_kind=pl.lit("OTHER"),
            **{name: pl.lit("") for name in ("account", "instrument", "venue", "currency")},
            band=pl.lit("HIGH"),
            score=pl.lit(WHOLE),
            amount=pl.lit(0),
            scale=pl.lit(0),
            measured=pl.format("epoch {}", "epoch"),
            limit=pl.lit("a rule set signed by a trusted key, of a greater epoch"),
            reason=pl.col("why"),
            events=pl.lit(""),
            event_count=pl.lit(0),
            first_time="at",
            last_time="at",
            corrects=pl.lit(""),
            source_topic=pl.lit("rules"),
            source_partition=pl.lit(shard),
            first_offset="offset",
            last_offset="offset",
            version=pl.lit(version),
        ),
        "Alert",
    )
