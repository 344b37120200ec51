"""How many alerts are right, where that is known: by people's labels, by a generator's schemes.

A label is on an alert, by its id; the last one counts. A draft's alert has the label of the live
one with the same id, that is with the same rule, subject, time and events. A scheme of a generated
world is found when an alert rests on one of its postings, and such an alert is true.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from deploy.evaluate.judged import judge, wilson

TRUE, FALSE = "true-positive", "false-positive"


@dataclass(frozen=True)
class Share:
    """So many of so many, with the 95 % range of Wilson."""

    hits: int
    of: int

    def document(self) -> dict[str, int | float | None]:
        """As in the summary; no share of nothing."""
        low, high = wilson(self.hits, self.of)
        share = round(self.hits / self.of, 4) if self.of else None
        said = {"hits": self.hits, "of": self.of, "share": share}
        return {**said, "low": round(low, 4), "high": round(high, 4)}


@dataclass(frozen=True)
class Rates:
    """Precision and recall of one set of alerts, and who says so."""

    by: str
    precision: Share
    recall: Share


def by_labels(alerts: pl.DataFrame, labels: Mapping[str, str], known: pl.DataFrame) -> Rates:
    """Precision among labelled alerts; recall of the alerts of `known` that are labelled true."""
    said = {name: labels.get(name, "") for name in first_versions(alerts)}
    right = sum(one == TRUE for one in said.values())
    wrong = sum(one == FALSE for one in said.values())
    sought = {name for name in first_versions(known) if labels.get(name) == TRUE}
    return Rates(
        "labels", Share(right, right + wrong), Share(len(sought & said.keys()), len(sought))
    )


def by_schemes(alerts: pl.DataFrame, schemes: pl.DataFrame, begin: int, end: int) -> Rates:
    """The same by the labels of a generated world; of the schemes with a posting in the range."""
    there = (pl.col("first_time") < end) & (pl.col("last_time") >= begin)
    seen = schemes.filter(there.any().over("scheme"))
    found = judge(seen, alerts)
    hits = found.hits["scheme"].n_unique()
    true = int(found.alerts["true"].sum())
    return Rates("schemes", Share(true, found.alerts.height), Share(hits, found.schemes.height))


def first_versions(alerts: pl.DataFrame) -> set[str]:
    """Ids of alerts, an amended one by its first version."""
    first = pl.when(pl.col("corrects") == "").then("alert_id").otherwise("corrects")
    return set(alerts.select(first)["alert_id"])


def labels_of(actions: pl.DataFrame) -> dict[str, str]:
    """What was last said of each alert (records AlertAction)."""
    said = actions.filter(pl.col("kind") == "LABEL").sort("time", "action_id")
    return dict(said.select("alert_id", "disposition").iter_rows())
