"""What people said of alerts on market abuse, as samples.

A folder holds `order.events`, `alerts` and `alert.actions`, and `owner.links` if there are any:
each a .parquet file, a recorded log or one row a record. The last label of an alert counts. A
sample is an order that ended and of which an event is behind the alert. After `true-positive` it is
positive for the practice that the alert's rule is named after; of a model's alert, for that which
the champion finds most likely. After `false-positive` it is honest; `unsure` says nothing.
"""

from pathlib import Path

import numpy as np
import polars as pl

from deploy.errors import UserError
from deploy.train.abuse.run import HEADS, Said
from deploy.train.abuse.samples import seen
from deploy.train.labels import records, said
from udfs.abuse import step
from udfs.abuse.features import FEATURES
from udfs.abuse.model import Model, load, role
from udfs.abuse.trees import Array


def labelled(folder: Path) -> Said:
    """Features and labels of the orders behind labelled alerts.

    Raises:
        UserError: A file is missing or none, or no label leads to an order.
    """
    events = records(folder / "order.events.parquet", "OrderEvent")
    alerts = records(folder / "alerts.parquet", "Alert")
    actions = records(folder / "alert.actions.parquet", "AlertAction")
    path = folder / "owner.links.parquet"
    links = {step.OWNERS: records(path, "OwnerLink")} if path.exists() else {}
    rows = seen(events, links)
    orders = _orders(events, alerts, actions)
    joined = rows.join(orders, on=["order_id", "isin", "mic"], maintain_order="left")
    if joined.is_empty():
        raise UserError(f"{folder}: no label leads to an order there; give the alerts' events")
    features = np.asarray(joined.select(*FEATURES).to_numpy(), dtype=np.float32)
    return Said(features, _heads(joined, features))


def _orders(events: pl.DataFrame, alerts: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """The orders behind labelled alerts: order_id, isin, mic, rule, positive."""
    behind = alerts.select("alert_id", "rule", event_id=pl.col("events").str.split(";"))
    named = behind.join(said(actions), on="alert_id").explode("event_id")
    orders = events.select("event_id", "order_id", "isin", "mic").join(named, on="event_id")
    by = orders.sort("positive", descending=True, maintain_order=True)
    return by.unique(["order_id", "isin", "mic"], keep="first", maintain_order=True)


def _heads(joined: pl.DataFrame, features: Array) -> list[str]:
    """The head that each sample is positive for; "" of honest ones."""
    of = {practice: head for head, practices in HEADS.items() for practice in practices}
    champion = role("champion")
    guess = _guessed(load(champion, list(FEATURES)), features) if champion else None
    found = []
    for place, (rule, positive) in enumerate(joined.select("rule", "positive").iter_rows()):
        usual = guess[place] if guess else next(iter(HEADS))
        found.append(of.get(rule, usual) if positive else "")
    return found


def _guessed(model: Model, features: Array) -> list[str]:
    return model.practice(features)
