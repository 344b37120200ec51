"""Scores and alerts on market abuse, held against what a simulation planted.

An order is flagged when the model's score reaches its limit; it is told when it is flagged or an
alert of any rule rests on one of its events. An alert is right when it rests on an event of an
abusive order. A scheme is found when any of its orders is told; the clock starts with the entry of
its first order and stops with the first alert on it, or the end of the first flagged order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from deploy.train.abuse.judge import average_precision
from deploy.train.abuse.markets import Market
from deploy.train.abuse.run import HEADS
from deploy.train.abuse.samples import Samples, together
from udfs.abuse.drift_records import RULE as DRIFT
from udfs.abuse.model import Model

KEY = ("seed", "order_id", "isin", "mic")
_SECOND = 1_000_000


@dataclass(frozen=True)
class Found:
    """Orders with what was said of them, and alerts.

    Attributes:
        samples: The orders of all markets.
        orders: samples.orders with flagged, head (the one that leads), told.
        alerts: A row an alert: seed, alert_id, rule, time, right.
        named: A row an alert and order it rests on: seed, alert_id, rule, time, KEY.
    """

    samples: Samples
    orders: pl.DataFrame
    alerts: pl.DataFrame
    named: pl.DataFrame


def found(seen: Sequence[Market], model: Model) -> Found:
    """Everything said of the orders of markets."""
    samples = together([one.samples for one in seen])
    named = pl.concat([_named(one) for one in seen])
    behind = named.select(*KEY, alerted=pl.lit(value=True)).unique()
    graded = model.graded(samples.features)
    orders = samples.orders.with_columns(
        flagged=pl.Series(samples.orders["score"] >= model.at_least),
        head=pl.Series([model.heads[place] for place in graded.argmax(axis=1).tolist()]),
    ).join(behind, on=KEY, how="left", maintain_order="left")
    orders = orders.with_columns(alerted=pl.col("alerted").fill_null(value=False)).with_columns(
        told=pl.col("flagged") | pl.col("alerted")
    )
    truth = samples.orders.select(*KEY, "abusive")
    right = (
        named.join(truth, on=KEY, how="left")
        .group_by("seed", "alert_id", "rule", "time")
        .agg(right=pl.col("abusive").fill_null(value=False).any())
    )
    return Found(samples, orders, right.filter(pl.col("rule") != DRIFT), named)


def _named(one: Market) -> pl.DataFrame:
    """The orders that each alert rests on."""
    schema = {"alert_id": pl.String, "rule": pl.String, "time": pl.Int64, "events": pl.String}
    alerts = one.alerts.select(*schema) if one.alerts.height else pl.DataFrame(schema=schema)
    behind = alerts.with_columns(event_id=pl.col("events").str.split(";")).explode("event_id")
    joined = behind.join(one.events.drop("time"), on="event_id", how="inner")
    return joined.select("alert_id", "rule", "time", "order_id", "isin", "mic",
                         seed=pl.lit(one.asked.seed))  # fmt: skip


def by_practice(said: Found, model: Model) -> pl.DataFrame:
    """Of each practice: orders flagged, right among those a head names, schemes, time to alert."""
    rows = []
    probabilities = model.probabilities(said.samples.features)
    practice = said.orders["practice"]
    for name in said.orders.filter("abusive")["practice"].unique().sort():
        mine = said.orders.filter("abusive", pl.col("practice") == name)
        head = next((h for h, of in HEADS.items() if name in of and h in model.heads), "")
        named = said.orders.filter("flagged", pl.col("head") == head)
        of = HEADS.get(head, ())
        true = named.filter("abusive", pl.col("practice").is_in(list(of))).height
        any_true = int(named["abusive"].sum())
        schemes, hit, waited = _schemes(said, name)
        score = probabilities[:, model.heads.index(head)] if head else np.zeros(len(said.samples))
        positive = ((practice == name) & said.orders["abusive"]).to_numpy()
        clean = positive | ~said.samples.abusive
        rows.append({
            "practice": name,
            "orders": mine.height,
            "flagged": int(mine["flagged"].sum()),
            "told": int(mine["told"].sum()),
            "head": head,
            "named": named.height,
            "right": true,
            "abusive": any_true,
            "pr_auc": round(average_precision(positive[clean], score[clean]), 4),
            "schemes": schemes,
            "found": hit,
            "seconds": waited,
        })  # fmt: skip
    kinds = {"practice": pl.String, "head": pl.String, "pr_auc": pl.Float64, "seconds": pl.Float64}
    names = ("practice", "orders", "flagged", "told", "head", "named", "right", "abusive",
             "pr_auc", "schemes", "found", "seconds")  # fmt: skip
    return pl.DataFrame(rows, schema={name: kinds.get(name, pl.Int64()) for name in names})


def _schemes(said: Found, practice: str) -> tuple[int, int, float | None]:
    """Schemes of a practice, those found, and the median seconds until then."""
    mine = said.orders.filter("abusive", pl.col("practice") == practice)
    begun = mine.group_by("seed", "scheme").agg(begin=pl.col("entered").min())
    flagged = mine.filter("flagged").select("seed", "scheme", "time")
    alerted = mine.select(*KEY, "scheme").join(said.named, on=KEY).select("seed", "scheme", "time")
    first = pl.concat([flagged, alerted]).group_by("seed", "scheme").agg(pl.col("time").min())
    joined = begun.join(first, on=("seed", "scheme"))
    waited = ((joined["time"] - joined["begin"]) / _SECOND).median()
    return begun.height, joined.height, None if waited is None else round(float(waited), 1)  # type: ignore[arg-type]


def cycles(said: Found) -> tuple[int, int]:
    """Cycles as Sarao's, and those found: levels that follow the market, on and off again.

    A cycle of a layering scheme is what of its layers stands together; it is found if the model or
    an alert tells of one of them.
    """
    within = ("seed", "scheme")
    layers = said.orders.filter("abusive", practice="layering", role="layer")
    ordered = layers.sort(*within, "entered")
    until = pl.col("time").cum_max().shift(1).over(within)
    opened = (pl.col("entered") > until).fill_null(value=True)
    found = (
        ordered.with_columns(opened=opened)
        .with_columns(cycle=pl.col("opened").cum_sum().over(within))
        .group_by(*within, "cycle")
        .agg(pl.col("told").any())
    )
    return found.height, int(found["told"].sum())


def by_rule(said: Found, hours: float) -> pl.DataFrame:
    """Of each rule: alerts, right ones, false ones an hour of trading."""
    return (
        said.alerts.group_by("rule")
        .agg(alerts=pl.len(), right=pl.col("right").sum())
        .with_columns(false_an_hour=((pl.col("alerts") - pl.col("right")) / hours).round(3))
        .sort("rule")
        .cast({"alerts": pl.Int64, "right": pl.Int64})
    )


def by_honest(said: Found) -> pl.DataFrame:
    """Of each kind of honest trading: orders, those flagged by the model, those told at all."""
    return (
        said.orders.filter(~pl.col("abusive"))
        .group_by("practice")
        .agg(
            orders=pl.len().cast(pl.Int64),
            flagged=pl.col("flagged").sum().cast(pl.Int64),
            told=pl.col("told").sum().cast(pl.Int64),
            false_rate=pl.col("flagged").mean().round(6),
        )
        .sort("practice")
    )
