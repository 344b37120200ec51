"""Typologies: outcomes of several rules on one customer, weighed into one score.

score = sum over rules of weight x score of the rule's last outcome, of those within the window
(t - window, t]; at most the whole. Two thresholds: review and report. The weights and thresholds
are the rule set's; there is no official number for them.
"""

from collections.abc import Mapping

import polars as pl

from schemas.step import State, TableSpec
from udfs.aml.rule import NOTHING, OUTCOME, WHOLE
from udfs.aml.ruleset import Typology

SECOND = 1_000_000
COOL_DOWN_S = 86_400
"""A typology reached again within a day is no new alert unless its band is higher."""
SEEN = "aml.seen"
TABLES = {
    SEEN: TableSpec(
        {"key": "str", "at": "int", "score": "int", "first_offset": "int", "last_offset": "int"},
        "key",
    )
}
PREFIX = "typology-"


def weighed(
    state: State,
    found: Mapping[str, pl.DataFrame],
    typologies: Mapping[str, Typology],
    slot: str,
) -> dict[str, pl.DataFrame]:
    """Outcomes of the typologies (columns OUTCOME), by `typology-NAME`, from those of the rules."""
    rows = [
        (row["at"], rule, row["subject"], row)
        for rule, frame in found.items()
        for row in frame.iter_rows(named=True)
    ]
    if not rows or not typologies:
        return {}
    rows.sort(key=lambda one: one[:3])
    rules = sorted({rule for one in typologies.values() for rule in one.weights})
    subjects = {subject for _, _, subject, _ in rows}
    keys = pl.Series("key", sorted(f"{rule}|{s}" for rule in rules for s in subjects))
    seen = {
        row["key"]: row
        for row in state[slot + SEEN].lookup(keys).iter_rows(named=True)
        if row.pop("known")
    }
    changed: dict[str, dict[str, object]] = {}
    said: dict[str, list[dict[str, object]]] = {}
    for at, rule, subject, row in rows:
        key = f"{rule}|{subject}"
        if rule in rules:
            seen[key] = changed[key] = {
                "key": key,
                "at": at,
                "score": row["score"],
                "first_offset": row["first_offset"],
                "last_offset": row["last_offset"],
            }
        for name, typology in typologies.items():
            if rule in typology.weights:
                outcome = _outcome(seen, typology, subject, row)
                if outcome:
                    said.setdefault(PREFIX + name, []).append(outcome)
    if changed:
        state[slot + SEEN].upsert(pl.DataFrame(list(changed.values())))
    return {name: pl.DataFrame(rows, schema=OUTCOME) for name, rows in said.items()}


def _outcome(
    seen: Mapping[str, Mapping[str, object]],
    typology: Typology,
    subject: str,
    row: Mapping[str, object],
) -> dict[str, object] | None:
    """What a typology says of a subject right after this outcome of a rule."""
    at = int(row["at"])  # type: ignore[call-overload]
    since = at - typology.window_s * SECOND
    parts = {
        rule: (weight, seen[f"{rule}|{subject}"])
        for rule, weight in sorted(typology.weights.items())
        if f"{rule}|{subject}" in seen and int(seen[f"{rule}|{subject}"]["at"]) > since  # type: ignore[call-overload]
    }
    shares = {rule: weight * int(one["score"]) // WHOLE for rule, (weight, one) in parts.items()}  # type: ignore[call-overload]
    score = min(WHOLE, sum(shares.values()))
    if score < typology.review:
        return None
    report = score >= typology.report
    return {
        **{name: row[name] for name in NOTHING.columns},
        "band": "REPORT" if report else "REVIEW",
        "score": score,
        "measured": f"score {score} of {WHOLE}",
        "limit": f"review {typology.review}, report {typology.report}",
        "reason": "weighed: " + ", ".join(f"{rule} {share}" for rule, share in shares.items()),
        "first_time": min(int(one["at"]) for _, one in parts.values()),  # type: ignore[call-overload]
        "first_offset": min(int(one["first_offset"]) for _, one in parts.values()),  # type: ignore[call-overload]
        "last_offset": max(int(one["last_offset"]) for _, one in parts.values()),  # type: ignore[call-overload]
    }
