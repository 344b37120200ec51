"""What the AML rules find of the schemes in a generated world, and what they raise beside.

A scheme is found by a rule when one of the rule's alerts rests on a posting of the scheme. An alert
is true when it rests on a posting of any scheme: a false one is about honest business alone.
Ranges are Wilson's 95 % score interval (Wilson 1927), in which 0 of n is not 0 for certain.
"""

import math
from dataclasses import dataclass
from statistics import median

import polars as pl

from connectors.generators.aml import AmlWorld
from connectors.generators.feed import Plan
from deploy.bench.harness import Report, Result
from deploy.evaluate.world import folded, outputs, recorded
from jobs.catalogue import Config, aml_job
from schemas.codec import decode_batch
from schemas.records import record

Z = 1.959964
"""Quantile of the normal distribution for 95 %, two-sided."""
_TOPICS = frozenset({"postings", "customers", "rules", "alert.actions", "schemes"})


@dataclass(frozen=True)
class Truth:
    """Labels of the schemes and the postings they name."""

    labels: pl.DataFrame
    postings: pl.DataFrame


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % score interval of a share; (0, 1) of nothing."""
    if of == 0:
        return 0.0, 1.0
    share, square = hits / of, Z * Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    spread = Z * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return max(0.0, middle - spread), min(1.0, middle + spread)


def run(world: AmlWorld, plan: Plan) -> tuple[Report, pl.DataFrame, pl.DataFrame]:
    """Fold the job over the world; the report, findings by kind of scheme, and alerts by rule."""
    config = Config(partitions=plan.partitions, slice_ms=10_000, lateness_ms=1_000)
    log = recorded(world, plan, _TOPICS)
    values = [
        value
        for (topic, _), span in log.spans.items()
        if topic == "schemes"
        for key, value in zip(span.keys, span.values, strict=True)
        if key != b"tick" and value is not None
    ]
    truth = _truth(decode_batch(record("SchemeLabel"), values)[0])
    alerts = outputs(folded(log, aml_job(config)), ("alerts",))["alerts"]
    resting = _resting(alerts)
    kinds = _by_kind(truth, resting)
    rules = _by_rule(truth, resting, alerts)
    days = world.days * world.bank.customers / 10_000
    false = alerts.height - int(rules["true"].sum()) if rules.height else 0
    results = [
        *(
            Result(f"recall of {row['kind']}", round(row["found"] / row["schemes"], 4), "share", 1)
            for row in kinds.iter_rows(named=True)
        ),
        Result("alerts", alerts.height, "alerts"),
        Result("false alerts for 10,000 customers and day", round(false / days, 3), "alerts"),
    ]
    return Report("evaluate-aml", world.seed, results), kinds, rules


def _truth(labels: pl.DataFrame) -> Truth:
    postings = labels.select(
        "scheme", "kind", "role", posting_id=pl.col("postings").str.split(";")
    ).explode("posting_id")
    return Truth(labels, postings.filter(pl.col("posting_id") != ""))


def _resting(alerts: pl.DataFrame) -> pl.DataFrame:
    """One row for each posting an alert rests on."""
    if alerts.is_empty():
        return pl.DataFrame(
            schema={"alert_id": pl.String, "rule": pl.String, "time": pl.Int64}
        ).with_columns(posting_id=pl.lit(""))
    return alerts.select(
        "alert_id", "rule", "time", posting_id=pl.col("events").str.split(";")
    ).explode("posting_id")


def _by_kind(truth: Truth, resting: pl.DataFrame) -> pl.DataFrame:
    """Of each kind: schemes, those found by any rule, by its namesake, and how long it took."""
    named = truth.postings.join(resting, on="posting_id")
    rows = []
    for (kind,), labels in truth.labels.group_by("kind", maintain_order=True):
        schemes = labels["scheme"].n_unique()
        mine = named.filter(kind=kind)
        own = mine.filter(pl.lit(kind).str.starts_with(pl.col("rule")))
        begun = labels.group_by("scheme").agg(pl.col("first_time").min())
        first = mine.group_by("scheme").agg(pl.col("time").min()).join(begun, on="scheme")
        waited = [(t - b) / 3.6e9 for t, b in first.select("time", "first_time").iter_rows()]
        low, high = wilson(mine["scheme"].n_unique(), schemes)
        rows.append(
            {
                "kind": kind,
                "schemes": schemes,
                "found": mine["scheme"].n_unique(),
                "by_namesake": own["scheme"].n_unique(),
                "low": round(low, 3),
                "high": round(high, 3),
                "median_hours": round(median(waited), 1) if waited else None,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None).sort("kind")


def _by_rule(truth: Truth, resting: pl.DataFrame, alerts: pl.DataFrame) -> pl.DataFrame:
    """Of each rule: alerts, those that rest on a scheme, precision with its range."""
    true = resting.join(truth.postings, on="posting_id", how="semi")["alert_id"].unique()
    judged = alerts.with_columns(true=pl.col("alert_id").is_in(true.implode()))
    counted = judged.group_by("rule").agg(alerts=pl.len(), true=pl.col("true").sum()).sort("rule")
    ranges = [wilson(t, n) for n, t in counted.select("alerts", "true").iter_rows()]
    return counted.with_columns(
        precision=(pl.col("true") / pl.col("alerts")).round(3),
        low=pl.Series([round(low, 3) for low, _ in ranges]),
        high=pl.Series([round(high, 3) for _, high in ranges]),
    )
