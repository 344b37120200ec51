"""Alerts held against what a generator planted: which schemes they found, which are false.

A scheme is found by a rule when one of the rule's alerts rests on a posting of the scheme. An alert
is true when it rests on a posting of any scheme; a false one is about honest business alone. An
amended alert is one alert, raised when its first version was.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

Z = 1.959964
"""Quantile of the normal distribution for 95 %, two-sided."""
RING = "ring"
_TEXT, _TIME = pl.String(), pl.Int64()
_ALERTS = {"alert_id": _TEXT, "rule": _TEXT, "subject": _TEXT, "time": _TIME, "true": pl.Boolean()}


@dataclass(frozen=True)
class Judged:
    """What was found in one world, or in several.

    Attributes:
        schemes: A row each: scheme, kind, begin and end (first and last posting's time).
        hits: A row a scheme and rule that found it: scheme, kind, rule, time of the first alert.
        alerts: A row each: alert_id, rule, subject, time, true.
        members: A row each: scheme, kind, member, role.
    """

    schemes: pl.DataFrame
    hits: pl.DataFrame
    alerts: pl.DataFrame
    members: pl.DataFrame


def judge(labels: pl.DataFrame, alerts: pl.DataFrame) -> Judged:
    """Hold alerts (records Alert) against labels (records SchemeLabel) of one world."""
    schemes = labels.group_by("scheme", "kind", maintain_order=True).agg(
        begin=pl.col("first_time").min(), end=pl.col("last_time").max()
    )
    members = labels.select("scheme", "kind", "member", "role")
    planted = labels.select("scheme", "kind", posting=pl.col("postings").str.split(";"))
    planted = planted.explode("posting").filter(pl.col("posting") != "").unique()
    if alerts.is_empty():
        hits = pl.DataFrame(schema={"scheme": _TEXT, "kind": _TEXT, "rule": _TEXT, "time": _TIME})
        return Judged(schemes, hits, pl.DataFrame(schema=_ALERTS), members)
    first = pl.when(pl.col("corrects") == "").then("alert_id").otherwise("corrects")
    shown = alerts.select("rule", "subject", "time", "events", alert_id=first)
    resting = shown.with_columns(posting=pl.col("events").str.split(";")).explode("posting")
    named = planted.join(resting, on="posting")
    hits = named.group_by("scheme", "kind", "rule").agg(pl.col("time").min())
    raised = shown.group_by("alert_id", "rule", "subject").agg(pl.col("time").min())
    true = pl.col("alert_id").is_in(named["alert_id"].unique().implode())
    raised = raised.with_columns(true=true).sort("time", "alert_id")
    return Judged(schemes, hits.sort("scheme", "rule"), raised, members)


def pooled(worlds: Sequence[Judged]) -> Judged:
    """Several worlds as one; their seeds are in the schemes' names."""
    return Judged(
        pl.concat(one.schemes for one in worlds),
        pl.concat(one.hits for one in worlds),
        pl.concat(one.alerts for one in worlds),
        pl.concat(one.members for one in worlds),
    )


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927); (0, 1) of nothing.

    Formula: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n). In it 0 of n is not 0 for
    certain.
    """
    if of == 0:
        return 0.0, 1.0
    share, square = hits / of, Z * Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    spread = Z * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return max(0.0, middle - spread), min(1.0, middle + spread)


def by_kind(found: Judged, rules: Collection[str]) -> pl.DataFrame:
    """Of each kind: schemes, those its own rule found and with what range, those any rule found.

    A rule is a kind's own if the kind is named after it, as structuring-near after structuring.
    `hours` is the median time from a scheme's first posting to the first alert of its own rule;
    `in_time` of how many that alert came before the scheme's last posting, or with it. `rule` is
    empty where none of `rules` is for that kind: then nobody looked for it.
    """
    ours = [
        (kind, next((rule for rule in sorted(rules) if kind.startswith(rule)), ""))
        for kind in found.schemes["kind"].unique().sort()
    ]
    own = found.hits.filter(pl.col("kind").str.starts_with(pl.col("rule")))
    first = own.group_by("scheme").agg(pl.col("time").min())
    anyone = found.hits.select("scheme", any=pl.lit(value=True)).unique()
    schemes = found.schemes.join(first, on="scheme", how="left").join(
        anyone, on="scheme", how="left"
    )
    counted = schemes.group_by("kind").agg(
        schemes=pl.len(),
        found=pl.col("time").is_not_null().sum(),
        by_any=pl.col("any").fill_null(value=False).sum(),
        hours=((pl.col("time") - pl.col("begin")).median() / 3.6e9).round(1),
        in_time=(pl.col("time") <= pl.col("end")).sum(),
    )
    named = pl.DataFrame(ours, schema={"kind": pl.String(), "rule": pl.String()}, orient="row")
    counted = named.join(counted, on="kind", maintain_order="left")
    ranged = _ranged(counted, "found", "schemes", "recall")
    sought = pl.when(pl.col("rule") != "")
    return ranged.with_columns(sought.then(name) for name in ("found", "recall", "low", "high"))


def by_rule(found: Judged, exposure: float) -> pl.DataFrame:
    """Of each rule: alerts, true ones, precision and its range, false ones an exposure.

    Args:
        found: What was judged.
        exposure: Accounts x days in units of 10,000.
    """
    touched = found.hits.group_by("rule").agg(schemes=pl.col("scheme").n_unique())
    counted = found.alerts.group_by("rule").agg(alerts=pl.len(), true=pl.col("true").sum())
    counted = counted.join(touched, on="rule", how="left").with_columns(
        pl.col("schemes").fill_null(0),
        false_rate=((pl.col("alerts") - pl.col("true")) / exposure).round(3),
    )
    return _ranged(counted.sort("rule"), "true", "alerts", "precision")


def _ranged(counted: pl.DataFrame, hits: str, of: str, name: str) -> pl.DataFrame:
    ranges = [wilson(*row) for row in counted.select(hits, of).iter_rows()]
    return counted.with_columns(
        (pl.col(hits) / pl.col(of)).round(4).alias(name),
        low=pl.Series([round(low, 4) for low, _ in ranges], dtype=pl.Float64),
        high=pl.Series([round(high, 4) for _, high in ranges], dtype=pl.Float64),
    )
