"""The operations report of a day: what came in, what was refused, what came out, what was found.

Every figure comes from the regulatory log: results from its events, input from batch indexes.
Efficiency of netting = 1 - net / gross, over all cycles of the day in one asset and scale.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from deploy.reports import form
from deploy.reports.controls import chains
from deploy.reports.walk import Log

KINDS = ("BatchIndex", "DeadLetter", "NettingCycle", "Alert", "ControlChange", "ReportSubmission")
COUNTS = ("records", "used", "duplicates", "duplicates_unchecked", "late", "dead")
PPM = 1_000_000


@dataclass(frozen=True)
class Operations:
    """The figures of a day, each a table; those without a line are empty.

    Attributes:
        totals: name -> figure, for the head of the report.
        tables: name -> table, as in the CSV files.
    """

    totals: Mapping[str, int]
    tables: Mapping[str, pl.DataFrame]


def operations(log: Log) -> Operations:
    """The figures of what a pass over the log found."""
    batches, dead = log.results["BatchIndex"], log.results["DeadLetter"]
    cycles, alerts = log.results["NettingCycle"], log.results["Alert"]
    tables = {
        "chains": chains(log),
        "results": log.volumes.with_columns(hour=_hour(pl.col("hour"))),
        "inputs": inputs(batches),
        "batches": _batches(batches),
        "dead": _dead(dead),
        "netting": netting(cycles),
        "cycles": _cycles(cycles),
        "alerts": _alerts(alerts),
        "changes": _changes(log.results["ControlChange"]),
        "submissions": _submissions(log.results["ReportSubmission"]),
    }
    totals = {
        "results": int(log.volumes["events"].sum()),
        **{name: int(batches[name].sum()) for name in COUNTS},
        "cycles": cycles.height,
        "alerts": alerts.height,
        "unreadable": log.unreadable,
        "wrong_chains": sum(not chain.ok for chain in log.chains.values()),
    }
    return Operations(totals, tables)


def inputs(batches: pl.DataFrame) -> pl.DataFrame:
    """Records read by hour, job and topic; the hour is that of the slice, which is log time.

    Batch indexes before version 2 do not say records by topic and are left out here.
    """
    return (
        batches.filter(pl.col("inputs") != "")
        .select("slice_end", "job", part=pl.col("inputs").str.split(";"))
        .explode("part")
        .with_columns(
            hour=_hour((pl.col("slice_end") - 1) // _HOUR * _HOUR),
            topic=pl.col("part").str.extract(r"^(.*):\d+$"),
            records=pl.col("part").str.extract(r":(\d+)$").cast(pl.Int64),
        )
        .group_by("hour", "job", "topic")
        .agg(pl.sum("records"))
        .sort("hour", "job", "topic")
    )


def netting(cycles: pl.DataFrame) -> pl.DataFrame:
    """What netting saved, by asset and scale: cycles, obligations, sums, efficiency in ppm.

    Sums are exact whole numbers of any size; the efficiency is rounded down.
    """
    rows = []
    keys = ("asset", "scale")
    for (asset, scale), part in cycles.group_by(keys, maintain_order=True):
        gross, bilateral, multilateral = (
            sum(part[name].to_list()) for name in ("gross", "bilateral_net", "multilateral_net")
        )
        rows.append(
            {
                "asset": asset,
                "scale": scale,
                "cycles": part.height,
                "obligations": part["obligations"].sum(),
                "late": part["late"].sum(),
                "gross": form.exact(gross, scale),
                "bilateral_net": form.exact(bilateral, scale),
                "multilateral_net": form.exact(multilateral, scale),
                "bilateral_ppm": _saved(bilateral, gross),
                "multilateral_ppm": _saved(multilateral, gross),
            }
        )
    return pl.DataFrame(rows, schema=_NETTING).sort(keys)


_HOUR = 3_600_000_000
_NETTING = {
    "asset": pl.String,
    **dict.fromkeys(("scale", "cycles", "obligations", "late"), pl.Int64),
    **dict.fromkeys(("gross", "bilateral_net", "multilateral_net"), pl.String),
    **dict.fromkeys(("bilateral_ppm", "multilateral_ppm"), pl.Int64),
}


def _saved(net: int, gross: int) -> int:
    return (gross - net) * PPM // gross if gross else 0


def _hour(time: pl.Expr) -> pl.Expr:
    return pl.from_epoch(time, time_unit="us").dt.strftime("%Y-%m-%dT%H:00Z")


def _batches(batches: pl.DataFrame) -> pl.DataFrame:
    """Counts of batch indexes by job: records = used + duplicates + unchecked ones + dead."""
    return (
        batches.group_by("job")
        .agg(pl.len().cast(pl.Int64).alias("batches"), *(pl.sum(name) for name in COUNTS))
        .sort("job")
    )


def _dead(dead: pl.DataFrame) -> pl.DataFrame:
    """Refused records by job, topic and the code of the reason."""
    code = pl.col("reason").str.split(":").list.first().alias("reason")
    return (
        dead.group_by("job", "topic", code)
        .agg(records=pl.len().cast(pl.Int64))
        .sort("job", "topic", "reason")
    )


def _cycles(cycles: pl.DataFrame) -> pl.DataFrame:
    sums = ("gross", "bilateral_net", "multilateral_net")
    return cycles.sort("cycle_end", "netting_set", "asset", "scale").select(
        "event",
        form.moment("cycle_end").alias("cycle_end"),
        "netting_set",
        "asset",
        "members",
        "obligations",
        "late",
        *(form.decimal(name, "scale").alias(name) for name in sums),
        "bilateral_efficiency_ppm",
        "multilateral_efficiency_ppm",
    )


def _alerts(alerts: pl.DataFrame) -> pl.DataFrame:
    """Alerts by rule: how many, on how many subjects, and how many amend an earlier one."""
    keys = ("domain", "rule", "rule_version", "band")
    return (
        alerts.group_by(keys)
        .agg(
            alerts=pl.len().cast(pl.Int64),
            amended=(pl.col("corrects") != "").sum().cast(pl.Int64),
            subjects=pl.n_unique("subject").cast(pl.Int64),
        )
        .sort(keys)
    )


def _changes(changes: pl.DataFrame) -> pl.DataFrame:
    return changes.select("event", form.moment("time").alias("time"), "kind", "name", "author")


def _submissions(steps: pl.DataFrame) -> pl.DataFrame:
    return (
        steps.group_by("kind", "state")
        .agg(steps=pl.len().cast(pl.Int64), reports=pl.n_unique("report_id").cast(pl.Int64))
        .sort("kind", "state")
    )
