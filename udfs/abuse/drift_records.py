"""Drift of a closed day as records: a row a feature, and an alert when it is too much."""

import polars as pl

from udfs.abuse.curve import WHOLE
from udfs.abuse.drift import DRIFTED, SCORE, Closed
from udfs.shape import as_record

RULE, RULE_VERSION = "model-drift", "1"
TOO_MANY = 0.25
"""An alert is raised when the score has drifted, or this share of what is watched."""
SOURCE = "order.events"


def drift(days: list[Closed], model: str, shard: int, version: str) -> pl.DataFrame:
    """Records ModelDrift of closed days, in order."""
    rows = [
        {
            "drift_id": f"{model[:16]}-{shard}-{day.end}-{name}",
            "time": day.end,
            "model": model,
            "name": name,
            "rows": day.rows,
            "psi": psi,
            "ks": ks,
            "status": status,
            **_source(day, shard, version),
        }
        for day in days
        for name, psi, ks, status in day.found
    ]
    return as_record(pl.DataFrame(rows), "ModelDrift") if rows else pl.DataFrame()


def alerts(days: list[Closed], model: str, shard: int, version: str) -> pl.DataFrame:
    """Records Alert: a day each on which the score or too many features had drifted."""
    rows = []
    for day in days:
        names = day.drifted()
        if SCORE not in names and len(names) < TOO_MANY * len(day.found):
            continue
        worst = sorted(day.found, key=lambda one: (-one[1], one[0]))[:5]
        told = ", ".join(f"{name} {_share(psi)}" for name, psi, _, _ in worst)
        rows.append({
            "alert_id": f"{RULE}-{model[:16]}-{shard}-{day.end}",
            "time": day.end,
            "domain": "MARKET_ABUSE",
            "rule": RULE,
            "rule_version": RULE_VERSION,
            "decided_by": f"model:{model}",
            "subject": model,
            "subject_kind": "OTHER",
            **dict.fromkeys(("account", "instrument", "venue", "currency", "events", "corrects"),
                            ""),
            "band": "HIGH" if SCORE in names else "MEDIUM",
            "score": min(WHOLE, worst[0][1]),
            "amount": 0,
            "scale": 0,
            "measured": f"index of {day.rows} orders: {told}",
            "limit": f"{_share(DRIFTED)} of the score, or of {TOO_MANY:.0%} of what is watched",
            "reason": f"{len(names)} of {len(day.found)} distributions are not those of training; "
                      "look at the feed, then train again",
            "event_count": 0,
            "first_time": day.end,
            "last_time": day.end,
            **_source(day, shard, version),
        })  # fmt: skip
    return as_record(pl.DataFrame(rows), "Alert") if rows else pl.DataFrame()


def _source(day: Closed, shard: int, version: str) -> dict[str, object]:
    return {
        "source_topic": SOURCE,
        "source_partition": shard,
        "first_offset": day.first,
        "last_offset": day.last,
        "version": version,
    }


def _share(millionths: int) -> str:
    return f"{millionths // WHOLE}.{millionths % WHOLE // 1_000:03d}"
