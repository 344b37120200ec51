"""Alerts as cases: those of one subject together, an amended alert once, in its newest form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from deploy.errors import UserError

Alert = dict[str, Any]
"""An alert as a row: the fields of Alert, with `event` (SHARD:SEQUENCE) and `event_lineage`.

`raised` is the business time of its first form that was read, microseconds UTC.
"""


@dataclass(frozen=True)
class Case:
    """What is known of one subject.

    Attributes:
        subject: Whom it is about.
        alerts: The alerts, each in its newest form, by time and id.
        amended: Chain places of the earlier forms of these alerts.
    """

    subject: str
    alerts: tuple[Alert, ...]
    amended: tuple[str, ...]

    @property
    def first_time(self) -> int:
        """Business time of the first event behind the alerts, microseconds UTC."""
        return min(int(alert["first_time"]) for alert in self.alerts)

    @property
    def last_time(self) -> int:
        """Business time of the last one."""
        return max(int(alert["last_time"]) for alert in self.alerts)

    @property
    def detected(self) -> int:
        """Business time of the first alert, in its first form."""
        return min(int(alert["raised"]) for alert in self.alerts)

    def amounts(self) -> dict[tuple[str, int], int]:
        """The greatest amount of an alert, by (currency, scale).

        Alerts of one subject may rest on the same events, so that their amounts do not add up.
        """
        found: dict[tuple[str, int], int] = {}
        for alert in self.alerts:
            key = (alert["currency"], alert["scale"])
            if alert["currency"]:
                found[key] = max(found.get(key, 0), int(alert["amount"]))
        return dict(sorted(found.items()))

    def values(self, field: str) -> list[str]:
        """The different values of a field, empty ones left out, sorted."""
        return sorted({str(alert[field]) for alert in self.alerts if alert[field]})

    def events(self) -> list[str]:
        """Ids of the events behind the alerts, each once, in the alerts' order."""
        return list(
            dict.fromkeys(
                one for alert in self.alerts for one in str(alert["events"]).split(";") if one
            )
        )


def cases(
    alerts: pl.DataFrame,
    domain: str,
    subject: str | None = None,
    wanted: Sequence[str] = (),
) -> list[Case]:
    """The cases of a domain, by subject.

    Args:
        alerts: All alerts that may count, in the order of the log within a shard.
        domain: AML, MARKET_ABUSE, RISK or SETTLEMENT.
        subject: Only this one.
        wanted: Only alerts with these ids, whether the first or an amended form.

    Raises:
        UserError: One of `wanted` is not there.
    """
    found = alerts.filter(pl.col("domain") == domain)
    if subject is not None:
        found = found.filter(pl.col("subject") == subject)
    root = pl.when(pl.col("corrects") != "").then("corrects").otherwise("alert_id")
    found = found.with_columns(root=root)
    found = found.with_columns(raised=pl.min("time").over("root"))
    if wanted:
        if lacking := sorted(set(wanted) - {*found["alert_id"], *found["root"]}):
            raise UserError(
                f"the log has no alert {lacking[0]!r} of {domain} there; look for it with: "
                "tidemark events --kind Alert"
            )
        chosen = found.filter(pl.col("alert_id").is_in(wanted) | pl.col("root").is_in(wanted))
        found = found.filter(pl.col("root").is_in(chosen["root"].to_list()))
    newest = found.unique("root", keep="last", maintain_order=True)
    earlier = found.join(newest.select("event"), on="event", how="anti", maintain_order="left")
    made = []
    for name in sorted(set(newest["subject"])):
        own = newest.filter(pl.col("subject") == name).sort("time", "alert_id")
        old = earlier.filter(pl.col("root").is_in(own["root"].to_list()))
        made.append(Case(name, tuple(own.drop("root").to_dicts()), tuple(old["event"])))
    return made
