"""Control evidence: who changed which rule set, model, limit or list, when, and what then decided.

For auditors who test controls over reporting (SOX, section 404) or changes of systems (DORA,
Regulation (EU) 2022/2554, Article 9(4)(e)). Every line names its place in the chain, so that it can
be proven. What the report cannot know is a change that nobody recorded: it finds one where a hash
that decided was never introduced, or where a change does not start from what was there before.
"""

from pathlib import Path

import polars as pl

from deploy.reports import form
from deploy.reports.walk import Log, Window

KINDS = ("ControlChange", "BatchIndex")

_CHANGE = [
    *("event", "logged", "time", "kind", "name", "from_hash", "to_hash", "author", "approver"),
    *("effective_time", "reason", "change_id"),
]
_HEX = 64


def report(log: Log, window: Window) -> dict[str, pl.DataFrame]:
    """The files of the report, by name: changes, findings, versions, deciders, chains.

    Args:
        log: The whole log, so that each change is compared with the one before it.
        window: Which changes and findings are told; those that were logged in it.
    """
    changes = log.results["ControlChange"].with_columns(pl.col("event_logged").alias("logged"))
    inside = pl.col("logged").is_between(window.start, window.end, closed="left")
    findings = pl.concat([_of_changes(changes), _of_deciders(log.deciders, changes)])
    return {
        "changes": _shown(changes.filter(inside), "logged", "time", "effective_time").select(
            _CHANGE
        ),
        "findings": _shown(findings.filter(inside), "logged"),
        "versions": versions(log.results["BatchIndex"]),
        "deciders": _deciders(log.deciders),
        "chains": chains(log),
    }


def chains(log: Log) -> pl.DataFrame:
    """The verdict on each shard's chain: shard, verdict, events, head, problem."""
    return pl.DataFrame(
        {
            "shard": list(log.chains),
            "verdict": ["ok" if chain.ok else "WRONG" for chain in log.chains.values()],
            "events": [chain.length for chain in log.chains.values()],
            "head": [chain.head.hex() for chain in log.chains.values()],
            "problem": [chain.problem or "" for chain in log.chains.values()],
        },
        schema={
            "shard": pl.Int64,
            "verdict": pl.String,
            "events": pl.Int64,
            "head": pl.String,
            "problem": pl.String,
        },
    )


def versions(batches: pl.DataFrame) -> pl.DataFrame:
    """Which decision version ran when: runs of batches of a job and shard with one version.

    Columns: job, shard, version, batches, first_slice, last_slice (ends of the slices, ISO 8601),
    first_event and last_event (SHARD:SEQUENCE).
    """
    keys = ("job", "shard")
    runs = (
        batches.sort(*keys, "sequence", maintain_order=True)
        .with_columns(run=pl.col("version").rle_id().over(keys))
        .group_by(*keys, "run", maintain_order=True)
        .agg(
            version=pl.first("version"),
            batches=pl.len().cast(pl.Int64),
            first_slice=pl.first("slice_end"),
            last_slice=pl.last("slice_end"),
            first_event=pl.first("event"),
            last_event=pl.last("event"),
        )
    )
    return _shown(runs.drop("run"), "first_slice", "last_slice")


def markdown(tables: dict[str, pl.DataFrame]) -> str:
    """The report for people: counts, findings, changes and chain verdicts."""
    chains, changes, findings = tables["chains"], tables["changes"], tables["findings"]
    wrong = chains.filter(pl.col("verdict") != "ok").height
    lines = [
        "# Control evidence",
        "",
        "From the regulatory log. Each place (SHARD:SEQUENCE) can be proven: tidemark prove PLACE.",
        "",
        f"- changes: {changes.height}",
        f"- findings: {findings.height}",
        f"- chains: {chains.height}, of which {wrong} do not hold",
        "",
        "## Findings",
        "",
        _table(findings) if findings.height else "None.\n",
        "## Changes",
        "",
        _table(changes.select(_CHANGE[:10])) if changes.height else "None.\n",
        "## Versions that ran",
        "",
        _table(tables["versions"]) if tables["versions"].height else "None.\n",
        "## Chains",
        "",
        _table(chains),
    ]
    return "\n".join(lines)


