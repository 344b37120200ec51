"""What analysts said of alerts, as samples.

A folder holds `postings`, `customers`, `alerts` and `alert.actions`, each as a .parquet file: a
recorded log (as `tidemark generate --out` or `tidemark archive` write it) or one row a record. The
last label of an alert counts. A sample is the alert's customer on a day with one of the postings
that the alert rests on: positive after `true-positive`, honest after `false-positive`. `unsure`
says nothing; nor does an alert that nobody labelled, nor what is said of suspects and filings.
"""

from pathlib import Path

import polars as pl

from connectors.topics import TICK_KEY
from deploy import rows
from deploy.alerts.states import LABELS
from deploy.errors import UserError
from deploy.train.worlds import events_of, sampled
from schemas.codec import decode_batch
from schemas.records import record
from udfs.aml.flow_groups import Array
from udfs.aml.model import matrix
from udfs.aml.rule import DAY

FILES = {
    "postings": "Posting",
    "customers": "Customer",
    "alerts": "Alert",
    "alert.actions": "AlertAction",
}
_SAID = {"true-positive": True, "false-positive": False}
_LOG = {"key", "value", "offset"}


def labelled(folder: Path) -> tuple[Array, Array]:
    """Features and labels of the samples; shapes (samples, features), (samples,).

    Raises:
        UserError: A file is missing or none, or no label leads to a posting.
    """
    found = {topic: records(folder / f"{topic}.parquet", name) for topic, name in FILES.items()}
    days = _days(found["alerts"], found["alert.actions"])
    events = events_of(found["postings"], found["customers"])
    named = events.join(days, on="posting_id").filter(pl.col("owner") == pl.col("subject"))
    end = (pl.col("at") // DAY + 1) * DAY
    told = named.group_by("owner", end=end).agg(pl.col("positive").any())
    joined = sampled(events).join(told, on=["owner", "end"], maintain_order="left")
    if joined.is_empty():
        raise UserError(f"{folder}: no label leads to a posting there; give the alerts' postings")
    return matrix(joined), joined["positive"].to_numpy()


def _days(alerts: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """The postings of labelled alerts: posting_id, subject, positive."""
    resting = alerts.select("alert_id", "subject", posting_id=pl.col("events").str.split(";"))
    return resting.join(said(actions), on="alert_id").explode("posting_id")


def said(actions: pl.DataFrame) -> pl.DataFrame:
    """The last label of each alert, of those that say something: alert_id, positive."""
    return (
        actions.filter(
            pl.col("kind").cast(pl.String) == "LABEL", pl.col("disposition").is_in(LABELS)
        )
        .sort("time", "action_id")
        .unique("alert_id", keep="last", maintain_order=True)
        .filter(pl.col("disposition").is_in(list(_SAID)))
        .select("alert_id", positive=pl.col("disposition") == "true-positive")
    )


def records(path: Path, name: str) -> pl.DataFrame:
    """Records of one kind in a .parquet file: a recorded log, or one row a record.

    Raises:
        UserError: The file is missing, none, or holds no such record.
    """
    frame = rows.read(path)
    if not set(frame.columns) >= _LOG:
        return rows.typed(record(name), path, frame)
    values = [
        value
        for key, value in frame.select("key", "value").iter_rows()
        if key != TICK_KEY and value is not None
    ]
    if not values:
        raise UserError(f"{path} holds no {name}; give a log with records")
    return decode_batch(record(name), values)[0]
