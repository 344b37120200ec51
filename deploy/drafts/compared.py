"""Where the alerts of two rule sets over the same input differ.

Two alerts are the same one if rule, subject and trigger are: the trigger is the business time at
which the rule was met. A draft that speaks earlier of a subject is then quiet for the rule's
cool-down, so a moved alert is one that is lost and one that is gained.
"""

from dataclasses import dataclass

import polars as pl

SAME = ("rule", "subject", "time")
_NTH = "nth"
"""An alert and its amendment may have one trigger."""
_BOTH = ("alert_id", "band", "score", "measured", "limit", "reason")


@dataclass(frozen=True)
class Compared:
    """Alerts of a live set and of a draft.

    Attributes:
        live: All of the live set.
        draft: All of the draft.
        gained: Alerts only the draft raises, as it says them.
        lost: Alerts only the live set raises, as it says them.
        changed: Alerts with another band or score: rule, subject, time, what the live set says of
            alert_id, band, score, measured, limit and reason, and the same of the draft (`draft_`).
    """

    live: pl.DataFrame
    draft: pl.DataFrame
    gained: pl.DataFrame
    lost: pl.DataFrame
    changed: pl.DataFrame

    def by_rule(self) -> pl.DataFrame:
        """A row a rule: alerts of live and draft, gained, lost, changed, and the same in both."""
        parts = {
            "live": self.live,
            "draft": self.draft,
            "gained": self.gained,
            "lost": self.lost,
            "changed": self.changed,
        }
        rows = pl.concat(one.select("rule", part=pl.lit(name)) for name, one in parts.items())
        counts = rows.group_by("rule").agg(
            (pl.col("part") == name).sum().cast(pl.Int64).alias(name) for name in parts
        )
        same = pl.col("live") - pl.col("lost") - pl.col("changed")
        return counts.sort("rule").with_columns(same=same)


def compared(live: pl.DataFrame, draft: pl.DataFrame) -> Compared:
    """Compare two frames of records Alert; each may be in any order."""
    live, draft = _numbered(live), _numbered(draft)
    key = [*SAME, _NTH]
    gained = draft.join(live, on=key, how="anti", maintain_order="left").drop(_NTH)
    lost = live.join(draft, on=key, how="anti", maintain_order="left").drop(_NTH)
    said = draft.select(*key, *(pl.col(name).alias(f"draft_{name}") for name in _BOTH))
    both = live.select(*key, *_BOTH).join(said, on=key, maintain_order="left")
    other = (pl.col("band") != pl.col("draft_band")) | (pl.col("score") != pl.col("draft_score"))
    changed = both.filter(other).drop(_NTH)
    return Compared(live.drop(_NTH), draft.drop(_NTH), gained, lost, changed)


def _numbered(alerts: pl.DataFrame) -> pl.DataFrame:
    ordered = alerts.sort("time", "rule", "subject", "alert_id")
    return ordered.with_columns(pl.int_range(pl.len()).over(SAME).alias(_NTH))