def write(folder: Path, tables: dict[str, pl.DataFrame]) -> None:
    """Write the report: `controls.md` and one CSV file a table."""
    for name, frame in tables.items():
        form.write_csv(folder / f"{name}.csv", frame)
    (folder / "controls.md").write_text(markdown(tables), encoding="utf-8")


def _of_changes(changes: pl.DataFrame) -> pl.DataFrame:
    """What is wrong with changes by themselves, and with each after the one before it."""
    known = pl.col("to_hash").shift(1).over("kind", "name")
    first = known.is_null()
    checks = [
        ("not approved", pl.col("approver") == "", pl.lit("nobody is named as approver")),
        (
            "approved by its author",
            pl.col("author") == pl.col("approver"),
            pl.format("{} made and approved it", "author"),
        ),
        (
            "in force before it was made",
            pl.col("effective_time") < pl.col("time"),
            pl.format(
                "in force from {}, made {}", form.moment("effective_time"), form.moment("time")
            ),
        ),
        (
            "broken succession",
            pl.when(first).then(pl.lit(False)).otherwise(pl.col("from_hash") != known),
            pl.format("starts from {}, in force was {}", _or("from_hash"), _or(known)),
        ),
    ]
    found = [
        changes.with_columns(broken=broken, finding=pl.lit(what), detail=why)
        .filter("broken")
        .select("logged", "event", "name", "finding", "detail")
        for what, broken, why in checks
    ]
    return pl.concat(found).sort("logged", "event", "finding")


def _of_deciders(deciders: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """Rule sets and models that decided without a recorded change, or before it was in force."""
    introduced = (
        changes.filter(pl.col("to_hash") != "").group_by("to_hash").agg(pl.min("effective_time"))
    )
    used = deciders.filter(pl.col("decided_by") != "").with_columns(
        to_hash=pl.col("decided_by").str.tail(_HEX),
        event=pl.format("{}:{}", "shard", "first"),
    )
    met = used.join(introduced, on="to_hash", how="left", maintain_order="left")
    unknown = pl.col("effective_time").is_null()
    early = pl.col("first_time") < pl.col("effective_time")
    detail = (
        pl.when(unknown)
        .then(pl.format("{} events, no recorded change brought it in", "events"))
        .otherwise(
            pl.format(
                "decided at {}, in force from {}",
                form.moment("first_time"),
                form.moment("effective_time"),
            )
        )
    )
    return met.filter(unknown | early).select(
        logged=pl.col("first_time"),
        event="event",
        name="decided_by",
        finding=pl.when(unknown)
        .then(pl.lit("decided without a recorded change"))
        .otherwise(pl.lit("decided before it was in force")),
        detail=detail,
    )


def _deciders(deciders: pl.DataFrame) -> pl.DataFrame:
    """Decision versions and rule sets of all results, by first and last place in each chain."""
    return _shown(deciders, "first_time", "last_time").select(
        *("topic", "kind", "version", "decided_by", "shard", "events"),
        pl.format("{}:{}", "shard", "first").alias("first_event"),
        pl.format("{}:{}", "shard", "last").alias("last_event"),
        *("first_time", "last_time"),
    )


def _or(column: str | pl.Expr) -> pl.Expr:
    value = pl.col(column) if isinstance(column, str) else column
    return pl.when(value == "").then(pl.lit("nothing")).otherwise(value)


def _shown(frame: pl.DataFrame, *times: str) -> pl.DataFrame:
    return frame.with_columns(form.moment(name).alias(name) for name in times)


def _table(frame: pl.DataFrame) -> str:
    return form.table(frame.columns, frame.rows())
